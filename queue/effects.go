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

func (q *Queue) perform(s sale.Sale, e sale.Effect) {
	p := s.Payment(e.Payment)
	switch e.Kind {
	case sale.SubmitPayment:
		order := payment.PaymentRequest{OutTradeNo: p.OutTradeNo, Amount: s.Amount, Currency: s.Currency, PayType: p.PayType,
			AuthCode: q.codes[p.OutTradeNo], TxDTM: p.TxDTM, UDID: s.Lane}
		q.call(func(ctx context.Context) func(time.Time) error {
			a := q.cfg.Gateway.Pay(ctx, order)
			return func(now time.Time) error {
				return q.stepSale(s.ID, sale.Event{Kind: sale.Answered, At: now, Payment: e.Payment, Answer: &a})
			}
		})
	case sale.CancelPayment:
		undo := payment.CancelRequest{OutTradeNo: p.OutTradeNo, SysSN: p.SysSN, Amount: s.Amount, Currency: s.Currency,
			PayType: cmp.Or(p.Resolved, p.PayType), TxDTM: p.TxDTM}
		q.call(func(ctx context.Context) func(time.Time) error {
			a := q.cfg.Gateway.Cancel(ctx, undo)
			return func(now time.Time) error {
				return q.stepSale(s.ID, sale.Event{Kind: sale.CancelAnswered, At: now, Payment: e.Payment, Answer: &a})
			}
		})
	case sale.QueryPayment:
		question := payment.Query{OutTradeNo: p.OutTradeNo, SysSN: p.SysSN, Amount: s.Amount, Currency: s.Currency, Created: p.Since()}
		q.query(question, func(ev sale.Event) error { return q.stepSale(s.ID, ev) })
	case sale.ReturnMoney:
		q.hold(func() error { return q.returnMoney(s.ID) })
	case sale.RaiseAlarm:
		q.raise("sale", s.ID, e)
	}
}

func (q *Queue) performRefund(f sale.Refund, e sale.Effect) {
	switch e.Kind {
	case sale.SendRefund:
		order := payment.RefundRequest{OutTradeNo: f.OutTradeNo, SysSN: f.PaidSysSN, Amount: f.Amount, Currency: f.Currency, TxDTM: f.TxDTM}
		q.call(func(ctx context.Context) func(time.Time) error {
			a := q.cfg.Gateway.Refund(ctx, order)
			return func(now time.Time) error {
				return q.stepRefund(f.ID, sale.Event{Kind: sale.Answered, At: now, Payment: e.Payment, Answer: &a})
			}
		})
	case sale.QueryRefund:
		question := payment.Query{OutTradeNo: f.OutTradeNo, SysSN: f.SysSN, Amount: f.Amount, Currency: f.Currency, Created: f.Since(), Refund: true}
		q.query(question, func(ev sale.Event) error { return q.stepRefund(f.ID, ev) })
	case sale.RaiseAlarm:
		q.raise("refund", f.ID, e)
	}
}

// query asks QFPay, at most Parallel at a time.
func (q *Queue) query(question payment.Query, step func(sale.Event) error) {
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
			return step(sale.Event{Kind: sale.QueryAnswered, At: now, Payment: question.OutTradeNo, Query: &f, AskedAt: now.Add(-time.Since(asked))})
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

func (q *Queue) raise(kind, id string, e sale.Effect) {
	q.log.Error("alarm: a person must look at this", zap.String(kind, id), zap.String("payment", e.Payment), zap.String("what", e.Text))
}
