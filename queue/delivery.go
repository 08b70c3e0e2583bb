package queue

import (
	"context"
	"errors"
	"fmt"

	"cpmd/queue/sale"
)

// HandOver says that the goods of a paid sale with settle "till" are handed over. It is refused once the money
// is on its way back.
func (q *Queue) ConfirmDelivery(ctx context.Context, id, by string) (sale.View, error) {
	return q.enact(ctx, id, sale.Event{Kind: sale.DeliveryConfirmed, By: by}, func(s sale.Sale) error {
		if s.Delivery == sale.Awaited || s.Delivery == sale.Delivered {
			return nil
		}
		why := fmt.Sprintf("sale %s is %s and not settled by the till (settle)", id, s.State)
		switch {
		case s.Delivery == sale.Returning || s.Delivery == sale.Returned:
			why = fmt.Sprintf("it is too late: the money of sale %s is going back; do not hand the goods over", id)
		case s.Settle == sale.SettleByTill:
			why = fmt.Sprintf("sale %s is %s; hand nothing over", id, s.State)
		}
		return &sale.Error{Code: sale.NotDeliverable, Sale: id, Detail: why}
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
	paid, err := q.refundable(s, s.Amount-s.Refunded)
	if refused := (*sale.Error)(nil); errors.As(err, &refused) && refused.Code == sale.NotRefundable {
		return nil // a refund is under way; NextAt looks again
	}
	if err != nil {
		return err
	}
	// A colon is in no till's id, so this one is nobody else's.
	_, err = q.beginRefund(fmt.Sprintf("auto:%d:%s", len(earlier)+1, id), s, paid, s.Amount-s.Refunded)
	return err
}
