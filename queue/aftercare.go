package queue

import (
	"context"
	"errors"
	"fmt"
)

// This file is what tills and operators call once a payment is over, or cannot be told to be.

// HandOver says that the goods of a paid sale with settle "till" are handed over. It is refused once the money
// is on its way back.
func (q *Queue) HandOver(ctx context.Context, id, by string) (SaleView, error) {
	return q.enact(ctx, id, Event{Kind: HandedOver, By: by}, func(s Sale) error {
		if s.Delivery == Awaited || s.Delivery == Delivered {
			return nil
		}
		why := fmt.Sprintf("sale %s is %s and not settled by the till (settle)", id, s.State)
		switch {
		case s.Delivery == Returning || s.Delivery == Returned:
			why = fmt.Sprintf("it is too late: the money of sale %s is going back; do not hand the goods over", id)
		case s.Settle == SettleByTill:
			why = fmt.Sprintf("sale %s is %s; hand nothing over", id, s.State)
		}
		return &Error{Code: NotDeliverable, Sale: id, Detail: why}
	})
}

// Decide takes an operator's word for an unresolved sale.
func (q *Queue) Decide(ctx context.Context, d Decision) (SaleView, error) {
	if err := d.check(); err != nil {
		return SaleView{}, err
	}
	return q.enact(ctx, d.Sale, Event{Kind: Decided, By: d.By, Outcome: d.Outcome, Note: d.Note}, func(s Sale) error {
		if s.State == Unresolved || s.State == d.Outcome {
			return nil
		}
		return &Error{Code: NotUnresolved, Sale: d.Sale, Detail: fmt.Sprintf("sale %s is %s; only an unresolved sale is decided by a person", d.Sale, s.State)}
	})
}

// returnMoney refunds what is left of a sale whose goods were not handed over, unless that is under way.
func (q *Queue) returnMoney(id string) error {
	s, ok, err := q.find(id)
	if err != nil || !ok || s.Delivery != Returning {
		return err
	}
	earlier, err := q.cfg.Journal.refundsOf(id)
	if err != nil {
		return err
	}
	paid, err := q.refundable(s, s.Amount-s.Refunded)
	if refused := (*Error)(nil); errors.As(err, &refused) && refused.Code == NotRefundable {
		return nil // a refund is under way; NextAt looks again
	}
	if err != nil {
		return err
	}
	// A colon is in no till's id, so this one is nobody else's.
	_, err = q.beginRefund(fmt.Sprintf("auto:%d:%s", len(earlier)+1, id), s, paid, s.Amount-s.Refunded)
	return err
}
