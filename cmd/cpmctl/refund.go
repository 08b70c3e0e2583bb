package main

import (
	"flag"
	"fmt"
	"io"
	"time"

	"cpmd/queue/sale"
	"cpmd/till/client"
	"errors"
)

var refundCommand = &command{
	name: "refund", args: []string{"SALE"},
	tells:   true,
	summary: "refund a paid sale, all that is left or a part",
	about:   `Asks for the refund and waits for its outcome. The same command again with the same -id is the same refund.`,
	exits:   [3]string{"refunded", "not refunded", `not known: do not refund again; "cpmctl show -refund ID" shows the outcome later`},
	begin: func(fs *flag.FlagSet) action {
		amount, places := fs.String("amount", "", "the `AMOUNT`; all that is left if you give none"), decimalsFlag(fs)
		id := fs.String("id", "", "your `ID` of the refund; made up if you give none")
		wait := fs.Duration("wait", time.Minute, "how long to wait for the outcome (`TIME`)")
		return func(t *tool, args []string) (int, error) {
			r := sale.RefundRequest{ID: *id, Sale: args[0]}
			if code, err := t.refundAmount(&r, *amount, *places); err != nil {
				return code, err
			}
			var v sale.RefundView
			err := t.insist(r.ID, func() (err error) { v, _, err = t.PutRefund(t.all, r); return err })
			if err != nil {
				exit, err := failed(err)
				if exit == exitNotKnown {
					t.sayf("Not known whether %s is refunded. Do not refund again: ask \"cpmctl show -refund %s\".", r.ID, r.ID)
				}
				return exit, err
			}
			return t.refundOutcome(t.followRefund(v, *wait))
		}
	},
}

// refundAmount fills in what the request leaves open, and refuses what cannot be, with amounts as people write them.
func (t *tool) refundAmount(r *sale.RefundRequest, amount string, places int) (int, error) {
	sold, err := t.Sale(t.first, r.Sale)
	if err != nil {
		return failed(err)
	}
	left := sold.Amount - sold.Refunded
	r.Amount = left
	repeated := false
	if r.ID == "" {
		r.ID = newID()
	} else {
		old, err := t.Refund(t.first, r.ID)
		if e, refused := errors.AsType[*client.Error](err); err != nil && (!refused || e.Code != sale.UnknownRefund) {
			return failed(err)
		}
		if repeated = err == nil; repeated {
			r.Amount = old.Amount
		}
	}
	if amount != "" {
		if r.Amount, err = parseAmount(amount, decimals(sold.Currency, places)); err != nil {
			return usagef("%w", err)
		}
	}
	switch {
	case repeated || sold.State != sale.Paid: // cpmd knows, and says
	case left == 0:
		return exitNotPaid, fmt.Errorf("not_refundable: nothing is left to refund of sale %s: all of %s was given back", sold.ID, money(sold.Amount, sold.Currency))
	case r.Amount > left:
		return exitNotPaid, fmt.Errorf("not_refundable: %s is more than the %s that is left of sale %s", money(r.Amount, sold.Currency), money(left, sold.Currency), sold.ID)
	}
	t.sayf("%s: asking to refund %s of %s", r.ID, money(r.Amount, sold.Currency), sold.ID)
	return 0, nil
}

// followRefund waits until a refund is final or unresolved, or the time is over.
func (t *tool) followRefund(v sale.RefundView, wait time.Duration) sale.RefundView {
	begun := time.Now()
	until := begun.Add(wait)
	for v.State == sale.Refunding && t.first.Err() == nil && time.Now().Before(until) {
		stop := t.err.during(func(now time.Time) string {
			return fmt.Sprintf("%s: %s, %s; waiting for %s more at most", v.ID, v.State, clock(now.Sub(begun)), clock(max(until.Sub(now), 0)))
		})
		next, err := t.WaitRefund(t.first, v.ID, v.Seq, min(waitStep, time.Until(until)))
		stop()
		if err == nil {
			v = next
			continue
		}
		select {
		case <-time.After(pause):
		case <-t.first.Done():
		}
	}
	return v
}

func (t *tool) refundOutcome(v sale.RefundView) (int, error) {
	exit, words, colour := exitNotKnown, "not known", yellow
	switch v.State {
	case sale.Refunded:
		exit, words, colour = exitPaid, "refunded", green
	case sale.NotRefunded:
		exit, words, colour = exitNotPaid, "not refunded", red
	}
	return exit, t.print(v, func(w io.Writer) {
		fmt.Fprintf(w, "%s %s %s of %s: %s\n", t.colour(colour, words), v.ID, money(v.Amount, v.Currency), v.Sale, v.Message)
		if exit == exitNotKnown {
			fmt.Fprintf(w, "Do not refund again. Ask later: cpmctl show -refund %s\n", v.ID)
		}
	})
}
