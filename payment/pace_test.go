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

// A quick transport that notes when requests go out, and answers at once.
type quick struct {
	mu     sync.Mutex
	sent   []time.Time
	status int
	body   string
}

func (l *quick) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, time.Now())
	io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: l.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(l.body)), Request: r}, nil
}

func (l *quick) since(t time.Time) int {
	n := 0
	for _, s := range l.sent {
		if !s.Before(t) {
			n++
		}
	}
	return n
}

func onLine(t *testing.T, l *quick, perMinute int) *Client {
	return newTestClient(t, "http://127.0.0.1", func(c *Config) { c.HTTP, c.RatePerMinute, c.Answer = l, perMinute, 40*time.Second })
}

// Twenty lanes poll as fast as they may for ten minutes, and every few seconds somebody pays.
func TestPaymentsDoNotStarveBehindQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &quick{status: 200, body: `{"respcd":"1143"}`}
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
		l := &quick{status: 200, body: paidBody}
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

// After HTTP 429 queries for which nobody waits rest, longer each time; a customer waits two seconds more at most,
// and payments go on.
func TestTooManyRequests(t *testing.T) {
	for _, urgency := range []Urgency{FollowUp, Audit} {
		synctest.Test(t, func(t *testing.T) {
			l := &quick{status: 429, body: `{"respcd":"0000"}`}
			c := onLine(t, l, 400)
			q := question
			q.Urgency = urgency
			start := time.Now()
			for time.Since(start) < 10*time.Minute {
				if f := c.Query(t.Context(), q); f.Meaning != Unknown || f.Err == nil {
					t.Fatalf("%+v", f)
				}
				time.Sleep(2 * time.Second)
			}
			if n := len(l.sent); n > 20 {
				t.Errorf("%d queries in ten minutes", n)
			}
			for range 20 {
				n, asked := len(l.sent), time.Now()
				if f := c.Query(t.Context(), question); f.Meaning != Unknown || len(l.sent) != n+1 || time.Since(asked) > 2*time.Second {
					t.Errorf("with a customer in front, after %v: %+v", time.Since(asked), f)
				}
			}
			n, asked := len(l.sent), time.Now()
			if a := c.Pay(t.Context(), order); a.Meaning != Unknown || len(l.sent) != n+1 || time.Since(asked) > 200*time.Millisecond {
				t.Errorf("%+v", a)
			}
			l.status, l.body = 200, strings.Replace(listBody(itemBody), `"page"`, `"page_size": 100, "page"`, 1)
			time.Sleep(maxRest)
			again := time.Now()
			for range 10 {
				if f := c.Query(t.Context(), q); f.Meaning != Paid {
					t.Fatalf("%+v", f)
				}
			}
			if n := l.since(again); n != 10 || time.Since(again) > time.Second {
				t.Errorf("%d queries in %v", n, time.Since(again))
			}
		})
	}
}

// 64 lanes ask as fast as they may, which is five times what QFPay takes; behind them a hundred payments are
// followed, and an audit goes on. Who pays waits for no query, those with a customer have most of the rate, and nobody
// waits for ever.
func TestPrecedenceWhenTheLimitIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := onLine(t, &quick{status: 200, body: `{"respcd":"1143"}`}, 400)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
		defer cancel()
		var all sync.WaitGroup
		var mu sync.Mutex
		answered := map[string]int{}
		ask := func(name string, u Urgency, created time.Time, pause time.Duration) {
			for ctx.Err() == nil {
				q := question
				q.Urgency, q.Created = u, created
				if f := c.Query(ctx, q); f.RespCD != "" {
					mu.Lock()
					answered[name]++
					mu.Unlock()
				}
				select {
				case <-ctx.Done():
				case <-time.After(pause):
				}
			}
		}
		for range 64 {
			all.Go(func() { ask("customer", Customer, time.Now(), 2*time.Second) })
		}
		for n := range 100 {
			name := "young"
			if n >= 50 {
				name = "old"
			}
			all.Go(func() { ask(name, FollowUp, time.Now().Add(-time.Duration(n)*time.Hour), time.Minute) })
		}
		all.Go(func() { ask("audit", Audit, time.Time{}, time.Second) })
		for ctx.Err() == nil {
			time.Sleep(1300 * time.Millisecond)
			asked := time.Now()
			if a := c.Pay(ctx, order); a.Meaning != Pending && ctx.Err() == nil {
				t.Fatalf("%+v", a)
			}
			if waited := time.Since(asked); waited > time.Second {
				t.Errorf("a payment waited %v", waited)
			}
		}
		all.Wait()
		t.Log(answered)
		if n := answered["customer"]; n < 30*360*6/10 {
			t.Errorf("only %d queries with a customer in front", n)
		}
		if answered["audit"] == 0 || answered["old"] == 0 {
			t.Errorf("somebody waits for ever: %v", answered)
		}
	})
}

// Where the rate is short for a while only, the order shows: payments, customers, the youngest follow-up to the
// oldest, the audit.
func TestWhoGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(60) // one a second
		for range p.burst {
			if err := p.turn(t.Context(), claim{class: money}); err != nil {
				t.Fatal(err)
			}
		}
		p.given = 0
		join, turns := waitingFor(t, p)
		born := time.Now()
		join("audit", claim{class: audit})
		join("old", claim{followUp, born.Add(-time.Hour)})
		join("young", claim{followUp, born})
		join("customer", claim{class: customer})
		join("customer 2", claim{class: customer})
		join("payment", claim{class: money})
		if got, want := strings.Join(turns(), ", "), "payment, customer, customer 2, young, old, audit"; got != want {
			t.Errorf("%s instead of %s", got, want)
		}
	})
}

// However many follow-ups wait for their turns, a customer who comes finds some saved up, and waits for none of them.
func TestCustomersFindTurnsSavedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(400)
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		for range 1000 {
			others.Go(func() { _ = p.turn(ctx, claim{class: followUp, born: time.Now()}) })
		}
		time.Sleep(time.Minute)
		for n := range 15 {
			from := time.Now()
			if err := p.turn(t.Context(), claim{class: class(n % 2)}); err != nil || time.Since(from) > 0 {
				t.Errorf("the request %d of a customer waited %v: %v", n, time.Since(from), err)
			}
		}
		cancel()
		others.Wait()
	})
}

// Who is given up while it waits leaves at once, and takes nobody's turn.
func TestWaitersThatLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(60)
		for range p.burst {
			p.turn(t.Context(), claim{class: money})
		}
		ctx, cancel := context.WithCancel(t.Context())
		var left sync.WaitGroup
		for n := range 1000 {
			left.Go(func() {
				if err := p.turn(ctx, claim{class: class(n % 4)}); err == nil {
					t.Error("a turn for who left")
				}
			})
		}
		synctest.Wait()
		before := time.Now()
		cancel()
		left.Wait()
		if time.Since(before) != 0 {
			t.Errorf("leaving took %v", time.Since(before))
		}
		for i := range p.lines {
			if n := p.lines[i].len(); n != 0 || p.lines[i].arrived.Len() != 0 {
				t.Errorf("%d still wait", n)
			}
		}
		if p.next.Stop() {
			t.Error("a timer runs for nobody")
		}
		if err := p.turn(t.Context(), claim{class: customer}); err != nil || time.Since(before) > 2*time.Second {
			t.Errorf("the next turn after %v: %v", time.Since(before), err)
		}
		if err := p.turn(ctx, claim{class: money}); err == nil {
			t.Error("a turn for who left before")
		}
	})
}

// endsAsItJoins is a context that ends between the first look at it and the line.
type endsAsItJoins struct {
	context.Context
	end context.CancelFunc
}

func (c endsAsItJoins) Deadline() (time.Time, bool) {
	c.end()
	return c.Context.Deadline()
}

// Who is given up in the moment in which it is called takes its turn, or gives it back: none is lost.
func TestTurnsAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(400)
		taken := 0
		for range 100 * p.burst { // each takes a turn with one half of all chances
			ctx, cancel := context.WithCancel(t.Context())
			if p.turn(endsAsItJoins{ctx, cancel}, claim{class: money}) == nil {
				taken++
			}
		}
		if taken != p.burst {
			t.Errorf("%d of %d turns were taken", taken, p.burst)
		}
	})
}

// waitingFor lets claims join the wait for turns, one behind the other; turns waits for all and returns in which order they had theirs.
func waitingFor(t *testing.T, p *pace) (join func(name string, c claim), turns func() []string) {
	var order []string
	var mu sync.Mutex
	var all sync.WaitGroup
	join = func(name string, c claim) {
		all.Go(func() {
			if err := p.turn(t.Context(), c); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
		})
		synctest.Wait()
	}
	return join, func() []string { all.Wait(); return order }
}

// Every eighth turn is for whoever has waited longest, whatever for.
func TestTheEighthTurnIsForTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(60)
		p.from = time.Now() // nothing is saved up: one turn a second
		join, turns := waitingFor(t, p)
		born := time.Now()
		join("old", claim{followUp, born.Add(-time.Hour)})
		join("audit", claim{class: audit})
		join("young", claim{followUp, born})
		for range 14 {
			join("c", claim{class: customer})
		}
		if got, want := strings.Join(turns(), " "), "c c c c c c c old c c c c c c c audit young"; got != want {
			t.Errorf("%s instead of %s", got, want)
		}
	})
}

// Who surely has no turn in time hears it at once. Those in front of it count, and of follow-ups those that may go after it
// do not.
func TestHopelessClaims(t *testing.T) {
	for _, tt := range []struct {
		waits, comes class
		hopeless     bool
	}{{money, money, true}, {customer, customer, true}, {money, customer, true}, {customer, money, false}, {followUp, followUp, false}, {customer, audit, true}} {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(60)
			p.from = time.Now() // nothing is saved up: one turn in 1.1 s
			ctx, cancel := context.WithCancel(t.Context())
			var others sync.WaitGroup
			for range 8 {
				others.Go(func() { _ = p.turn(ctx, claim{class: tt.waits, born: time.Now().Add(-time.Hour)}) })
			}
			synctest.Wait()
			soon, done := context.WithTimeout(t.Context(), 6*time.Second)
			asked := time.Now()
			err := p.turn(soon, claim{class: tt.comes, born: time.Now()})
			if (err != nil) != tt.hopeless || tt.hopeless && time.Since(asked) > 0 {
				t.Errorf("class %d behind class %d: %v after %v", tt.comes, tt.waits, err, time.Since(asked))
			}
			done()
			cancel()
			others.Wait()
		})
	}
}

// A hundred a second is the other limit.
func TestNoMoreThanAHundredASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &quick{status: 200, body: `{"respcd":"1143"}`}
		c := onLine(t, l, 100_000)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var lanes sync.WaitGroup
		for range 200 {
			lanes.Go(func() {
				for ctx.Err() == nil {
					c.Query(ctx, question)
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		lanes.Wait()
		slices.SortFunc(l.sent, time.Time.Compare)
		for i, from := range l.sent {
			if n, _ := slices.BinarySearchFunc(l.sent, from.Add(time.Second), time.Time.Compare); n-i > 100 {
				t.Fatalf("%d requests in a second", n-i)
			}
		}
		if len(l.sent) < 500 {
			t.Errorf("only %d requests in ten seconds", len(l.sent))
		}
	})
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &quick{status: 200, body: paidBody}
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
