package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Fault is one thing that is wrong with the file, or, from [Check], that may be wrong with the machine.
type Fault struct {
	File string // as it was given to Load
	Line int    // from 1; 0: the file as a whole
	Key  string // dotted, as TOML writes it; empty: no single key
	Text string // what is wrong and what to do; never a secret
}

// String returns "cpmd.toml:12: gateway.url: what to do".
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	b.WriteString(": ")
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	b.WriteString(f.Text)
	return b.String()
}

// Faults are all that is wrong with a file, in the order of its lines.
type Faults []Fault

// Error returns one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// sorted orders the faults found so far by line and key.
func (s *source) sorted() Faults {
	slices.SortStableFunc(s.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	return s.faults
}

// todo makes the error of a rule; its text continues "key: ".
func todo(format string, args ...any) error { return fmt.Errorf(format, args...) }
