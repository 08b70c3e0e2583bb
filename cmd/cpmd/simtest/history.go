package simtest

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A line is one thing that happened.
type line struct {
	at   time.Duration // since the run began
	text string
}

// A history is what happened in a run, for people and for comparing two runs.
type history struct {
	mu         sync.Mutex
	begun      time.Time
	lines      []line
	faults     []string       // those that happened, by name
	seen       map[string]int // rare states
	violations []string
}

func (h *history) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, line{time.Since(h.begun), fmt.Sprintf(format, args...)})
}

// saw counts a rare state that this run came through.
func (h *history) saw(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[what]++
}

// sawAny reports whether the run came through one of these by now.
func (h *history) sawAny(what ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(what, func(s string) bool { return h.seen[s] > 0 })
}

// wrong notes that a promise was broken.
func (h *history) wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	h.note("VIOLATION %s", text)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.violations = append(h.violations, text)
}

// sorted are the lines in the order of time. What happened at the same moment has no order of its own, so it is
// put into that of the alphabet: two runs of a seed are the same if they differ in no more than that.
func (h *history) sorted() []line {
	all := slices.Clone(h.lines)
	slices.SortStableFunc(all, func(a, b line) int { return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.text, b.text)) })
	return all
}

func (h *history) digest() string {
	sum := sha256.New()
	for _, l := range h.sorted() {
		fmt.Fprintln(sum, int64(l.at), l.text)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:8])
}

func (h *history) print() []string {
	all := h.sorted()
	out := make([]string, len(all))
	for i, l := range all {
		out[i] = fmt.Sprintf("%12.6f  %s", l.at.Seconds(), l.text)
	}
	return out
}
