package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// An edit replaces one place of a file. In a .mutant file it stands as a unified diff without numbers: a line
// "@ path", then lines that begin with a space (kept), "-" (taken out) or "+" (put in). What is kept and taken out
// must be in the file exactly once, wherever it is, so a mutant outlives moves and changes around it.
type edit struct {
	path     string
	old, new string
}

// parse reads a .mutant file: a line that says what the fault does, then the edits.
func parse(text string) (says string, edits []edit) {
	says, rest, _ := strings.Cut(text, "\n")
	for line := range strings.Lines(rest) {
		if path, ok := strings.CutPrefix(line, "@ "); ok {
			edits = append(edits, edit{path: strings.TrimSpace(path)})
			continue
		}
		e := &edits[len(edits)-1]
		if line[0] != '+' {
			e.old += line[1:]
		}
		if line[0] != '-' {
			e.new += line[1:]
		}
	}
	return says, edits
}

// apply puts the edits into the tree and returns what takes them out again.
func apply(tree string, edits []edit) (undo func() error, err error) {
	before := map[string][]byte{}
	undo = func() error {
		for path, b := range before {
			if err := os.WriteFile(path, b, 0o644); err != nil {
				return err
			}
		}
		return nil
	}
	for _, e := range edits {
		path := filepath.Join(tree, e.path)
		b, err := os.ReadFile(path)
		if err != nil {
			return undo, err
		}
		if n := strings.Count(string(b), e.old); n != 1 {
			return undo, fmt.Errorf("%s holds these lines %d times, not once; make the mutant anew:\n%s", e.path, n, e.old)
		}
		if _, seen := before[path]; !seen {
			before[path] = b
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(b), e.old, e.new, 1)), 0o644); err != nil {
			return undo, err
		}
	}
	return undo, nil
}
