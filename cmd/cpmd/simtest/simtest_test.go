package simtest

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	seed    = flag.Int64("seed", -1, "the seed that TestSeed runs")
	without = flag.String("without", "", "faults that TestSeed leaves out, joined by ;")
	seeds   = flag.Int("seeds", 0, "how many seeds TestSeeds runs; 0: as many as fit into a minute, 500 at most")
	first   = flag.Uint64("first", 1, "the first of them")
	tell    = flag.Bool("report", false, "print what TestSeeds came through")
	wider   = flag.Bool("wide", audited, "let the world be wider than the rules")
	shrink  = flag.Bool("shrink", true, "look for the fewest faults that make a seed fail")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSeed runs one seed and tells its history: go test ./cmd/cpmd/simtest -run TestSeed -seed N -v
func TestSeed(t *testing.T) {
	if *seed < 0 {
		t.Skip("name a seed: -seed N")
	}
	o := Options{Seed: uint64(*seed), Wide: *wider}
	if *without != "" {
		o.Without = strings.Split(*without, ";")
	}
	r := Run(t, o)
	t.Logf("the mix: %s", r.Mix)
	for _, l := range r.History {
		t.Log(l)
	}
	fail(t, o, r)
}

// fail tells of a broken promise, the shortest history that breaks it, and how to see it again.
func fail(t *testing.T, o Options, r Result) {
	t.Helper()
	if len(r.Violations) == 0 {
		return
	}
	var b strings.Builder
	if *shrink {
		o, r = Shrink(t, o, r, 60)
	}
	fmt.Fprintf(&b, "seed %d breaks a promise:\n", o.Seed)
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "  %s\n", v)
	}
	fmt.Fprintf(&b, "the %d faults that it takes:\n", len(r.Faults))
	for _, f := range r.Faults {
		fmt.Fprintf(&b, "  %s\n", f)
	}
	b.WriteString("what happened:\n")
	for _, l := range r.History {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	fmt.Fprintf(&b, "again: go test ./cmd/cpmd/simtest -run 'TestSeed$' -v -seed %d", o.Seed)
	if o.Wide != audited {
		fmt.Fprintf(&b, " -wide=%v", o.Wide)
	}
	if len(o.Without) > 0 {
		fmt.Fprintf(&b, " -without %s", strconv.Quote(strings.Join(o.Without, ";")))
	}
	t.Error(b.String())
}

// A tally sums many runs up.
type tally struct {
	mu        sync.Mutex
	runs      int
	failed    int
	simulated time.Duration
	seen      map[string]int // runs that came through a rare state
}

// TestSeeds runs many seeds. Where it runs 500 or more, it also fails if none of them came through some rare state:
// faults that never happen prove nothing.
func TestSeeds(t *testing.T) {
	most, limit := *seeds, time.Duration(0)
	if most == 0 {
		most, limit = usual()
	}
	sum := tally{seen: map[string]int{}}
	began := time.Now()
	var next atomic.Uint64
	next.Store(*first)
	var workers sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) { // some of them wait for the disk
		workers.Go(func() {
			for n := next.Add(1) - 1; n < *first+uint64(most) && (limit == 0 || time.Since(began) < limit); n = next.Add(1) - 1 {
				t.Run(strconv.FormatUint(n, 10), func(t *testing.T) {
					o := Options{Seed: n, Wide: *wider}
					r := Run(t, o)
					if sum.add(r) <= 3 {
						fail(t, o, r)
					} else if len(r.Violations) > 0 {
						t.Errorf("seed %d: %s", n, r.Violations[0])
					}
				})
			}
		})
	}
	workers.Wait()
	print := t.Logf
	if *tell {
		print = func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	}
	sum.print(print, time.Since(began))
	rare := sometimes
	if *wider {
		rare = slices.Concat(sometimes, sometimesWide)
	}
	for _, k := range rare {
		if sum.runs >= 500 && sum.seen[k] == 0 {
			t.Errorf("no run ever came through: %s", k)
		}
	}
}

// add counts a run and returns how many have failed by now, 0 if this one did not.
func (a *tally) add(r Result) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs++
	a.simulated += r.Simulated
	for k := range r.Seen {
		a.seen[k]++
	}
	if len(r.Violations) == 0 {
		return 0
	}
	a.failed++
	return a.failed
}

func (a *tally) print(print func(string, ...any), took time.Duration) {
	print("%d seeds in %.1f s: %.1f seeds/s, %.0f hours simulated, %.0f times as fast as life, %d broke a promise", a.runs, took.Seconds(),
		float64(a.runs)/took.Seconds(), a.simulated.Hours(), a.simulated.Seconds()/took.Seconds(), a.failed)
	print("runs that came through each rare state:")
	for _, k := range slices.Sorted(maps.Keys(a.seen)) {
		print("%7d  %s", a.seen[k], k)
	}
}

// TestFoundSeeds runs the seeds that once broke a promise.
func TestFoundSeeds(t *testing.T) {
	f, err := os.Open("testdata/seeds")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		number, what, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			t.Fatalf("testdata/seeds: %q does not begin with a seed", lines.Text())
		}
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			o := Options{Seed: n, Wide: *wider}
			if r := Run(t, o); len(r.Violations) > 0 {
				t.Logf("it once found: %s", strings.TrimSpace(what))
				fail(t, o, r)
			}
		})
	}
}

// TestSameSeedSameHistory: a seed that found something finds it again. It is also a test of cpmd: what goes by the
// order of a map would differ from run to run.
func TestSameSeedSameHistory(t *testing.T) {
	most := twice
	if *seeds > 0 {
		most = *seeds
	}
	for n := range most {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			o := Options{Seed: *first + uint64(n), Wide: *wider}
			a, b := Run(t, o), Run(t, o)
			if a.Digest == b.Digest {
				return
			}
			for i := range a.History {
				if i >= len(b.History) || a.History[i] != b.History[i] {
					t.Fatalf("seed %d: two runs of it differ from line %d on:\n%s\n\nand\n%s", o.Seed, i+1,
						strings.Join(a.History[max(0, i-8):min(i+4, len(a.History))], "\n"), strings.Join(b.History[max(0, min(i, len(b.History))-8):min(i+4, len(b.History))], "\n"))
				}
			}
			t.Fatalf("seed %d: the second run goes on where the first one ends", o.Seed)
		})
	}
}
