package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each shell gets completions that it takes, and bash completes what a person would type.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		exit, out, errs := ctl(t, "unix:/nowhere", nil, "completion", shell)
		if exit != 0 || errs != "" {
			t.Fatalf("%s: exit %d, %s", shell, exit, errs)
		}
		for _, c := range commands {
			if !strings.Contains(out, c.name) {
				t.Errorf("%s: no %s", shell, c.name)
			}
		}
		file := filepath.Join(dir, shell)
		if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("%s is not here; its script was not checked", shell)
		} else if out, err := exec.Command(shell, "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("needs bash")
	}
	for _, test := range []struct{ line, want string }{
		{"cpmctl re", "refund receipt resolve reconcile reload"},
		{"cpmctl -addr unix:/x sho", "show"},
		{"cpmctl sale -cu", "-currency"},
		{"cpmctl list -state un", "unresolved"},
		{"cpmctl resolve -note x ID not", "not_paid not_refunded"},
		{"cpmctl completion b", "bash"},
		{"cpmctl help wat", "watch"},
	} {
		script := `source "$1"; COMP_WORDS=($2); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _cpmctl; echo "${COMPREPLY[*]}"`
		out, err := exec.Command("bash", "-c", script, "bash", filepath.Join(dir, "bash"), test.line).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != test.want {
			t.Errorf("%s: %q, want %q (%v)", test.line, got, test.want, err)
		}
	}
}

// The manual page has every command and flag, and the formatter finds no fault in it.
func TestManualPage(t *testing.T) {
	exit, page, _ := ctl(t, "unix:/nowhere", nil, "man")
	if exit != 0 {
		t.Fatalf("exit %d", exit)
	}
	tool := &tool{}
	for _, c := range commands {
		if !strings.Contains(page, ".SS "+roff(c.name)+"\n") {
			t.Errorf("no %s", c.name)
		}
		fs := tool.flags(c.name)
		c.begin(fs)
		for _, name := range c.own(fs) {
			if !strings.Contains(page, `\fB`+roff("-"+name)+`\fR`) {
				t.Errorf("no -%s", name)
			}
		}
	}
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("needs groff")
	}
	cmd := exec.Command("groff", "-man", "-Tutf8", "-ww", "-z")
	cmd.Stdin = strings.NewReader(page)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("groff: %v\n%s", err, out)
	}
}

// What a flag is for is never left out, and each flag that must be given exists.
func TestEveryFlagIsExplained(t *testing.T) {
	tool := &tool{}
	for _, c := range commands {
		fs := tool.flags(c.name)
		c.begin(fs)
		fs.VisitAll(func(f *flag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s -%s is not explained", c.name, f.Name)
			}
		})
		for _, name := range c.need {
			if fs.Lookup(name) == nil {
				t.Errorf("%s has no -%s", c.name, name)
			}
		}
		for name := range c.choices {
			if fs.Lookup(name) == nil && !slices.Contains(c.args, name) {
				t.Errorf("%s has choices for %s, which it does not have", c.name, name)
			}
		}
	}
}
