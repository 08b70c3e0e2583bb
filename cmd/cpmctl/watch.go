package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"cpmd/queue/sale"
)

var watchCommand = &command{
	name: "watch", summary: "the counter live: lanes, sales, alarms and totals, until Ctrl-C",
	about: "On a terminal it draws one page over and over; elsewhere it prints a page whenever something changes.",
	begin: func(fs *flag.FlagSet) action {
		n := fs.Int("count", -1, "end after `N` pages")
		return func(t *tool, _ []string) (int, error) { return t.watch(*n) }
	},
}

// A page is the counter at a moment.
type page struct {
	Lanes  []sale.LaneView  `json:"lanes"`
	Totals sale.Totals      `json:"totals"`
	Ready  bool             `json:"ready"`
	Alarms []sale.AlarmView `json:"alarms"`
	Others []sale.View      `json:"unresolved"` // sales that no lane shows any more
	seq    int64
}

func (t *tool) look() (p page, err error) {
	d, err := t.Diagnosis(t.first)
	if err != nil {
		return p, err
	}
	p = page{Lanes: d.Lanes, Ready: d.Ready, Alarms: d.Alarms, seq: d.Journal.Seq}
	for _, v := range d.Unsettled {
		if v.State == sale.Unresolved {
			p.Others = append(p.Others, v)
		}
	}
	p.Totals, err = t.Totals(t.first, "")
	return p, err
}

// watch draws anew at each event, and each second on a terminal, where time goes by.
func (t *tool) watch(n int) (int, error) {
	p, err := t.look()
	if err != nil {
		return failed(err)
	}
	happened := make(chan struct{}, 1)
	go func() {
		for range t.Events(t.first, p.seq) {
			select {
			case happened <- struct{}{}:
			default:
			}
		}
	}()
	onTerminal := isTerminal(t.out)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for away := ""; ; {
		head := ""
		if onTerminal {
			head = "\x1b[H\x1b[J"
		}
		if exit, err := t.done(0, p, func(w io.Writer) { fmt.Fprint(w, head+t.draw(p, away, time.Now())) }); err != nil {
			return exit, err
		}
		if n--; n == 0 {
			return 0, nil
		}
		for drawn := true; drawn; {
			select {
			case <-t.first.Done():
				return 0, nil
			case <-happened:
			case <-tick.C:
				if !onTerminal && away == "" {
					continue
				}
			}
			next, err := t.look()
			switch {
			case t.first.Err() != nil:
				return 0, nil
			case err != nil:
				drawn, away = !onTerminal && away != "", err.Error()
			default:
				drawn, p, away = false, next, ""
			}
		}
	}
}

// draw is the page as text.
func (t *tool) draw(p page, away string, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n\n", now.Format(time.DateTime), t.readiness(p, away))
	for _, l := range p.Lanes {
		scanner := l.Scanner.State
		if scanner != "open" {
			scanner = t.colour(red, scanner) + " (" + l.Scanner.Advice + ")"
		}
		fmt.Fprintf(&b, "lane %s  scanner %s\n", l.Name, scanner)
		if v := l.Sale; v != nil {
			fmt.Fprintf(&b, "    %s  %s  %s  %s\n    %s\n", v.ID, money(v.Amount, v.Currency), t.colour(yellow, string(v.State)), remaining(*v, now), v.Message)
		} else {
			b.WriteString("    free\n")
		}
	}
	for _, v := range p.Others {
		fmt.Fprintf(&b, "%s  %s  %s  %s\n", t.colour(red, string(v.State)), v.ID, money(v.Amount, v.Currency), v.Message)
	}
	for _, line := range toDo(sale.Diagnosis{Alarms: p.Alarms}) {
		fmt.Fprintf(&b, "%s\n", t.colour(red, line))
	}
	fmt.Fprintf(&b, "\n%s", p.Totals.Day)
	for _, r := range p.Totals.Rows {
		fmt.Fprintf(&b, "\n    %s: %s, %s", cmp.Or(r.Wallet, "no wallet"), count(r.Sales, "paid sale"), money(r.Amount, r.Currency))
		if r.Refunds > 0 {
			fmt.Fprintf(&b, "; %s, %s", count(r.Refunds, "refund"), money(r.RefundedTotal, r.Currency))
		}
		if r.NotPaid > 0 {
			fmt.Fprintf(&b, "; %d not paid", r.NotPaid)
		}
	}
	b.WriteString("\n")
	return b.String()
}

func (t *tool) readiness(p page, away string) string {
	switch {
	case away != "":
		return t.colour(red, "cpmd does not answer; trying again ("+away+")")
	case !p.Ready:
		return t.colour(red, "NOT READY: cpmctl diagnose says why")
	}
	return t.colour(green, "ready")
}
