package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// diagnose shows the page for the person who looks after the counter; exit 1 means that sales cannot be taken.
func (t *tool) diagnose(args []string) (int, error) {
	if _, err := t.connect(t.flags("diagnose"), args); err != nil {
		return failed(err, false)
	}
	v, err := t.Diagnosis(t.first)
	if err != nil {
		return failed(err, false)
	}
	exit, state := 0, "ready"
	if !v.Ready {
		exit, state = 1, "NOT READY"
	}
	return exit, t.print(v, func(w io.Writer) {
		fmt.Fprintf(w, "cpmd %s, %s, up %s\n", v.Version, state, time.Duration(v.UptimeS)*time.Second)
		journal := "ok"
		if !v.Journal.OK {
			journal = "FAILED: " + v.Journal.Error
		}
		fmt.Fprintf(w, "journal %s: %s, %d entries, %d bytes\n", v.Journal.Path, journal, v.Journal.Seq, v.Journal.Bytes)
		if gateway, err := json.MarshalIndent(v.Gateway, "", "  "); err == nil {
			fmt.Fprintf(w, "gateway %s\n", gateway)
		}
		laneTable(v.Lanes)(w)
		for _, s := range v.Unsettled {
			fmt.Fprintf(w, "unfinished sale %s %s %s since %s\n", s.ID, money(s.Amount, s.Currency), s.State, s.CreatedAt.Local().Format(time.DateTime))
		}
		for _, r := range v.Refunding {
			fmt.Fprintf(w, "unfinished refund %s %s of %s since %s\n", r.ID, money(r.Amount, r.Currency), r.Sale, r.CreatedAt.Local().Format(time.DateTime))
		}
		for _, a := range v.Advice {
			fmt.Fprintf(w, "TO DO: %s\n", a)
		}
	})
}
