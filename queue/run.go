package queue

import (
	"context"
	"fmt"
	"time"

	"cpmd/queue/sale"
)

// shutdownGrace is how long a stopping queue waits for payment answers that are under way. What has no answer
// by then is asked for by the next start.
const shutdownGrace = 5 * time.Second

// Run reads the journal, goes on with what is unfinished, and works until the context ends. It returns an
// error only where the journal cannot be trusted any more; the process must then end.
func (q *Queue) Run(ctx context.Context) error {
	defer close(q.done)
	calls, stopCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCalls()
	q.ctx = calls
	q.clock.start()
	if err := q.resume(); err != nil {
		return err
	}
	if q.down == nil {
		q.setReady(nil)
	}
	close(q.running)
	if q.cfg.KeepDays > 0 {
		old, stopArchiving := context.WithCancel(calls)
		defer context.AfterFunc(ctx, stopArchiving)()
		q.calls.Go(func() { q.keepArchiving(old) })
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for q.fatal == nil {
		q.checkClock()
		wait := q.fireDue()
		if q.fatal != nil { // what was due found it
			break
		}
		if q.behind() {
			if wait = 0; len(q.work) == 0 {
				q.catchUp(min(catchUpEach, q.cfg.CatchUp))
			}
		}
		timer.Reset(wait)
		select {
		case f := <-q.work:
			q.run(f)
		case <-timer.C:
		case <-ctx.Done():
			q.setReady(errStopping)
			q.drain(stopCalls)
			return q.fatal
		}
	}
	q.setReady(q.fatal)
	stopCalls()
	q.drain(stopCalls)
	return q.fatal
}

// resume tells unfinished sales and refunds that the daemon was away, and sets the timers of the audit. Those with a
// customer come first; of the unresolved sales some are told, and the others behind it (backlog.go).
func (q *Queue) resume() error {
	sales, err := q.cfg.Journal.AttendedSales()
	if err != nil {
		return fmt.Errorf("reading the unfinished sales: %w", err)
	}
	q.backlog.ahead = map[string]bool{}
	if q.backlog.upTo, err = q.cfg.Journal.LastPlace(); err != nil {
		return fmt.Errorf("reading the unfinished sales: %w", err)
	}
	refunds, err := q.cfg.Journal.UnfinishedRefunds()
	if err != nil {
		return fmt.Errorf("reading the unfinished refunds: %w", err)
	}
	audits, err := q.cfg.Journal.Audits()
	if err != nil {
		return fmt.Errorf("reading what is to be looked at again: %w", err)
	}
	for _, d := range audits {
		at := minTime(d.At, q.clock.now().Add(time.Hour)) // a clock that was wrong must not put it off for weeks
		if d.Refund {
			q.timers.set(subject{"refund", d.ID}, at)
		} else {
			q.timers.set(subject{"sale", d.ID}, at)
		}
	}
	for i := range sales {
		s := &sales[i]
		q.sales[s.ID] = s
		q.backlog.ahead[s.ID] = true // also if it becomes unresolved before all others are told
		if l := q.lanes[s.Lane]; l != nil && s.State.HoldsLane() {
			l.holder, l.since = s.ID, time.Now()
		}
	}
	for i := range refunds {
		q.refunds[refunds[i].ID] = &refunds[i]
	}
	for _, l := range q.lanes {
		s := q.sales[l.holder]
		l.arm(s != nil && s.State == sale.Waiting)
	}
	for i := range sales {
		q.hold(subject{"sale", sales[i].ID}, func() error {
			return q.stepSale(sales[i].ID, sale.Event{Kind: sale.Restarted, At: q.clock.now()})
		})
	}
	for i := range refunds {
		q.hold(subject{"refund", refunds[i].ID}, func() error {
			return q.stepRefund(refunds[i].ID, sale.Event{Kind: sale.Restarted, At: q.clock.now()})
		})
	}
	q.catchUp(q.cfg.CatchUp)
	q.planDayEnd()
	q.makeUpDays()
	return q.fatal
}

// drain lets answers that are under way come in for a short while, so that most restarts lose nothing.
func (q *Queue) drain(stopCalls func()) {
	q.stopping = true
	idle := make(chan struct{})
	go func() { q.calls.Wait(); close(idle) }()
	grace := time.AfterFunc(shutdownGrace, stopCalls)
	defer grace.Stop()
	for {
		select {
		case f := <-q.work:
			q.run(f)
		case <-idle:
			for { // what came in last
				select {
				case f := <-q.work:
					q.run(f)
				default:
					return
				}
			}
		}
	}
}

// post hands work to the goroutine in Run, from a gateway call or a scanner.
func (q *Queue) post(f func()) {
	select {
	case q.work <- f:
	case <-q.done:
	}
}

// ask hands work to the goroutine in Run and waits until it is done.
func (q *Queue) ask(ctx context.Context, f func() error) error {
	result := make(chan error, 1)
	select {
	case q.work <- func() {
		if q.stopping {
			result <- errStopping
			return
		}
		result <- q.guarded(f)
	}:
	case <-q.done:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-result:
		return err
	case <-q.done:
		select {
		case err := <-result:
			return err
		default:
			return errStopping
		}
	}
}

// fireDue lets all that is due happen and returns how long until the next thing is.
func (q *Queue) fireDue() time.Duration {
	const idle = 30 * time.Second // the wall clock is looked at that often
	now := q.clock.now()
	if q.down != nil || len(q.held) > 0 { // what was held comes before everything else, also if another write showed that the journal is back
		q.overdue.expect(nil, now) // what is due waits for the journal, not for the loop
		if wait := q.retryAt.Sub(now); wait > 0 {
			return wait
		}
		q.flush()
		return time.Second
	}
	for t := q.timers.next(); t != nil && !t.at.After(now); t = q.timers.next() {
		if q.awaited(t.subject) { // while QFPay does not answer, thousands cost a timer each and no entry in the journal
			q.timers.set(t.subject, now.Add(stillAsking))
			continue
		}
		before := t.at
		q.fire(t.subject, now)
		if q.down != nil || q.fatal != nil {
			return time.Second
		}
		if t := q.timers.of[t.subject]; t != nil && !t.at.After(now) && t.at.Equal(before) {
			q.timers.set(t.subject, now.Add(time.Second)) // nothing came of it
		}
	}
	next := now.Add(idle)
	if t := q.timers.next(); t != nil {
		next = minTime(next, t.at)
	}
	q.overdue.expect(q.timers.next(), now)
	return max(next.Sub(now), time.Millisecond)
}

// fire gives a subject its Due. That the journal is down is noted in append, and the timer stands.
func (q *Queue) fire(s subject, now time.Time) {
	due := sale.Event{Kind: sale.Due, At: now}
	var err error
	switch s.kind {
	case "sale":
		err = q.guarded(func() error { return q.stepSale(s.id, due) })
	case "refund":
		err = q.guarded(func() error { return q.stepRefund(s.id, due) })
	case "day":
		q.timers.set(s, time.Time{})
		q.dayEnded(s.id)
	}
	if err != nil && ownFault(err) {
		q.setAside(s, err)
	}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
