package till

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"cpmd/queue/sale"
)

// events sends the journal as server-sent events (WHATWG HTML, section "Server-sent events"): id is the
// sequence number, so a browser's reconnect with Last-Event-ID goes on where it was cut.
func (d *httpDialect) events(w http.ResponseWriter, r *http.Request, a *ask) int {
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		// It is newer than the after in the URL of a client that reconnects.
		n, ok := digits(last)
		if !ok {
			return d.problem(w, d.problemOf(refuse("Last-Event-ID must be the id of an event"), "GET /v1/events"))
		}
		a.after = max(a.after, n)
	}
	rc, begun := http.NewResponseController(w), false
	var b bytes.Buffer
	err := d.follow(r.Context(), d.door, a.access, max(a.after, 0), d.limits.beat, func(list []sale.Notice) error {
		b.Reset()
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(http.StatusOK)
			b.WriteString("retry: 1000\n")
		}
		for _, n := range list {
			fmt.Fprintf(&b, "id: %d\nevent: %s\ndata: ", n.Seq, n.Kind)
			if err := json.Compact(&b, n.Data); err != nil { // a line break would cut the event
				return fmt.Errorf("event %d: %w", n.Seq, err)
			}
			b.WriteString("\n\n")
		}
		if len(list) == 0 {
			b.WriteString(": alive\n\n")
		}
		_ = rc.SetWriteDeadline(time.Now().Add(d.limits.write))
		if _, err := w.Write(b.Bytes()); err != nil {
			return gone{err}
		}
		if err := rc.Flush(); err != nil {
			return gone{err}
		}
		return nil
	})
	if _, isGone := errors.AsType[gone](err); isGone || errors.Is(err, errEnding) || r.Context().Err() != nil {
		return http.StatusOK
	}
	p := d.problemOf(err, "GET /v1/events")
	if begun {
		return p.Status // the till reconnects and hears of it then
	}
	return d.problem(w, p)
}

// gone is why a till can no longer be written to: it left, or it was too slow.
type gone struct{ error }
