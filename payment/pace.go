package payment

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A pace keeps one Client under QFPay's limits of 400 requests a minute and 100 a second for a merchant (QFPay
// docs, api-usage-guidelines page). A customer stands behind each payment, so queries may use three quarters of
// the rate at most; and after an HTTP 429 it is the queries that wait, each time twice as long.
type pace struct {
	all, polls *rate.Limiter

	mu    sync.Mutex
	rest  time.Duration
	until time.Time
}

const maxRest = time.Minute

func newPace(perMinute int) *pace {
	// What may go out at once and what comes free in a minute together are the limit.
	burst := min(max(perMinute/10, 1), 50)
	steady := max(perMinute-burst, 1)
	each := func(n int) rate.Limit { return rate.Limit(float64(n) / 60) }
	return &pace{
		all:   rate.NewLimiter(each(steady), burst),
		polls: rate.NewLimiter(each(max(steady*3/4, 1)), max(burst*3/4, 1)),
	}
}

// turn waits until a request may go. It fails at once if that would be after the context's deadline.
func (p *pace) turn(ctx context.Context, query bool) error {
	if query {
		if err := p.rested(ctx); err != nil {
			return err
		}
		if err := p.polls.Wait(ctx); err != nil {
			return fmt.Errorf("too many queries a minute: %w", err)
		}
	}
	if err := p.all.Wait(ctx); err != nil {
		return fmt.Errorf("too many requests a minute: %w", err)
	}
	return nil
}

func (p *pace) rested(ctx context.Context) error {
	p.mu.Lock()
	wait := time.Until(p.until)
	p.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
		return fmt.Errorf("QFPay asked for fewer requests (HTTP 429); no query for another %v", wait.Round(time.Second))
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// heard learns from the HTTP status of an answer.
func (p *pace) heard(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if status != 429 {
		p.rest = 0
		return
	}
	p.rest = min(max(2*p.rest, time.Second), maxRest)
	p.until = time.Now().Add(p.rest)
}
