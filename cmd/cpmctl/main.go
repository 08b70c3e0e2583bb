// Command cpmctl talks to cpmd from a shell: for operators, and for tills that can do no more than run a
// program and look at its exit code. Start reading at run; sale.go is what tills use.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"cpmd/queue/sale"
	"cpmd/till/client"
)

const usage = `cpmctl asks cpmd to collect money, and tells what came of it.

  cpmctl sale -amount 128.50 -currency HKD [-id ID] [-ticket T] [-lane L] [-code CODE]
                                   collect an amount, wait, and tell the outcome
  cpmctl show [-wait 25s] ID       a sale as it stands;  show -refund ID: a refund
  cpmctl cancel ID                 ask to stop a sale; its state says what comes of it
  cpmctl refund [-amount 28.50] [-id ID] SALE
                                   give money back, all that is left or a part
  cpmctl list [-state S] [-lane L] [-day YYYY-MM-DD] [-ticket T] [-limit N]
  cpmctl events [-after N] [-count N]
                                   what happens, as it happens; after N: from the journal
  cpmctl totals [-day YYYY-MM-DD]
  cpmctl lanes                     each counter position and its scanner
  cpmctl scan [-lane L] CODE       feed a lane without a scanner
                                   CODE - is read from standard input
  cpmctl diagnose                  what is wrong and what to do
  cpmctl explain ID                a sale's whole story: what was sent, what came back, how it was judged
  cpmctl delivered ID              the goods of a paid sale are handed over (sales with settle "till")
  cpmctl reconcile [-day YYYY-MM-DD]
                                   QFPay's list of a day against the journal; exit 0 agree, 1 they differ, 2 not known
  cpmctl resolve -note WHY [-yes] ID paid|not_paid
                                   decide an unresolved sale, once you know from QFPay's portal

With every command:
  -addr ADDR        unix:/path or tcp:127.0.0.1:PORT; $CPMD_ADDR, else unix:/run/cpmd/till.sock
  -token-file FILE  for tcp; $CPMD_TOKEN_FILE
  -json             JSON on standard output
Amounts have the decimals of their currency (JPY, KRW, VND and others: none); -decimals N overrules.

sale, show and refund exit with 0 paid (refunded), 1 not paid (not refunded), 2 not known.
After 2 do not charge again: ask "cpmctl show ID" later. 64: wrong usage, 69: cpmd cannot be reached.
`

// The exit codes; 64 and 69 are those of sysexits.h.
const (
	exitPaid        = 0
	exitNotPaid     = 1
	exitNotKnown    = 2
	exitUsage       = 64
	exitUnavailable = 69
)

const defaultAddr = "unix:/run/cpmd/till.sock"

func main() { os.Exit(start()) }

func start() (exit int) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, signals)
}

// A tool is one run of cpmctl.
type tool struct {
	in       io.Reader
	out, err io.Writer
	addr     string
	token    string // file
	json     bool
	*client.Client

	all   context.Context // ends at the second signal
	first context.Context // ends at the first
}

// patience is how long a call is repeated while cpmd does not answer, such as over a restart.
const patience = 3 * time.Second

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
	t := &tool{in: in, out: out, err: errw, all: all, first: first,
		addr: cmp.Or(getenv("CPMD_ADDR"), defaultAddr), token: getenv("CPMD_TOKEN_FILE")}

	fs := t.flags("cpmctl")
	if err := fs.Parse(args); err != nil {
		return t.usage(err)
	}
	commands := map[string]func(*tool, []string) (int, error){
		"sale": (*tool).sale, "show": (*tool).show, "cancel": (*tool).cancel, "refund": (*tool).refund,
		"list": (*tool).list, "events": (*tool).events, "totals": (*tool).totals, "lanes": (*tool).lanes,
		"scan": (*tool).scan, "diagnose": (*tool).diagnose, "explain": (*tool).explain, "delivered": (*tool).delivered,
		"reconcile": (*tool).reconcile, "resolve": (*tool).resolve,
	}
	command, ok := commands[fs.Arg(0)]
	if !ok {
		if fs.Arg(0) == "help" || fs.NArg() == 0 {
			return t.usage(flag.ErrHelp)
		}
		return t.usage(fmt.Errorf("there is no command %q; cpmctl -h lists them", fs.Arg(0)))
	}
	exit, err := command(t, fs.Args()[1:])
	if t.Client != nil {
		t.Close()
	}
	if errors.Is(err, errUsage) || errors.Is(err, flag.ErrHelp) {
		return t.usage(err)
	}
	if err != nil {
		t.sayf("cpmctl: %v", err)
	}
	return exit
}

var errUsage = errors.New("wrong usage")

func usagef(format string, args ...any) (int, error) {
	return exitUsage, fmt.Errorf("%w: %w", errUsage, fmt.Errorf(format, args...))
}

func (t *tool) usage(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(t.out, usage)
		return 0
	}
	t.sayf("cpmctl: %s", strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
	return exitUsage
}

// flags begins a command's flags with those that every command has.
func (t *tool) flags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&t.addr, "addr", t.addr, "")
	fs.StringVar(&t.token, "token-file", t.token, "")
	fs.BoolVar(&t.json, "json", t.json, "")
	return fs
}

// connect parses a command's arguments, flags before or after the others, and makes the client. It wants
// exactly the named arguments.
func (t *tool) connect(fs *flag.FlagSet, args []string, names ...string) (values []string, err error) {
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if args = fs.Args(); len(args) > 0 {
			values, args = append(values, args[0]), args[1:]
		}
	}
	if len(values) != len(names) {
		return nil, fmt.Errorf("%w: cpmctl %s takes %d arguments (%s) and its flags; cpmctl -h shows them",
			errUsage, fs.Name(), len(names), strings.Join(names, " "))
	}
	t.Client, err = client.New(client.Config{Addr: t.addr, TokenFile: t.token, Patience: patience})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return values, nil
}

// notAllowed is the code for what the endpoint has no permission for; with a sale, for whose sale it is.
const notAllowed sale.Code = "not_allowed"

// failed chooses the exit code for a call that failed. changes says that the call could have moved money.
func failed(err error, changes bool) (int, error) {
	if errors.Is(err, errUsage) || errors.Is(err, flag.ErrHelp) {
		return exitUsage, err
	}
	if u, ok := errors.AsType[*client.Unreachable](err); ok {
		if u.MaybeSent && changes {
			return exitNotKnown, err
		}
		return exitUnavailable, err
	}
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		return exitUnavailable, err
	}
	switch e.Code {
	case sale.InvalidRequest, sale.UnknownSale, sale.UnknownRefund, sale.UnknownLane, sale.IDReused:
		return exitUsage, err
	case sale.LaneBusy, sale.CodeUsed, sale.NotRefundable, sale.NotVirtual, sale.NotDeliverable, sale.NotUnresolved: // nothing was charged
		return exitNotPaid, err
	case sale.TicketUnresolved: // the money of this ticket may be on its way
		return exitNotKnown, err
	}
	if e.Code == notAllowed && e.Sale != "" && changes { // there is such a sale, of another endpoint
		return exitNotKnown, err
	}
	if e.Status == 401 || e.Status == 403 || e.Status == 503 || !changes {
		return exitUnavailable, err
	}
	return exitNotKnown, err
}

// sayf writes a line for people, on standard error.
func (t *tool) sayf(format string, args ...any) { fmt.Fprintf(t.err, format+"\n", args...) }

// print writes an answer: as JSON if asked, else as human does.
func (t *tool) print(v any, human func(w io.Writer)) error {
	if !t.json {
		human(t.out)
		return nil
	}
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
