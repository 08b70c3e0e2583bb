package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"cpmd/queue/journal"
)

// Old months leave the journal while nobody is at the counter, a few sales at a time, so that no sale waits for them.

const (
	archiveFirst = 10 * time.Minute      // after the start: tills come first
	archivePace  = time.Hour             // between looks
	moveFor      = 2 * time.Millisecond  // in one write
	movePause    = 20 * time.Millisecond // between two
	shrinkBy     = 16                    // pages in one write
	keepFree     = 1000                  // pages for new sales
	awaitIdle    = 2 * time.Second       // between looks whether a sale is open
)

// errBusy is why nothing is moved now.
var errBusy = errors.New("a sale is open")

// archiveTrouble is what stands in the way of moving old months; nil while nothing does.
type archiveTrouble struct {
	mu  sync.Mutex
	err error
}

func (t *archiveTrouble) set(err error) { t.mu.Lock(); defer t.mu.Unlock(); t.err = err }

// advice is what a person should do.
func (t *archiveTrouble) advice() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		return ""
	}
	return fmt.Sprintf("old months do not leave the journal (%v); sales go on", t.err)
}

// keepArchiving moves old months beside the main loop until the context ends.
func (q *Queue) keepArchiving(ctx context.Context) {
	wait := time.NewTimer(archiveFirst)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		err := q.archiveOld(ctx)
		if ctx.Err() != nil {
			return
		}
		if q.archiving.set(err); err != nil {
			q.log.Warn("old months could not be moved out of the journal; it is tried again in an hour", zap.Error(err))
		}
		wait.Reset(archivePace)
	}
}

// archiveOld moves all that is old enough.
func (q *Queue) archiveOld(ctx context.Context) error {
	for {
		before := q.clock.now().AddDate(0, 0, -q.cfg.KeepDays)
		a, err := q.cfg.Journal.BeginArchiving(before, func() error { return q.idle(ctx, func() error { return nil }) })
		if err != nil {
			return err
		}
		if a == nil {
			return q.shrink(ctx)
		}
		if err := q.move(ctx, a); err != nil {
			return err
		}
		q.log.Info("an old month was moved out of the journal", zap.String("archive", a.Name()))
	}
}

func (q *Queue) move(ctx context.Context, a *journal.Archiving) error {
	for {
		more, err := a.Load()
		if err != nil || !more {
			return err
		}
		if err := q.idle(ctx, func() error { return a.Move(moveFor, q.follows) }); err != nil {
			return err
		}
	}
}

// follows reports whether something of a sale is still to come, as far as the main loop knows.
func (q *Queue) follows(id string) bool {
	return q.sales[id] != nil || q.timers.of[subject{"sale", id}] != nil
}

func (q *Queue) shrink(ctx context.Context) error {
	for more := true; more; {
		err := q.idle(ctx, func() (err error) {
			more, err = q.cfg.Journal.Shrink(shrinkBy, keepFree)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// idle does a little work in the main goroutine at a moment at which no sale is open, and then leaves it alone for a while.
func (q *Queue) idle(ctx context.Context, work func() error) error {
	for {
		err := q.ask(ctx, func() error {
			if q.down != nil || len(q.held) > 0 {
				return errBusy
			}
			for _, l := range q.lanes {
				if l.holder != "" {
					return errBusy
				}
			}
			err := work()
			if journal.IsFatal(err) {
				q.wrote(err)
			}
			return err
		})
		pause := movePause
		if errors.Is(err, errBusy) {
			err, pause = nil, awaitIdle
		} else if err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		if pause == movePause {
			return nil
		}
	}
}
