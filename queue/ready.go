package queue

import (
	"context"
	"errors"

	"cpmd/queue/sale"
)

// errStarting is why a queue is not ready before Run has read the journal.
var errStarting = errors.New("starting: the journal is being read")

var errStopping = &sale.Error{Code: sale.ShuttingDown, Detail: "cpmd is stopping; ask again in a few seconds, with the same id"}

func (q *Queue) setReady(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.started.IsZero() {
		q.started = q.clock.now()
	}
	q.ready = err
}

// Started is closed when the journal is read and sales are followed again.
func (q *Queue) Started() <-chan struct{} { return q.running }

// Ready reports whether sales are accepted, and if not, why.
func (q *Queue) Ready() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ready != nil {
		return q.ready
	}
	return q.overdue.late()
}

// Alive returns an error where the main loop does not move or does not keep its appointments: a restart may help. A
// journal that cannot be written is none: a restart would not help, and the loop resumes by itself.
func (q *Queue) Alive(ctx context.Context) error {
	moved := make(chan struct{})
	work := q.work
	for {
		select {
		case work <- func() { close(moved) }:
			work = nil
		case <-moved:
			return q.overdue.late()
		case <-q.done:
			return errStopping
		case <-ctx.Done():
			return errors.New("the main loop does not move: the disk may be stuck. If this stays, restart cpmd and report it")
		}
	}
}
