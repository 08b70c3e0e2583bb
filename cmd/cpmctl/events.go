package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"cpmd/queue/sale"
)

var eventsCommand = &command{
	name: "events", summary: "what happens, as it happens",
	about: "Without -after it begins now; with it, at that place of the journal. It goes on until Ctrl-C.",
	begin: func(fs *flag.FlagSet) action {
		after := fs.Int64("after", -1, "begin after the event with this `NUMBER`; 0 is the beginning of the journal")
		n := fs.Int("count", -1, "end after `N` events")
		return func(t *tool, _ []string) (int, error) {
			if *after < 0 {
				d, err := t.Diagnosis(t.first)
				if err != nil {
					return failed(err)
				}
				*after = d.Journal.Seq
			}
			for e, err := range t.Events(t.first, *after) {
				if err != nil {
					return failed(err)
				}
				if exit, err := t.done(0, eventJSON{e.Seq, e.Kind, e.Data}, func(w io.Writer) { fmt.Fprintln(w, eventLine(e)) }); err != nil {
					return exit, err
				}
				if *n--; *n == 0 {
					break
				}
			}
			return 0, nil
		}
	},
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
	case "alarm":
		var v sale.AlarmView
		if err = json.Unmarshal(n.Data, &v); v.Open {
			s = fmt.Sprintf("%d: %s %s: %s", v.Seq, v.Kind, v.ID, v.What)
		} else {
			s = fmt.Sprintf("%d settled by %s: %s", v.Seq, v.SettledBy, v.Note)
		}
	case "reset":
		s = "the journal ends before the number asked for; it goes on from here"
	default:
		err = errors.ErrUnsupported
	}
	if err != nil {
		s = string(n.Data)
	}
	return fmt.Sprintf("%d %s %s", n.Seq, n.Kind, strings.TrimSpace(s))
}
