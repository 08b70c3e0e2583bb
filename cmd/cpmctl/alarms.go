package main

import (
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"cpmd/queue/sale"
)

var alarmsCommand = &command{
	name: "alarms", summary: "what a person must look at",
	about: `An alarm stands until somebody settles it: "cpmctl explain ID" tells what happened, "cpmctl settle NUMBER" marks it as dealt with.`,
	begin: func(fs *flag.FlagSet) action {
		all := fs.Bool("all", false, "also those of the last 90 days that were settled")
		return func(t *tool, _ []string) (int, error) {
			alarms, err := t.Alarms(t.first, *all)
			if err != nil {
				return failed(err)
			}
			return t.done(0, map[string]any{"alarms": alarms}, func(w io.Writer) {
				if len(alarms) == 0 {
					fmt.Fprintln(w, "No open alarms.")
				}
				for _, a := range alarms {
					t.tellAlarm(w, a)
				}
			})
		}
	},
}

func (t *tool) tellAlarm(w io.Writer, a sale.AlarmView) {
	colour := red
	if !a.Open {
		colour = ""
	}
	fmt.Fprintf(w, "%s  %s  %s %s", t.colour(colour, fmt.Sprintf("alarm %d", a.Seq)), a.At.Local().Format(time.DateTime), a.Kind, a.ID)
	if a.Payment != "" {
		fmt.Fprintf(w, ", payment %s", a.Payment)
	}
	fmt.Fprintf(w, "\n    %s\n", a.What)
	if a.SettledAt != nil {
		fmt.Fprintf(w, "    settled %s by %s: %s\n", a.SettledAt.Local().Format(time.DateTime), a.SettledBy, a.Note)
	}
}

var settleCommand = &command{
	name: "settle", args: []string{"NUMBER"}, need: []string{"note"},
	summary: "mark an alarm as dealt with",
	about:   `Some alarms announce that money will be refunded. If you settle one before that time, the money stays with the shop.`,
	exits:   [3]string{"settled", "", "not known whether it is settled; settling it again does no harm"},
	begin: func(fs *flag.FlagSet) action {
		note := fs.String("note", "", "what was done about it (`TEXT`)")
		return func(t *tool, args []string) (int, error) {
			seq, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || seq < 1 {
				return usagef("%q is not the number of an alarm; cpmctl alarms lists them", args[0])
			}
			a, err := t.SettleAlarm(t.first, seq, *note)
			if err != nil {
				return failed(err)
			}
			return t.done(0, a, func(w io.Writer) { fmt.Fprintf(w, "alarm %d is settled: %s\n", a.Seq, a.Note) })
		}
	},
}
