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
		tellGateway(w, v.Gateway)
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

// tellGateway shows how QFPay answered last, by endpoint. (cmd/cpmd/app makes the page's gateway part.)
func tellGateway(w io.Writer, page any) {
	var g struct {
		URL       string
		Reachable *bool
		ClockOffS int64 `json:"clock_off_s"`
		Contacts  []struct {
			Endpoint, RespCD, Error string
			At                      time.Time
			TookMS                  int64 `json:"took_ms"`
			Status                  int   `json:"http_status"`
		}
	}
	text, err := json.Marshal(page)
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil || page == nil {
		return
	}
	state := "not asked yet"
	if g.Reachable != nil {
		state = map[bool]string{true: "answers", false: "DOES NOT ANSWER as it should"}[*g.Reachable]
	}
	fmt.Fprintf(w, "QFPay at %s %s", g.URL, state)
	if off := time.Duration(g.ClockOffS) * time.Second; off.Abs() >= time.Minute {
		fmt.Fprintf(w, "; its clock differs from this machine's by %s", off)
	}
	fmt.Fprintln(w)
	for _, c := range g.Contacts {
		fmt.Fprintf(w, "  last %-8s %s, HTTP %d, respcd %s, %d ms %s\n", c.Endpoint, c.At.Local().Format(time.DateTime), c.Status, orDash(c.RespCD), c.TookMS, c.Error)
	}
}
