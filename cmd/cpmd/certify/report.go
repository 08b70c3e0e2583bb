package certify

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// A report tells a person how the till did, case by case, or a program at the end.
type report struct {
	out                           io.Writer
	asJSON                        bool
	played, passed, costly, undue int // undue: could not be played
	all                           reportJSON
}

type reportJSON struct {
	Command   []string   `json:"command"`
	Played    int        `json:"played"`
	Passed    int        `json:"passed"`
	NotPlayed int        `json:"not_played"` // not chosen
	Cases     []caseJSON `json:"cases"`
}

type caseJSON struct {
	Name     string        `json:"name"`
	Passed   bool          `json:"passed"`
	Seconds  float64       `json:"seconds"`
	Error    string        `json:"error,omitempty"` // it could not be played
	Findings []findingJSON `json:"findings"`
	Calls    []string      `json:"calls"`
	Printed  []string      `json:"printed"`
}

type findingJSON struct {
	What       string `json:"what"`
	Rule       rule   `json:"rule"`
	CostsMoney bool   `json:"costs_money"`
}

func newReport(p Plan, out io.Writer, asJSON bool) *report {
	r := &report{out: out, asJSON: asJSON, all: reportJSON{Command: p.Command}}
	r.say("The till: %s\n\n", strings.Join(p.Command, " "))
	return r
}

func (r *report) say(format string, args ...any) {
	if !r.asJSON {
		fmt.Fprintf(r.out, format, args...)
	}
}

func (r *report) add(c result) {
	r.played++
	one := caseJSON{Name: c.name, Seconds: c.took.Seconds(), Findings: []findingJSON{}, Calls: []string{}, Printed: c.printed}
	costly := false
	for _, f := range c.findings {
		one.Findings = append(one.Findings, findingJSON{f.what, f.rule, f.money})
		costly = costly || f.money
	}
	for _, call := range c.calls {
		one.Calls = append(one.Calls, call.String())
	}
	word := "FAIL"
	switch {
	case c.err != nil:
		r.undue++
		one.Error, word = c.err.Error(), "????"
	case len(c.findings) == 0:
		r.passed++
		one.Passed, word = true, "ok  "
	case costly:
		r.costly++
	}
	r.all.Cases = append(r.all.Cases, one)
	r.say("  %s  %-50s %5.1f s\n", word, c.name, c.took.Seconds())
	if c.err != nil {
		r.say("        This case could not be played: %v\n", c.err)
	}
	for _, f := range c.findings {
		r.say("        %s.\n", f.what)
		if f.money {
			r.say("        That can cost money.\n")
		}
		r.say("        The documents say: %q\n", string(f.rule))
	}
	if one.Passed {
		return
	}
	r.list("What it asked cpmd", one.Calls, 20)
	r.list("What it printed last", c.printed, 10)
}

func (r *report) list(title string, all []string, most int) {
	if len(all) == 0 {
		return
	}
	r.say("        %s:\n", title)
	for _, s := range all[max(0, len(all)-most):] {
		r.say("            %s\n", s)
	}
}

// end says the score and returns the exit code.
func (r *report) end(notPlayed int) int {
	r.all.Played, r.all.Passed, r.all.NotPlayed = r.played, r.passed, notPlayed
	if r.asJSON {
		e := json.NewEncoder(r.out)
		e.SetIndent("", "  ")
		_ = e.Encode(r.all)
	}
	r.say("\nPassed %d of %d cases.", r.passed, r.played)
	if failed := r.played - r.passed - r.undue; failed > 0 {
		r.say(" Failed %d, of which %d can cost money. The rules are in docs/till-api.md.", failed, r.costly)
	}
	if notPlayed > 0 {
		r.say(" Not chosen: %d (see -cancel and -run).", notPlayed)
	}
	r.say("\n")
	switch {
	case r.undue > 0:
		return broken
	case r.passed < r.played:
		return failedOne
	}
	return passedAll
}
