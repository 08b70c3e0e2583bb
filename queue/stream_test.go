package queue

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// A stream follows a queue as the event streams of tills do: it asks to be woken, reads, and waits.
type stream struct {
	q     *Queue
	begin int64
	stop  chan struct{}
	ended chan struct{}

	mu   sync.Mutex
	seen []sale.Notice
}

func follow(q *Queue) *stream { return followFrom(q, q.cfg.Journal.Last(), 0) }

// followFrom begins after a seq. Between two reads the stream is busy for a while, as one with a slow till is.
func followFrom(q *Queue, after int64, busy time.Duration) *stream {
	s := &stream{q: q, begin: after, stop: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		for at := after; ; {
			changed := q.Changed()
			list, err := q.Notices(context.Background(), at, 7)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.seen = append(s.seen, list...)
			s.mu.Unlock()
			if busy > 0 {
				time.Sleep(busy)
			}
			if len(list) > 0 {
				at = list[len(list)-1].Seq
				continue
			}
			select {
			case <-changed:
			case <-s.stop:
				return
			}
		}
	}()
	return s
}

// isUpToDate reports a wake-up that was lost. Nothing may be on its way.
func (s *stream) isUpToDate(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.begin
	if n := len(s.seen); n > 0 {
		at = s.seen[n-1].Seq
	}
	if more, err := s.q.cfg.Journal.PastNotices(at, 1); err == nil && len(more) > 0 {
		t.Errorf("an event stream sleeps at %d while the journal holds %+v", at, more[0])
	}
}

// missedNothing compares what the stream was told with what the journal holds. Nothing may be on its way.
func (s *stream) missedNothing(t testing.TB) {
	t.Helper()
	synctest.Wait()
	want, err := s.q.cfg.Journal.PastNotices(s.begin, 1_000_000)
	if err != nil {
		return // a journal that is broken on purpose
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !reflect.DeepEqual(want, s.seen) {
		t.Errorf("an event stream after %d was told something else than the journal holds (-journal +stream):\n%s", s.begin, cmp.Diff(want, s.seen))
	}
}

// However many tills follow, from wherever, and however slow they are: each hears all that the journal holds, once and in
// order, also those that fall behind what is at hand and those that come while others write.
func TestStreamsHearAll(t *testing.T) {
	bubble(t, &fakeGateway{}, func(c *counter) {
		const rounds, burst = 300, 7 // more than is at hand
		var streams []*stream
		for i := range rounds {
			if i%25 == 0 {
				last, err := c.LastSeq(ctx)
				if err != nil {
					t.Fatal(err)
				}
				streams = append(streams, followFrom(c.Queue, 0, 0), followFrom(c.Queue, last, time.Millisecond),
					followFrom(c.Queue, last/2, time.Duration(i)*time.Millisecond), followFrom(c.Queue, last-min(last, 3), time.Second))
			}
			err := c.ask(ctx, func() error {
				var entries []journal.Entry
				for n := range burst {
					e := journal.Entry{At: c.clock.now(), Kind: "scan", Subject: "1"}
					if text := fmt.Sprint(i, n); n%3 > 0 { // the others are events that no till sees
						e.Told = func(int64) any { return sale.ScanView{Lane: "1", Text: text} }
					}
					entries = append(entries, e)
				}
				return c.append(entries...)
			})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(i%5) * time.Millisecond)
		}
		time.Sleep(time.Hour)
		for _, s := range streams {
			s.missedNothing(t)
			close(s.stop)
			<-s.ended
		}
		if len(streams[0].seen) <= 1024 || !slices.IsSortedFunc(streams[0].seen, func(a, b sale.Notice) int { return int(a.Seq - b.Seq) }) {
			t.Errorf("%d events", len(streams[0].seen))
		}
	})
}
