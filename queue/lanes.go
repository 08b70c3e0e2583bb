package queue

import (
	"context"

	"cpmd/queue/sale"
)

// Lanes shows all lanes in the order of the configuration.
func (q *Queue) Lanes(ctx context.Context) (all []sale.LaneView, err error) {
	err = q.ask(ctx, func() error {
		for _, name := range q.order {
			l := q.lanes[name]
			v := sale.LaneView{Name: name, PayType: l.PayType, Virtual: l.Lane.Feed != nil, Scanner: l.scannerView()}
			if s := q.sales[l.holder]; s != nil {
				sv := q.view(*s)
				v.Sale = &sv
			}
			all = append(all, v)
		}
		return nil
	})
	return all, err
}
