package queue

import (
	"context"
	"fmt"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// PutRefund gives money of a paid sale back, under the till's own id. The same request again returns the
// refund as it stands.
func (q *Queue) PutRefund(ctx context.Context, r sale.RefundRequest) (v sale.RefundView, created bool, err error) {
	if err := r.Check(); err != nil {
		return v, false, err
	}
	err = q.ask(ctx, func() error {
		f, fresh, err := q.openRefund(r)
		if err == nil {
			v, created = sale.RefundViewOf(f), fresh
		}
		return err
	})
	return v, created, err
}

func (q *Queue) openRefund(r sale.RefundRequest) (f sale.Refund, created bool, err error) {
	old, ok, err := q.cfg.Journal.Refund(r.ID)
	if err != nil {
		return f, false, unavailable(err)
	}
	if ok {
		if old.Sale != r.Sale || old.Amount != r.Amount {
			return f, false, &sale.Error{Code: sale.IDReused, Sale: old.Sale, Detail: "a refund with this id but different content exists; use a new id for a new refund"}
		}
		return old, false, nil
	}
	s, ok, err := q.find(r.Sale)
	if err != nil {
		return f, false, unavailable(err)
	}
	if !ok {
		return f, false, unknownSale(r.Sale)
	}
	paid, err := q.refundable(s, r.Amount)
	if err != nil {
		return f, false, refusalOr(err)
	}
	f, err = q.beginRefund(sale.Refund{ID: r.ID, Amount: r.Amount, By: r.By}, s, paid)
	return f, err == nil, refusalOr(err)
}

// beginRefund opens a refund of the payment and sends it, after a pause where the sale has been refunded before.
func (q *Queue) beginRefund(f sale.Refund, s sale.Sale, paid *sale.Payment) (sale.Refund, error) {
	now := q.clock.now()
	f.Sale, f.Currency, f.Payment, f.PaidSysSN = s.ID, s.Currency, paid.OutTradeNo, paid.GatewayID()
	f.OutTradeNo, f.TxDTM = q.cfg.NewNumber(now), payment.FormatTime(now, q.cfg.Location)
	earlier, err := q.cfg.Journal.RefundsOf(s.ID)
	if err != nil {
		return f, err
	}
	ev := sale.Event{Kind: sale.Opened, At: now, By: f.By, Amount: f.Amount}
	for _, e := range earlier {
		if t := e.UpdatedAt.Add(sale.RefundPause); t.After(ev.NotBefore) {
			ev.NotBefore = t
		}
	}
	return q.applyRefund(f, ev)
}

// refundable checks that the sale has that much left to give back, and returns its paid payment.
func (q *Queue) refundable(s sale.Sale, amount int64) (*sale.Payment, error) {
	refuse := func(format string, args ...any) (*sale.Payment, error) {
		return nil, &sale.Error{Code: sale.NotRefundable, Sale: s.ID, Detail: fmt.Sprintf(format, args...)}
	}
	if s.State != sale.Paid {
		return refuse("sale %s is %s; only a paid sale can be refunded", s.ID, s.State)
	}
	refunds, err := q.cfg.Journal.RefundsOf(s.ID)
	if err != nil {
		return nil, err
	}
	for _, f := range refunds {
		switch {
		case f.GiveBack:
		case f.State == sale.RefundUnresolved:
			return refuse("refund %s of this sale is unresolved; look it up in QFPay's portal and decide it (cpmctl resolve), then ask again", f.ID)
		case !f.State.Final():
			return refuse("refund %s of this sale is under way; wait until it is final", f.ID)
		}
	}
	left := leftOf(s, refunds)
	if left <= 0 {
		return refuse("nothing is left to refund: sale %s was wholly refunded", s.ID)
	}
	if amount > left {
		return refuse("%d is more than the %d that is left of this sale", amount, left)
	}
	for i := range s.Payments {
		if p := &s.Payments[i]; p.Outcome == sale.OutcomePaid && p.GatewayID() != "" {
			return p, nil
		}
	}
	return refuse("QFPay's number of this payment (syssn) is not known; refund it in QFPay's portal")
}

// leftOf is what of a sale has not gone back, minor units: neither by the books nor by what QFPay showed as done after all.
func leftOf(s sale.Sale, refunds []sale.Refund) int64 {
	left := s.Amount - s.Refunded
	for _, f := range refunds {
		if f.DoneAfterAll() && !f.GiveBack {
			left -= f.Amount
		}
	}
	return left
}

// Refund returns the refund as it stands.
func (q *Queue) Refund(_ context.Context, id string) (sale.RefundView, error) {
	f, ok, err := q.cfg.Journal.Refund(id)
	if err != nil {
		return sale.RefundView{}, unavailable(err)
	}
	if !ok {
		return sale.RefundView{}, unknownRefund(id)
	}
	return sale.RefundViewOf(f), nil
}

func unknownRefund(id string) *sale.Error {
	return &sale.Error{Code: sale.UnknownRefund, Detail: fmt.Sprintf("there is no refund %s; nothing was given back under that id", sale.Quote(id))}
}
