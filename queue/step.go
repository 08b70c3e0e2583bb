package queue

import (
	"fmt"
	"reflect"
	"time"

	"go.uber.org/zap"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// This file is the order of things: reduce, append, perform.

// stepSale runs one event on a sale, also on one that is final. An error means that nothing happened.
func (q *Queue) stepSale(id string, ev sale.Event) error {
	s, ok := q.sales[id]
	if !ok {
		old, known, err := q.cfg.Journal.Sale(id)
		if err != nil || !known {
			return err
		}
		if ev.Kind == sale.ClockMoved {
			waits, err := q.backlog.waits(q.cfg.Journal, old)
			if err != nil || waits { // it is told with the restart
				return err
			}
		}
		if old, err = q.caughtUp(old); err != nil {
			return err
		}
		s = &old
	}
	_, err := q.applySale(*s, ev)
	return err
}

// applySale runs events, which are one step, on a sale.
func (q *Queue) applySale(old sale.Sale, events ...sale.Event) (sale.Sale, error) {
	c := q.reduce(old, events...)
	if c.nothing() {
		q.keep(c.after)
		return old, nil
	}
	if err := q.append(c.entries()...); err != nil {
		return old, err
	}
	q.happened(c)
	return c.after, nil
}

// A saleChange is what an event does to a sale.
type saleChange struct {
	before, after sale.Sale
	event         sale.Event
	effects       []sale.Effect
	entry         journal.Entry
}

func (q *Queue) reduce(old sale.Sale, events ...sale.Event) *saleChange {
	c := &saleChange{before: old, after: old}
	for _, ev := range events {
		s, effects := sale.Reduce(q.set().Rules, c.after, ev)
		c.after, c.event, c.effects = s, ev, append(c.effects, effects...)
	}
	if !c.nothing() {
		c.entry = q.saleEntry(old, &c.after, c.event, c.effects)
	}
	return c
}

func (c *saleChange) nothing() bool {
	return len(c.effects) == 0 && reflect.DeepEqual(c.after, c.before)
}

// entries are the change and the alarms that it raises.
func (c *saleChange) entries() []journal.Entry {
	return append([]journal.Entry{c.entry}, alarmEntries(subject{"sale", c.after.ID}, c.event, c.effects)...)
}

// happened takes over a change that is in the journal, and performs what follows from it.
func (q *Queue) happened(c *saleChange) {
	q.changedSale(c.before, c.after, c.event, c.entry.Told != nil)
	for _, effect := range c.effects {
		q.perform(c.after, effect)
	}
}

// changedSale takes over a change that is in the journal.
func (q *Queue) changedSale(old, s sale.Sale, ev sale.Event, told bool) {
	delete(q.aside, subject{"sale", s.ID})
	q.keep(s)
	q.settleLane(old, s)
	if told {
		q.log.Info("sale", traceOf(s, "").with(zap.String("lane", s.Lane), zap.String("state", string(s.State)),
			zap.String("reason", string(s.Reason)), zap.Int64("seq", s.Seq))...)
	}
	if q.cfg.Observe != nil {
		q.cfg.Observe(old, s, ev)
	}
}

// saleEntry is the entry of a sale's change. Where tills see the change, the sale gets its time and seq.
func (q *Queue) saleEntry(old sale.Sale, s *sale.Sale, ev sale.Event, effects []sale.Effect) journal.Entry {
	e := journal.Entry{At: ev.At, Kind: "sale", Subject: s.ID, Cause: sale.CauseOf(ev, string(old.State), string(s.State), effects), Sale: s}
	s.UpdatedAt = old.UpdatedAt
	if sale.VisiblyDiffer(old, *s, q.set().Rules) {
		s.UpdatedAt = ev.At
		e.Told = func(seq int64) any { s.Seq = seq; return q.view(*s) }
	}
	return e
}

// alarmEntries are the alarms among the effects, which are in the journal with the change that raised them.
func alarmEntries(about subject, ev sale.Event, effects []sale.Effect) (all []journal.Entry) {
	for _, e := range effects {
		if e.Kind == sale.RaiseAlarm {
			all = append(all, alarmEntry(about, ev.At, e))
		}
	}
	return all
}

func alarmEntry(about subject, at time.Time, e sale.Effect) journal.Entry {
	a := &sale.Alarm{At: at, Kind: about.kind, Subject: about.id, Payment: e.Payment, What: e.Text}
	return journal.Entry{At: at, Kind: "alarm", Subject: about.id, Cause: sale.Cause{Payment: e.Payment, Alarm: e.Text}, Alarm: a, Once: e.Once,
		Told: func(seq int64) any { v := *a; v.Seq = seq; return sale.AlarmViewOf(v) }}
}

// keep remembers a sale while somebody stands at the counter for it. Of one that is unresolved, or that only its audit is
// to come of, the timer is enough.
func (q *Queue) keep(s sale.Sale) {
	if s.Done() || s.State == sale.Unresolved {
		delete(q.sales, s.ID)
	} else {
		q.sales[s.ID] = &s
	}
	q.timers.set(subject{"sale", s.ID}, s.Due())
	for _, p := range s.Payments {
		if !p.Progress.InFlight && !p.Progress.Resend {
			delete(q.codes, p.OutTradeNo)
		}
	}
}

func (q *Queue) stepRefund(id string, ev sale.Event) error {
	f, ok := q.refunds[id]
	if !ok {
		old, known, err := q.cfg.Journal.Refund(id)
		if err != nil || !known {
			return err
		}
		f = &old
	}
	_, err := q.applyRefund(*f, ev)
	return err
}

func (q *Queue) applyRefund(old sale.Refund, ev sale.Event) (sale.Refund, error) {
	f, effects := sale.ReduceRefund(q.set().Rules, old, ev)
	if reflect.DeepEqual(f, old) && len(effects) == 0 {
		q.keepRefund(f)
		return old, nil
	}
	e := journal.Entry{At: ev.At, Kind: "refund", Subject: f.ID, Cause: sale.CauseOf(ev, string(old.State), string(f.State), effects), Refund: &f}
	f.UpdatedAt = old.UpdatedAt
	told := f.State != old.State || f.SysSN != old.SysSN || f.RespCD != old.RespCD
	if told {
		f.UpdatedAt = ev.At
		e.Told = func(seq int64) any { f.Seq = seq; return sale.RefundViewOf(f) }
	}
	entries := append([]journal.Entry{e}, alarmEntries(subject{"refund", f.ID}, ev, effects)...)
	of, err := q.refundEnded(old, f, ev)
	if err != nil {
		return old, err
	}
	if of != nil { // the sale shows it in the same moment
		entries = append(entries, of.entries()...)
	}
	if err := q.append(entries...); err != nil {
		return old, err
	}
	delete(q.aside, subject{"refund", f.ID})
	q.keepRefund(f)
	if of != nil {
		q.changedSale(of.before, of.after, of.event, of.entry.Told != nil)
	}
	for _, effect := range effects {
		q.performRefund(f, effect)
	}
	if told {
		q.log.Info("refund", traceOfRefund(f).with(zap.String("state", string(f.State)), zap.Int64("seq", f.Seq))...)
	}
	return f, nil
}

// refundEnded reduces the end of a refund on its sale; nil where it means nothing to it.
func (q *Queue) refundEnded(old, f sale.Refund, ev sale.Event) (*saleChange, error) {
	if old.State.Final() || !f.State.Final() {
		return nil, nil
	}
	s, ok, err := q.find(f.Sale)
	if err != nil || !ok {
		return nil, fmt.Errorf("the sale %s of refund %s: %w", f.Sale, f.ID, err)
	}
	if s, err = q.caughtUp(s); err != nil {
		return nil, err
	}
	e := sale.Event{Kind: sale.GivenBack, At: ev.At, Amount: f.Amount, Refund: f.ID}
	switch {
	case !f.GiveBack && f.State == sale.NotRefunded:
		e = sale.Event{Kind: sale.RefundRefused, At: ev.At, Refund: f.ID, Note: f.Why}
	case f.GiveBack:
		e = sale.Event{Kind: sale.GaveBack, At: ev.At, Payment: f.Payment, Refund: f.ID, Done: f.State == sale.Refunded}
	}
	c := &saleChange{before: s, event: e}
	c.after, c.effects = sale.Reduce(q.set().Rules, s, e)
	c.entry = q.saleEntry(s, &c.after, e, c.effects) // also where nothing changed: it tells of the refund
	return c, nil
}

// keepRefund remembers a refund until it is final; of its audit the timer is enough.
func (q *Queue) keepRefund(f sale.Refund) {
	if f.State.Final() {
		delete(q.refunds, f.ID)
	} else {
		q.refunds[f.ID] = &f
	}
	q.timers.set(subject{"refund", f.ID}, f.NextAt)
}
