package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"cpmd/queue/sale"
)

var diagnoseCommand = &command{
	name: "diagnose", summary: "what is wrong and what to do",
	about: `With -bundle, what support needs to see goes into a file: this page, recent sales and alarms, what happened to those that are not finished, metrics, and the log and configuration where this user may read them. Keys, tokens, payment codes and the webhook's address are masked. It is written also while cpmd is down.`,
	exits: [3]string{"all is well; with -bundle: it is written", "sales cannot be taken, or there is something to do", "not known"},
	begin: func(fs *flag.FlagSet) action {
		file := fs.String("bundle", "", "write a `FILE` for support (.zip) instead")
		return func(t *tool, _ []string) (int, error) {
			if *file != "" {
				if err := t.makeBundle(*file); err != nil {
					return exitOutput, err
				}
				return t.done(0, map[string]any{"bundle": *file}, func(w io.Writer) {
					fmt.Fprintf(w, "%s is for support; look through it before you send it (unzip -l %s)\n", *file, *file)
				})
			}
			v, err := t.Diagnosis(t.first)
			if err != nil {
				return failed(err)
			}
			exit := 0
			if !v.Ready || len(toDo(v)) > 0 {
				exit = 1
			}
			return t.done(exit, v, func(w io.Writer) { t.tellDiagnosis(w, v) })
		}
	},
}

func (t *tool) tellDiagnosis(w io.Writer, v sale.Diagnosis) {
	state := t.colour(green, "ready")
	if !v.Ready {
		state = t.colour(red, "NOT READY")
	}
	fmt.Fprintf(w, "cpmd %s, %s, up %s\n", v.Version, state, time.Duration(v.UptimeS)*time.Second)
	journal := "ok"
	if !v.Journal.OK {
		journal = t.colour(red, "FAILED")
	}
	fmt.Fprintf(w, "journal %s: %s, %s, %s\n", v.Journal.Path, journal, count(v.Journal.Seq, "entry"), count(v.Journal.Bytes, "byte"))
	tellGateway(w, v.Gateway)
	laneTable(v.Lanes)(w)
	for _, s := range v.Unsettled {
		fmt.Fprintf(w, "unfinished sale %s %s %s since %s\n", s.ID, money(s.Amount, s.Currency), s.State, s.CreatedAt.Local().Format(time.DateTime))
	}
	if more := v.UnfinishedSales() - len(v.Unsettled); more > 0 {
		fmt.Fprintf(w, "and %d more unresolved sales (cpmctl list -state unresolved)\n", more)
	}
	for _, r := range v.Refunding {
		fmt.Fprintf(w, "unfinished refund %s %s of %s %s since %s\n", r.ID, money(r.Amount, r.Currency), r.Sale, r.State, r.CreatedAt.Local().Format(time.DateTime))
	}
	for _, line := range toDo(v) {
		fmt.Fprintf(w, "%s %s\n", t.colour(yellow, "TO DO:"), line)
	}
}

// toDo is what a person should do, each cause once: twelve sales that fail for one reason are one line.
func toDo(v sale.Diagnosis) (lines []string) {
	for _, line := range v.Advice {
		if !slices.Contains(lines, line) && !slices.ContainsFunc(v.Alarms, func(a sale.AlarmView) bool { return strings.Contains(line, a.What) }) {
			lines = append(lines, line)
		}
	}
	about := map[string][]sale.AlarmView{}
	var causes []string
	for _, a := range v.Alarms {
		if len(about[a.What]) == 0 {
			causes = append(causes, a.What)
		}
		about[a.What] = append(about[a.What], a)
	}
	for _, what := range causes {
		var ids, seqs []string
		for _, a := range about[what] {
			if id := a.Kind + " " + a.ID; !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
			seqs = append(seqs, fmt.Sprint(a.Seq))
		}
		word := "alarm "
		if len(seqs) > 1 {
			word = "alarms "
		}
		lines = append(lines, fmt.Sprintf("%s%s, %s: %s", word, shorten(seqs), shorten(ids), what))
	}
	return lines
}

// shorten lists the first few of many.
func shorten(all []string) string {
	const most = 5
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
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
	fmt.Fprintf(w, "QFPay at %s: %s", g.URL, state)
	if off := time.Duration(g.ClockOffS) * time.Second; off.Abs() >= time.Minute {
		fmt.Fprintf(w, "; its clock differs from this machine's by %s", off)
	}
	fmt.Fprintln(w)
	for _, c := range g.Contacts {
		fmt.Fprintf(w, "  last %-8s %s, HTTP %d, respcd %s, %d ms %s\n", c.Endpoint, c.At.Local().Format(time.DateTime), c.Status, orDash(c.RespCD), c.TookMS, c.Error)
	}
}
