package queue

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// This file performs effects: it calls the gateway and feeds what came back in as events.

func (q *Queue) perform(s sale.Sale, e sale.Effect) {
	p, about, trace := s.Payment(e.Payment), subject{"sale", s.ID}, traceOf(s, e.Payment)
	id := s.ID // what waits keeps this alone
	switch e.Kind {
	case sale.SubmitPayment:
		order := payment.PaymentRequest{OutTradeNo: p.OutTradeNo, Amount: s.Amount, Currency: s.Currency, PayType: p.PayType,
			AuthCode: q.codes[p.OutTradeNo], TxDTM: p.TxDTM, UDID: s.Lane}
		q.call(about, trace, func(ctx context.Context) func(time.Time) error {
			a := q.cfg.Gateway.Pay(ctx, order)
			return func(now time.Time) error {
				q.heard(a.Err == nil, now)
				return q.stepSale(id, sale.Event{Kind: sale.Answered, At: now, Payment: e.Payment, Answer: &a})
			}
		}, nil)
	case sale.CancelPayment:
		undo := payment.CancelRequest{OutTradeNo: p.OutTradeNo, SysSN: p.SysSN, Amount: s.Amount, Currency: s.Currency,
			PayType: cmp.Or(p.Resolved, p.PayType), TxDTM: p.TxDTM}
		q.call(about, trace, func(ctx context.Context) func(time.Time) error {
			a := q.cfg.Gateway.Cancel(ctx, undo)
			return func(now time.Time) error {
				return q.stepSale(id, sale.Event{Kind: sale.CancelAnswered, At: now, Payment: e.Payment, Answer: &a})
			}
		}, nil)
	case sale.QueryPayment:
		question := payment.Query{OutTradeNo: p.OutTradeNo, SysSN: p.SysSN, Amount: s.Amount, Currency: s.Currency, Created: p.Since(),
			Urgency: urgencyOf(s, p)}
		if e.Urgent {
			question.Urgency = payment.Customer
		}
		q.query(about, trace, question, func(ev sale.Event) error { return q.salesQueried(id, ev) })
	case sale.ReturnMoney:
		q.hold(about, func() error { return q.returnMoney(id) })
	case sale.GiveBack:
		q.hold(about, func() error { return q.giveBack(id, e.Payment) })
	case sale.RaiseAlarm:
		q.logAlarm(trace, about, e)
	}
}

func urgencyOf(s sale.Sale, p *sale.Payment) payment.Urgency {
	switch {
	case p.Outcome != sale.Alive:
		return payment.Audit
	case s.State.HoldsLane():
		return payment.Customer
	}
	return payment.FollowUp
}

// salesQueried feeds a query's result in. What refunds are giving back at the moment explains what is missing of a sale
// that is paid.
func (q *Queue) salesQueried(id string, ev sale.Event) error {
	if ev.Query.Meaning == payment.Undone {
		refunds, err := q.cfg.Journal.RefundsOf(id)
		if err != nil {
			return err
		}
		for _, f := range refunds {
			if !f.State.Final() && !f.GiveBack {
				ev.UnderWay += f.Amount
			}
		}
	}
	return q.stepSale(id, ev)
}

func (q *Queue) performRefund(f sale.Refund, e sale.Effect) {
	about, trace, id := subject{"refund", f.ID}, traceOfRefund(f), f.ID
	switch e.Kind {
	case sale.SendRefund:
		order := payment.RefundRequest{OutTradeNo: f.OutTradeNo, SysSN: f.PaidSysSN, Amount: f.Amount, Currency: f.Currency, TxDTM: f.TxDTM}
		q.call(about, trace, func(ctx context.Context) func(time.Time) error {
			a := q.cfg.Gateway.Refund(ctx, order)
			return func(now time.Time) error {
				return q.stepRefund(id, sale.Event{Kind: sale.Answered, At: now, Payment: e.Payment, Answer: &a})
			}
		}, nil)
	case sale.QueryRefund:
		question := payment.Query{OutTradeNo: f.OutTradeNo, SysSN: f.SysSN, Amount: f.Amount, Currency: f.Currency, Created: f.Since(), Refund: true,
			Urgency: payment.FollowUp}
		if f.State.Final() {
			question.Urgency = payment.Audit
		}
		if e.Urgent {
			question.Urgency = payment.Customer
		}
		q.query(about, trace, question, func(ev sale.Event) error { return q.stepRefund(id, ev) })
	case sale.RaiseAlarm:
		q.logAlarm(trace, about, e)
	}
}

// call runs a gateway call beside the main goroutine and feeds its result in there; over is called there too, at the end,
// whatever came of the call. A panic in the call is an unknown answer, as any other that does not come: NextAt brings
// the next query.
//
// A queue that is stopping begins no calls: the next start asks for what is open.
func (q *Queue) call(about subject, trace Trace, do func(context.Context) func(time.Time) error, over func()) {
	if q.stopping {
		return
	}
	q.calls.Add(1)
	go func() {
		defer q.calls.Done()
		result := q.guardedCall(trace, do)
		q.post(func() {
			if result != nil {
				q.hold(about, func() error { return result(q.clock.now()) })
			}
			if over != nil {
				over()
			}
		})
	}()
}

func (q *Queue) guardedCall(trace Trace, do func(context.Context) func(time.Time) error) (result func(time.Time) error) {
	defer func() {
		if r := recover(); r != nil {
			q.log.Error("a gateway call panicked", trace.with(zap.String("panic", fmt.Sprintf("%T", r)), zap.Stack("stack"))...)
		}
	}()
	return do(trace.in(q.ctx))
}

// raise journals an alarm that no sale's or refund's event raised.
func (q *Queue) raise(about subject, e sale.Effect) {
	trace := q.traceOfSubject(about)
	q.logAlarm(trace, about, e)
	if err := q.append(alarmEntry(about, q.clock.now(), e)); err != nil {
		q.log.Error("an alarm could not be journaled", trace.with(zap.Error(err))...)
	}
}

func (q *Queue) logAlarm(trace Trace, about subject, e sale.Effect) {
	fields := trace.with(zap.String("payment", e.Payment), zap.String("what", e.Text))
	if about.kind == "day" {
		fields = append(fields, zap.String("day", about.id))
	}
	q.log.Error("alarm: a person must look at this", fields...)
}
