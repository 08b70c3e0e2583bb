package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Habits are what the gateway does to every caller alike. They can be changed while it runs.
type Habits struct {
	AnswerSign  string   `json:"answer_sign"`  // one of AnswerSigns
	PageSize    int      `json:"page_size"`    // items a page holds, whatever was asked; 0: as asked
	PageRepeats bool     `json:"page_repeats"` // every page after the last one is the last one again
	ListLag     Duration `json:"list_lag"`     // lists show everything as it was that long ago
	ListMisses  int      `json:"list_misses"`  // every nth item is left out of lists; 0: none
	ListEmpty   bool     `json:"list_empty"`   // lists are empty
	Busy        Duration `json:"busy"`         // for that long from now every call gets HTTP 429 and is not booked
	Status      int      `json:"status"`       // every call gets this HTTP status with a web page, and is not booked; 0: none does
	RespCD      string   `json:"respcd"`       // every call gets this code, and is not booked; "": none does
	Fault       string   `json:"fault"`        // every answer has this fault, one of Faults; "": none has
}

// AnswerSigns are the ways in which answers can be signed.
var AnswerSigns = []struct{ Name, Means string }{
	{"MD5", "MD5 of the raw body and the key"},
	{"same", "likewise, with the algorithm of the request"},
	{"fields", "MD5 of the sorted fields, as name=value joined by &, and the key"},
	{"none", "no X-QF-SIGN"},
	{"wrong", "X-QF-SIGN matches nothing"},
}

func (h Habits) check() error {
	switch {
	case !slices.ContainsFunc(AnswerSigns, func(s struct{ Name, Means string }) bool { return s.Name == h.AnswerSign }):
		return fmt.Errorf("sim: answers are signed MD5, same, fields, none or wrong, not %q", h.AnswerSign)
	case h.PageSize < 0, h.ListMisses < 0, h.ListLag < 0, h.Busy < 0:
		return errors.New("sim: page size, lag, missing items and busy time are numbers from 0")
	}
	if err := (Reply{Status: h.Status, Fault: h.Fault}).check(); err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	return nil
}

// Habits are those of now.
func (g *Gateway) Habits() Habits { g.mu.Lock(); defer g.mu.Unlock(); return g.habits }

// SetHabits changes them. Busy counts from now.
func (g *Gateway) SetHabits(h Habits) error {
	h.AnswerSign = or(h.AnswerSign, "MD5")
	if err := h.check(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busyUntil = time.Time{}
	if h.Busy > 0 {
		g.busyUntil = g.now().Add(time.Duration(h.Busy))
	}
	g.habits = h
	return nil
}

// setHabits changes those that are named.
func (g *Gateway) setHabits(w http.ResponseWriter, r *http.Request) {
	h := g.Habits()
	h.Busy = 0
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	d.DisallowUnknownFields()
	err := d.Decode(&h)
	if err == nil {
		err = g.SetHabits(h)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, g.Habits())
}
