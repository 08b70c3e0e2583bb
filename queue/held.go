package queue

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// append writes entries and keeps account of the journal's health.
func (q *Queue) append(entries ...journal.Entry) error {
	if q.fatal != nil {
		return q.fatal
	}
	err := q.cfg.Journal.Append(entries...)
	if journal.IsConstraint(err) {
		q.log.Error("the journal refused an entry by its own rules; please report this", zap.Error(err))
		for _, e := range entries {
			q.postpone(e)
		}
		return err
	}
	q.wrote(err)
	return err
}

// wrote keeps account of what came of a write.
func (q *Queue) wrote(err error) {
	switch {
	case err == nil:
		if q.down != nil {
			q.log.Info("the journal takes entries again")
			q.down = nil
			q.setReady(nil)
		}
	case journal.IsFatal(err):
		q.fatal = fmt.Errorf("the journal failed and cannot be trusted until it is read anew: %w", err)
		q.log.Error("stopping", zap.Error(q.fatal))
	default:
		if q.down == nil {
			q.log.Error("the journal takes no entries; no new sale is accepted until it does. Make room on its disk, and make sure that it is writable", zap.Error(err))
		}
		q.down, q.retryAt = err, q.clock.now().Add(time.Second)
		q.setReady(unavailable(err))
	}
}

// postpone keeps an event that the journal refuses from coming back at once.
func (q *Queue) postpone(e journal.Entry) {
	later := q.clock.now().Add(10 * time.Second)
	if s := q.sales[e.Subject]; s != nil && e.Sale != nil {
		s.NextAt = later
	}
	if f := q.refunds[e.Subject]; f != nil && e.Refund != nil {
		f.NextAt = later
	}
}

func unavailable(err error) *sale.Error {
	return &sale.Error{Code: sale.JournalUnavailable, Detail: "the journal takes no entries (" + err.Error() +
		"): nothing was sent. Make room on its disk or make it writable; cpmd goes on by itself then"}
}

// hold runs a step whose event does not come again by itself, and keeps it while the journal is down.
func (q *Queue) hold(step func() error) {
	if len(q.held) > 0 {
		q.held = append(q.held, step)
		return
	}
	if err := step(); err != nil && !journal.IsConstraint(err) && q.fatal == nil {
		q.held = append(q.held, step)
		if q.down == nil { // it failed before it came to writing
			q.down, q.retryAt = err, q.clock.now().Add(time.Second)
		}
	}
}

// flush tries what was held, in order, as far as the journal goes along.
func (q *Queue) flush() {
	for len(q.held) > 0 {
		if err := q.held[0](); err != nil && !journal.IsConstraint(err) {
			return
		}
		q.held = q.held[1:]
	}
	if q.down != nil && q.fatal == nil {
		q.wrote(q.cfg.Journal.Probe())
	}
}
