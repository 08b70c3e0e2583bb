package queue

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"cpmd/queue/sale"
)

// A clock tells the wall's time, but moves evenly: a jump of the wall clock is seen by checkClock, which
// shifts all limits with it, so that no limit passes early or late.
type clock struct {
	wall func() time.Time
	mu   sync.Mutex
	base time.Time // wall clock at...
	from time.Time // ...this moment, with its monotonic reading
}

func (c *clock) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.from = c.wall().Round(0).UTC(), time.Now()
}

// now is steady. Its monotonic reading is gone, so that it compares with times from the journal, and it has no
// finer parts than those, so that a till hears the same times from memory and from the journal.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(time.Now()).Truncate(time.Microsecond)
}

// at has the precision of the journal, so that a time is the same before and after a restart.
func (c *clock) at(t time.Time) time.Time {
	return c.base.Add(t.Sub(c.from)).Truncate(time.Microsecond)
}

// tolerance is how far the wall clock may drift from the steady one before it counts as a jump.
const tolerance = 3 * time.Second

// jumped returns how far the wall clock jumped since the last call, and goes along with it.
func (c *clock) jumped() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	by := c.wall().Round(0).UTC().Sub(c.at(time.Now())).Truncate(time.Microsecond)
	if by.Abs() < tolerance {
		return 0
	}
	c.base = c.base.Add(by)
	return by
}

// checkClock shifts all limits where the wall clock jumped.
func (q *Queue) checkClock() {
	by := q.clock.jumped()
	if by == 0 {
		return
	}
	q.log.Warn("the clock of this machine jumped; all limits are shifted with it")
	q.retryAt = q.retryAt.Add(by)
	// Ahead of what is held: that will be judged by the time as it is then.
	held := q.held
	q.held = nil
	for _, s := range q.following() {
		q.hold(s, func() error {
			ev := sale.Event{Kind: sale.ClockMoved, At: q.clock.now(), Moved: by}
			if s.kind == "refund" {
				return q.stepRefund(s.id, ev)
			}
			return q.stepSale(s.id, ev)
		})
	}
	q.backlog.moved += by
	q.planDayEnd()
	q.held = append(q.held, held...)
}

// following are all sales and refunds that have something to come, their audits included, in an order that is the same
// each time.
func (q *Queue) following() (all []subject) {
	for s := range q.timers.of {
		if s.kind == "sale" || s.kind == "refund" {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b subject) int { return cmp.Or(cmp.Compare(b.kind, a.kind), cmp.Compare(a.id, b.id)) })
	return all
}

// sorted walks a map in an order that is the same each time.
func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
