package payment

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A line is a transport that notes when requests go out, and answers at once.
type line struct {
	mu     sync.Mutex
	sent   []time.Time
	status int
	body   string
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, time.Now())
	io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: l.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(l.body)), Request: r}, nil
}

func (l *line) since(t time.Time) int {
	n := 0
	for _, s := range l.sent {
		if !s.Before(t) {
			n++
		}
	}
	return n
}

func onLine(t *testing.T, l *line, perMinute int) *Client {
	return newTestClient(t, "http://127.0.0.1", func(c *Config) { c.HTTP, c.RatePerMinute, c.Answer = l, perMinute, 40*time.Second })
}

// Twenty lanes poll as fast as they may for ten minutes, and every few seconds somebody pays.
func TestPaymentsDoNotStarveBehindQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{status: 200, body: `{"respcd":"1143"}`}
		c := onLine(t, l, 400)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var lanes sync.WaitGroup
		for range 20 {
			lanes.Go(func() {
				for ctx.Err() == nil {
					c.Query(ctx, question)
					select {
					case <-ctx.Done():
					case <-time.After(100 * time.Millisecond):
					}
				}
			})
		}
		for ctx.Err() == nil {
			time.Sleep(3 * time.Second)
			asked := time.Now()
			if a := c.Pay(ctx, order); a.Meaning != Pending && ctx.Err() == nil {
				t.Fatalf("%+v", a)
			}
			if waited := time.Since(asked); waited > time.Second {
				t.Errorf("a payment waited %v", waited)
			}
		}
		lanes.Wait()
		slices.SortFunc(l.sent, time.Time.Compare)
		for i, from := range l.sent {
			n, _ := slices.BinarySearchFunc(l.sent, from.Add(time.Minute), time.Time.Compare)
			if n-i > 400 {
				t.Fatalf("%d requests in a minute", n-i)
			}
		}
		if len(l.sent) < 2000 {
			t.Errorf("only %d requests in ten minutes", len(l.sent))
		}
	})
}

// A payment that cannot have its turn in time was not sent, and is not sent later.
func TestNoTurnInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{status: 200, body: paidBody}
		c := onLine(t, l, 1)
		if a := c.Pay(t.Context(), order); a.Meaning != Paid {
			t.Fatalf("%+v", a)
		}
		if a := c.Pay(t.Context(), order); a.Meaning != NotSent || a.Err == nil {
			t.Errorf("no turn within the limit: %+v", a)
		}
		time.Sleep(45 * time.Second) // the next turn is due in 15 s
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(10 * time.Second); cancel() }()
		if a := c.Pay(ctx, order); a.Meaning != NotSent {
			t.Errorf("given up while waiting: %+v", a)
		}
		if a := c.Pay(t.Context(), order); a.Meaning != Paid {
			t.Errorf("a turn within the limit: %+v", a)
		}
		time.Sleep(time.Hour)
		if len(l.sent) != 2 {
			t.Errorf("%d requests", len(l.sent))
		}
	})
}

// After HTTP 429 queries rest, longer each time, and payments go on.
func TestTooManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{status: 429, body: `{"respcd":"0000"}`}
		c := onLine(t, l, 400)
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			if f := c.Query(t.Context(), question); f.Meaning != Unknown || f.Err == nil {
				t.Fatalf("%+v", f)
			}
			time.Sleep(2 * time.Second)
		}
		if n := len(l.sent); n > 20 {
			t.Errorf("%d queries in ten minutes", n)
		}
		n := len(l.sent)
		if a := c.Pay(t.Context(), order); a.Meaning != Unknown || len(l.sent) != n+1 {
			t.Errorf("%+v", a)
		}
		l.status, l.body = 200, listBody(itemBody)
		time.Sleep(maxRest)
		again := time.Now()
		for range 10 {
			if f := c.Query(t.Context(), question); f.Meaning != Paid {
				t.Fatalf("%+v", f)
			}
		}
		if n := l.since(again); n != 10 || time.Since(again) > time.Second {
			t.Errorf("%d queries in %v", n, time.Since(again))
		}
	})
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{status: 200, body: paidBody}
		c := onLine(t, l, 400)
		if h := c.Health(); len(h) != 0 {
			t.Errorf("before any request: %+v", h)
		}
		c.Pay(t.Context(), order)
		first := time.Now()
		time.Sleep(time.Minute)
		l.status, l.body = 503, "down"
		c.Pay(t.Context(), order)
		c.Query(t.Context(), question)
		h := c.Health()
		if len(h) != 2 || h[0].Endpoint != "payment" || h[1].Endpoint != "query" {
			t.Fatalf("%+v", h)
		}
		if p := h[0]; p.Status != 503 || p.Err == "" || !p.At.Equal(first.Add(time.Minute)) || !p.Answered.Equal(first) {
			t.Errorf("payment: %+v", p)
		}
		if q := h[1]; q.Status != 503 || !q.Answered.IsZero() {
			t.Errorf("query: %+v", q)
		}
		l.status, l.body = 200, `{"respcd":"1143"}`
		c.Pay(t.Context(), order)
		if p := c.Health()[0]; p.RespCD != "1143" || p.Err != "" || !p.Answered.After(first) {
			t.Errorf("payment: %+v", p)
		}
	})
}
