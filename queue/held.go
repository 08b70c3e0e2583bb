package queue

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// This file is what happens while the journal is not writable: what cannot be written waits, in order.

// append writes entries, keeps account of the journal's health, and wakes who waits for what tills are told.
func (q *Queue) append(entries ...journal.Entry) error {
	if q.fatal != nil {
		return q.fatal
	}
	began := time.Now()
	err := q.cfg.Journal.Append(entries...)
	if q.cfg.Wrote != nil {
		q.cfg.Wrote(time.Since(began))
	}
	if journal.IsConstraint(err) || journal.IsDamagedArchive(err) {
		return err // the entry's own fault, not the journal's
	}
	q.wrote(err)
	if err == nil && slices.ContainsFunc(entries, func(e journal.Entry) bool { return e.Told != nil }) {
		q.announce()
	}
	return err
}

// wrote keeps account of what came of a write.
func (q *Queue) wrote(err error) {
	switch {
	case err == nil:
		if q.down != nil {
			q.log.Info("the journal is writable again")
			q.down = nil
			q.setReady(nil)
		}
	case journal.IsFatal(err):
		q.fatal = fmt.Errorf("the journal failed and cannot be trusted until it is read anew: %w", err)
		q.log.Error("stopping", zap.Error(q.fatal))
	default:
		if q.down == nil {
			q.log.Error("the journal is not writable; no new sale is accepted until it is. Make room on its disk, and make sure that it is writable", zap.Error(err))
		}
		q.down, q.retryAt = err, q.clock.now().Add(time.Second)
		q.setReady(unavailable(err))
	}
}

// didNothing is all that is known of a sale whose request was not taken: it may be charged all the same.
const didNothing = "This request did nothing; what was sent before stands."

func unavailable(err error) *sale.Error {
	if p := (*stepPanic)(nil); errors.As(err, &p) {
		return &sale.Error{Code: sale.Internal, Detail: "cpmd failed (" + err.Error() + "), and what came of this is not known. " +
			"Ask again with the same id, and report this together with what cpmctl diagnose prints"}
	}
	if a := (*journal.DamagedArchive)(nil); errors.As(err, &a) {
		return &sale.Error{Code: sale.JournalUnavailable, Detail: a.Error()}
	}
	if ownFault(err) {
		return &sale.Error{Code: sale.Internal, Detail: "cpmd could not do this (" + err.Error() + "). " + didNothing +
			" Please report it together with what cpmctl diagnose prints"}
	}
	if journal.IsFatal(err) {
		return &sale.Error{Code: sale.JournalUnavailable, Detail: "the journal failed (" + err.Error() + "), and whether it holds this request is not " +
			"known until cpmd has been restarted. Do not charge again; ask with the same id then"}
	}
	return &sale.Error{Code: sale.JournalUnavailable, Detail: "the journal is not writable (" + err.Error() +
		"). " + didNothing + " Make room on its disk or make it writable; cpmd resumes automatically"}
}

// hold runs a step whose event does not come again by itself, and keeps it while the journal is down.
func (q *Queue) hold(s subject, step func() error) {
	work := func() error {
		err := q.guarded(step)
		if err != nil && ownFault(err) {
			q.setAside(s, err)
			return nil
		}
		return err
	}
	if len(q.held) > 0 {
		q.held = append(q.held, work)
		return
	}
	if err := work(); err != nil && q.fatal == nil {
		q.held = append(q.held, work)
		if q.down == nil { // it failed before it came to writing
			q.down, q.retryAt = err, q.clock.now().Add(time.Second)
		}
	}
}

// flush tries what was held, in order, as far as the journal goes along.
func (q *Queue) flush() {
	for len(q.held) > 0 {
		if err := q.held[0](); err != nil {
			return
		}
		q.held = q.held[1:]
	}
	if q.down != nil && q.fatal == nil {
		q.wrote(q.cfg.Journal.Probe())
	}
}
