package queue

import (
	"fmt"
	"reflect"

	"go.uber.org/zap"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// stepSale runs one event: reduce, append, perform. An error means that nothing happened.
func (q *Queue) stepSale(id string, ev sale.Event) error {
	s, ok := q.sales[id]
	if !ok { // final: only a contradiction matters
		old, known, err := q.cfg.Journal.Sale(id)
		if err != nil || !known {
			return err
		}
		s = &old
	}
	_, err := q.applySale(*s, ev)
	return err
}

func (q *Queue) applySale(old sale.Sale, ev sale.Event) (sale.Sale, error) {
	s, effects := sale.Reduce(q.cfg.Rules, old, ev)
	if reflect.DeepEqual(s, old) && len(effects) == 0 {
		return old, nil
	}
	e := q.saleEntry(old, &s, ev, effects)
	if err := q.append(e); err != nil {
		return old, err
	}
	q.keep(s)
	q.settleLane(old, s)
	for _, effect := range effects {
		q.perform(s, effect)
	}
	if e.Told != nil {
		q.logSale(s)
		if q.cfg.Observe != nil && s.State != old.State {
			q.cfg.Observe(q.view(s), ev.At.Sub(s.CreatedAt))
		}
		q.announce()
	}
	return s, nil
}

// saleEntry is the entry of a sale's change. Where tills see the change, the sale gets its time and seq.
func (q *Queue) saleEntry(old sale.Sale, s *sale.Sale, ev sale.Event, effects []sale.Effect) journal.Entry {
	e := journal.Entry{At: ev.At, Kind: "sale", Subject: s.ID, Cause: sale.CauseOf(ev, string(old.State), string(s.State), effects), Sale: s}
	s.UpdatedAt = old.UpdatedAt
	if sale.VisiblyDiffer(old, *s, q.cfg.Rules) {
		s.UpdatedAt = ev.At
		e.Told = func(seq int64) any { s.Seq = seq; return q.view(*s) }
	}
	return e
}

func (q *Queue) logSale(s sale.Sale) {
	q.log.Info("sale", zap.String("id", s.ID), zap.String("lane", s.Lane), zap.String("state", string(s.State)),
		zap.String("reason", string(s.Reason)), zap.Int("payments", len(s.Payments)), zap.Int64("seq", s.Seq))
}

// keep remembers a sale until it is final.
func (q *Queue) keep(s sale.Sale) {
	if s.Done() {
		delete(q.sales, s.ID)
	} else {
		q.sales[s.ID] = &s
	}
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
	f, effects := sale.ReduceRefund(q.cfg.Rules, old, ev)
	if reflect.DeepEqual(f, old) && len(effects) == 0 {
		return old, nil
	}
	f.UpdatedAt = ev.At
	e := journal.Entry{At: ev.At, Kind: "refund", Subject: f.ID, Cause: sale.CauseOf(ev, string(old.State), string(f.State), effects), Refund: &f}
	told := f.State != old.State || f.SysSN != old.SysSN || f.RespCD != old.RespCD
	if told {
		e.Told = func(seq int64) any { f.Seq = seq; return sale.RefundViewOf(f) }
	} else {
		f.UpdatedAt = old.UpdatedAt
	}
	entries := []journal.Entry{e}
	if f.State == sale.Refunded { // the sale shows it in the same moment
		s, ok, err := q.cfg.Journal.Sale(f.Sale)
		if err != nil || !ok {
			return old, fmt.Errorf("the sale %s of refund %s: %w", f.Sale, f.ID, err)
		}
		back := sale.Event{Kind: sale.GivenBack, At: ev.At, Amount: f.Amount, Refund: f.ID}
		less, effects := sale.Reduce(q.cfg.Rules, s, back)
		entries = append(entries, q.saleEntry(s, &less, back, effects))
	}
	if err := q.append(entries...); err != nil {
		return old, err
	}
	for _, e := range entries[1:] {
		q.keep(*e.Sale)
		q.logSale(*e.Sale)
	}
	if f.State.Final() {
		delete(q.refunds, f.ID)
	} else {
		q.refunds[f.ID] = &f
	}
	for _, effect := range effects {
		q.performRefund(f, effect)
	}
	if told {
		q.log.Info("refund", zap.String("id", f.ID), zap.String("sale", f.Sale), zap.String("state", string(f.State)), zap.Int64("seq", f.Seq))
		q.announce()
	}
	return f, nil
}
