package scanner

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

const testCode = "280438849930815813"

// A collector is a Sink that tests can wait on.
type collector struct {
	mu       sync.Mutex
	scans    []Scan
	statuses []Status
	news     chan struct{}
}

func newCollector() *collector { return &collector{news: make(chan struct{}, 1)} }

func (c *collector) Scanned(s Scan) {
	c.mu.Lock()
	c.scans = append(c.scans, s)
	c.mu.Unlock()
	c.wake()
}

func (c *collector) StatusChanged(s Status) {
	c.mu.Lock()
	c.statuses = append(c.statuses, s)
	c.mu.Unlock()
	c.wake()
}

func (c *collector) wake() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// until waits for what ok says of the scans and statuses so far.
func (c *collector) until(t *testing.T, what string, ok func(scans []Scan, statuses []Status) bool) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for {
		c.mu.Lock()
		good := ok(c.scans, c.statuses)
		c.mu.Unlock()
		if good {
			return
		}
		select {
		case <-c.news:
		case <-limit.C:
			c.mu.Lock()
			defer c.mu.Unlock()
			t.Fatalf("%s: not within 20 s; statuses %+v, texts %q", what, c.statuses, c.textsLocked())
		}
	}
}

func (c *collector) textsLocked() (texts []string) {
	for _, s := range c.scans {
		texts = append(texts, string(s.Text))
	}
	return texts
}

func (c *collector) texts() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.textsLocked()
}

func (c *collector) waitState(t *testing.T, want State) Status {
	t.Helper()
	var got Status
	c.until(t, "state "+string(want), func(_ []Scan, st []Status) bool {
		if len(st) == 0 {
			return false
		}
		got = st[len(st)-1]
		return got.State == want
	})
	return got
}

func (c *collector) waitScans(t *testing.T, want ...string) {
	t.Helper()
	c.until(t, "scans", func(scans []Scan, _ []Status) bool { return len(scans) >= len(want) })
	if got := c.texts(); !slices.Equal(got, want) {
		t.Errorf("scanned %q, want %q", got, want)
	}
}

// runScanner runs s until the test ends.
func runScanner(t *testing.T, s Scanner) *collector {
	t.Helper()
	c := newCollector()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx, c)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return c
}

func mustNew(t *testing.T, cfg Config) Scanner {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
