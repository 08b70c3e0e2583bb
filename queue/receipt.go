package queue

import (
	"context"
	"fmt"

	"cpmd/queue/sale"
)

// Receipt makes the receipt of a paid sale, with text of so many columns.
func (q *Queue) Receipt(_ context.Context, id string, width int) (sale.Receipt, error) {
	s, ok, err := q.cfg.Journal.Sale(id)
	if err != nil {
		return sale.Receipt{}, unavailable(err)
	}
	if !ok {
		return sale.Receipt{}, unknownSale(id)
	}
	decimals, known := q.cfg.Currencies[s.Currency]
	if !known {
		return sale.Receipt{}, &sale.Error{Code: sale.NoReceipt, Sale: id, Detail: fmt.Sprintf(
			"currency %s is no longer configured, so its decimals are not known; add it to gateway.currencies", s.Currency)}
	}
	all, err := q.cfg.Journal.RefundsOf(id)
	if err != nil {
		return sale.Receipt{}, unavailable(err)
	}
	var refunds []sale.RefundView
	for _, f := range all {
		if !f.GiveBack { // which is not of what the sale was paid with
			v := sale.RefundViewOf(f)
			v.UpdatedAt = f.EndedAt
			refunds = append(refunds, v)
		}
	}
	paidAt := s.EndedAt
	if paidAt.IsZero() { // of a journal of the first schema
		paidAt = s.UpdatedAt
	}
	return sale.ReceiptOf(q.view(s), paidAt, refunds, decimals, width, q.cfg.Location)
}
