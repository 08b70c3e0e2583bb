// Package setup is the command "cpmd setup": from the installed package to a counter that can sell. It asks on a
// terminal for what its flags leave open, and asks nothing without one.
//
// Start reading at [Run]; the steps are in steps.go, in the order in which they are done. Nothing is written before
// QFPay has taken the credentials, and what is there already is kept, or kept aside.
package setup

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"cpmd/cmd/cpmd/live"
	"cpmd/payment"
)

const usage = `cpmd setup makes a configuration that works, tries it, and starts the service. It asks for what is not given here.

  -config FILE           the configuration to write (/etc/cpmd/cpmd.toml)
  -gateway WHERE         hk, hk-test, sandbox, simulator, or the address that QFPay gave you
  -app-code CODE         from QFPay
  -client-key-file FILE  holds the client key from QFPay; - is standard input. The key is never shown
  -mchid ID              only if QFPay issued one; none otherwise
  -signature MD5         or SHA256
  -currency HKD          what tills may ask for, with decimals where it is not two: HKD,JPY=0
  -scanner SCANNER       find, learn (scan any code), virtual, a serial port's path, or a line of "cpmd scanners"
  -till-user USER        who runs the till's program; may be given as USER,USER
  -no-test-sale          make no test sale where no money would move
  -no-start              do not enable and start the service
  -untried               write the configuration although QFPay cannot be asked
  -force                 replace a configuration that is in use; the old one is kept beside it
  -yes                   ask nothing, even on a terminal

Exit codes: 0 the counter can sell, 1 there is something to do, 64 wrong usage or something is missing.
`

// Exit codes beside 0: there is something to do; it was called wrongly (sysexits.h EX_USAGE).
const (
	failed = 1
	misuse = 64
)

// A setup is one run of the command.
type setup struct {
	talk
	file      string
	choice    choice
	users     []string
	test      bool
	start     bool
	untried   bool
	force     bool
	version   string
	machine   machine
	scannerIs string // the flag
}

// A choice is what a configuration is made of.
type choice struct {
	url, mchid, signature, currencies, scanner string
	appCode, clientKey                         payment.Secret
}

// errMissing is a question without an answer and without a terminal to ask on.
type errMissing struct{ flag, what string }

func (e errMissing) Error() string { return fmt.Sprintf("not given: %s; add %s", e.what, e.flag) }

// Run runs the command and returns its exit code.
func Run(args []string, stdin *os.File, stdout, stderr io.Writer, version string) int {
	s := &setup{talk: talk{in: stdin, out: stdout}, version: version, machine: thisMachine()}
	var where, appCode, keyFile, users string
	var noTest, noStart, yes bool
	flags := flag.NewFlagSet("cpmd setup", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	flags.StringVar(&s.file, "config", defaultConfig, "")
	flags.StringVar(&where, "gateway", "", "")
	flags.StringVar(&appCode, "app-code", "", "")
	flags.StringVar(&keyFile, "client-key-file", "", "")
	flags.StringVar(&s.choice.mchid, "mchid", "", "")
	flags.StringVar(&s.choice.signature, "signature", "", "")
	flags.StringVar(&s.choice.currencies, "currency", "", "")
	flags.StringVar(&s.scannerIs, "scanner", "", "")
	flags.StringVar(&users, "till-user", "", "")
	flags.BoolVar(&noTest, "no-test-sale", false, "")
	flags.BoolVar(&noStart, "no-start", false, "")
	flags.BoolVar(&s.untried, "untried", false, "")
	flags.BoolVar(&s.force, "force", false, "")
	flags.BoolVar(&yes, "yes", false, "")
	if err := flags.Parse(args); err == flag.ErrHelp {
		return 0
	} else if err != nil {
		return misuse
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "cpmd setup: unexpected argument %q\n\n%s", flags.Arg(0), usage)
		return misuse
	}
	s.test, s.start, s.choice.appCode = !noTest, !noStart, payment.Secret(appCode)
	s.terminal = !yes && isTerminal(stdin) && keyFile != "-"
	s.users = strings.FieldsFunc(users, func(r rune) bool { return r == ',' })
	var err error
	if s.file, err = filepath.Abs(s.file); err == nil {
		err = s.given(where, keyFile, stdin)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var report live.Report
	if err == nil {
		report, err = s.run(ctx)
	}
	switch missing := (errMissing{}); {
	case errors.As(err, &missing):
		fmt.Fprintln(stderr, "cpmd setup:", err)
		return misuse
	case err != nil:
		fmt.Fprintln(stderr, "cpmd setup:", err)
		return failed
	}
	for _, line := range report.Fine {
		s.say("ok: %s", line)
	}
	for _, line := range report.ToDo {
		s.say("TO DO: %s", line)
	}
	if len(report.ToDo) > 0 {
		return failed
	}
	s.say("This counter can sell.")
	return 0
}

// hosts are QFPay's, by short names (QFPay docs, environments page).
var hosts = map[string]string{
	"hk": "https://openapi-hk.qfapi.com", "hk-test": "https://test-openapi-hk.qfapi.com", "sandbox": "https://openapi-int.qfapi.com",
	"simulator": "http://127.0.0.1:9000",
}

// given takes over what the flags say.
func (s *setup) given(where, keyFile string, stdin io.Reader) error {
	s.choice.url = where
	if url, ok := hosts[where]; ok {
		s.choice.url = url
	}
	if keyFile == "" {
		return nil
	}
	from := stdin
	if keyFile != "-" {
		f, err := os.Open(keyFile)
		if err != nil {
			return fmt.Errorf("-client-key-file: %w", err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, 4<<10))
	if err != nil {
		return fmt.Errorf("-client-key-file: %w", err)
	}
	if s.choice.clientKey = payment.Secret(strings.TrimSpace(string(text))); s.choice.clientKey == "" {
		return errors.New("-client-key-file is empty; it must hold the client key from QFPay")
	}
	return nil
}
