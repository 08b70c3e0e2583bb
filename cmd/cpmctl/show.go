package main

import (
	"fmt"
	"io"
	"time"

	"cpmd/queue/sale"
)

func (t *tool) show(args []string) (int, error) {
	fs := t.flags("show")
	wait, refund := fs.Duration("wait", 0, ""), fs.Bool("refund", false, "")
	ids, err := t.connect(fs, args, "ID")
	if err != nil {
		return failed(err, false)
	}
	if *refund {
		v, err := t.Refund(t.first, ids[0])
		if err == nil && *wait > 0 {
			v, err = t.WaitRefund(t.first, v.ID, v.Seq, *wait)
		}
		if err != nil {
			return failed(err, false)
		}
		return t.refundOutcome(v)
	}
	v, err := t.Sale(t.first, ids[0])
	if err == nil && *wait > 0 {
		v, err = t.WaitSale(t.first, v.ID, v.Seq, *wait)
	}
	if err != nil {
		return failed(err, false)
	}
	t.progress(v)
	return t.outcome(v, nil)
}

// cancel passes the wish on; that it was heard is success, whatever becomes of the sale.
func (t *tool) cancel(args []string) (int, error) {
	ids, err := t.connect(t.flags("cancel"), args, "ID")
	if err != nil {
		return failed(err, false)
	}
	v, err := t.CancelSale(t.first, ids[0])
	if err != nil {
		return failed(err, true)
	}
	return 0, t.print(v, func(w io.Writer) { fmt.Fprintf(w, "%s %s: %s\n", v.ID, v.State, v.Message) })
}

// refund gives money back and waits for the outcome.
func (t *tool) refund(args []string) (int, error) {
	fs := t.flags("refund")
	amount, places := fs.String("amount", "", ""), fs.Int("decimals", -1, "")
	id, wait := fs.String("id", "", ""), fs.Duration("wait", time.Minute, "")
	sales, err := t.connect(fs, args, "SALE")
	if err != nil {
		return failed(err, false)
	}
	sold, err := t.Sale(t.first, sales[0])
	if err != nil {
		return failed(err, false)
	}
	r := sale.RefundRequest{ID: *id, Sale: sold.ID, Amount: sold.Amount - sold.Refunded}
	if *amount != "" {
		if r.Amount, err = parseAmount(*amount, decimals(sold.Currency, *places)); err != nil {
			return usagef("%w", err)
		}
	}
	if r.ID == "" {
		r.ID = newID()
	}
	t.sayf("%s: asking to refund %s of %s", r.ID, money(r.Amount, sold.Currency), sold.ID)
	v, _, err := t.PutRefund(t.all, r)
	if err != nil {
		exit, err := failed(err, true)
		if exit == exitNotKnown {
			t.sayf("Not known whether %s is refunded. Ask: cpmctl show -refund %s", r.ID, r.ID)
		}
		return exit, err
	}
	until := time.Now().Add(*wait)
	for !v.Final && t.first.Err() == nil && time.Now().Before(until) {
		next, err := t.WaitRefund(t.first, v.ID, v.Seq, min(waitStep, time.Until(until)))
		if err == nil {
			v = next
			continue
		}
		select {
		case <-time.After(pause):
		case <-t.first.Done():
		}
	}
	return t.refundOutcome(v)
}

func (t *tool) refundOutcome(v sale.RefundView) (int, error) {
	exit := exitNotKnown
	switch v.State {
	case sale.Refunded:
		exit = exitPaid
	case sale.NotRefunded:
		exit = exitNotPaid
	}
	return exit, t.print(v, func(w io.Writer) {
		words := map[int]string{exitPaid: "refunded", exitNotPaid: "not refunded", exitNotKnown: "not known"}[exit]
		fmt.Fprintf(w, "%s %s %s of %s: %s\n", words, v.ID, money(v.Amount, v.Currency), v.Sale, v.Message)
	})
}
