package simtest

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	many  = flag.Int("seeds", 0, "how many seeds TestSeeds runs")
	first = flag.Uint64("first", 1, "the first of them")
)

var seed = flag.Int64("seed", -1, "the seed that TestSeed runs")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSeed runs one seed and tells its history: go test ./queue/simtest -run TestSeed -seed N -v
func TestSeed(t *testing.T) {
	if *seed < 0 {
		t.Skip("no -seed")
	}
	report(t, Options{Seed: uint64(*seed)}, Run(t, Options{Seed: uint64(*seed)}))
}

func report(t *testing.T, o Options, r Result) {
	t.Helper()
	t.Logf("seed %d: %s", r.Seed, r.Mix)
	for _, l := range r.History {
		t.Log(l)
	}
	for _, v := range r.Violations {
		t.Error(v)
	}
}

// TestSeeds runs many seeds.
func TestSeeds(t *testing.T) {
	seeds := *many
	if seeds == 0 {
		seeds = 60
	}
	var next atomic.Uint64
	next.Store(*first)
	var mu sync.Mutex
	seen := map[string]int{}
	var simulated time.Duration
	failed := 0
	began := time.Now()
	var workers sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) { // half of them wait for the disk
		workers.Go(func() {
			for n := next.Add(1) - 1; n < *first+uint64(seeds); n = next.Add(1) - 1 {
				o := Options{Seed: n}
				var r Result
				t.Run(fmt.Sprintf("seed=%d", n), func(t *testing.T) { r = Run(t, o) })
				mu.Lock()
				simulated += r.Simulated
				for k, v := range r.Seen {
					seen[k] += min(v, 1)
				}
				if len(r.Violations) > 0 {
					failed++
					t.Errorf("seed %d: %s", n, strings.Join(r.Violations, "\n\t"))
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	took := time.Since(began)
	t.Logf("%d seeds in %v, %.0f/s; %v simulated, %.0f times as fast as life; %d failed", seeds, took.Round(time.Millisecond),
		float64(seeds)/took.Seconds(), simulated.Round(time.Minute), simulated.Seconds()/took.Seconds(), failed)
	for _, k := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%7d  %s", seen[k], k)
	}
}
