// Package queue is the heart of cpmd: the sale with its states and rules, the lanes that pair scans with
// sales, the journal, and the tracker that follows payments until they are final.
//
// Start reading at [Reduce]: it decides, as a pure function, what an event does to a sale. Everything around
// it is a shell that does three things in this order, always: append the change to the journal in one
// transaction, perform the effects, feed what came back in as new events. A restart reads the journal and
// goes on from there. [Queue] is that shell; schema/ is the journal.
package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"cpmd/payment"
	"cpmd/scanner"
)

// A Gateway is what the queue needs of QFPay; *payment.Client is one.
type Gateway interface {
	Pay(context.Context, payment.Order) payment.Answer
	Query(context.Context, payment.Question) payment.Finding
	Cancel(context.Context, payment.Undoing) payment.Answer
	Refund(context.Context, payment.RefundOrder) payment.Answer
}

// A Lane is one counter position.
type Lane struct {
	Name    string
	PayType string
	// Scanner gives the customer a sign and takes codes from Feed; it may be nil.
	Scanner scanner.Scanner
	// Feed hands a code to a virtual scanner; nil where the lane has a real one.
	Feed func(code string)
}

// A Config is all that a Queue needs to know.
type Config struct {
	Rules      Rules
	Lanes      []Lane
	Location   *time.Location // of txdtm and of days
	Currencies map[string]int // accepted, with their decimals
	Gateway    Gateway
	Journal    *Journal
	Log        *zap.Logger
	Version    string
	// GatewayHealth is shown in the diagnosis, with what a person should do; it may be nil.
	GatewayHealth func() (view any, advice []string)
	// Observe sees every sale that came to another state, and its age; it may be nil. It must return at once.
	Observe func(v SaleView, age time.Duration)
	// Parallel bounds the queries under way at once; 0: 8.
	Parallel int
	// NewNumber makes a fresh out_trade_no; nil: from time and crypto/rand.
	NewNumber func(time.Time) string
	// Wall is the wall clock; nil: time.Now. Tests make it jump.
	Wall func() time.Time
}

// A Queue runs the sales of all lanes. One goroutine, in Run, owns all state and the journal's writes; the
// methods that tills call hand their work to it.
type Queue struct {
	cfg   Config
	log   *zap.Logger
	clock clock
	work  chan func()
	done  chan struct{} // closed when Run has ended

	sales   map[string]*Sale   // that are not final
	refunds map[string]*Refund // that are not final
	codes   map[string]payment.AuthCode
	lanes   map[string]*lane
	order   []string // lane names as configured
	held    []func() error
	down    error     // why the journal takes no entries; nil while it does
	retryAt time.Time // when it is tried again

	calls    sync.WaitGroup // gateway calls under way
	queries  chan struct{}  // bounds them
	ctx      context.Context
	stopping bool
	fatal    error

	mu      sync.Mutex // guards what follows
	changed chan struct{}
	started time.Time
	ready   error

	running chan struct{} // closed when the journal is read
}

// errStarting is why a queue is not ready before Run has read the journal.
var errStarting = errors.New("starting: the journal is being read")

var errStopping = &Error{Code: ShuttingDown, Detail: "cpmd is stopping; ask again in a few seconds, with the same id"}

// New prepares a Queue; Run starts it.
func New(cfg Config) *Queue {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.NewNumber == nil {
		cfg.NewNumber = newNumber
	}
	if cfg.Parallel == 0 {
		cfg.Parallel = 8
	}
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	q := &Queue{
		cfg: cfg, log: cfg.Log, work: make(chan func(), 64), running: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{}),
		sales: map[string]*Sale{}, refunds: map[string]*Refund{}, codes: map[string]payment.AuthCode{}, lanes: map[string]*lane{},
		queries: make(chan struct{}, cfg.Parallel), ready: errStarting,
	}
	q.clock.wall = cfg.Wall
	for _, l := range cfg.Lanes {
		q.lanes[l.Name] = &lane{Lane: l}
		q.order = append(q.order, l.Name)
	}
	return q
}

// shutdownGrace is how long a stopping queue waits for payment answers that are under way. What has no answer
// by then is asked for by the next start.
const shutdownGrace = 5 * time.Second

// Run reads the journal, goes on with what is unfinished, and works until the context ends. It returns an
// error only where the journal cannot be trusted any more; the process must then end.
func (q *Queue) Run(ctx context.Context) error {
	defer close(q.done)
	calls, stopCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCalls()
	q.ctx = calls
	q.clock.start()
	if err := q.resume(); err != nil {
		return err
	}
	if q.down == nil {
		q.setReady(nil)
	}
	close(q.running)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for q.fatal == nil {
		q.checkClock()
		timer.Reset(q.fireDue())
		select {
		case f := <-q.work:
			f()
		case <-timer.C:
		case <-ctx.Done():
			q.setReady(errStopping)
			q.drain(stopCalls)
			return q.fatal
		}
	}
	q.setReady(q.fatal)
	stopCalls()
	q.drain(stopCalls)
	return q.fatal
}

// resume tells every unfinished sale and refund that the daemon was away.
func (q *Queue) resume() error {
	sales, err := q.cfg.Journal.unfinished()
	if err != nil {
		return fmt.Errorf("reading the unfinished sales: %w", err)
	}
	refunds, err := q.cfg.Journal.unfinishedRefunds()
	if err != nil {
		return fmt.Errorf("reading the unfinished refunds: %w", err)
	}
	for i := range sales {
		s := &sales[i]
		q.sales[s.ID] = s
		if l := q.lanes[s.Lane]; l != nil && s.State.HoldsLane() {
			l.holder, l.since = s.ID, time.Now()
		}
	}
	for i := range refunds {
		q.refunds[refunds[i].ID] = &refunds[i]
	}
	for _, l := range q.lanes {
		s := q.sales[l.holder]
		l.arm(s != nil && s.State == Waiting)
	}
	for i := range sales {
		q.hold(func() error { return q.stepSale(sales[i].ID, Event{Kind: Restarted, At: q.clock.now()}) })
	}
	for i := range refunds {
		q.hold(func() error { return q.stepRefund(refunds[i].ID, Event{Kind: Restarted, At: q.clock.now()}) })
	}
	return q.fatal
}

// drain lets answers that are under way come in for a short while, so that most restarts lose nothing.
func (q *Queue) drain(stopCalls func()) {
	q.stopping = true
	idle := make(chan struct{})
	go func() { q.calls.Wait(); close(idle) }()
	grace := time.AfterFunc(shutdownGrace, stopCalls)
	defer grace.Stop()
	for {
		select {
		case f := <-q.work:
			f()
		case <-idle:
			for { // what came in last
				select {
				case f := <-q.work:
					f()
				default:
					return
				}
			}
		}
	}
}

// post hands work to the goroutine in Run, from a gateway call or a scanner.
func (q *Queue) post(f func()) {
	select {
	case q.work <- f:
	case <-q.done:
	}
}

// ask hands work to the goroutine in Run and waits until it is done.
func (q *Queue) ask(ctx context.Context, f func() error) error {
	result := make(chan error, 1)
	select {
	case q.work <- func() {
		if q.stopping {
			result <- errStopping
			return
		}
		result <- f()
	}:
	case <-q.done:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-result:
		return err
	case <-q.done:
		select {
		case err := <-result:
			return err
		default:
			return errStopping
		}
	}
}

// fireDue lets all that is due happen and says when the next thing is.
func (q *Queue) fireDue() time.Duration {
	const idle = 30 * time.Second // the wall clock is looked at that often
	now := q.clock.now()
	if q.down != nil || len(q.held) > 0 { // what was held comes before everything else, also if another write showed that the journal is back
		if wait := q.retryAt.Sub(now); wait > 0 {
			return wait
		}
		q.flush()
		return time.Second
	}
	next := now.Add(idle)
	for _, id := range sorted(q.sales) {
		s := q.sales[id]
		if !s.NextAt.IsZero() && !s.NextAt.After(now) {
			_ = q.stepSale(id, Event{Kind: Due, At: now}) // comes again; that the journal is down is noted in append
		}
		if s, ok := q.sales[id]; ok && !s.NextAt.IsZero() {
			next = minTime(next, s.NextAt)
		}
	}
	for _, id := range sorted(q.refunds) {
		f := q.refunds[id]
		if !f.NextAt.After(now) {
			_ = q.stepRefund(id, Event{Kind: Due, At: now})
		}
		if f, ok := q.refunds[id]; ok {
			next = minTime(next, f.NextAt)
		}
	}
	return max(next.Sub(now), time.Millisecond)
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Changed is closed at the next change that tills can see. Get it before reading, so that nothing is missed.
func (q *Queue) Changed() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.changed
}

func (q *Queue) announce() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *Queue) setReady(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.started.IsZero() {
		q.started = q.clock.now()
	}
	q.ready = err
}

// Started is closed when the journal is read and sales are followed again.
func (q *Queue) Started() <-chan struct{} { return q.running }

// Ready says whether sales are accepted, and if not, why.
func (q *Queue) Ready() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ready
}
