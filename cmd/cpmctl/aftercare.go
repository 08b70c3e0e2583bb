package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"cpmd/queue/sale"
)

// explain tells a sale's whole story.
func (t *tool) explain(args []string) (int, error) {
	ids, err := t.connect(t.flags("explain"), args, "ID")
	if err != nil {
		return failed(err, false)
	}
	story, err := t.Story(t.first, ids[0])
	if err != nil {
		return failed(err, false)
	}
	return 0, t.print(story, func(w io.Writer) { tell(w, story) })
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (t *tool) delivered(args []string) (int, error) {
	ids, err := t.connect(t.flags("delivered"), args, "ID")
	if err != nil {
		return failed(err, false)
	}
	v, err := t.ConfirmDelivery(t.first, ids[0])
	if err != nil {
		return failed(err, true)
	}
	return 0, t.print(v, func(w io.Writer) { fmt.Fprintf(w, "%s %s, %s\n", v.ID, v.State, v.Delivery) })
}

// reconcile compares a day; its exit code tells how it went.
func (t *tool) reconcile(args []string) (int, error) {
	fs := t.flags("reconcile")
	day := fs.String("day", "", "")
	if _, err := t.connect(fs, args); err != nil {
		return failed(err, false)
	}
	r, err := t.Reconcile(t.first, *day)
	if err != nil {
		return failed(err, true)
	}
	exit := exitPaid
	if !r.Clean() {
		exit = exitNotPaid
	}
	return exit, t.print(r, func(w io.Writer) { compare(w, r) })
}

func compare(w io.Writer, r sale.Reconciliation) {
	fmt.Fprintf(w, "%s: %d numbers agree with QFPay.\n", r.Day, r.Agreed)
	section := func(title string, all []sale.Mismatch) {
		if len(all) == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s\n", title)
		table("NUMBER\tSYSSN\tSALE\tREFUND\tAMOUNT\tHERE\tTHERE", func(row func(...any)) {
			for _, m := range all {
				row(m.OutTradeNo, m.SysSN, m.Sale, m.Refund, money(m.Amount, m.Currency), m.Here, m.There)
			}
		})(w)
	}
	section("Only in this journal: QFPay does not know them", r.OnlyHere)
	section("Only at QFPay: another till of the merchant, or lost here", r.OnlyThere)
	section("Different: see cpmctl explain SALE", r.Different)
	for _, row := range r.Totals.Rows {
		fmt.Fprintf(w, "\nJournal: %s %s: %d paid, %s; %d refunds, %s\n", row.Currency, orDash(row.Wallet), row.Sales, money(row.Amount, row.Currency),
			row.Refunds, money(row.RefundedTotal, row.Currency))
	}
	if r.Totals.Unfinished > 0 {
		fmt.Fprintf(w, "%d sales of the day are not finished.\n", r.Totals.Unfinished)
	}
}

// resolve shows the evidence, asks once more, and passes the operator's word on.
func (t *tool) resolve(args []string) (int, error) {
	fs := t.flags("resolve")
	note, yes, even := fs.String("note", "", ""), fs.Bool("yes", false, ""), fs.Bool("even-though", false, "")
	words, err := t.connect(fs, args, "ID", "paid|not_paid")
	if err != nil {
		return failed(err, false)
	}
	if strings.TrimSpace(*note) == "" {
		return usagef("say with -note how you know, such as -note \"QFPay portal shows it as paid\"")
	}
	story, err := t.Story(t.first, words[0])
	if err != nil {
		return failed(err, false)
	}
	tell(t.err, story)
	if !*yes {
		t.sayf("\nDecide that sale %s is %s? It cannot be taken back. Type yes:", words[0], words[1])
		line, _ := bufio.NewReader(t.in).ReadString('\n')
		if strings.TrimSpace(line) != "yes" {
			return exitNotKnown, fmt.Errorf("nothing was decided")
		}
	}
	v, err := t.Resolve(t.first, sale.Resolution{ID: words[0], Outcome: sale.State(words[1]), Note: *note, EvenThough: *even})
	if err != nil {
		return failed(err, true)
	}
	return 0, t.print(v, func(w io.Writer) {
		fmt.Fprintf(w, "%s is %s, decided %s\n", v.ID, v.State, time.Now().Format(time.DateTime))
	})
}
