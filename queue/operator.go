package queue

import (
	"context"
	"fmt"
	"time"

	"cpmd/queue/sale"
)

// This file is what operators do: decide, ask, look at alarms and settle them.

// Resolve takes an operator's word for an unresolved sale, or for one whose money cpmd cannot return.
func (q *Queue) Resolve(ctx context.Context, d sale.Resolution) (sale.View, error) {
	if err := d.Check(sale.Paid, sale.NotPaid, sale.State(sale.Returned)); err != nil {
		return sale.View{}, err
	}
	return q.enact(ctx, d.ID, sale.Event{Kind: sale.Decided, By: d.By, Outcome: d.Outcome, Note: d.Note}, func(s sale.Sale) error {
		return sale.CheckResolve(s, d)
	})
}

// ResolveRefund takes an operator's word for an unresolved refund.
func (q *Queue) ResolveRefund(ctx context.Context, d sale.Resolution) (v sale.RefundView, err error) {
	if err := d.Check(sale.State(sale.Refunded), sale.State(sale.NotRefunded)); err != nil {
		return v, err
	}
	err = q.ask(ctx, func() error {
		f, ok, err := q.cfg.Journal.Refund(d.ID)
		if err != nil {
			return unavailable(err)
		}
		if !ok {
			return unknownRefund(d.ID)
		}
		if err := sale.CheckResolveRefund(f, d); err != nil {
			return err
		}
		f, err = q.applyRefund(f, sale.Event{Kind: sale.Decided, At: q.clock.now(), By: d.By, Outcome: d.Outcome, Note: d.Note})
		v = sale.RefundViewOf(f)
		return refusalOr(err)
	})
	return v, refusalOr(err)
}

// AskNow asks QFPay at once what became of a sale's payments and of its refunds.
func (q *Queue) AskNow(ctx context.Context, id, by string) (sale.View, error) {
	v, err := q.enact(ctx, id, sale.Event{Kind: sale.AskNow, By: by}, func(sale.Sale) error { return nil })
	if err != nil {
		return v, err
	}
	return v, q.ask(ctx, func() error {
		refunds, err := q.cfg.Journal.RefundsOf(id)
		if err != nil {
			return unavailable(err)
		}
		for _, f := range refunds {
			if _, err := q.applyRefund(f, sale.Event{Kind: sale.AskNow, At: q.clock.now(), By: by}); err != nil {
				return refusalOr(err)
			}
		}
		return nil
	})
}

// Alarms returns the alarms that stand, and with all those of the last 90 days that were settled, newest first.
func (q *Queue) Alarms(_ context.Context, all bool) ([]sale.AlarmView, error) {
	since := q.clock.now().Add(time.Microsecond) // none
	if all {
		since = q.clock.now().AddDate(0, 0, -90)
	}
	list, err := q.cfg.Journal.Alarms(since, sale.MaxList)
	if err != nil {
		return nil, unavailable(err)
	}
	return views(list, sale.AlarmViewOf), nil
}

// SettleAlarm notes that a person has looked at an alarm. Money that was to be given back because of it stays, if it has
// not gone yet.
func (q *Queue) SettleAlarm(ctx context.Context, seq int64, note, by string) (v sale.AlarmView, err error) {
	if err := sale.CheckNote(&note); err != nil {
		return v, err
	}
	err = q.ask(ctx, func() error {
		a, ok, err := q.cfg.Journal.Alarm(seq)
		if err != nil {
			return unavailable(err)
		}
		if !ok {
			return &sale.Error{Code: sale.UnknownAlarm, Detail: fmt.Sprintf("there is no alarm %d (cpmctl alarms lists them)", seq)}
		}
		if a.SettledAt.IsZero() {
			if err := q.settleAlarm(&a, note, by); err != nil {
				return refusalOr(err)
			}
		}
		v = sale.AlarmViewOf(a)
		return nil
	})
	return v, refusalOr(err)
}

func (q *Queue) settleAlarm(a *sale.Alarm, note, by string) error {
	a.SettledAt, a.SettledBy, a.Note = q.clock.now(), by, note
	settled := alarmEntry(subject{a.Kind, a.Subject}, a.SettledAt, sale.Effect{Payment: a.Payment, Text: a.What})
	settled.Alarm, settled.Told = a, func(int64) any { return sale.AlarmViewOf(*a) }
	settled.Cause = sale.Cause{Event: sale.AlarmSettled, Payment: a.Payment, By: by, Note: note}
	if err := q.append(settled); err != nil {
		return err
	}
	if a.Kind != "sale" {
		return nil
	}
	return q.stepSale(a.Subject, sale.Event{Kind: sale.AlarmSettled, At: a.SettledAt, Payment: a.Payment, Alarm: a.What, By: by, Note: note})
}
