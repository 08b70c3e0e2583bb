package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"cpmd/queue/sale"
)

var lanesCommand = &command{
	name: "lanes", summary: "each counter position, its scanner and its sale",
	begin: func(*flag.FlagSet) action {
		return func(t *tool, _ []string) (int, error) {
			all, err := t.Lanes(t.first)
			if err != nil {
				return failed(err)
			}
			return t.done(0, map[string]any{"lanes": all}, func(w io.Writer) {
				laneTable(all)(w)
				for _, l := range all {
					if l.Scanner.Advice != "" {
						fmt.Fprintf(w, "lane %s: %s\n", l.Name, l.Scanner.Advice)
					}
				}
			})
		}
	},
}

func laneTable(all []sale.LaneView) func(io.Writer) {
	return table("LANE\tPAY TYPE\tSCANNER\tDEVICE\tSALE\tAMOUNT", func(row func(...any)) {
		for _, l := range all {
			holder, amount := "", ""
			if l.Sale != nil {
				holder, amount = l.Sale.ID+" "+string(l.Sale.State), money(l.Sale.Amount, l.Sale.Currency)
			}
			row(l.Name, l.PayType, l.Scanner.State, l.Scanner.Device, holder, amount)
		}
	})
}

var scanCommand = &command{
	name: "scan", args: []string{"CODE"},
	summary: "feed a lane whose scanner is virtual",
	about:   "CODE - is read from standard input: other users of the machine can see a command line.",
	exits:   [3]string{"the lane has taken it", "the lane has a real scanner", "not known whether the lane has taken it"},
	begin: func(fs *flag.FlagSet) action {
		lane := fs.String("lane", "", "the `LANE`, if there are several")
		return func(t *tool, args []string) (int, error) {
			code, err := t.code(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			if *lane == "" {
				all, err := t.Lanes(t.first)
				if err != nil {
					return failed(err)
				}
				if len(all) != 1 {
					return usagef("there are %s; name one with -lane", count(len(all), "lane"))
				}
				*lane = all[0].Name
			}
			if err := t.Scan(t.first, *lane, code); err != nil {
				return failed(err)
			}
			return t.done(0, map[string]any{"lane": *lane, "accepted": true}, func(w io.Writer) { fmt.Fprintf(w, "scanned on lane %s\n", *lane) })
		}
	},
}

// code reads a code from standard input where it is given as "-".
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
