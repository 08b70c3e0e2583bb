package queue

import (
	"context"
	"fmt"

	"cpmd/queue/sale"
)

// Story tells a sale's whole life: what was sent when, what came back, why it was judged so, and what is next.
func (q *Queue) Story(_ context.Context, id string) (sale.Story, error) {
	j := q.cfg.Journal
	s, ok, err := j.Sale(id)
	if err != nil {
		return sale.Story{}, unavailable(err)
	}
	if !ok {
		return sale.Story{}, unknownSale(id)
	}
	refunds, err := j.RefundsOf(id)
	if err != nil {
		return sale.Story{}, unavailable(err)
	}
	entries, err := j.History(id)
	if err != nil {
		return sale.Story{}, unavailable(err)
	}
	money := func(minor int64) string {
		if decimals, known := q.cfg.Currencies[s.Currency]; known {
			return s.Currency + " " + sale.Decimal(minor, decimals)
		}
		return fmt.Sprintf("%d minor units of %s", minor, s.Currency) // that was configured once
	}
	lines := make([]sale.StoryLine, 0, len(entries))
	for _, e := range entries {
		l := sale.StoryLine{Seq: e.Seq, At: e.At, Text: e.Cause.Tell(money)}
		if e.Kind == "refund" {
			l.Text = "Refund " + e.Subject + ": " + l.Text
		}
		lines = append(lines, l)
	}
	return sale.Story{Sale: q.view(s), Refunds: views(refunds, sale.RefundViewOf), Lines: lines, Next: sale.Next(s)}, nil
}
