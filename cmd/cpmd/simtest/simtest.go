// Package simtest runs the whole of cpmd but its devices against a world that breaks everything: the real queue,
// journal (SQLite on disk), payment client, till server and till client, over HTTP on connections of memory, with
// simulated QFPay at the far end, on simulated time. One seed is one history: which sales, which faults, when. A
// history is judged by the gateway's own books.
//
// Start reading at [Run]. world.go is the order of a run; till.go, customer.go and aftercare.go are the people,
// daemon.go the process, network.go and disk.go break things. books.go is what the world knows; check.go judges each
// step by it, judge.go and stream.go the end. docs/testing.md tells how to use it.
package simtest

import (
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// Options say what to run.
type Options struct {
	Seed    uint64
	Wide    bool     // the world may be wider than the rules
	Without []string // faults that are left out, by the names in Result.Faults
	Script  *Script  // instead of what the seed makes up
	Nth     Nth      // a fault of one write of the journal
}

// A Script is a history told in advance: no faults but those it names.
type Script struct {
	Name  string
	Codes []string // what the codes make the gateway do, by the simulator's names, shown as the sale waits
	// After the last code:
	CancelAfter time.Duration // the till asks to stop
	StopAfter   time.Duration // the daemon stops and starts again
	KillAfter   time.Duration // the daemon dies and starts again
	Refunds     []int64       // the amounts given back when the sale is paid
}

// An Nth is a fault of the journal's nth write, from 1; 0: none.
type Nth struct {
	Write int
	Crash bool // the process dies; else the write fails
	After bool // it dies when the write is on disk
}

// A Result is what came of a run.
type Result struct {
	Seed       uint64
	Mix        string
	History    []string       // one line for each thing that happened
	Faults     []string       // those that happened, by name
	Seen       map[string]int // rare states
	Violations []string       // broken promises; empty: all is well
	Simulated  time.Duration
	Digest     string // of the history
	Writes     int    // of the journal
	Sales      map[string]string
}

// Run lives through one history.
func Run(t *testing.T, o Options) (r Result) {
	t.Helper()
	dir, err := os.MkdirTemp("", "simtest")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	synctest.Test(t, func(*testing.T) {
		w := newWorld(o, dir)
		w.run()
		r = w.result()
	})
	return r
}

// Shrink leaves out one fault after the other while the run still fails, and returns the shortest that it found.
func Shrink(t *testing.T, o Options, r Result, tries int) (Options, Result) {
	t.Helper()
	for part := max(len(r.Faults)/2, 1); ; part /= 2 {
		for from := 0; from < len(r.Faults) && tries > 0; {
			tries--
			fewer := o
			fewer.Without = append(append([]string(nil), o.Without...), r.Faults[from:min(from+part, len(r.Faults))]...)
			if again := Run(t, fewer); len(again.Violations) > 0 {
				o, r = fewer, again
			} else {
				from += part
			}
		}
		if part <= 1 || tries <= 0 {
			return o, r
		}
	}
}
