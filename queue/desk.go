package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cpmd/payment"
)

// This file is what tills call. Refusals are *Error.

var validID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// maxAmount is the largest that QFPay's txamt takes: Int(11).
const maxAmount = 99_999_999_999

// maxTicket is how many characters a ticket may have.
const maxTicket = 64

func invalid(format string, args ...any) *Error {
	return &Error{Code: InvalidRequest, Detail: fmt.Sprintf(format, args...)}
}

// PutSale opens a sale under the till's own id. The same request again returns the sale as it stands.
func (q *Queue) PutSale(ctx context.Context, r SaleRequest) (v SaleView, created bool, err error) {
	if err := r.check(q.cfg.Currencies, q.order); err != nil {
		return v, false, err
	}
	err = q.ask(ctx, func() error {
		s, fresh, err := q.open(r)
		if err == nil {
			v, created = q.view(s), fresh
		}
		return err
	})
	return v, created, err
}

// check reports what is wrong with the request. currencies and lanes are those of the configuration; where there is
// one lane, a request without one is for it.
func (r *SaleRequest) check(currencies map[string]int, lanes []string) error {
	if !validID.MatchString(r.ID) {
		return invalid("the sale's id must be 1 to 64 of the characters A-Z a-z 0-9 . _ -")
	}
	if r.Amount <= 0 || r.Amount > maxAmount {
		return invalid("amount must be a whole number of minor units from 1 to %d, such as 12850 for 128.50", int64(maxAmount))
	}
	if _, ok := currencies[r.Currency]; !ok {
		return invalid("currency %s is not configured; use one of %s, or add it to gateway.currencies", quote(r.Currency), strings.Join(slices.Sorted(maps.Keys(currencies)), ", "))
	}
	if utf8.RuneCountInString(r.Ticket) > maxTicket || strings.ContainsFunc(r.Ticket, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return invalid("ticket must be at most %d characters of printable text", maxTicket)
	}
	if r.Lane == "" {
		if len(lanes) > 1 {
			return &Error{Code: UnknownLane, Detail: "name the lane: there are " + strings.Join(lanes, ", ")}
		}
		r.Lane = lanes[0]
	}
	if !slices.Contains(lanes, r.Lane) {
		return unknownLane(r.Lane, lanes)
	}
	if r.Settle != SettleAtOnce && r.Settle != SettleByTill {
		return invalid(`settle must be "till", or left out`)
	}
	if r.AuthCode != "" && !looksLikePayment(r.AuthCode.Reveal()) {
		return invalid("auth_code cannot be a payment code; leave it out to let cpmd scan")
	}
	return nil
}

func unknownLane(name string, lanes []string) *Error {
	return &Error{Code: UnknownLane, Detail: fmt.Sprintf("there is no lane %s; there are %s", quote(name), strings.Join(lanes, ", "))}
}

// check reports what is wrong with the request.
func (r *RefundRequest) check() error {
	if !validID.MatchString(r.ID) {
		return invalid("the refund's id must be 1 to 64 of the characters A-Z a-z 0-9 . _ -")
	}
	if r.Amount <= 0 || r.Amount > maxAmount {
		return invalid("amount must be a whole number of minor units, such as 12850 for 128.50")
	}
	return nil
}

// check reports what is wrong with the decision.
func (d *Decision) check() error {
	if d.Outcome != PaidState && d.Outcome != NotPaid {
		return invalid(`outcome must be "paid" or "not_paid"`)
	}
	if d.Note = strings.TrimSpace(d.Note); d.Note == "" || len(d.Note) > 500 || !utf8.ValidString(d.Note) {
		return invalid("note must say why, in 1 to 500 bytes: where you saw that the money was taken or not")
	}
	return nil
}

// check reports what is wrong with the filter.
func (f *SaleFilter) check() error {
	if f.State != "" && !slices.Contains(States, f.State) {
		return invalid("state must be one of %v", States)
	}
	if f.Limit < 0 || f.Limit > 1000 {
		return invalid("limit must be from 1 to 1000")
	}
	return nil
}

// quote shows a till's own word back to it, cut to a sane length.
func quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// open runs in the main goroutine.
func (q *Queue) open(r SaleRequest) (s Sale, created bool, err error) {
	content := r.fingerprint()
	if old, ok, err := q.find(r.ID); err != nil {
		return s, false, unavailable(err)
	} else if ok {
		if old.Content != content {
			return s, false, &Error{Code: IDReused, Sale: r.ID, Detail: "a sale with this id and other content exists; use a new id for a new sale, and repeat a request exactly to learn what became of it"}
		}
		return old, false, nil
	}
	other, err := q.cfg.Journal.unresolvedTicket(r.Ticket, r.Amount, r.Currency)
	if err != nil {
		return s, false, unavailable(err)
	}
	if other != "" {
		return s, false, &Error{Code: TicketUnresolved, Sale: other, Detail: fmt.Sprintf("sale %s of the same ticket and amount is not finished; wait for it or ask about it, do not charge again", other)}
	}
	l := q.lanes[r.Lane]
	if l.holder != "" {
		return s, false, &Error{Code: LaneBusy, Sale: l.holder, Detail: fmt.Sprintf("sale %s holds lane %s (%s); wait until it is final or unresolved, or cancel it", l.holder, r.Lane, q.sales[l.holder].State)}
	}
	if r.AuthCode != "" {
		used, err := q.cfg.Journal.codeUsed(MarkOf(r.AuthCode).Hash)
		if err != nil {
			return s, false, unavailable(err)
		}
		if used {
			return s, false, &Error{Code: CodeUsed, Detail: "this code was submitted before; the customer must show a fresh one"}
		}
	}
	if q.down != nil {
		return s, false, unavailable(q.down)
	}
	s = Sale{ID: r.ID, Lane: r.Lane, Ticket: r.Ticket, Amount: r.Amount, Currency: r.Currency, Content: content, Settle: r.Settle}
	ev := Event{Kind: Opened, At: q.clock.now()}
	if r.AuthCode != "" {
		err = q.pay(s, ev, l, r.AuthCode, "till")
	} else {
		_, err = q.applySale(s, ev)
	}
	if err != nil {
		return s, false, unavailable(err)
	}
	return *q.sales[r.ID], true, nil
}

// fingerprint tells whether a repeated request is the same. The code in it is a hash of a hash, never the code.
func (r SaleRequest) fingerprint() string {
	code := ""
	if r.AuthCode != "" {
		code = MarkOf(r.AuthCode).Hash
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %q %q %s %s", r.Amount, r.Currency, r.Lane, r.Ticket, code, r.Settle))
	return hex.EncodeToString(sum[:])
}

// find looks in memory, then in the journal.
func (q *Queue) find(id string) (Sale, bool, error) {
	if s, ok := q.sales[id]; ok {
		return *s, true, nil
	}
	return q.cfg.Journal.sale(id)
}

// Sale returns the sale as it stands.
func (q *Queue) Sale(_ context.Context, id string) (SaleView, error) {
	s, ok, err := q.cfg.Journal.sale(id)
	if err != nil {
		return SaleView{}, unavailable(err)
	}
	if !ok {
		return SaleView{}, unknownSale(id)
	}
	return q.view(s), nil
}

func unknownSale(id string) *Error {
	return &Error{Code: UnknownSale, Detail: fmt.Sprintf("there is no sale %s; nothing was ever charged under this id here", quote(id))}
}

// CancelSale asks to stop. What came of it is the sale's state.
func (q *Queue) CancelSale(ctx context.Context, id, by string) (SaleView, error) {
	return q.enact(ctx, id, Event{Kind: CancelAsked, By: by}, func(Sale) error { return nil })
}

// enact runs an event on a sale, if allowed says so.
func (q *Queue) enact(ctx context.Context, id string, ev Event, allowed func(Sale) error) (v SaleView, err error) {
	err = q.ask(ctx, func() error {
		s, ok, err := q.find(id)
		if err != nil {
			return unavailable(err)
		}
		if !ok {
			return unknownSale(id)
		}
		if err := allowed(s); err != nil {
			return err
		}
		ev.At = q.clock.now()
		if s, err = q.applySale(s, ev); err != nil {
			return unavailable(err)
		}
		v = q.view(s)
		return nil
	})
	return v, err
}

// Sales lists the sales that match, newest first.
func (q *Queue) Sales(_ context.Context, f SaleFilter) ([]SaleView, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	all, err := q.cfg.Journal.sales(f, q.cfg.Location)
	if err != nil {
		return nil, refusalOr(err)
	}
	return views(all, q.view), nil
}

func refusalOr(err error) error {
	if e, ok := err.(*Error); ok {
		return e
	}
	return unavailable(err)
}

func views[A, B any](all []A, view func(A) B) []B {
	out := make([]B, 0, len(all))
	for _, a := range all {
		out = append(out, view(a))
	}
	return out
}

// PutRefund gives money of a paid sale back, under the till's own id. The same request again returns the
// refund as it stands.
func (q *Queue) PutRefund(ctx context.Context, r RefundRequest) (v RefundView, created bool, err error) {
	if err := r.check(); err != nil {
		return v, false, err
	}
	err = q.ask(ctx, func() error {
		f, fresh, err := q.openRefund(r)
		if err == nil {
			v, created = refundView(f), fresh
		}
		return err
	})
	return v, created, err
}

func (q *Queue) openRefund(r RefundRequest) (f Refund, created bool, err error) {
	old, ok, err := q.cfg.Journal.refund(r.ID)
	if err != nil {
		return f, false, unavailable(err)
	}
	if ok {
		if old.Sale != r.Sale || old.Amount != r.Amount {
			return f, false, &Error{Code: IDReused, Sale: old.Sale, Detail: "a refund with this id and other content exists; use a new id for a new refund"}
		}
		return old, false, nil
	}
	s, ok, err := q.find(r.Sale)
	if err != nil {
		return f, false, unavailable(err)
	}
	if !ok {
		return f, false, unknownSale(r.Sale)
	}
	paid, err := q.refundable(s, r.Amount)
	if err != nil {
		return f, false, err
	}
	f, err = q.beginRefund(r.ID, s, paid, r.Amount)
	return f, err == nil, err
}

func (q *Queue) beginRefund(id string, s Sale, paid *Payment, amount int64) (Refund, error) {
	now := q.clock.now()
	f := Refund{ID: id, Sale: s.ID, Amount: amount, Currency: s.Currency, OutTradeNo: q.cfg.NewNumber(now), PaidSysSN: paid.SysSN,
		TxDTM: payment.FormatTime(now, q.cfg.Location)}
	earlier, err := q.cfg.Journal.refundsOf(s.ID)
	if err != nil {
		return f, unavailable(err)
	}
	ev := Event{Kind: Opened, At: now}
	for _, e := range earlier {
		if t := e.UpdatedAt.Add(refundPause); t.After(ev.NotBefore) {
			ev.NotBefore = t
		}
	}
	f, err = q.applyRefund(f, ev)
	if err != nil {
		return f, unavailable(err)
	}
	return f, nil
}

// refundable checks that the sale has that much left to give back, and returns its paid payment.
func (q *Queue) refundable(s Sale, amount int64) (*Payment, error) {
	refuse := func(format string, args ...any) (*Payment, error) {
		return nil, &Error{Code: NotRefundable, Sale: s.ID, Detail: fmt.Sprintf(format, args...)}
	}
	if s.State != PaidState {
		return refuse("sale %s is %s; only a paid sale can be refunded", s.ID, s.State)
	}
	refunds, err := q.cfg.Journal.refundsOf(s.ID)
	if err != nil {
		return nil, unavailable(err)
	}
	for _, f := range refunds {
		if !f.State.Final() {
			return refuse("refund %s of this sale is under way; wait until it is final", f.ID)
		}
	}
	if left := s.Amount - s.Refunded; amount > left {
		return refuse("%d is more than the %d that is left of this sale", amount, left)
	}
	for i := range s.Payments {
		if p := &s.Payments[i]; p.Outcome == OutPaid && p.SysSN != "" {
			return p, nil
		}
	}
	return refuse("QFPay's number of this payment (syssn) is not known; refund it in QFPay's portal")
}

// Refund returns the refund as it stands.
func (q *Queue) Refund(_ context.Context, id string) (RefundView, error) {
	f, ok, err := q.cfg.Journal.refund(id)
	if err != nil {
		return RefundView{}, unavailable(err)
	}
	if !ok {
		return RefundView{}, &Error{Code: UnknownRefund, Detail: fmt.Sprintf("there is no refund %s; nothing was given back under that id", quote(id))}
	}
	return refundView(f), nil
}

// Notices returns what tills were told after a seq, in order, at most limit.
func (q *Queue) Notices(_ context.Context, after int64, limit int) ([]Notice, error) {
	n, err := q.cfg.Journal.notices(after, limit)
	if err != nil {
		return nil, unavailable(err)
	}
	return n, nil
}

// Feed gives a code to a lane whose scanner is virtual.
func (q *Queue) Feed(_ context.Context, name, code string) error {
	l := q.lanes[name]
	if l == nil {
		return unknownLane(name, q.order)
	}
	if l.Lane.Feed == nil {
		return &Error{Code: NotVirtual, Detail: fmt.Sprintf("lane %s has a real scanner; only a lane whose scanner's driver is \"virtual\" takes codes here", name)}
	}
	if strings.TrimSpace(code) == "" || len(code) > 4096 {
		return invalid("code must be 1 to 4096 characters")
	}
	l.Lane.Feed(code)
	return nil
}
