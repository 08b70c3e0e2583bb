package sale

import (
	"fmt"
	"time"
)

// Advice is what a person should do, most urgent first.
func Advice(d Diagnosis) (all []string) {
	if d.Journal.Error != "" {
		all = append(all, d.Journal.Error)
	}
	for _, a := range d.Alarms {
		first := "cpmctl explain " + a.ID
		if a.Kind == "day" {
			first = "cpmctl reconcile -last -day " + a.ID
		}
		all = append(all, fmt.Sprintf("alarm %d, %s %s: %s (%s, then cpmctl settle %d)", a.Seq, a.Kind, a.ID, a.What, first, a.Seq))
	}
	if n := d.Unfinished[Unresolved]; n > 0 {
		all = append(all, fmt.Sprintf("unresolved sales: %d. Do not charge again; cpmd keeps asking QFPay", n))
	}
	for _, l := range d.Lanes {
		if l.Scanner.State != "open" && l.Scanner.Advice != "" {
			all = append(all, fmt.Sprintf("lane %s: the scanner is %s: %s", l.Name, l.Scanner.State, l.Scanner.Advice))
		}
	}
	return all
}

// A Diagnosis is one page of truth for the person who looks after the counter.
type Diagnosis struct {
	Version    string            `json:"version"`
	StartedAt  time.Time         `json:"started_at"`
	UptimeS    int64             `json:"uptime_s"`
	Ready      bool              `json:"ready"`
	Journal    JournalHealth     `json:"journal"`
	Gateway    any               `json:"gateway"`
	Lanes      []LaneView        `json:"lanes"`
	Unfinished map[State]int     `json:"unfinished"`       // how many sales have something to come, by state
	Unsettled  []View            `json:"unfinished_sales"` // oldest first; of the unresolved the 100 oldest
	Refunding  []RefundView      `json:"unfinished_refunds"`
	Alarms     []AlarmView       `json:"alarms"` // that are open, newest first, 50 at most
	Advice     []string          `json:"advice"` // what a person should do, most urgent first; empty when all is well
	Build      map[string]string `json:"build,omitempty"`
}

// JournalHealth reports whether the journal is writable.
type JournalHealth struct {
	Path  string `json:"path"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	Seq   int64  `json:"seq"` // the last entry's
	Bytes int64  `json:"bytes"`
}

// UnfinishedSales is how many sales still have something to come.
func (d Diagnosis) UnfinishedSales() (n int) {
	for _, of := range d.Unfinished {
		n += of
	}
	return n
}
