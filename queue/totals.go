package queue

import (
	"context"
	"time"

	"cpmd/queue/sale"
)

// Totals sums a day up, by the creation of its sales in the configured time zone.
func (q *Queue) Totals(_ context.Context, day string) (sale.Totals, error) {
	if day == "" {
		day = q.clock.now().In(q.cfg.Location).Format(time.DateOnly)
	}
	from, to, err := sale.DayBounds(day, q.cfg.Location)
	if err != nil {
		return sale.Totals{}, err
	}
	sales, err := q.cfg.Journal.SalesBetween(from, to)
	if err != nil {
		return sale.Totals{}, unavailable(err)
	}
	refunds, err := q.cfg.Journal.RefundsOfSalesBetween(from, to)
	if err != nil {
		return sale.Totals{}, unavailable(err)
	}
	return sale.Sum(day, sales, refunds), nil
}
