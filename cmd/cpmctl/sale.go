package main

import (
	"crypto/rand"
	"errors"
	"flag"
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
	// pause is the time between tries while cpmd answers with errors.
	pause = time.Second
)

var outcomeExits = [3]string{"paid", "not paid: no money was taken, or it was given back",
	`not known: do not charge again; "cpmctl show ID" shows the outcome later`}

var saleCommand = &command{
	name: "sale", need: []string{"amount", "currency"},
	tells:   true,
	summary: "collect an amount, wait, and report the outcome",
	about: `Opens a sale, shows its progress on standard error, waits until it is decided, and prints the outcome.

Give each sale an -id of your own that is on disk before you call: the same command again, after a crash or a lost answer, is the same sale and never charges twice. It survives a restart of cpmd. Exit code 69 says that this run charged nothing; of an earlier run with the same id it says nothing.

Ctrl-C asks to cancel the sale and waits for what comes of it; a second Ctrl-C stops waiting.`,
	exits: outcomeExits,
	begin: func(fs *flag.FlagSet) action {
		var r sale.Request
		amount := fs.String("amount", "", "the `AMOUNT` to collect, with the decimals of its currency: 128.50, or 500 for JPY")
		places := decimalsFlag(fs)
		code := fs.String("code", "", "the payment `CODE`, if it was scanned already; - reads it from standard input")
		fs.StringVar(&r.Currency, "currency", "", "the `CURRENCY`, such as HKD")
		fs.StringVar(&r.ID, "id", "", "your `ID` of the sale; made up if you give none")
		fs.StringVar(&r.Lane, "lane", "", "the `LANE`, if there are several")
		fs.StringVar(&r.Ticket, "ticket", "", "your bill `NUMBER`; a bill is not charged twice")
		fs.BoolVar(&r.Again, "again", false, "charge a ticket that was paid today once more")
		fs.BoolVar(&r.ConfirmDelivery, "confirm-delivery", false, "give the money back unless \"cpmctl delivered\" confirms the delivery")
		fs.StringVar(&r.Operator, "operator", "", "`WHO` sells")
		fs.StringVar(&r.Shift, "shift", "", "the `SHIFT`")
		return func(t *tool, _ []string) (int, error) {
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
				exit, err := failed(err)
				if exit == exitNotKnown {
					t.sayf("%s", doNotCharge(err, r.ID))
				}
				return exit, err
			}
			return t.follow(v)
		}
	},
}

// doNotCharge is what to do where it is not known whether a sale was charged.
func doNotCharge(err error, id string) string {
	if e, ok := errors.AsType[*client.Error](err); ok && e.Sale != "" {
		id = e.Sale
	}
	return fmt.Sprintf("Do not charge again: ask \"cpmctl show %s\".", id)
}

// newID makes an id for a sale or refund that has none of its till's.
func newID() string { return "cpmctl-" + strings.ToLower(rand.Text()[:16]) }

// open opens the sale.
func (t *tool) open(r sale.Request) (v sale.View, err error) {
	t.sayf("%s: asking for %s", r.ID, money(r.Amount, r.Currency))
	err = t.insist(r.ID, func() (err error) { v, _, err = t.PutSale(t.all, r); return err })
	return v, err
}

// insist repeats a request whose answer was lost: with the same id it never does a thing twice. Once an answer was lost,
// only a word on the request itself counts; that cpmd cannot be reached any more, or turns requests away, says nothing of
// the one that may have arrived.
func (t *tool) insist(id string, call func() error) error {
	var lost error
	for until := time.Now().Add(blind); ; {
		err := call()
		u, silent := errors.AsType[*client.Unreachable](err)
		if silent && u.MaybeSent {
			lost = err
		}
		e, refused := errors.AsType[*client.Error](err)
		if about := !silent && (!refused || e.Status < 500 && e.Status != 401 && e.Status != 403); lost == nil || about {
			return err
		}
		if t.first.Err() != nil || time.Now().After(until) {
			return lost
		}
		t.sayf("%s: no answer, asking again", id)
		select {
		case <-time.After(pause):
		case <-t.first.Done():
		}
	}
}

// follow tells of a sale's changes until it is final, unresolved or beyond knowing. The first signal asks to cancel, and
// what comes of that is the outcome; the second ends the waiting.
func (t *tool) follow(v sale.View) (int, error) {
	t.progress(v)
	asked, away := false, false
	begun := time.Now()
	heard := begun
	for !v.Final && v.State != sale.Unresolved {
		next, err := t.step(v, begun, &asked)
		if t.all.Err() != nil {
			return t.outcome(v, errors.New("stopped waiting"))
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
func (t *tool) step(v sale.View, begun time.Time, asked *bool) (sale.View, error) {
	ctx := t.all
	if !*asked {
		ctx = t.first
	}
	if ctx.Err() == nil {
		stop := t.err.during(func(now time.Time) string {
			line := v.ID + ": " + string(v.State) + ", " + clock(now.Sub(begun))
			if left := remaining(v, now); left != "" {
				line += "; " + left
			}
			return line
		})
		next, err := t.WaitSale(ctx, v.ID, v.Seq, waitStep)
		stop()
		if err == nil || ctx.Err() == nil || *asked {
			return next, err
		}
	}
	t.sayf("%s: asking to cancel; press Ctrl-C again to stop waiting", v.ID)
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

// progress writes a line about a change, with the time that is left.
func (t *tool) progress(v sale.View) {
	line := fmt.Sprintf("%s: %s: %s", v.ID, v.State, v.Message)
	if left := remaining(v, time.Now()); left != "" {
		line += " (" + left + ")"
	}
	t.sayf("%s", line)
}

// outcome tells how a sale stands, on standard output and by the exit code. why is given where it is not known.
func (t *tool) outcome(v sale.View, why error) (int, error) {
	exit := exitNotKnown
	switch v.State {
	case sale.Paid:
		exit = exitPaid
	case sale.NotPaid:
		exit = exitNotPaid
	}
	// The exit code is the outcome, also where the output is lost.
	return exit, errors.Join(why, t.print(v, func(w io.Writer) {
		amount := money(v.Amount, v.Currency)
		switch exit {
		case exitPaid:
			fmt.Fprintf(w, "%s %s %s %s\n", t.colour(green, "paid"), v.ID, amount, v.Wallet)
			if v.Refunded > 0 {
				fmt.Fprintf(w, "refunded %s\n", money(v.Refunded, v.Currency))
			}
			if v.Delivery != "" {
				fmt.Fprintf(w, "delivery %s: %s\n", v.Delivery, v.Message)
			}
		case exitNotPaid:
			fmt.Fprintf(w, "%s %s %s %s\n", t.colour(red, "not paid"), v.ID, amount, v.Reason)
		default:
			fmt.Fprintf(w, "%s %s %s %s\nDo not charge again. Ask later: cpmctl show %s\n", t.colour(yellow, "not known"), v.ID, amount, v.State, v.ID)
		}
	}))
}
