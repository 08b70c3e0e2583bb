// Package scanners is the command "cpmd scanners": what is plugged in, whether it can be used, and the line of
// configuration for it. Start reading at [Run]; what it says comes from package scanner.
package scanners

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"cpmd/scanner"
)

const usage = `cpmd scanners shows the barcode scanners of this machine without opening any.

  cpmd scanners              what is plugged in, and the line of configuration for it
  cpmd scanners -learn       scan any code: which device was it?
  cpmd scanners -release     give devices back to the console that a killed cpmd left

  -wait 60s                  with -learn: how long to wait for a code
  -all                       with -learn: also open serial ports that may be something else than scanners
  -state-dir DIR             with -release: where cpmd notes what it holds
`

// Exit codes: 0 all is well, 1 nothing found or it failed, 64 it was called wrongly (sysexits.h EX_USAGE).
const (
	failed = 1
	misuse = 64
)

// Run runs the command and returns its exit code.
func Run(args []string, stdout, stderr io.Writer) int {
	return run(args, stdout, stderr, scanner.Survey{})
}

func run(args []string, stdout, stderr io.Writer, survey scanner.Survey) int {
	flags := flag.NewFlagSet("cpmd scanners", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	learn := flags.Bool("learn", false, "")
	wait := flags.Duration("wait", time.Minute, "")
	all := flags.Bool("all", false, "")
	release := flags.Bool("release", false, "")
	dir := flags.String("state-dir", "", "")
	if err := flags.Parse(args); err == flag.ErrHelp {
		return 0
	} else if err != nil {
		return misuse
	}
	if flags.NArg() > 0 || *learn && *release {
		fmt.Fprint(stderr, usage)
		return misuse
	}
	switch {
	case *release:
		return letGo(stdout, stderr, survey, *dir)
	case *learn:
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		ctx, cancel := context.WithTimeout(ctx, *wait)
		defer cancel()
		defer Hush(os.Stdin)()
		return learned(ctx, stdout, stderr, survey, *all)
	}
	list(stdout, survey)
	return 0
}

func list(w io.Writer, survey scanner.Survey) {
	if s := scanner.NoHID(); s != "" {
		fmt.Fprintf(w, "%s: only serial scanners work.\n\n", s)
	}
	candidates := survey.Candidates()
	if len(candidates) == 0 {
		fmt.Fprintln(w, "No scanner is plugged in, nor anything that may be one.")
		fmt.Fprintln(w, "Plug it in and run this again. If nothing changes, its USB cable carries power only, or the machine does not see it (lsusb).")
		return
	}
	for i, c := range candidates {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if !c.Sure && types(c) {
			c.Config = "" // pasted by mistake it would take the keyboard away from the console
		}
		show(w, c)
	}
}

func types(c scanner.Candidate) bool {
	return c.Mode == scanner.ModeKeyboard || c.Mode == scanner.ModeInput
}

// where says where a device is plugged in.
func where(c scanner.Candidate) string {
	if c.Mode == scanner.ModeInput {
		return "Bluetooth"
	}
	return "USB port " + c.USB.Port
}

// show describes one candidate.
func show(w io.Writer, c scanner.Candidate) {
	place := fmt.Sprintf("%s:%s, %s", c.USB.Vendor, c.USB.Product, where(c))
	if c.USB.Serial != "" {
		place += ", serial " + c.USB.Serial
	}
	name := c.Name
	if name == "" {
		name = "A device without a name"
	}
	fmt.Fprintf(w, "%s (%s)\n", name, place)
	what := "a scanner in " + string(c.Mode) + " mode"
	switch {
	case c.Sure && c.Mode == scanner.ModeUnknown:
		what = "a scanner in an unknown mode"
	case c.Sure:
	case types(c):
		what = "a keyboard, or a scanner in " + string(c.Mode) + " mode"
	default:
		what = "a serial port"
	}
	fmt.Fprintf(w, "  what    %s\n", what)
	states := map[scanner.State]string{scanner.Open: "can be used", scanner.Denied: "cannot be used", scanner.Busy: "in use"}
	state := states[c.State]
	if c.State == scanner.Open && types(c) && c.Config == "" {
		state = "left alone"
	}
	fmt.Fprintf(w, "  state   %s\n", state)
	if c.Advice != "" {
		fmt.Fprintf(w, "  to do   %s\n", wrapped(c.Advice, "          "))
	}
	if c.Config != "" {
		fmt.Fprintf(w, "  config  %s\n", c.Config)
	}
}

// wrapped breaks a text into lines of at most 90 characters; indent begins all but the first.
func wrapped(text, indent string) string {
	const most = 90
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > most {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n"+indent)
}

func learned(ctx context.Context, stdout, stderr io.Writer, survey scanner.Survey, all bool) int {
	fmt.Fprintln(stdout, "Scan any code now. Goods will do; a payment code is shown in part only.")
	l, ok := survey.Learn(ctx, all, func(c scanner.Candidate, err error) {
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w: only root may listen to it; run this with sudo", err)
		}
		fmt.Fprintf(stderr, "%s at %s is not listened to: %v\n", c.Name, where(c), err)
	})
	if !ok {
		fmt.Fprintln(stderr, "No code came. List what is plugged in with cpmd scanners; stop the cpmd daemon, which has its scanners to itself; add -all for serial ports.")
		return failed
	}
	fmt.Fprintln(stdout)
	show(stdout, l.Candidate)
	if rule := l.Candidate.Rule(); rule != "" {
		fmt.Fprintf(stdout, "  rule    %s\n          (a line of %s; then: udevadm control --reload && udevadm trigger)\n", rule, scanner.OwnRules)
	}
	fmt.Fprintf(stdout, "  code    %s (%d characters)\n", l.Scan.Text.Masked(), len(l.Scan.Text))
	if l.Advice != "" {
		fmt.Fprintf(stdout, "  hint    %s\n", wrapped(l.Advice, "          "))
	}
	return 0
}

func letGo(stdout, stderr io.Writer, survey scanner.Survey, dir string) int {
	given, errs := scanner.Release(survey.Root, dir)
	for _, path := range given {
		fmt.Fprintf(stdout, "%s is the console's again.\n", path)
	}
	for _, err := range errs {
		fmt.Fprintln(stderr, "cpmd scanners:", err)
	}
	if len(errs) > 0 {
		return failed
	}
	if len(given) == 0 {
		fmt.Fprintln(stdout, "Nothing was left behind.")
	}
	return 0
}
