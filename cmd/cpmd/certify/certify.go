// Package certify puts somebody's till through the bad cases, each on a counter of its own with a simulated QFPay, and says which
// sentences of docs/till-api.md it broke.
//
// Start reading at [Run], then cases.go.
package certify

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"time"

	"cpmd/cmd/cpmd/stage"
)

const usage = `cpmd certify [flags] -- COMMAND [ARGUMENTS]

Plays the bad cases with a till on counters of their own, with a simulated QFPay: no account, no scanner, no money. The command
is run once for each bill, and is to collect it. {id}, {amount} (minor units), {decimal}, {currency}, {ticket}, {socket}, {line},
{url} and {token_file} in the arguments are filled in; if there is none of them, ID AMOUNT CURRENCY TICKET follow the command. It
finds cpmd in $CPMD_SOCKET (http on a Unix socket), $CPMD_URL with the token in $CPMD_TOKEN_FILE, $CPMD_LINE or $CPMD_LINE_ADDR
(line dialect, Unix or TCP); files in $CPMD_TILL_DIR stay from one bill of a case to the next. It ends with exit status 0 paid,
1 not paid or 2 not known. The same bill again is the same command again, also after a crash.

Exit codes: 0 every case passed, 1 one did not, 64 wrong usage, 70 a case could not be played.

`

// Exit codes.
const (
	passedAll = 0
	failedOne = 1
	misuse    = 64 // EX_USAGE of sysexits.h
	broken    = 70 // EX_SOFTWARE
)

// A Plan says which till is played with, and how.
type Plan struct {
	Command []string
	Cpmd    string // the programs
	Sim     string
	Limit   time.Duration // how long the till may take for a bill
	Cancels bool          // it cancels when it gets SIGINT
}

// Run is the command cpmd certify.
func Run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("cpmd certify", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), usage); flags.PrintDefaults() }
	var p Plan
	flags.BoolVar(&p.Cancels, "cancel", false, "the till cancels when it gets SIGINT (Ctrl-C): play those cases too")
	flags.DurationVar(&p.Limit, "limit", time.Minute, "how long the till may take for a bill")
	flags.StringVar(&p.Sim, "qfpaysim", "", "the simulator `program`; default: beside cpmd, or in PATH")
	jobs := flags.Int("j", 4, "cases played at once")
	only := flags.String("run", "", "only the cases that match this regular `expression`")
	asJSON := flags.Bool("json", false, "the report as JSON")
	if err := flags.Parse(args); err == flag.ErrHelp {
		return passedAll
	} else if err != nil {
		return misuse
	}
	wrong := func(format string, args ...any) int {
		fmt.Fprintf(stderr, "cpmd certify: "+format+"; cpmd certify -h explains\n", args...)
		return misuse
	}
	if p.Command = flags.Args(); len(p.Command) == 0 {
		return wrong("write the command that starts the till after --")
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return wrong("-run: %v", err)
	}
	if *jobs < 1 || p.Limit <= 0 {
		return wrong("-j and -limit must be more than 0")
	}
	if p.Command[0], err = exec.LookPath(p.Command[0]); err != nil {
		return wrong("%v", err)
	}
	chosen := slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool {
		return s.cancels && !p.Cancels || !match.MatchString(s.name)
	})
	if len(chosen) == 0 {
		return wrong("no case matches %q", *only)
	}
	if p.Cpmd, err = os.Executable(); err == nil && p.Sim == "" {
		p.Sim, err = stage.FindSim(p.Cpmd)
	}
	if err != nil {
		fmt.Fprintln(stderr, "cpmd certify:", err)
		return broken
	}
	r := newReport(p, stdout, *asJSON)
	for result := range p.play(context.Background(), chosen, *jobs) {
		r.add(result)
	}
	return r.end(len(scenarios) - len(chosen))
}
