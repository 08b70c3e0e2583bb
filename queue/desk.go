package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cpmd/queue/sale"
)

// PutSale opens a sale under the till's own id. The same request again returns the sale as it stands.
func (q *Queue) PutSale(ctx context.Context, r sale.Request) (v sale.View, created bool, err error) {
	if err := r.Check(q.cfg.Currencies, q.order); err != nil {
		return v, false, err
	}
	err = q.ask(ctx, func() error {
		s, fresh, err := q.open(r)
		if err == nil {
			v, created = q.view(s), fresh
			if days := q.daysAgo(s.CreatedAt); !fresh && days > 0 {
				v.OpenedDaysAgo = days
				q.repeats.note(s.ID, q.clock.now())
			}
		}
		return err
	})
	return v, created, err
}

// open runs in the main goroutine.
func (q *Queue) open(r sale.Request) (s sale.Sale, created bool, err error) {
	content := r.Fingerprint()
	if old, ok, err := q.find(r.ID); err != nil {
		return s, false, unavailable(err)
	} else if ok {
		if old.Content != content {
			return s, false, &sale.Error{Code: sale.IDReused, Sale: r.ID, Detail: "a sale with this id but different content exists; use a new id for a new sale, and repeat a request exactly to learn what became of it"}
		}
		if q.set().OldIDs == "refuse" && q.daysAgo(old.CreatedAt) > 0 {
			return s, false, &sale.Error{Code: sale.IDReused, Sale: r.ID, Detail: "a sale of an earlier day has this id; let the till continue its numbering, or use ids that contain the date"}
		}
		return old, false, nil
	}
	if err := q.checkTicket(r); err != nil {
		return s, false, err
	}
	l := q.lanes[r.Lane]
	if l.holder != "" {
		return s, false, &sale.Error{Code: sale.LaneBusy, Sale: l.holder, Detail: fmt.Sprintf("sale %s holds lane %s (%s); wait until it is final or unresolved, or cancel it", l.holder, r.Lane, q.sales[l.holder].State)}
	}
	if r.AuthCode != "" {
		used, err := q.cfg.Journal.CodeUsed(sale.Mask(r.AuthCode).Hash)
		if err != nil {
			return s, false, unavailable(err)
		}
		if used {
			return s, false, &sale.Error{Code: sale.CodeUsed, Detail: "this code was submitted before; the customer must show a fresh one"}
		}
	}
	if q.down != nil {
		return s, false, unavailable(q.down)
	}
	s = sale.Sale{ID: r.ID, Lane: r.Lane, Ticket: r.Ticket, Amount: r.Amount, Currency: r.Currency, Content: content,
		ConfirmDelivery: r.ConfirmDelivery, By: r.By, Operator: r.Operator, Shift: r.Shift, Metadata: r.Metadata}
	ev := sale.Event{Kind: sale.Opened, At: q.clock.now(), By: r.By}
	if r.AuthCode != "" {
		err = q.pay(s, ev, l, r.AuthCode, "till")
	} else {
		_, err = q.applySale(s, ev)
	}
	if err != nil {
		return s, false, refusalOr(err)
	}
	return *q.sales[r.ID], true, nil
}

// checkTicket refuses to charge a bill whose charge is not finished, or that was paid today unless it is asked for again.
func (q *Queue) checkTicket(r sale.Request) error {
	other, err := q.cfg.Journal.UnfinishedTicket(r.Ticket)
	if err != nil {
		return unavailable(err)
	}
	if other != "" {
		return &sale.Error{Code: sale.TicketUnresolved, Sale: other, Detail: fmt.Sprintf("sale %s of the same ticket is not finished; wait for it or ask about it, do not charge again", other)}
	}
	if r.Again {
		return nil
	}
	_, today := q.today()
	if other, err = q.cfg.Journal.PaidTicket(r.Ticket, today); err != nil {
		return unavailable(err)
	}
	if other != "" {
		return &sale.Error{Code: sale.TicketPaid, Sale: other, Detail: fmt.Sprintf(`sale %s of the same ticket was paid today; if it really is to be charged once more, ask with "again": true`, other)}
	}
	return nil
}

// daysAgo is how many days of the shop lie between then and now. A till that repeats a request around midnight is on
// the same one.
func (q *Queue) daysAgo(then time.Time) int {
	if q.clock.now().Sub(then) < 12*time.Hour {
		return 0
	}
	day := func(t time.Time) time.Time {
		y, m, d := t.In(q.cfg.Location).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(day(q.clock.now()).Sub(day(then)).Hours() / 24)
}

// find looks in memory, then in the journal.
func (q *Queue) find(id string) (sale.Sale, bool, error) {
	if s, ok := q.sales[id]; ok {
		return *s, true, nil
	}
	return q.cfg.Journal.Sale(id)
}

// Sale returns the sale as it stands.
func (q *Queue) Sale(_ context.Context, id string) (sale.View, error) {
	s, ok, err := q.cfg.Journal.Sale(id)
	if err != nil {
		return sale.View{}, unavailable(err)
	}
	if !ok {
		return sale.View{}, unknownSale(id)
	}
	return q.view(s), nil
}

func unknownSale(id string) *sale.Error {
	return &sale.Error{Code: sale.UnknownSale, Detail: fmt.Sprintf("this cpmd knows no sale %s; if it knew it before, its journal was replaced, and the sale may have been paid: look it up in QFPay's portal", sale.Quote(id))}
}

// CancelSale asks to stop. What came of it is the sale's state.
func (q *Queue) CancelSale(ctx context.Context, id, by string) (sale.View, error) {
	return q.enact(ctx, id, sale.Event{Kind: sale.CancelAsked, By: by}, func(sale.Sale) error { return nil })
}

// enact runs an event on a sale, if allowed says so.
func (q *Queue) enact(ctx context.Context, id string, ev sale.Event, allowed func(sale.Sale) error) (v sale.View, err error) {
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
		if s, err = q.caughtUp(s); err != nil {
			return refusalOr(err)
		}
		ev.At = q.clock.now()
		if s, err = q.applySale(s, ev); err != nil {
			return refusalOr(err)
		}
		v = q.view(s)
		return nil
	})
	return v, err
}

// Sales lists the sales that match, newest first.
func (q *Queue) Sales(_ context.Context, f sale.Filter) ([]sale.View, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	all, err := q.cfg.Journal.Sales(f, q.cfg.Location)
	if err != nil {
		return nil, refusalOr(err)
	}
	return views(all, q.view), nil
}

// refusalOr makes a refusal of whatever error.
func refusalOr(err error) error {
	if err == nil {
		return nil
	}
	if e := (*sale.Error)(nil); errors.As(err, &e) {
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

// Notices returns what tills were told after a seq, in order, at most limit.
func (q *Queue) Notices(_ context.Context, after int64, limit int) ([]sale.Notice, error) {
	n, err := q.cfg.Journal.Notices(after, limit)
	if err != nil {
		return nil, unavailable(err)
	}
	return n, nil
}

// LastSeq is the seq of the journal's last event.
func (q *Queue) LastSeq(context.Context) (int64, error) {
	n, err := q.cfg.Journal.LastSeq()
	if err != nil {
		return 0, unavailable(err)
	}
	return n, nil
}

// Feed gives a code to a lane whose scanner is virtual.
func (q *Queue) Feed(_ context.Context, name, code string) error {
	l := q.lanes[name]
	if l == nil {
		return sale.NoSuchLane(name, q.order)
	}
	if l.Lane.Feed == nil {
		return &sale.Error{Code: sale.NotVirtual, Detail: fmt.Sprintf("lane %s has a real scanner; only a lane whose scanner's driver is \"virtual\" takes codes here", name)}
	}
	if strings.TrimSpace(code) == "" || len(code) > 4096 {
		return sale.Invalid("code must be 1 to 4096 characters")
	}
	l.Lane.Feed(code)
	return nil
}
