// Command cpmd is the daemon on the counter PC. Start reading at run; what the daemon is made of is in app.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"cpmd/cmd/cpmd/app"
	"cpmd/cmd/cpmd/certify"
	"cpmd/cmd/cpmd/config"
	"cpmd/cmd/cpmd/demo"
	"cpmd/cmd/cpmd/live"
	"cpmd/cmd/cpmd/scanners"
	"cpmd/cmd/cpmd/setup"
	"cpmd/queue/journal"
)

const usage = `cpmd takes amounts from tills and codes from scanners, and makes the money move exactly once.

  cpmd [run] [-config FILE]  run the daemon
  cpmd setup                 make a configuration that works, try it, start the service; -h lists its flags
  cpmd check [FILE]          report everything that is wrong with a configuration; -config FILE is the same
  cpmd check -live [FILE]    and try it: QFPay and the credentials, scanners, journal, addresses, the running daemon
  cpmd check -journal FILE   check a journal for damage; nothing is changed
  cpmd scanners              list what is plugged in, and how to configure it
  cpmd demo                  play the main job here, with a simulated QFPay
  cpmd certify -- COMMAND    put a till through the bad cases, with a simulated QFPay
  cpmd man, cpmd openapi     write the manual page, and the description of the till API (OpenAPI 3.1)
  cpmd version

The configuration is /etc/cpmd/cpmd.toml if you name none. docs/configuration.md explains it; configs/ has examples.
Exit codes: 0 all is well, 1 it failed, 64 wrong usage.
`

const defaultConfig = "/etc/cpmd/cpmd.toml"

// Exit codes beside 0: it failed and said why; it was called wrongly (sysexits.h EX_USAGE).
const (
	failed = 1
	misuse = 64
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	command := "run"
	if len(args) > 0 && len(args[0]) > 0 && args[0][0] != '-' {
		command, args = args[0], args[1:]
	}
	switch command {
	case "run", "check":
		return withConfig(command, args, stdout, stderr)
	case "setup":
		return setup.Run(args, os.Stdin, stdout, stderr, version())
	case "scanners":
		return scanners.Run(args, stdout, stderr)
	case "demo":
		return demo.Run(args, stdout, stderr)
	case "certify":
		return certify.Run(args, stdout, stderr)
	case "man", "openapi":
		return document(command, stdout, stderr)
	case "version":
		fmt.Fprintln(stdout, "cpmd", version())
		return 0
	case "help":
		fmt.Fprint(stdout, usage)
		return 0
	}
	fmt.Fprintf(stderr, "cpmd: there is no command %q\n\n%s", command, usage)
	return misuse
}

func withConfig(command string, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("cpmd "+command, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	file := flags.String("config", defaultConfig, "the configuration `file`")
	var journal string
	var live bool
	if command == "check" {
		flags.BoolVar(&live, "live", false, "try everything that it needs as well")
		flags.StringVar(&journal, "journal", "", "a journal `file` to look at instead")
	}
	if err := flags.Parse(args); err == flag.ErrHelp {
		return 0
	} else if err != nil {
		return misuse
	}
	named := false
	flags.Visit(func(f *flag.Flag) { named = named || f.Name != "live" })
	rest := flags.Args()
	if command == "check" && !named && len(rest) > 0 {
		*file, rest = rest[0], rest[1:]
	}
	if len(rest) > 0 {
		fmt.Fprintf(stderr, "cpmd %s: unexpected argument %q\n\n%s", command, rest[0], usage)
		return misuse
	}
	if journal != "" {
		return checkJournal(journal, stdout, stderr)
	}
	if command == "check" {
		return check(*file, live, stdout, stderr)
	}
	cfg, err := config.Load(*file)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return failed
	}
	if err := app.Harden(); err != nil {
		fmt.Fprintln(stderr, "cpmd: the process's memory cannot be protected:", err)
	}
	ctx, stop := untilSignal(stderr)
	defer stop()
	if err := app.RunReloading(ctx, cfg, version(), stderr, hangups()); err != nil {
		fmt.Fprintln(stderr, "cpmd:", err)
		return failed
	}
	return 0
}

// untilSignal ends with the first SIGTERM or SIGINT; a second one ends the process at once.
func untilSignal(stderr io.Writer) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-signals
		cancel()
		<-signals
		fmt.Fprintln(stderr, "cpmd: second signal: stopping at once; unfinished payments are followed at the next start")
		os.Exit(failed)
	}()
	return ctx, cancel
}

// hangups passes on each SIGHUP (systemctl reload cpmd); those that come while one waits are that one.
func hangups() <-chan struct{} {
	signals, reload := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		for range signals {
			reload <- struct{}{}
		}
	}()
	return reload
}

func check(file string, tried bool, stdout, stderr io.Writer) int {
	cfg, warnings, err := config.Check(file)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return failed
	}
	for _, w := range warnings {
		fmt.Fprintln(stderr, "warning:", w)
	}
	for _, t := range cfg.Tills {
		fmt.Fprintln(stdout, t)
	}
	fmt.Fprintf(stdout, "%s: no faults found; %s, %s\n", file, count(len(cfg.Lanes), "lane", "lanes"), count(len(cfg.Tills), "till address", "till addresses"))
	if !tried {
		return 0
	}
	return tell(live.Check(context.Background(), cfg), stdout)
}

// tell prints what a live check found.
func tell(r live.Report, stdout io.Writer) int {
	for _, line := range r.Fine {
		fmt.Fprintln(stdout, "ok:", line)
	}
	for _, line := range r.ToDo {
		fmt.Fprintln(stdout, "TO DO:", line)
	}
	if len(r.ToDo) > 0 {
		return failed
	}
	return 0
}

func checkJournal(path string, stdout, stderr io.Writer) int {
	r, err := journal.Check(path)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return failed
	}
	fmt.Fprintf(stdout, "journal %s: schema %d, %s, %s, %d of them unfinished\n", path, r.Schema,
		count(r.Entries, "entry", "entries"), count(r.Sales, "sale", "sales"), r.Unfinished)
	for _, f := range r.Faults {
		fmt.Fprintln(stderr, "fault:", f)
	}
	if len(r.Faults) > 0 {
		fmt.Fprintln(stderr, "Copy the journal and its -wal file away before anything else, then compare the days since the last good backup with QFPay (cpmctl reconcile).")
		return failed
	}
	fmt.Fprintln(stdout, "no faults found")
	return 0
}

// count writes a number with its noun.
func count[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// release is set by the package build.
var release string

func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "devel-" + s.Value[:12]
			}
		}
	}
	return "devel"
}
