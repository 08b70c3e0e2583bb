package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"cpmd/queue/sale"
)

func (t *tool) list(args []string) (int, error) {
	fs := t.flags("list")
	var f sale.Filter
	fs.StringVar((*string)(&f.State), "state", "", "")
	fs.StringVar(&f.Lane, "lane", "", "")
	fs.StringVar(&f.Day, "day", "", "")
	fs.StringVar(&f.Ticket, "ticket", "", "")
	fs.IntVar(&f.Limit, "limit", 0, "")
	if _, err := t.connect(fs, args); err != nil {
		return failed(err, false)
	}
	all, err := t.Sales(t.first, f)
	if err != nil {
		return failed(err, false)
	}
	return 0, t.print(map[string]any{"sales": all}, table("ID\tSTATE\tREASON\tAMOUNT\tREFUNDED\tWALLET\tLANE\tTICKET\tOPENED", func(row func(...any)) {
		for _, v := range all {
			row(v.ID, v.State, v.Reason, money(v.Amount, v.Currency), money(v.Refunded, v.Currency), v.Wallet, v.Lane, v.Ticket,
				v.CreatedAt.Local().Format(time.DateTime))
		}
	}))
}

// table prints rows under a heading, in columns.
func table(heading string, fill func(row func(...any))) func(io.Writer) {
	return func(w io.Writer) {
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(tw, heading)
		fill(func(cells ...any) {
			for i, c := range cells {
				if s := fmt.Sprint(c); s != "" {
					cells[i] = s
				} else {
					cells[i] = "-"
				}
			}
			fmt.Fprintf(tw, strings.Repeat("%v\t", len(cells)-1)+"%v\n", cells...)
		})
		_ = tw.Flush()
	}
}

func (t *tool) totals(args []string) (int, error) {
	fs := t.flags("totals")
	day := fs.String("day", "", "")
	if _, err := t.connect(fs, args); err != nil {
		return failed(err, false)
	}
	v, err := t.Totals(t.first, *day)
	if err != nil {
		return failed(err, false)
	}
	rows := table("CURRENCY\tWALLET\tSALES\tAMOUNT\tREFUNDS\tREFUNDED\tNOT PAID", func(row func(...any)) {
		for _, r := range v.Rows {
			n := decimals(r.Currency, -1)
			row(r.Currency, r.Wallet, r.Sales, formatAmount(r.Amount, n), r.Refunds, formatAmount(r.RefundedTotal, n), r.NotPaid)
		}
	})
	return 0, t.print(v, func(w io.Writer) {
		fmt.Fprintf(w, "%s, %d unfinished\n", v.Day, v.Unfinished)
		rows(w)
	})
}

func (t *tool) lanes(args []string) (int, error) {
	if _, err := t.connect(t.flags("lanes"), args); err != nil {
		return failed(err, false)
	}
	all, err := t.Lanes(t.first)
	if err != nil {
		return failed(err, false)
	}
	return 0, t.print(map[string]any{"lanes": all}, laneTable(all))
}

func laneTable(all []sale.LaneView) func(io.Writer) {
	return table("LANE\tPAY TYPE\tSCANNER\tDEVICE\tSALE\tWHAT TO DO", func(row func(...any)) {
		for _, l := range all {
			sale := ""
			if l.Sale != nil {
				sale = l.Sale.ID + " " + string(l.Sale.State)
			}
			row(l.Name, l.PayType, l.Scanner.State, l.Scanner.Device, sale, l.Scanner.Advice)
		}
	})
}

// scan feeds a lane.
func (t *tool) scan(args []string) (int, error) {
	fs := t.flags("scan")
	lane := fs.String("lane", "", "")
	codes, err := t.connect(fs, args, "CODE")
	if err != nil {
		return failed(err, false)
	}
	code, err := t.code(codes[0])
	if err != nil {
		return usagef("%w", err)
	}
	if *lane == "" {
		all, err := t.Lanes(t.first)
		if err != nil {
			return failed(err, false)
		}
		if len(all) != 1 {
			return usagef("there are %d lanes; name one with -lane", len(all))
		}
		*lane = all[0].Name
	}
	if err := t.Scan(t.first, *lane, code); err != nil {
		return failed(err, false)
	}
	return 0, t.print(map[string]any{"lane": *lane, "accepted": true}, func(w io.Writer) { fmt.Fprintf(w, "scanned on lane %s\n", *lane) })
}

// code reads a code from standard input where it is given as "-": other users of the machine can see a command
// line.
func (t *tool) code(s string) (string, error) {
	if s != "-" {
		return s, nil
	}
	line, err := bufio.NewReader(t.in).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.Join(errors.New("there is no code on standard input"), err)
	}
	return line, nil
}

// events tells what happens until a signal or the count.
func (t *tool) events(args []string) (int, error) {
	fs := t.flags("events")
	after, count := fs.Int64("after", -1, ""), fs.Int("count", -1, "")
	if _, err := t.connect(fs, args); err != nil {
		return failed(err, false)
	}
	if *after < 0 {
		d, err := t.Diagnosis(t.first)
		if err != nil {
			return failed(err, false)
		}
		*after = d.Journal.Seq
	}
	for n, err := range t.Events(t.first, *after) {
		if err != nil {
			return failed(err, false)
		}
		if err := t.print(eventJSON{n.Seq, n.Kind, n.Data}, func(w io.Writer) { fmt.Fprintln(w, eventLine(n)) }); err != nil {
			return exitUnavailable, err
		}
		if *count--; *count == 0 {
			break
		}
	}
	return 0, nil
}

type eventJSON struct {
	Seq  int64           `json:"seq"`
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
}

func eventLine(n sale.Notice) string {
	var err error
	var s string
	switch n.Kind {
	case "sale":
		var v sale.View
		err = json.Unmarshal(n.Data, &v)
		s = fmt.Sprintf("%s %s %s %s", v.ID, money(v.Amount, v.Currency), v.State, v.Message)
	case "refund":
		var v sale.RefundView
		err = json.Unmarshal(n.Data, &v)
		s = fmt.Sprintf("%s %s of %s %s %s", v.ID, money(v.Amount, v.Currency), v.Sale, v.State, v.Message)
	case "scan":
		var v sale.ScanView
		err = json.Unmarshal(n.Data, &v)
		s = fmt.Sprintf("lane %s %q %s", v.Lane, v.Text, v.Note)
	case "scanner":
		var v sale.ScannerView
		err = json.Unmarshal(n.Data, &v)
		s = fmt.Sprintf("lane %s %s %s %s", v.Lane, v.State, v.Device, v.Advice)
	default:
		err = errors.ErrUnsupported
	}
	if err != nil {
		s = string(n.Data)
	}
	return fmt.Sprintf("%d %s %s", n.Seq, n.Kind, strings.TrimSpace(s))
}
