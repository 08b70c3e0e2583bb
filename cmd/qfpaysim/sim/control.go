package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"
)

// controls answers /sim/..., which is unsigned and plain JSON.
func (g *Gateway) controls() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/ledger", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, g.Ledger()) })
	mux.HandleFunc("GET /sim/script", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, g.Scripts()) })
	mux.HandleFunc("POST /sim/script", func(w http.ResponseWriter, r *http.Request) {
		scripts, err := readScripts(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = g.Script(scripts...)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, g.Scripts())
	})
	mux.HandleFunc("DELETE /sim/script", func(w http.ResponseWriter, r *http.Request) { g.Unscript(); writeJSON(w, g.Scripts()) })
	mux.HandleFunc("POST /sim/reset", func(w http.ResponseWriter, r *http.Request) { g.Reset(); writeJSON(w, g.clock()) })
	mux.HandleFunc("POST /sim/portal", g.portal)
	mux.HandleFunc("GET /sim/habits", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, g.Habits()) })
	mux.HandleFunc("POST /sim/habits", g.setHabits)
	mux.HandleFunc("GET /sim/clock", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, g.clock()) })
	mux.HandleFunc("POST /sim/clock", g.setClock)
	mux.HandleFunc("GET /sim/help", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, Help())
	})
	return mux
}

// readScripts takes one script or a list of them.
func readScripts(r io.Reader) ([]Script, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var many []Script
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		err = json.Unmarshal(body, &many)
		return many, err
	}
	var one Script
	err = json.Unmarshal(body, &one)
	return []Script{one}, err
}

// Scripts are those not used up, with auth codes masked.
func (g *Gateway) Scripts() []Script {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]Script, 0, len(g.scripts))
	for _, s := range g.scripts {
		c := *s
		c.AuthCode, c.Plan = mask(c.AuthCode), c.clone()
		out = append(out, c)
	}
	return out
}

// Unscript drops all scripts.
func (g *Gateway) Unscript() {
	g.mu.Lock()
	g.scripts = slices.Delete(g.scripts, 0, len(g.scripts))
	g.mu.Unlock()
}

type clockState struct {
	Now  time.Time `json:"now"`
	Skew Duration  `json:"skew"`
}

func (g *Gateway) clock() clockState {
	g.mu.Lock()
	defer g.mu.Unlock()
	return clockState{g.now(), Duration(g.skew)}
}

// setClock takes one of skew ("-8m"), advance ("1h") or now (RFC 3339).
func (g *Gateway) setClock(w http.ResponseWriter, r *http.Request) {
	var ask struct{ Skew, Advance, Now string }
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	d.DisallowUnknownFields()
	err := d.Decode(&ask)
	var by time.Duration
	switch {
	case err != nil:
	case ask.Skew != "":
		if by, err = time.ParseDuration(ask.Skew); err == nil {
			g.SetSkew(by)
		}
	case ask.Advance != "":
		if by, err = time.ParseDuration(ask.Advance); err == nil {
			g.Advance(by)
		}
	case ask.Now != "":
		var to time.Time
		if to, err = time.Parse(time.RFC3339, ask.Now); err == nil {
			g.Advance(to.Sub(g.Now()))
		}
	default:
		err = errors.New("nothing asked")
	}
	if err != nil {
		http.Error(w, `one of {"skew": "-8m"}, {"advance": "1h"}, {"now": "2026-01-31T23:59:58+08:00"} is needed: `+err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, g.clock())
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v)
}
