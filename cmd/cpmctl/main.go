// Command cpmctl talks to cpmd from a shell: for operators, and for tills that can do no more than run a program and look
// at its exit code.
//
// Start reading at run. command.go lists the commands; each has a file by its subject, and sale.go is what tills use.
// What the exit codes mean is decided in exit.go.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"cpmd/till/client"
)

const defaultAddr = "unix:/run/cpmd/till.sock"

// patience is how long a call is repeated while cpmd does not answer, such as over a restart.
const patience = 3 * time.Second

func main() { os.Exit(start()) }

func start() (exit int) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, signals)
}

// A tool is one run of cpmctl.
type tool struct {
	in    io.Reader
	out   io.Writer
	err   *status
	paint bool // the output may have colour
	addr  string
	token string // file
	json  bool
	*client.Client

	all   context.Context // ends at the second signal
	first context.Context // ends at the first
}

func run(ctx context.Context, args []string, in io.Reader, out, errw io.Writer, getenv func(string) string, signals <-chan os.Signal) int {
	all, stop := context.WithCancel(ctx)
	defer stop()
	first, stopFirst := context.WithCancel(all)
	defer stopFirst()
	go func() {
		for _, cancel := range []context.CancelFunc{stopFirst, stop} {
			select {
			case <-signals:
				cancel()
			case <-all.Done():
				return
			}
		}
	}()
	t := &tool{in: in, out: out, err: &status{w: errw, live: isTerminal(errw) && getenv("TERM") != "dumb"}, all: all, first: first,
		paint: isTerminal(out) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb",
		addr:  cmp.Or(getenv("CPMD_ADDR"), defaultAddr), token: getenv("CPMD_TOKEN_FILE")}
	exit, err := t.run(args)
	if t.Client != nil {
		t.Close()
	}
	if err != nil {
		t.sayf("cpmctl: %v", err)
	}
	return exit
}

// run finds the command and lets it work.
func (t *tool) run(args []string) (int, error) {
	fs := t.flags("cpmctl")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return t.help("")
	case err != nil:
		return usagef("%w", err)
	case fs.NArg() == 0:
		return t.help("")
	}
	name, args := fs.Arg(0), fs.Args()[1:]
	if name == "help" {
		return t.help(append(args, "")[0])
	}
	i := slices.IndexFunc(commands, func(c *command) bool { return c.name == name })
	if i < 0 {
		return usagef("there is no command %q; cpmctl -h lists them", name)
	}
	c := commands[i]
	fs = t.flags(c.name)
	do := c.begin(fs)
	values, err := c.parse(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		return t.help(c.name)
	}
	if err != nil {
		return failed(err)
	}
	if !c.offline {
		if t.Client, err = client.New(client.Config{Addr: t.addr, TokenFile: t.token, Patience: patience}); err != nil {
			return usagef("%w", err)
		}
	}
	return do(t, values)
}

// flags begins a set of flags with those that every command has.
func (t *tool) flags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&t.addr, "addr", t.addr, "where cpmd listens: `ADDR` is unix:/path or tcp:127.0.0.1:PORT; "+
		"default $CPMD_ADDR, else "+defaultAddr)
	fs.StringVar(&t.token, "token-file", t.token, "the `FILE` with cpmd's token, for tcp; default $CPMD_TOKEN_FILE")
	fs.BoolVar(&t.json, "json", t.json, "print JSON on standard output")
	return fs
}
