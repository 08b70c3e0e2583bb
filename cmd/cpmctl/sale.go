package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
	"cpmd/till/client"
)

const (
	// waitStep is one request's wait: below what a proxy or a person takes for a hang.
	waitStep = 25 * time.Second
	// grace is added to a sale's decide_by before its outcome counts as not known.
	grace = 30 * time.Second
	// blind is how long cpmd may be away while a sale has no decide_by, or an answer was lost.
	blind = 2 * time.Minute
)

// pause is the time between tries while cpmd answers with errors.
const pause = time.Second

func (t *tool) sale(args []string) (int, error) {
	fs := t.flags("sale")
	var r sale.Request
	amount, places := fs.String("amount", "", ""), fs.Int("decimals", -1, "")
	code := fs.String("code", "", "")
	fs.StringVar(&r.Currency, "currency", "", "")
	fs.StringVar(&r.ID, "id", "", "")
	fs.StringVar(&r.Lane, "lane", "", "")
	fs.StringVar(&r.Ticket, "ticket", "", "")
	if _, err := t.connect(fs, args); err != nil {
		return failed(err, false)
	}
	if *amount == "" || r.Currency == "" {
		return usagef("sale needs -amount and -currency, such as -amount 128.50 -currency HKD")
	}
	var err error
	if r.Amount, err = parseAmount(*amount, decimals(r.Currency, *places)); err != nil {
		return usagef("%w", err)
	}
	text, err := t.code(*code)
	if err != nil {
		return usagef("%w", err)
	}
	r.AuthCode = payment.AuthCode(text)
	if r.ID == "" {
		r.ID = newID()
	}
	v, err := t.open(r)
	if err != nil {
		exit, err := failed(err, true)
		if exit == exitNotKnown {
			t.sayf("Not known whether %s is paid. Do not charge again: ask \"cpmctl show %s\".", r.ID, r.ID)
		}
		return exit, err
	}
	return t.follow(v)
}

// newID makes an id for a sale or refund that has none of its till's.
func newID() string { return "cpmctl-" + strings.ToLower(rand.Text()[:16]) }

// open opens the sale. A request whose answer was lost is sent again with the same id, which never opens a
// second sale.
func (t *tool) open(r sale.Request) (sale.View, error) {
	t.sayf("%s: asking for %s", r.ID, money(r.Amount, r.Currency))
	for until := time.Now().Add(blind); ; {
		v, _, err := t.PutSale(t.all, r)
		u, lost := errors.AsType[*client.Unreachable](err)
		if !lost || !u.MaybeSent || t.first.Err() != nil || time.Now().After(until) {
			return v, err
		}
		t.sayf("%s: no answer, asking again", r.ID)
	}
}

// follow tells of a sale's changes until it is final, unresolved or beyond knowing. The first signal asks to
// cancel, and what comes of that is the outcome; the second ends the waiting.
func (t *tool) follow(v sale.View) (int, error) {
	t.progress(v)
	asked, away := false, false
	heard := time.Now()
	for !v.Final && v.State != sale.Unresolved {
		next, err := t.step(v, &asked)
		if t.all.Err() != nil {
			return t.outcome(v, errors.New("told to stop waiting"))
		}
		if err == nil {
			heard, away = time.Now(), false
			if next.Seq > v.Seq {
				t.progress(next)
			}
			v = next
		}
		if e, refused := errors.AsType[*client.Error](err); refused && e.Status < 500 {
			return t.outcome(v, err)
		}
		if !v.Final && time.Now().After(lastMoment(v, heard)) {
			return t.outcome(v, errors.Join(errors.New("no outcome in time"), err))
		}
		if err == nil {
			continue
		}
		if !away {
			away = true
			t.sayf("%s: cpmd does not answer (%v); trying again", v.ID, err)
		}
		select {
		case <-time.After(pause):
		case <-t.all.Done():
		}
	}
	return t.outcome(v, nil)
}

// step waits for the next change, or passes the wish to cancel on until cpmd has heard it.
func (t *tool) step(v sale.View, asked *bool) (sale.View, error) {
	ctx := t.all
	if !*asked {
		ctx = t.first
	}
	if ctx.Err() == nil {
		next, err := t.WaitSale(ctx, v.ID, v.Seq, waitStep)
		if err == nil || ctx.Err() == nil || *asked {
			return next, err
		}
	}
	t.sayf("%s: asking to cancel; once more to stop waiting", v.ID)
	next, err := t.CancelSale(t.all, v.ID)
	_, lost := errors.AsType[*client.Unreachable](err)
	*asked = !lost
	return next, err
}

// lastMoment is when to stop waiting for a sale that was last heard of at heard.
func lastMoment(v sale.View, heard time.Time) time.Time {
	if v.DecideBy == nil {
		return heard.Add(blind)
	}
	return v.DecideBy.Add(grace)
}

func (t *tool) progress(v sale.View) { t.sayf("%s: %s: %s", v.ID, v.State, v.Message) }

// outcome tells how a sale stands, on standard output and by the exit code. why is given where it is not known.
func (t *tool) outcome(v sale.View, why error) (int, error) {
	exit := exitNotKnown
	switch v.State {
	case sale.Paid:
		exit = exitPaid
	case sale.NotPaid:
		exit = exitNotPaid
	}
	return exit, errors.Join(why, t.print(v, func(w io.Writer) {
		amount := money(v.Amount, v.Currency)
		switch exit {
		case exitPaid:
			fmt.Fprintf(w, "paid %s %s %s\n", v.ID, amount, v.Wallet)
			if v.Refunded > 0 {
				fmt.Fprintf(w, "refunded %s\n", money(v.Refunded, v.Currency))
			}
		case exitNotPaid:
			fmt.Fprintf(w, "not paid %s %s %s\n", v.ID, amount, v.Reason)
		default:
			fmt.Fprintf(w, "not known %s %s %s\nDo not charge again. Ask later: cpmctl show %s\n", v.ID, amount, v.State, v.ID)
		}
	}))
}
