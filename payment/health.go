package payment

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Contact is how one endpoint of QFPay did lately, for a diagnosis page.
type Contact struct {
	Endpoint string        // "payment", "query", "reversal", "close" or "refund"
	At       time.Time     // when the last request was begun
	Took     time.Duration // the last one, with its wait for a turn
	Status   int           // of HTTP; 0 where there was no answer
	RespCD   string
	Err      string        // why the last one brought no usable answer; empty if it did
	Answered time.Time     // when a usable answer came last; zero if never
	ClockOff time.Duration // how far QFPay's clock was ahead of this machine's (RFC 9110, Date); 0 where it told none
}

type health struct {
	mu       sync.Mutex
	last     map[string]Contact
	troubles []Trouble // of the last contact
}

func newHealth() *health { return &health{last: make(map[string]Contact)} }

func (h *health) note(endpoint string, started time.Time, r reply, troubles []Trouble) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	n := Contact{Endpoint: endpoint, At: started, Took: now.Sub(started), Status: r.status, RespCD: r.respcd(),
		Answered: h.last[endpoint].Answered}
	if !r.date.IsZero() {
		n.ClockOff = r.date.Sub(now)
	}
	switch {
	case r.err != nil:
		n.Err = r.err.Error()
	case r.seal == forged:
		n.Err = wrongSignature
	default:
		n.Answered = now
	}
	h.last[endpoint] = n
	if !errors.Is(r.cause, context.Canceled) { // given up by us, which says nothing about QFPay
		h.troubles = troubles
	}
}

// Health returns the last contact with each endpoint that was asked, by name.
func (c *Client) Health() []Contact {
	c.health.mu.Lock()
	defer c.health.mu.Unlock()
	var all []Contact
	for _, n := range c.health.last {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b Contact) int { return strings.Compare(a.Endpoint, b.Endpoint) })
	return all
}

// Troubles are what stands between this machine and QFPay, by the last contact with any endpoint.
func (c *Client) Troubles() []Trouble {
	c.health.mu.Lock()
	defer c.health.mu.Unlock()
	return slices.Clone(c.health.troubles)
}
