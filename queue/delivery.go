package queue

import (
	"context"
	"errors"
	"fmt"

	"cpmd/queue/sale"
)

// ConfirmDelivery takes a machine's word that it hands the goods of a paid sale over. It is refused once the money is on
// its way back, also by a refund that somebody asked for: goods are never free.
func (q *Queue) ConfirmDelivery(ctx context.Context, id, by string) (sale.View, error) {
	return q.enact(ctx, id, sale.Event{Kind: sale.DeliveryConfirmed, By: by}, func(s sale.Sale) error {
		refuse := func(format string, args ...any) error {
			return &sale.Error{Code: sale.NotDeliverable, Sale: id, Detail: fmt.Sprintf(format, args...)}
		}
		switch {
		case s.Delivery == sale.Returning || s.Delivery == sale.Returned:
			return refuse("it is too late: the money of sale %s is going back or has gone back; do not hand the goods over", id)
		case !s.ConfirmDelivery:
			return refuse("sale %s was opened without confirm_delivery; there is nothing to confirm", id)
		case s.Delivery != sale.Awaited && s.Delivery != sale.Delivered:
			return refuse("sale %s is %s; hand nothing over", id, s.State)
		case s.MoneyMissing():
			return refuse("QFPay does not show the money of sale %s as the shop's; look it up in QFPay's portal before anybody hands the goods over", id)
		}
		refunds, err := q.cfg.Journal.RefundsOf(id)
		if err != nil {
			return unavailable(err)
		}
		left := leftOf(s, refunds)
		for _, f := range refunds {
			if !f.State.Final() && !f.GiveBack {
				left -= f.Amount
			}
		}
		if left <= 0 {
			return refuse("the whole amount of sale %s is refunded or may be; do not hand the goods over", id)
		}
		return nil
	})
}

// returnMoney refunds what is left of a sale whose goods were not handed over, unless that is under way.
func (q *Queue) returnMoney(id string) error {
	s, ok, err := q.find(id)
	if err != nil || !ok || s.Delivery != sale.Returning {
		return err
	}
	earlier, err := q.cfg.Journal.RefundsOf(id)
	if err != nil {
		return err
	}
	left := leftOf(s, earlier)
	paid, err := q.refundable(s, left)
	if refused := (*sale.Error)(nil); errors.As(err, &refused) {
		return nil // a refund is under way; NextAt looks again
	}
	if err != nil {
		return err
	}
	// A colon is in no till's id, so this one is nobody else's.
	id = fmt.Sprintf("auto:%d:%s", len(earlier)+1, id)
	_, err = q.beginRefund(sale.Refund{ID: id, Amount: left, By: "cpmd"}, s, paid)
	return err
}

// giveBack refunds a payment whose money the audit found, unless that is under way.
func (q *Queue) giveBack(id, number string) error {
	s, ok, err := q.find(id)
	if err != nil || !ok {
		return err
	}
	p := s.Payment(number)
	earlier, err := q.cfg.Journal.RefundsOf(id)
	if err != nil || p == nil || p.Outcome == sale.OutcomePaid || p.Outcome == sale.Alive || p.GatewayID() == "" {
		return err
	}
	for _, f := range earlier {
		if f.GiveBack && f.Payment == number && f.State != sale.NotRefunded {
			return nil
		}
	}
	id = fmt.Sprintf("back:%d:%s", len(earlier)+1, id)
	_, err = q.beginRefund(sale.Refund{ID: id, Amount: s.Amount, GiveBack: true, By: "cpmd"}, s, p)
	return err
}
