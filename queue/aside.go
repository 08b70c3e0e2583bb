package queue

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// Nothing stops the shop: a step that fails for a reason of its own, which is a fault of cpmd, is set aside with an alarm
// and tried again at a slow pace, never in front of others.

// A stepPanic is a step that panicked.
type stepPanic struct {
	value any
	stack []byte
}

func (p *stepPanic) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// guarded runs a step and makes an error of its panic.
func (q *Queue) guarded(step func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &stepPanic{r, debug.Stack()}
		}
	}()
	return step()
}

// run does posted work, such as a scan. Should it panic, that is told and nothing else stops.
func (q *Queue) run(f func()) {
	if err := q.guarded(func() error { f(); return nil }); err != nil {
		q.setAside(subject{}, err)
	}
}

// ownFault reports whether a step failed for a reason of its own: writing it again would fail again.
func ownFault(err error) bool {
	var p *stepPanic
	return errors.As(err, &p) || journal.IsConstraint(err) || journal.IsDamagedArchive(err)
}

// asidePace is how soon a step that was set aside is tried again; the last one repeats.
var asidePace = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// setAside puts off a sale or refund whose step failed for a reason of its own, and calls a person.
func (q *Queue) setAside(s subject, err error) {
	fields := q.traceOfSubject(s).with(zap.Error(err))
	if p := (*stepPanic)(nil); errors.As(err, &p) {
		fields = append(fields, zap.ByteString("stack", p.stack))
	}
	q.log.Error("a step failed for a reason of its own and is set aside; please report this", fields...)
	if s.kind != "sale" && s.kind != "refund" {
		return
	}
	n := q.aside[s]
	q.aside[s] = n + 1
	q.timers.set(s, q.clock.now().Add(asidePace[min(n, len(asidePace)-1)]))
	id := s.id
	if s.kind == "refund" { // it is asked about with its sale
		if f, ok, err := q.cfg.Journal.Refund(s.id); ok && err == nil {
			id = f.Sale
		}
	}
	q.raise(s, sale.Effect{Kind: sale.RaiseAlarm, Text: fmt.Sprintf("cpmd could not go on with this %s (%v) and has set it aside; it tries again by itself. "+
		"Ask QFPay now (cpmctl ask %s), look it up in QFPay's portal, and report this together with what cpmctl diagnose prints", s.kind, err, id)})
}
