package main

import (
	"flag"
	"fmt"
	"io"

	"cpmd/queue/sale"
)

var showCommand = &command{
	name: "show", args: []string{"ID"},
	tells:   true,
	summary: "a sale or refund as it stands",
	about:   "With -wait it prints at the next change, or after that time.",
	exits:   [3]string{"paid (refunded)", "not paid (not refunded)", "not known, or not known yet"},
	begin: func(fs *flag.FlagSet) action {
		wait := fs.Duration("wait", 0, "wait for a change for so long (`TIME`, such as 25s)")
		refund := fs.Bool("refund", false, "ID is a refund's")
		return func(t *tool, args []string) (int, error) {
			if *refund {
				v, err := t.Refund(t.first, args[0])
				if err == nil && *wait > 0 {
					v, err = t.WaitRefund(t.first, v.ID, v.Seq, *wait)
				}
				if err != nil {
					return failed(err)
				}
				return t.refundOutcome(v)
			}
			v, err := t.Sale(t.first, args[0])
			if err == nil && *wait > 0 {
				v, err = t.WaitSale(t.first, v.ID, v.Seq, *wait)
			}
			if err != nil {
				return failed(err)
			}
			t.progress(v)
			return t.outcome(v, nil)
		}
	},
}

var cancelCommand = &command{
	name: "cancel", args: []string{"ID"},
	summary: "ask to stop a sale",
	about:   `Passes the request on. What comes of it is the sale's state, which may still become paid: ask "cpmctl show -wait 25s ID".`,
	exits:   [3]string{"cpmd has heard it", "", "not known whether cpmd has heard it"},
	begin: func(*flag.FlagSet) action {
		return func(t *tool, args []string) (int, error) {
			return t.about(t.CancelSale(t.first, args[0]))
		}
	},
}

// about prints a sale in one line.
func (t *tool) about(v sale.View, err error) (int, error) {
	if err != nil {
		return failed(err)
	}
	return t.done(0, v, func(w io.Writer) { fmt.Fprintf(w, "%s %s: %s\n", v.ID, v.State, v.Message) })
}

var deliveredCommand = &command{
	name: "delivered", args: []string{"ID"},
	tells:   true,
	summary: "confirm the delivery of a paid sale, before handing over",
	about:   `For machines, with sales opened with -confirm-delivery: hand the goods over after exit code 0 and never before it. On 1 hand nothing over. On 2 and 69 call it again until it says 0 or 1.`,
	exits: [3]string{"confirmed: hand the goods over", "the money is going back or was never taken: hand nothing over",
		"not known: hand nothing over yet, and call it again"},
	begin: func(*flag.FlagSet) action {
		return func(t *tool, args []string) (int, error) {
			v, err := t.ConfirmDelivery(t.first, args[0])
			if err != nil {
				return failed(err)
			}
			// The exit code is what counts, also where the output is lost.
			return 0, t.print(v, func(w io.Writer) { fmt.Fprintf(w, "%s %s, %s: hand the goods over\n", v.ID, v.State, v.Delivery) })
		}
	},
}
