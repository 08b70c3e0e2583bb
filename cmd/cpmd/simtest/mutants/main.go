// Mutants checks the tests: it puts one small fault after the other into the code, in a copy of the
// tree, and demands that a test fails for each. The faults are the .mutant files beside it (see edit.go); the first line of each
// says what it does.
//
//	go run ./cmd/cpmd/simtest/mutants          # all, and which seed of the simulation finds each
//	go run ./cmd/cpmd/simtest/mutants -write   # and write the table in docs/testing.md
//	go run ./cmd/cpmd/simtest/mutants -short   # a few, the first test that fails
//	go run ./cmd/cpmd/simtest/mutants -noseeds # all, without the simulation's seeds
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// short are the mutants that -short runs: one each of intent, repetition, proof and belief.
var short = []string{"no-intent", "resend-after-unknown", "empty-list-is-not-paid", "timeout-is-declined"}

const (
	dir   = "cmd/cpmd/simtest/mutants"
	page  = "docs/testing.md"
	start = "<!-- written by make mutants -->\n"
	end   = "<!-- end of the mutants -->\n"
)

func main() {
	quick := flag.Bool("short", false, "run a few, and only until a test fails")
	write := flag.Bool("write", false, "write the table in "+page)
	only := flag.String("only", "", "run those whose file names contain this")
	seeds := flag.Int("seeds", 150, "seeds of the simulation for each")
	check := flag.Bool("check", false, "only see whether each still fits the code")
	noSeeds := flag.Bool("noseeds", false, "do not ask which seed of the simulation finds each")
	at := flag.Int("j", 1, "how many to try at once, each in a tree of its own")
	missing := flag.Bool("missing", false, "only those that have no row in the table yet")
	flag.Parse()
	if *check {
		if err := fit(); err != nil {
			fmt.Fprintln(os.Stderr, "mutants:", err)
			os.Exit(1)
		}
		return
	}
	if *noSeeds {
		*seeds = 0
	}
	if err := run(choice{*quick, *missing, *only}, *write, *seeds, *at); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// A choice is which mutants to try.
type choice struct {
	quick, missing bool
	only           string
}

func (c choice) takes(name, row string) bool {
	return (!c.quick || chosen(name)) && (!c.missing || row == "") && strings.Contains(name, c.only)
}

func run(c choice, write bool, seeds, at int) error {
	patches, err := filepath.Glob(dir + "/*.mutant")
	if err != nil || len(patches) == 0 {
		return errors.Join(err, errors.New("no mutants; run it from the top of the repository"))
	}
	rows, err := readRows()
	if err != nil {
		return err
	}
	var todo []int
	for n, patch := range patches {
		if c.takes(filepath.Base(patch), rows[n]) {
			todo = append(todo, n)
		}
	}
	var mu sync.Mutex // guards rows, alive and what comes next
	alive := 0
	next := func() (n int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(todo) == 0 {
			return 0, false
		}
		n, todo = todo[0], todo[1:]
		return n, true
	}
	tell := func(n int, m mutant) error {
		mu.Lock()
		defer mu.Unlock()
		if m.test == "" && m.seed == "" {
			alive++
			m.test = "NONE"
		}
		fmt.Printf("%-42s %-60s %s\n", filepath.Base(patches[n]), m.test, m.seed)
		if !write {
			return nil
		}
		if seeds == 0 { // the seed that found it before stands
			m.seed = seedOf(rows[n])
		}
		rows[n] = fmt.Sprintf("| %d | %s | %s | %s |\n", n+1, m.says, code(m.test), m.seed)
		return replace(rows, len(patches))
	}
	ends := make(chan error, at)
	for range at {
		go func() { ends <- work(patches, next, tell, c.quick, seeds) }()
	}
	for range at {
		err = errors.Join(err, <-ends)
	}
	if err == nil && alive > 0 {
		err = fmt.Errorf("%d mutants live: no test fails for them", alive)
	}
	return err
}

// work tries one mutant after the other in a tree of its own.
func work(patches []string, next func() (int, bool), tell func(int, mutant) error, quick bool, seeds int) error {
	tree, err := copyTree()
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	var all []error
	for n, ok := next(); ok; n, ok = next() {
		m, err := try(tree, patches[n], quick, seeds)
		if err == nil {
			err = tell(n, m)
		}
		if err != nil {
			all = append(all, fmt.Errorf("%s: %w", patches[n], err))
		}
	}
	return errors.Join(all...)
}

// suites are the tests that may catch a fault, those of its own package first. Only faults in what the simulation plays
// are shown to it.
func suites(edits []edit) (all [][]string) {
	add := func(args ...string) { // the package, then what else to say
		if !slices.ContainsFunc(all, func(have []string) bool { return have[0] == args[0] }) {
			all = append(all, args)
		}
	}
	for _, e := range edits {
		switch {
		case strings.HasSuffix(e.path, ".sql"):
			add("./queue/journal")
		case strings.HasPrefix(e.path, "systemd/"):
			add("./systemd")
		default:
			add("./" + filepath.Dir(e.path))
		}
	}
	if slices.ContainsFunc(edits, simulated) {
		add("./queue")
		add("./queue/sale")
		add("./queue/journal")
		add("./payment")
		add("./cmd/cpmd/simtest", "-run", "TestEveryWrite")
	}
	return all
}

// simulated reports whether the simulation plays what the edit changes.
func simulated(e edit) bool {
	return strings.HasPrefix(e.path, "queue/") || strings.HasPrefix(e.path, "payment/")
}

// fit reports the mutants that no longer fit the code.
func fit() error {
	patches, err := filepath.Glob(dir + "/*.mutant")
	if err != nil {
		return err
	}
	copied, err := copyTree()
	if err != nil {
		return err
	}
	defer os.RemoveAll(copied)
	var all []error
	for _, patch := range patches {
		text, err := os.ReadFile(patch)
		if err != nil {
			return err
		}
		_, edits := parse(string(text))
		undo, err := apply(copied, edits)
		if err = errors.Join(err, undo()); err != nil {
			all = append(all, fmt.Errorf("%s: %w", filepath.Base(patch), err))
		}
	}
	return errors.Join(all...)
}

func code(s string) string {
	if s == "" {
		return "the simulation"
	}
	return "`" + s + "`"
}

func chosen(name string) bool {
	for _, s := range short {
		if strings.HasSuffix(name, "-"+s+".mutant") {
			return true
		}
	}
	return false
}

// copyTree copies the files that git knows or would take.
func copyTree() (string, error) {
	to, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return "", err
	}
	list, err := exec.Command("git", "ls-files", "-co", "--exclude-standard").Output()
	if err != nil {
		return "", err
	}
	for _, name := range strings.Fields(string(list)) {
		b, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.MkdirAll(filepath.Join(to, filepath.Dir(name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), b, 0o644)
		}
		if err != nil {
			return "", err
		}
	}
	return to, nil
}

// A mutant is what came of one.
type mutant struct{ says, test, seed string }

func try(tree, patch string, quick bool, seeds int) (m mutant, err error) {
	text, err := os.ReadFile(patch)
	if err != nil {
		return m, err
	}
	says, edits := parse(string(text))
	m.says = says
	undo, err := apply(tree, edits)
	defer func() { err = errors.Join(err, undo()) }()
	if err != nil {
		return m, err
	}
	for _, tests := range suites(edits) {
		failed, err := test(tree, append(tests, "-short", "-failfast")...)
		if err != nil {
			return m, err
		}
		if failed != "" {
			m.test = strings.TrimPrefix(tests[0], "./") + " " + failed
			break
		}
	}
	if seeds == 0 || quick && m.test != "" || !slices.ContainsFunc(edits, simulated) {
		return m, nil
	}
	failed, err := test(tree, "./cmd/cpmd/simtest", "-run", "TestSeeds", "-failfast", "-args", "-shrink=false", fmt.Sprintf("-seeds=%d", seeds))
	if _, number, ok := strings.Cut(failed, "/"); ok {
		m.seed = number
	} else if failed != "" {
		m.seed = "a panic"
	}
	return m, err
}

var failLine = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// test returns the innermost test that failed, or "".
func test(tree string, args ...string) (failed string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-trimpath", "-count=1"}, args...)...)
	cmd.Dir = tree
	out, err := cmd.CombinedOutput()
	if err == nil {
		return "", nil
	}
	if bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")) {
		return "", fmt.Errorf("it does not build:\n%s", out)
	}
	if bytes.Contains(out, []byte("signal: terminated")) || bytes.Contains(out, []byte("signal: killed")) {
		return "", errors.New("the tests were stopped from outside")
	}
	for _, found := range failLine.FindAllSubmatch(out, -1) {
		if name := string(found[1]); strings.HasPrefix(name, failed) {
			failed = name
		}
	}
	if failed == "" {
		failed = "panic"
	}
	return failed, nil
}

const header = "| | mutant | test that catches it first | seed of the simulation that finds it |\n|--:|---|---|---|\n"

// cut finds the table between the marks of the page.
func cut() (before, table, after string, err error) {
	b, err := os.ReadFile(page)
	before, rest, ok1 := strings.Cut(string(b), start)
	table, after, ok2 := strings.Cut(rest, end)
	if err == nil && (!ok1 || !ok2) {
		err = fmt.Errorf("%s has no table between its marks", page)
	}
	return before, table, after, err
}

// readRows reads the table's rows by number, from 0.
func readRows() (map[int]string, error) {
	_, table, _, err := cut()
	rows := map[int]string{}
	for line := range strings.Lines(table) {
		var n int
		if _, err := fmt.Sscanf(line, "| %d |", &n); err == nil {
			rows[n-1] = line
		}
	}
	return rows, err
}

// seedOf is the last cell of a row.
func seedOf(row string) string {
	cells := strings.Split(strings.TrimSpace(row), "|")
	if len(cells) < 3 {
		return ""
	}
	return strings.TrimSpace(cells[len(cells)-2])
}

// replace writes the table anew, as far as it is known.
func replace(rows map[int]string, most int) error {
	before, _, after, err := cut()
	if err != nil {
		return err
	}
	table := header
	for n := range most {
		table += rows[n]
	}
	return os.WriteFile(page, []byte(before+start+table+end+after), 0o644)
}
