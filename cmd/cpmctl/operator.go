package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"cpmd/queue/sale"
)

var askCommand = &command{
	name: "ask", args: []string{"ID"},
	tells:   true,
	summary: "ask QFPay now what became of a sale and its refunds",
	about:   `Asks before the next query is due, and waits a while for the answer. "cpmctl explain ID" shows what QFPay said.`,
	exits:   [3]string{"paid", "not paid", "not known, or not known yet"},
	begin: func(fs *flag.FlagSet) action {
		wait := fs.Duration("wait", 10*time.Second, "how long to wait for a change (`TIME`)")
		return func(t *tool, args []string) (int, error) {
			v, err := t.AskNow(t.first, args[0])
			if err != nil {
				return failed(err)
			}
			t.sayf("%s: QFPay is asked; \"cpmctl explain %s\" shows what it says", v.ID, v.ID)
			if !v.Final && *wait > 0 {
				if next, err := t.WaitSale(t.first, v.ID, v.Seq, *wait); err == nil {
					v = next
				}
			}
			return t.outcome(v, nil)
		}
	},
}

var resolveCommand = &command{
	name: "resolve", args: []string{"ID", "OUTCOME"}, need: []string{"note"},
	summary: "decide an unresolved sale or refund",
	about: `For what QFPay does not report: look it up in QFPay's portal, or on the customer's phone, and say what you saw. OUTCOME is paid or not_paid for a sale, refunded or not_refunded for a refund, and returned for a sale that stays "returning" because its money went back outside cpmd. It shows the evidence first and asks you to confirm; a decision cannot be taken back.

A decision against QFPay's last word is refused unless you say -even-though.`,
	exits:   [3]string{"decided", "refused: nothing was decided", "not known whether it was decided, or you did not confirm"},
	choices: map[string][]string{"OUTCOME": {"paid", "not_paid", "returned", "refunded", "not_refunded"}},
	begin: func(fs *flag.FlagSet) action {
		note := fs.String("note", "", "how you know (`TEXT`), such as \"QFPay's portal shows it as paid\"")
		yes := fs.Bool("yes", false, "do not ask to confirm")
		even := fs.Bool("even-though", false, "decide against what QFPay said last")
		return func(t *tool, args []string) (int, error) {
			d := sale.Resolution{ID: args[0], Outcome: sale.State(args[1]), Note: *note, EvenThough: *even}
			switch d.Outcome {
			case sale.Paid, sale.NotPaid, sale.State(sale.Returned):
				return t.resolveSale(d, *yes)
			case sale.State(sale.Refunded), sale.State(sale.NotRefunded):
				return t.resolveRefund(d, *yes)
			}
			return usagef("%q is not an outcome: paid, not_paid or returned for a sale, refunded or not_refunded for a refund", d.Outcome)
		}
	},
}

func (t *tool) resolveSale(d sale.Resolution, yes bool) (int, error) {
	if exit, err := t.confirm("sale", d.ID, d, yes); err != nil {
		return exit, err
	}
	v, err := t.Resolve(t.first, d)
	if err != nil {
		return failed(err)
	}
	return t.done(0, v, func(w io.Writer) { fmt.Fprintf(w, "%s is %s: %s\n", v.ID, v.State, v.Message) })
}

func (t *tool) resolveRefund(d sale.Resolution, yes bool) (int, error) {
	f, err := t.Refund(t.first, d.ID)
	if err != nil {
		return failed(err)
	}
	if exit, err := t.confirm("refund", f.Sale, d, yes); err != nil {
		return exit, err
	}
	v, err := t.ResolveRefund(t.first, d)
	if err != nil {
		return failed(err)
	}
	return t.done(0, v, func(w io.Writer) { fmt.Fprintf(w, "%s is %s: %s\n", v.ID, v.State, v.Message) })
}

// confirm shows the evidence and asks once more.
func (t *tool) confirm(what, saleID string, d sale.Resolution, yes bool) (int, error) {
	story, err := t.Story(t.first, saleID)
	if err != nil {
		return failed(err)
	}
	var b strings.Builder
	tell(&b, story)
	t.sayf("%s", strings.TrimSuffix(b.String(), "\n"))
	if yes {
		return 0, nil
	}
	t.sayf("\nDecide that %s %s is %s? It cannot be taken back. Type yes:", what, d.ID, d.Outcome)
	line, _ := bufio.NewReader(t.in).ReadString('\n')
	if strings.TrimSpace(line) != "yes" {
		return exitNotKnown, fmt.Errorf("nothing was decided")
	}
	return 0, nil
}
