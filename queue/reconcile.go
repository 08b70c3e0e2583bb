package queue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// A Lister is a gateway that can list a day; *payment.Client is one.
type Lister interface {
	List(ctx context.Context, start, end time.Time) ([]payment.Item, error)
}

// Reconcile fetches QFPay's list of a day, compares it with the journal, keeps the result, and raises an alarm for each
// difference. An empty day is today.
func (q *Queue) Reconcile(ctx context.Context, day, by string) (sale.Reconciliation, error) {
	r, err := q.compare(ctx, day)
	if err != nil {
		return r, err
	}
	r.By = by
	err = q.ask(ctx, func() error {
		r.At = q.clock.now()
		if err := q.cfg.Journal.KeepReconciliation(r); err != nil {
			q.wrote(err)
			return unavailable(err)
		}
		for _, list := range [][]sale.Mismatch{r.OnlyHere, r.OnlyThere, r.Different} {
			for _, m := range list {
				q.raise(subject{"day", r.Day}, sale.Effect{Kind: sale.RaiseAlarm, Payment: m.OutTradeNo, Text: m.Alarm(r.Day)})
			}
		}
		for _, m := range slices.Concat(r.OnlyHere, r.Different) {
			if m.Sale == "" || m.Refund != "" {
				continue
			}
			if s, ok, err := q.find(m.Sale); err == nil && ok && s.State.Final() { // the audit sets right what it can
				q.askBeside(m.Sale, by)
			}
		}
		return nil
	})
	return r, err
}

// askBeside has QFPay asked about a sale behind all customers.
func (q *Queue) askBeside(id, by string) {
	s := subject{"sale", id}
	q.hold(s, func() error {
		return q.stepSale(id, sale.Event{Kind: sale.AskNow, At: q.clock.now(), By: by, Beside: true})
	})
}

// LastReconciliation returns the kept comparison of a day, or of the newest day that has one where day is empty.
func (q *Queue) LastReconciliation(_ context.Context, day string) (sale.Reconciliation, error) {
	r, ok, err := q.cfg.Journal.LastReconciliation(day)
	if err != nil {
		return r, unavailable(err)
	}
	if !ok {
		return r, &sale.Error{Code: sale.UnknownDay, Detail: "no such day has been compared with QFPay yet (cpmctl reconcile -day DAY does it now)"}
	}
	return r, nil
}

// compare reads both books. Numbers near midnight that stand in another day's list are looked up one by one, so clocks
// that differ do no harm.
func (q *Queue) compare(ctx context.Context, day string) (sale.Reconciliation, error) {
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
		return sale.Reconciliation{}, &sale.Error{Code: sale.GatewayUnavailable, Detail: fmt.Sprintf("QFPay's list of %s could not be fetched (%v); try again", day, err)}
	}
	books, err := q.cfg.Journal.BooksBetween(from, to)
	if err != nil {
		return sale.Reconciliation{}, unavailable(err)
	}
	r := sale.Reconciliation{Day: day, OnlyHere: []sale.Mismatch{}, OnlyThere: []sale.Mismatch{}, Different: []sale.Mismatch{}, Totals: totals}
	listed := map[string]bool{}
	for _, i := range items {
		key := i.OutTradeNo + i.OrderType
		b, known := books[key]
		if !known { // of another day here, of another kind, or not ours
			if b, known, err = q.bookOf(i); err != nil {
				return sale.Reconciliation{}, unavailable(err)
			}
		}
		key = b.OutTradeNo + kindOf(b)
		switch {
		case !known:
			m := sale.Mismatch{OutTradeNo: i.OutTradeNo, SysSN: i.SysSN, Amount: i.Amount, Currency: i.Currency, There: sale.There(i)}
			if m.Sale, err = q.cfg.Journal.SaleOf(i.OrigNumber, i.OrigSysSN); err != nil {
				return sale.Reconciliation{}, unavailable(err)
			}
			r.OnlyThere = append(r.OnlyThere, m)
		case sale.Differs(b, i) || listed[key] || i.OrderType != kindOf(b):
			b.There = sale.There(i)
			if listed[key] {
				b.There = "one more " + b.There
			}
			r.Different = append(r.Different, b.Mismatch)
		default:
			r.Agreed++
		}
		listed[key] = true
	}
	for _, key := range sorted(books) {
		if b := books[key]; !listed[key] {
			q.lookUp(ctx, b, &r)
		}
	}
	return r, nil
}

func kindOf(b sale.Book) string {
	if b.IsRefund {
		return "refund"
	}
	return "payment"
}

// bookOf finds the book of a row that is not among the day's.
func (q *Queue) bookOf(i payment.Item) (b sale.Book, known bool, err error) {
	others, err := q.cfg.Journal.BooksOf(i.OutTradeNo)
	if err != nil {
		return b, false, err
	}
	if b, known = others[i.OutTradeNo+i.OrderType]; known {
		return b, true, nil
	}
	for _, b := range others { // the number is ours, whatever QFPay calls the row
		return b, true, nil
	}
	return b, false, nil
}

// lookUp asks for a number that the day's list does not have.
func (q *Queue) lookUp(ctx context.Context, b sale.Book, r *sale.Reconciliation) {
	f := q.cfg.Gateway.Query(ctx, payment.Query{OutTradeNo: b.OutTradeNo, SysSN: b.SysSN, Amount: b.Amount, Currency: b.Currency,
		Created: b.Sent, Now: q.clock.now(), Refund: b.IsRefund, Urgency: payment.Audit})
	moved := f.Meaning == payment.Paid || b.Kept && b.GaveBack == b.Amount && f.Meaning == payment.Undone
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
