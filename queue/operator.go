package queue

import (
	"context"
	"fmt"

	"cpmd/queue/sale"
)

// Decide takes an operator's word for an unresolved sale.
func (q *Queue) Resolve(ctx context.Context, d sale.Resolution) (sale.View, error) {
	if err := d.Check(); err != nil {
		return sale.View{}, err
	}
	return q.enact(ctx, d.Sale, sale.Event{Kind: sale.Decided, By: d.By, Outcome: d.Outcome, Note: d.Note}, func(s sale.Sale) error {
		if s.State == sale.Unresolved || s.State == d.Outcome {
			return nil
		}
		return &sale.Error{Code: sale.NotUnresolved, Sale: d.Sale, Detail: fmt.Sprintf("sale %s is %s; only an unresolved sale is decided by a person", d.Sale, s.State)}
	})
}
