package main

import (
	"flag"
	"fmt"
	"io"
	"time"

	"cpmd/queue/sale"
)

const dayUsage = "the `DAY`, YYYY-MM-DD; today if you give none"

var listCommand = &command{
	name: "list", summary: "sales, newest first",
	choices: map[string][]string{"state": stateNames()},
	begin: func(fs *flag.FlagSet) action {
		var f sale.Filter
		fs.StringVar((*string)(&f.State), "state", "", "only sales in this `STATE`")
		fs.StringVar(&f.Lane, "lane", "", "only those of this `LANE`")
		fs.StringVar(&f.Day, "day", "", "only those of this `DAY`, YYYY-MM-DD")
		fs.StringVar(&f.Ticket, "ticket", "", "only those of this bill `NUMBER`")
		fs.IntVar(&f.Limit, "limit", 0, "at most `N`; 100 if you give none, 1000 at most")
		return func(t *tool, _ []string) (int, error) {
			all, err := t.Sales(t.first, f)
			if err != nil {
				return failed(err)
			}
			return t.done(0, map[string]any{"sales": all}, table("ID\tSTATE\tREASON\tAMOUNT\tREFUNDED\tWALLET\tLANE\tTICKET\tOPENED", func(row func(...any)) {
				for _, v := range all {
					row(v.ID, v.State, v.Reason, money(v.Amount, v.Currency), money(v.Refunded, v.Currency), v.Wallet, v.Lane, v.Ticket,
						v.CreatedAt.Local().Format(time.DateTime))
				}
			}))
		}
	},
}

func stateNames() (names []string) {
	for _, s := range sale.States {
		names = append(names, string(s))
	}
	return names
}

var totalsCommand = &command{
	name: "totals", summary: "a day's sums by currency and wallet",
	about: "A sale and a refund count on the day on which they became final, so the totals of a day that is over do not change.",
	begin: func(fs *flag.FlagSet) action {
		day := fs.String("day", "", dayUsage)
		return func(t *tool, _ []string) (int, error) {
			v, err := t.Totals(t.first, *day)
			if err != nil {
				return failed(err)
			}
			rows := table("CURRENCY\tWALLET\tSALES\tAMOUNT\tREFUNDS\tREFUNDED\tNOT PAID", func(row func(...any)) {
				for _, r := range v.Rows {
					row(r.Currency, r.Wallet, r.Sales, money(r.Amount, r.Currency), r.Refunds, money(r.RefundedTotal, r.Currency), r.NotPaid)
				}
			})
			return t.done(0, v, func(w io.Writer) {
				fmt.Fprintf(w, "%s, %d unfinished\n", v.Day, v.Unfinished)
				rows(w)
			})
		}
	},
}
