package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"time"

	"cpmd/queue/sale"
)

var reconcileCommand = &command{
	name: "reconcile", summary: "compare a day with QFPay's list",
	about: `cpmd does this by itself each night (timing.day_end) and raises an alarm for each difference. -last prints the kept result without asking QFPay.`,
	exits: [3]string{"the books agree", "they differ", "not known: QFPay did not answer, or the day has not been compared"},
	begin: func(fs *flag.FlagSet) action {
		day := fs.String("day", "", "the `DAY`, YYYY-MM-DD; today if you give none, with -last the newest that was compared")
		last := fs.Bool("last", false, "the kept result")
		return func(t *tool, _ []string) (int, error) {
			get := t.Reconcile
			if *last {
				get = t.LastReconciliation
			}
			r, err := get(t.first, *day)
			if err != nil {
				return failed(err)
			}
			exit := exitPaid
			if !r.Clean() {
				exit = exitNotPaid
			}
			return t.done(exit, r, func(w io.Writer) { tellReconciliation(w, r) })
		}
	},
}

func tellReconciliation(w io.Writer, r sale.Reconciliation) {
	fmt.Fprintf(w, "%s: %s with QFPay", r.Day, agree(r.Agreed))
	if !r.At.IsZero() {
		fmt.Fprintf(w, " (compared %s by %s)", r.At.Local().Format(time.DateTime), cmp.Or(r.By, "cpmd"))
	}
	fmt.Fprintln(w, ".")
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
		fmt.Fprintf(w, "\nJournal: %s %s: %s, %s; %s, %s\n", row.Currency, orDash(row.Wallet), count(row.Sales, "paid sale"), money(row.Amount, row.Currency),
			count(row.Refunds, "refund"), money(row.RefundedTotal, row.Currency))
	}
	if n := r.Totals.Unfinished; n == 1 {
		fmt.Fprintln(w, "1 sale of the day is not finished.")
	} else if n > 1 {
		fmt.Fprintf(w, "%d sales of the day are not finished.\n", n)
	}
}

func agree(n int) string {
	if n == 1 {
		return "1 number agrees"
	}
	return fmt.Sprintf("%d numbers agree", n)
}
