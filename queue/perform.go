package queue

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"cpmd/payment"
)

// This file performs effects: it calls the gateway and feeds what came back in as events.

func (q *Queue) perform(s Sale, e Effect) {
	p := s.Payment(e.Payment)
	switch e.Kind {
	case Submit:
		order := payment.Order{OutTradeNo: p.OutTradeNo, Amount: s.Amount, Currency: s.Currency, PayType: p.PayType,
			AuthCode: q.codes[p.OutTradeNo], TxDTM: p.TxDTM, UDID: s.Lane}
		q.call(func(ctx context.Context) func(time.Time) error {
			a := q.cfg.Gateway.Pay(ctx, order)
			return func(now time.Time) error {
				return q.stepSale(s.ID, Event{Kind: Answered, At: now, Payment: e.Payment, Answer: &a})
			}
		})
	case CancelPayment:
		undo := payment.Undoing{OutTradeNo: p.OutTradeNo, SysSN: p.SysSN, Amount: s.Amount, Currency: s.Currency,
			PayType: cmp.Or(p.Resolved, p.PayType), TxDTM: p.TxDTM}
		q.call(func(ctx context.Context) func(time.Time) error {
			a := q.cfg.Gateway.Cancel(ctx, undo)
			return func(now time.Time) error {
				return q.stepSale(s.ID, Event{Kind: CancelAnswered, At: now, Payment: e.Payment, Answer: &a})
			}
		})
	case Query:
		question := payment.Question{OutTradeNo: p.OutTradeNo, SysSN: p.SysSN, Amount: s.Amount, Currency: s.Currency, Created: p.Since()}
		q.query(question, func(ev Event) error { return q.stepSale(s.ID, ev) })
	case ReturnMoney:
		q.hold(func() error { return q.returnMoney(s.ID) })
	case Alarm:
		q.raise("sale", s.ID, e)
	}
}

func (q *Queue) performRefund(f Refund, e Effect) {
	switch e.Kind {
	case SendRefund:
		order := payment.RefundOrder{OutTradeNo: f.OutTradeNo, SysSN: f.PaidSysSN, Amount: f.Amount, Currency: f.Currency, TxDTM: f.TxDTM}
		q.call(func(ctx context.Context) func(time.Time) error {
			a := q.cfg.Gateway.Refund(ctx, order)
			return func(now time.Time) error {
				return q.stepRefund(f.ID, Event{Kind: Answered, At: now, Payment: e.Payment, Answer: &a})
			}
		})
	case QueryRefund:
		question := payment.Question{OutTradeNo: f.OutTradeNo, SysSN: f.SysSN, Amount: f.Amount, Currency: f.Currency, Created: f.Since(), Refund: true}
		q.query(question, func(ev Event) error { return q.stepRefund(f.ID, ev) })
	case Alarm:
		q.raise("refund", f.ID, e)
	}
}

// query asks QFPay, at most Parallel at a time.
func (q *Queue) query(question payment.Question, step func(Event) error) {
	q.call(func(ctx context.Context) func(time.Time) error {
		select {
		case q.queries <- struct{}{}:
			defer func() { <-q.queries }()
		case <-ctx.Done():
		}
		asked := time.Now()
		question.Now = q.clock.now()
		f := q.cfg.Gateway.Query(ctx, question)
		return func(now time.Time) error {
			// Counted back from now, not read before: the clock may have been set meanwhile.
			return step(Event{Kind: Found, At: now, Payment: question.OutTradeNo, Finding: &f, AskedAt: now.Add(-time.Since(asked))})
		}
	})
}

// call runs a gateway call beside the main goroutine and feeds its result in there. A panic in it is an
// unknown answer, as any other that does not come: NextAt brings the next query.
//
// A queue that is stopping begins no calls: the next start asks for what is open.
func (q *Queue) call(do func(context.Context) func(time.Time) error) {
	if q.stopping {
		return
	}
	q.calls.Add(1)
	go func() {
		defer q.calls.Done()
		defer func() {
			if r := recover(); r != nil {
				q.log.Error("a gateway call panicked", zap.String("panic", fmt.Sprintf("%T", r)), zap.Stack("stack"))
			}
		}()
		result := do(q.ctx)
		q.post(func() {
			q.hold(func() error { return result(q.clock.now()) })
		})
	}()
}

func (q *Queue) raise(kind, id string, e Effect) {
	q.log.Error("alarm: a person must look at this", zap.String(kind, id), zap.String("payment", e.Payment), zap.String("what", e.Text))
}
