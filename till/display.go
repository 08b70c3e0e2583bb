package till

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"cpmd/queue/sale"
	"cpmd/till/page"
)

// What the customer display shows, as one answer or as events.

// DisplaysView lists what a display can be asked for.
type DisplaysView struct {
	Lanes     []string        `json:"lanes"`
	Languages []page.Language `json:"languages"`
	// Away is what a display shows by itself while cpmd cannot be reached.
	Away []page.Text `json:"away"`
}

func (s *Server) displays(ctx context.Context, a *ask) (int, any, error) {
	lanes, err := s.laneNames(ctx, a)
	return http.StatusOK, DisplaysView{Lanes: lanes, Languages: s.languages.All(), Away: s.languages.Texts(page.Away, a.languages)}, err
}

func (s *Server) display(ctx context.Context, a *ask) (int, any, error) {
	v, err := s.showing(ctx, a)
	return http.StatusOK, v, err
}

func (s *Server) showing(ctx context.Context, a *ask) (v page.DisplayView, err error) {
	if err := a.lane(a.place); err != nil {
		return v, err
	}
	lanes, err := s.desk.Lanes(ctx)
	if err != nil {
		return v, err
	}
	var names []string
	for _, l := range lanes {
		names = append(names, l.Name)
		if l.Name != a.place {
			continue
		}
		var last *sale.View
		if l.Sale == nil {
			newest, err := s.desk.Sales(ctx, sale.Filter{Lane: l.Name, Limit: 1})
			if err != nil {
				return v, err
			}
			if len(newest) > 0 {
				last = &newest[0]
			}
		}
		v = page.Showing(l, last, time.Now())
		if v.Amount > 0 {
			v.AmountText = s.money(v.Amount, v.Currency)
		}
		v.Texts = s.languages.Texts(v.Show, a.languages)
		return v, nil
	}
	return v, sale.NoSuchLane(a.place, names)
}

// money writes an amount for people.
func (s *Server) money(minor int64, currency string) string {
	return currency + " " + s.decimal(minor, currency)
}

func (s *Server) decimal(minor int64, currency string) string {
	digits, known := s.cfg.Currencies[currency]
	if !known {
		digits = 2
	}
	return sale.Decimal(minor, digits)
}

const (
	eventsType = "text/event-stream"
	csvType    = "text/csv"
)

// wants reports whether a request asks for a media type by name.
func wants(r *http.Request, mediaType string) bool {
	for one := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if t, _, err := mime.ParseMediaType(one); err == nil && t == mediaType {
			return true
		}
	}
	return false
}

// displayEvents sends what is shown now, and then each change of it. There is no position to go on from: whoever
// connects anew sees what is shown then.
func (d *httpDialect) displayEvents(w http.ResponseWriter, r *http.Request, a *ask) int {
	rc, ctx, begun := http.NewResponseController(w), r.Context(), false
	timer := time.NewTimer(0)
	defer timer.Stop()
	var sent, b bytes.Buffer
	for {
		changed := d.desk.Changed()
		v, err := d.showing(ctx, a)
		if err != nil {
			if begun || ctx.Err() != nil {
				return http.StatusOK // the display reconnects and hears of it then
			}
			return d.problem(w, d.problemOf(err, "GET /v1/lanes/{lane}/display"))
		}
		b.Reset()
		if !begun {
			begun = true
			w.Header().Set("Content-Type", eventsType)
			w.WriteHeader(http.StatusOK)
			b.WriteString("retry: 1000\n")
		}
		if now := shown(v); now != sent.String() {
			sent.Reset()
			sent.WriteString(now)
			data, _ := json.Marshal(v) // never fails: texts, numbers and times
			fmt.Fprintf(&b, "event: display\ndata: %s\n\n", data)
		} else {
			b.WriteString(": alive\n\n")
		}
		_ = rc.SetWriteDeadline(time.Now().Add(d.limits.write))
		if _, err := w.Write(b.Bytes()); err != nil || rc.Flush() != nil {
			return http.StatusOK
		}
		pause := d.limits.beat
		if v.Clear != nil {
			pause = min(pause, time.Until(*v.Clear)+time.Millisecond)
		}
		timer.Reset(pause)
		select {
		case <-changed:
		case <-timer.C:
		case <-d.ending:
			return http.StatusOK
		case <-d.replaced:
			return http.StatusOK
		case <-ctx.Done():
			return http.StatusOK
		}
	}
}

// shown is all of a view that makes a difference to who looks at it.
func shown(v page.DisplayView) string {
	v.At = time.Time{}
	if v.Show == page.Idle || v.Show == page.Closed && v.Amount == 0 {
		v.Since = time.Time{}
	}
	data, _ := json.Marshal(v) // as above
	return string(data)
}
