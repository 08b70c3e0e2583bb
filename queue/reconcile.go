package queue

import (
	"context"
	"fmt"
	"time"

	"cpmd/payment"
)

// A Lister is a gateway that can list a day; *payment.Client is one.
type Lister interface {
	List(ctx context.Context, start, end time.Time) ([]payment.Item, error)
}

// A Reconciliation compares a day's payments and refunds in the journal with QFPay's list.
type Reconciliation struct {
	Day       string     `json:"day"`
	Agreed    int        `json:"agreed"`
	OnlyHere  []Mismatch `json:"only_here"`  // in the journal, not at QFPay
	OnlyThere []Mismatch `json:"only_there"` // at QFPay, not in the journal: another till or shop of the merchant, or a loss
	Different []Mismatch `json:"different"`
	Totals    Totals     `json:"totals"` // of the journal
}

// Clean says that nothing differs.
func (r Reconciliation) Clean() bool {
	return len(r.OnlyHere)+len(r.OnlyThere)+len(r.Different) == 0
}

// A Mismatch is one number on which the books disagree.
type Mismatch struct {
	OutTradeNo string `json:"out_trade_no"`
	SysSN      string `json:"syssn"`
	Sale       string `json:"sale"`
	Refund     string `json:"refund"`
	Amount     int64  `json:"amount"` // minor units
	Currency   string `json:"currency"`
	Here       string `json:"here"`
	There      string `json:"there"`
}

// book is what the journal says of one number.
type book struct {
	Mismatch
	sent     time.Time
	refund   bool
	settled  bool // final here
	kept     bool // the money moved
	refunded int64
}

// Reconcile fetches QFPay's list of a day and compares. Numbers near midnight that stand in another day's list
// are looked up one by one, so clocks that differ do no harm.
func (q *Queue) Reconcile(ctx context.Context, day string) (Reconciliation, error) {
	lister, ok := q.cfg.Gateway.(Lister)
	if !ok {
		return Reconciliation{}, &Error{Code: GatewayUnavailable, Detail: "this gateway has no lists"}
	}
	totals, err := q.Totals(ctx, day)
	if err != nil {
		return Reconciliation{}, err
	}
	day = totals.Day
	from, to, err := dayBounds(day, q.cfg.Location)
	if err != nil {
		return Reconciliation{}, err
	}
	items, err := lister.List(ctx, from, to)
	if err != nil {
		return Reconciliation{}, &Error{Code: GatewayUnavailable, Detail: fmt.Sprintf("QFPay's list of %s could not be had (%v); try again", day, err)}
	}
	books, err := q.cfg.Journal.booksBetween(from, to)
	if err != nil {
		return Reconciliation{}, unavailable(err)
	}
	r := Reconciliation{Day: day, OnlyHere: []Mismatch{}, OnlyThere: []Mismatch{}, Different: []Mismatch{}, Totals: totals}
	listed := map[string]bool{}
	for _, i := range items {
		key := i.OutTradeNo + i.OrderType
		listed[key] = true
		b, known := books[key]
		if !known { // of another day here, or not ours
			others, err := q.cfg.Journal.booksOf(i.OutTradeNo)
			if err != nil {
				return Reconciliation{}, unavailable(err)
			}
			b, known = others[key]
		}
		if !known {
			r.OnlyThere = append(r.OnlyThere, Mismatch{OutTradeNo: i.OutTradeNo, SysSN: i.SysSN, Amount: i.Amount, Currency: i.Currency, There: there(i)})
			continue
		}
		if differs(b, i) {
			b.There = there(i)
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
func (q *Queue) lookUp(ctx context.Context, b book, r *Reconciliation) {
	f := q.cfg.Gateway.Query(ctx, payment.Question{OutTradeNo: b.OutTradeNo, SysSN: b.SysSN, Amount: b.Amount, Currency: b.Currency, Created: b.sent, Now: q.clock.now(), Refund: b.refund})
	moved := f.Meaning == payment.Paid || b.kept && b.refunded > 0 && f.Meaning == payment.Undone
	switch {
	case f.Meaning == payment.NotFound && !b.kept && b.settled:
		r.Agreed++ // it never got there, and that is what the journal says
	case f.Meaning == payment.NotFound:
		r.OnlyHere = append(r.OnlyHere, b.Mismatch)
	case f.Meaning == payment.Unknown || !b.settled || moved != b.kept:
		b.There = string(f.Meaning) + " " + f.RespCD
		r.Different = append(r.Different, b.Mismatch)
	default:
		r.Agreed++
	}
}

// differs says whether the books disagree on the money. An unfinished payment always counts: it needs an eye.
func differs(b book, i payment.Item) bool {
	if !b.settled || i.Amount != b.Amount || i.Currency != "" && i.Currency != b.Currency {
		return true
	}
	moved := i.RespCD == "0000" && (i.Cancel == "" || i.Cancel == "0" || i.Cancel == "5" || b.refunded > 0)
	return moved != b.kept
}

func there(i payment.Item) string {
	s := fmt.Sprintf("%s %s", i.OrderType, i.RespCD)
	if i.Cancel != "" && i.Cancel != "0" {
		s += " cancel " + i.Cancel
	}
	return s
}

// booksBetween reads the books of what was sent between two times.
func (j *Journal) booksBetween(from, to time.Time) (map[string]book, error) {
	return j.books(`sent_at>=? AND sent_at<?`, toText(from), toText(to))
}

// booksOf reads the books of one number.
func (j *Journal) booksOf(outTradeNo string) (map[string]book, error) {
	return j.books(`out_trade_no=?`, outTradeNo)
}

// books reads payments and refunds as books, by number and kind.
func (j *Journal) books(where string, args ...any) (map[string]book, error) {
	rows, err := j.db.Query(`SELECT * FROM (
		SELECT 'payment' AS kind, p.out_trade_no, p.syssn, s.id AS sale, '' AS refund, s.amount, s.currency, p.outcome AS state, p.sent_at, s.refunded
		FROM payment p JOIN sale s ON s.id = p.sale_id
		UNION ALL
		SELECT 'refund', f.out_trade_no, f.syssn, f.sale_id, f.id, f.amount, f.currency, f.state, f.created_at, 0 FROM refund f)
		WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	all := map[string]book{}
	_, err = collect(rows, func(r row) (struct{}, error) {
		var b book
		var kind, sent string
		err := r.Scan(&kind, &b.OutTradeNo, &b.SysSN, &b.Sale, &b.Refund, &b.Amount, &b.Currency, &b.Here, &sent, &b.refunded)
		b.sent, b.refund = fromText(sent), kind == "refund"
		b.settled = b.Here != string(Alive) && b.Here != string(Refunding)
		b.kept = b.Here == string(OutPaid) || b.Here == string(Refunded)
		if b.Here == "" {
			b.Here = "unfinished"
		}
		all[b.OutTradeNo+kind] = b
		return struct{}{}, err
	})
	return all, err
}
