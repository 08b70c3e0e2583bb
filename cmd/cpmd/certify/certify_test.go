package certify

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// asTill makes this test a till, with the mistake that it names.
const asTill = "CERTIFY_TEST_TILL"

var programs string // the folder of cpmd and qfpaysim

func TestMain(m *testing.M) {
	if mistake, is := os.LookupEnv(asTill); is {
		os.Exit(newTill(mistake, os.Args[1:]).collect())
	}
	os.Exit(withPrograms(m))
}

func withPrograms(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cert")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command("go", "build", "-o", dir, "cpmd/cmd/cpmd", "cpmd/cmd/qfpaysim").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	programs = dir
	if fi, err := os.Stat("/dev/shm"); err == nil && fi.IsDir() { // a disk in memory: nothing is proved about the disk here
		_ = os.Setenv("TMPDIR", "/dev/shm")
	}
	return m.Run()
}

// certify plays the cases that are named, or all, and returns what was found in each, by name.
func certify(t *testing.T, mistake string, names ...string) map[string]result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{Command: []string{"/usr/bin/env", asTill + "=" + mistake, self}, Cpmd: filepath.Join(programs, "cpmd"),
		Sim: filepath.Join(programs, "qfpaysim"), Limit: 30 * time.Second, Cancels: true}
	if mistake == "events without reset" {
		p.Limit = 8 * time.Second
	}
	chosen := slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool { return len(names) > 0 && !slices.Contains(names, s.name) })
	if len(names) > 0 && len(chosen) != len(names) {
		t.Fatalf("no such cases: %q", names)
	}
	results := map[string]result{}
	for r := range p.play(context.Background(), chosen, 4) {
		if r.err != nil {
			t.Errorf("%s: %v", r.name, r.err)
		}
		results[r.name] = r
	}
	return results
}

// A till that does as the documents say passes, whether it asks or listens.
func TestRightTillsPass(t *testing.T) {
	for _, kind := range []string{"", "events"} {
		t.Run("right "+kind, func(t *testing.T) {
			t.Parallel()
			for name, r := range certify(t, kind) {
				for _, f := range r.findings {
					t.Errorf("%s: %s\n%v\n%v", name, f.what, r.calls, r.printed)
				}
			}
		})
	}
}

// Each wrong till fails where it is wrong, for that reason, and passes elsewhere.
func TestWrongTillsFail(t *testing.T) {
	for _, w := range []struct {
		mistake string
		fails   map[string]rule
		money   bool
		passes  []string
	}{
		{"a new id for each try", map[string]rule{"the opening answer is lost": ruleID}, true, []string{"confirmed on the phone"}},
		{"no answer is not paid", map[string]rule{"the opening answer is lost": ruleRepeat, "cpmd restarts in the middle": ruleCrash,
			"not confirmed in time, then paid": ruleNotKnown}, true, []string{"paid at once"}},
		{"cancelled is not paid", map[string]rule{"the till cancels as the customer pays": ruleCancel}, true,
			[]string{"the till cancels before a code is shown"}},
		{"events without reset", map[string]rule{"the event position is of an earlier journal": ruleReset}, false, []string{"paid at once"}},
		{"the ticket is in the way", map[string]rule{"another sale of the bill is not decided": rulePaidToday, "the bill was paid today already": rulePaidToday},
			true, []string{"declined, then a fresh code"}},
	} {
		t.Run(w.mistake, func(t *testing.T) {
			t.Parallel()
			names := slices.Clone(w.passes)
			for name := range w.fails {
				names = append(names, name)
			}
			for name, r := range certify(t, w.mistake, names...) {
				want, fails := w.fails[name]
				i := slices.IndexFunc(r.findings, func(f finding) bool { return f.rule == want && f.money == w.money })
				if fails != (len(r.findings) > 0) || fails && i < 0 {
					t.Errorf("%s: found %+v, want %q\n%v", name, r.findings, want, r.calls)
				}
			}
		})
	}
}

// The sentences that a report quotes are in the documents, word for word.
func TestRulesAreInTheDocuments(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/till-api.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(doc)), " ")
	source, err := os.ReadFile("rules.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(source)) {
		_, quoted, is := strings.Cut(line, "rule = \"")
		if !is {
			continue
		}
		found++
		if s := strings.TrimSuffix(strings.TrimSpace(quoted), `"`); !strings.Contains(text, s) {
			t.Errorf("the documents do not say %q", s)
		}
	}
	if found < 15 {
		t.Errorf("only %d rules were found", found)
	}
}

// The command says what is wrong with its arguments, and scores what it played.
func TestCommand(t *testing.T) {
	cpmd := filepath.Join(programs, "cpmd")
	for _, c := range []struct {
		args []string
		exit int
		says string
	}{
		{nil, misuse, "write the command that starts the till after --"},
		{[]string{"-run", "(", "--", "true"}, misuse, "-run: "},
		{[]string{"-run", "nonsense", "--", "true"}, misuse, `no case matches "nonsense"`},
		{[]string{"--", "no-such-till"}, misuse, "no-such-till"},
		{[]string{"-j", "0", "--", "true"}, misuse, "must be more than 0"},
		{[]string{"-run", "paid at once", "--", "true"}, failedOne, "it said \"paid\", and nothing was paid"},
		{[]string{"-json", "-run", "paid at once", "--", "true"}, failedOne, `"costs_money": true`},
		{[]string{"-h"}, passedAll, "ID AMOUNT CURRENCY TICKET"},
	} {
		cmd := exec.Command(cpmd, append([]string{"certify"}, c.args...)...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != c.exit || !strings.Contains(out.String(), c.says) {
			t.Errorf("%q: exit %d, want %d and %q:\n%s", c.args, got, c.exit, c.says, out.String())
		}
	}
}
