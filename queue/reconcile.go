package queue

import (
	"context"
	"fmt"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// A Lister is a gateway that can list a day; *payment.Client is one.
type Lister interface {
	List(ctx context.Context, start, end time.Time) ([]payment.Item, error)
}

// Reconcile fetches QFPay's list of a day and compares. Numbers near midnight that stand in another day's list
// are looked up one by one, so clocks that differ do no harm.
func (q *Queue) Reconcile(ctx context.Context, day string) (sale.Reconciliation, error) {
	lister, ok := q.cfg.Gateway.(Lister)
	if !ok {
		return sale.Reconciliation{}, &sale.Error{Code: sale.GatewayUnavailable, Detail: "this gateway has no lists"}
	}
	totals, err := q.Totals(ctx, day)
	if err != nil {
		return sale.Reconciliation{}, err
	}
	day = totals.Day
	from, to, err := sale.DayBounds(day, q.cfg.Location)
	if err != nil {
		return sale.Reconciliation{}, err
	}
	items, err := lister.List(ctx, from, to)
	if err != nil {
		return sale.Reconciliation{}, &sale.Error{Code: sale.GatewayUnavailable, Detail: fmt.Sprintf("QFPay's list of %s could not be had (%v); try again", day, err)}
	}
	books, err := q.cfg.Journal.BooksBetween(from, to)
	if err != nil {
		return sale.Reconciliation{}, unavailable(err)
	}
	r := sale.Reconciliation{Day: day, OnlyHere: []sale.Mismatch{}, OnlyThere: []sale.Mismatch{}, Different: []sale.Mismatch{}, Totals: totals}
	listed := map[string]bool{}
	for _, i := range items {
		key := i.OutTradeNo + i.OrderType
		listed[key] = true
		b, known := books[key]
		if !known { // of another day here, or not ours
			others, err := q.cfg.Journal.BooksOf(i.OutTradeNo)
			if err != nil {
				return sale.Reconciliation{}, unavailable(err)
			}
			b, known = others[key]
		}
		if !known {
			r.OnlyThere = append(r.OnlyThere, sale.Mismatch{OutTradeNo: i.OutTradeNo, SysSN: i.SysSN, Amount: i.Amount, Currency: i.Currency, There: sale.There(i)})
			continue
		}
		if sale.Differs(b, i) {
			b.There = sale.There(i)
			r.Different = append(r.Different, b.Mismatch)
		} else {
			r.Agreed++
		}
	}
	for _, key := range sorted(books) {
		if b := books[key]; !listed[key] {
			q.lookUp(ctx, b, &r)
		}
	}
	return r, nil
}

// lookUp asks for a number that the day's list does not have.
func (q *Queue) lookUp(ctx context.Context, b sale.Book, r *sale.Reconciliation) {
	f := q.cfg.Gateway.Query(ctx, payment.Query{OutTradeNo: b.OutTradeNo, SysSN: b.SysSN, Amount: b.Amount, Currency: b.Currency, Created: b.Sent, Now: q.clock.now(), Refund: b.IsRefund})
	moved := f.Meaning == payment.Paid || b.Kept && b.Refunded > 0 && f.Meaning == payment.Undone
	switch {
	case f.Meaning == payment.NotFound && !b.Kept && b.Final:
		r.Agreed++ // it never got there, and that is what the journal says
	case f.Meaning == payment.NotFound:
		r.OnlyHere = append(r.OnlyHere, b.Mismatch)
	case f.Meaning == payment.Unknown || !b.Final || moved != b.Kept:
		b.There = string(f.Meaning) + " " + f.RespCD
		r.Different = append(r.Different, b.Mismatch)
	default:
		r.Agreed++
	}
}
