package payment

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A pace keeps one Client under QFPay's limits of 400 requests a minute and 100 a second for a merchant (QFPay
// docs, api-usage-guidelines page), and says who goes first where they are short; see line. Nothing of it runs
// unless somebody waits, and who waits costs an entry in a line and one timer for all.
type pace struct {
	every time.Duration // a turn comes free
	burst int           // so many can be saved up

	mu    sync.Mutex
	from  time.Time // since when turns are saved up
	given int
	lines [3]line
	next  *time.Timer   // wakes the first in line; nil before anybody ever waited
	rest  time.Duration // after the last HTTP 429
}

const (
	secondly  = 100             // requests that QFPay takes in a second
	maxRest   = time.Minute     // after HTTP 429, of what nobody waits for
	shortRest = 2 * time.Second // and with a customer in front
	patience  = 2 * time.Minute // how long a query without a customer waits for its turn
	fairShare = 8               // every eighth turn is for whoever has waited longest
)

// Why a request had no turn.
var (
	errOwnLimit = errors.New("too many requests a minute")
	errRests    = errors.New("QFPay asked for fewer requests (HTTP 429)")
)

func newPace(perMinute int) *pace {
	p := &pace{}
	p.limit(perMinute)
	p.from = time.Now().Add(-time.Duration(p.burst) * p.every)
	return p
}

// limit sets how many requests a minute may go. What is saved up and what comes free in a minute, or a second, together
// are the limit.
func (p *pace) limit(perMinute int) {
	p.burst = min(max(perMinute/10, 1), secondly/2)
	steady := max(perMinute-p.burst, 1)
	p.every = max(time.Minute/time.Duration(steady), time.Second/(secondly/2))
}

// turn waits until a request may go. It fails at once if that would be after the context's deadline.
func (p *pace) turn(ctx context.Context, c claim) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	now := time.Now()
	if err := p.hopeless(ctx, c, now); err != nil {
		p.mu.Unlock()
		return err
	}
	l := &p.lines[c.class.line()]
	w := l.join(c)
	p.serve(now)
	p.mu.Unlock()
	select {
	case <-w.called:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !w.waits() { // called at this very moment
		p.from = p.from.Add(-p.every)
	} else {
		l.leave(w)
	}
	p.serve(time.Now())
	return fmt.Errorf("%w: %w", errOwnLimit, ctx.Err())
}

// serve calls those whose turn it is, and sets the timer for the next.
func (p *pace) serve(now time.Time) {
	if saved := now.Add(-time.Duration(p.burst) * p.every); p.from.Before(saved) {
		p.from = saved
	}
	for {
		l, at := p.first(now)
		switch {
		case l == nil && at.IsZero():
			if p.next != nil {
				p.next.Stop()
			}
			return
		case l == nil:
			p.wake(at.Sub(now))
			return
		}
		w := l.best()
		if p.given%fairShare == fairShare-1 {
			w = l.oldest()
		}
		p.given++
		p.from = p.from.Add(p.every)
		l.leave(w)
		close(w.called)
	}
}

func (p *pace) wake(in time.Duration) {
	if p.next != nil {
		p.next.Reset(in)
		return
	}
	p.next = time.AfterFunc(in, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.serve(time.Now())
	})
}

// first is the line whose turn it is now, or else when one comes next; both are zero if nobody waits.
func (p *pace) first(now time.Time) (first *line, at time.Time) {
	free, fair := p.from.Add(p.every), p.given%fairShare == fairShare-1
	for i := range p.lines {
		l := &p.lines[i]
		if l.empty() {
			continue
		}
		may := latest(free, l.rests)
		if i == lineWithoutCustomer && !fair {
			may = latest(may, free.Add(time.Duration(p.burst/2)*p.every)) // half of what is saved up is for customers
		}
		switch {
		case may.After(now):
			if at.IsZero() || may.Before(at) {
				at = may
			}
		case first == nil, fair && l.oldest().number < first.oldest().number:
			first = l
		}
	}
	return first, at
}

// hopeless returns why a claim surely has no turn before the context's deadline, as far as those in front tell.
func (p *pace) hopeless(ctx context.Context, c claim, now time.Time) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	mine, ahead := c.class.line(), 0
	for i := range mine {
		ahead += p.lines[i].len()
	}
	if mine != lineWithoutCustomer { // others may still come in front of some there, but none is surely in front
		ahead += p.lines[mine].len()
	}
	if rests := p.lines[mine].rests; rests.After(deadline) {
		return fmt.Errorf("%w; no query for another %v", errRests, rests.Sub(now).Round(time.Second))
	}
	if at := p.from.Add(time.Duration(ahead+1) * p.every); at.After(deadline) {
		return fmt.Errorf("%w: the next turn is in %v, which is too late", errOwnLimit, at.Sub(now).Round(time.Second))
	}
	return nil
}

// heard learns from the HTTP status of an answer. After a 429 what nobody waits for rests, each time twice as
// long, and a query with a customer in front for two seconds at most; payments, cancels and refunds go on.
func (p *pace) heard(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if status != 429 {
		p.rest = 0
		return
	}
	now := time.Now()
	p.rest = min(max(2*p.rest, time.Second), maxRest)
	p.from = latest(p.from, now.Add(-p.every)) // what was saved up would only bring the next 429
	p.lines[lineOfCustomers].rests = now.Add(min(p.rest, shortRest))
	p.lines[lineWithoutCustomer].rests = now.Add(p.rest)
	p.serve(now)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
