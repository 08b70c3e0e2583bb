package queue

import (
	"context"
	"time"

	"cpmd/queue/sale"
)

// Totals sums a day up. A sale or refund belongs to the day of the configured time zone on which it ended, so a day that
// is over never changes.
func (q *Queue) Totals(_ context.Context, day string) (sale.Totals, error) {
	if day == "" {
		day = q.clock.now().In(q.cfg.Location).Format(time.DateOnly)
	}
	from, to, err := sale.DayBounds(day, q.cfg.Location)
	if err != nil {
		return sale.Totals{}, err
	}
	sales, err := q.cfg.Journal.SalesEndedBetween(from, to)
	if err != nil {
		return sale.Totals{}, unavailable(err)
	}
	refunds, err := q.cfg.Journal.RefundsEndedBetween(from, to)
	if err != nil {
		return sale.Totals{}, unavailable(err)
	}
	unfinished, err := q.cfg.Journal.UnfinishedSince(from, to)
	if err != nil {
		return sale.Totals{}, unavailable(err)
	}
	wallets := map[string]string{}
	for _, s := range sales {
		wallets[s.ID] = sale.WalletOf(s)
	}
	for _, f := range refunds {
		if _, ok := wallets[f.Sale]; !ok {
			s, _, err := q.cfg.Journal.Sale(f.Sale)
			if err != nil {
				return sale.Totals{}, unavailable(err)
			}
			wallets[f.Sale] = sale.WalletOf(s)
		}
	}
	t := sale.Sum(day, sales, refunds, func(id string) string { return wallets[id] })
	t.Unfinished = unfinished
	return t, nil
}
