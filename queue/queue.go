// Package queue is the shell around the rule book: the main loop that owns all sales, the lanes that pair scans with them,
// the tracker that follows payments, and the desk that tills call.
//
// Start reading at [Queue.Run]. It does three things in this order, always: reduce an event (package sale), append the
// change to the journal in one transaction (package journal), perform the effects and feed what came back in as new
// events. A restart reads the journal and goes on from there; there is no other recovery code.
package queue

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
	"cpmd/scanner"
)

// A Gateway is what the queue needs of QFPay; *payment.Client is one.
type Gateway interface {
	Pay(context.Context, payment.PaymentRequest) payment.Answer
	Query(context.Context, payment.Query) payment.QueryResult
	Cancel(context.Context, payment.CancelRequest) payment.Answer
	Refund(context.Context, payment.RefundRequest) payment.Answer
}

// A Preparer is a gateway that makes a connection ready, for as long as the context lasts; *payment.Client is one.
type Preparer interface {
	Prepare(context.Context) error
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
	Rules      sale.Rules
	Lanes      []Lane
	Location   *time.Location // of txdtm and of days
	Currencies map[string]int // accepted, with their decimals
	Gateway    Gateway
	Journal    *journal.Journal
	Log        *zap.Logger
	Version    string
	// GatewayHealth is shown in the diagnosis, with what a person should do; it may be nil.
	GatewayHealth func() (view any, advice []string)
	// Advise is what other rooms want a person to do, for the diagnosis; it may be nil.
	Advise func() []string
	// Observe sees what each event did to a sale, once it is in the journal; it may be nil. It must return at once.
	Observe func(before, after sale.Sale, ev sale.Event)
	// Wrote hears how long each write to the journal took; it may be nil. It must return at once.
	Wrote func(took time.Duration)
	// DayEnd is when the day before is compared with QFPay's list, from midnight; 0: never.
	DayEnd time.Duration
	// OldIDs: "refuse" refuses an id that an earlier day's sale has, even if the content is the same.
	OldIDs string
	// Parallel bounds the queries under way at once for which no customer waits; 0: 8.
	Parallel int
	// CatchUp is how many unresolved sales of earlier lives a start tells before it is ready; 0: 32. The others follow.
	CatchUp int
	// KeepDays is how many days stay in the journal; months that are wholly older move to files beside it. 0: all stay.
	KeepDays int
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

	settings atomic.Pointer[Settings]

	sales     map[string]*sale.Sale   // that somebody stands at the counter for; the others are read when something happens to them
	refunds   map[string]*sale.Refund // that are not final
	codes     map[string]payment.AuthCode
	lanes     map[string]*lane
	order     []string // lane names as configured
	timers    timers
	overdue   overdueWatch
	repeats   repeats
	archiving archiveTrouble
	aside     map[subject]int // steps that were set aside, and how often
	asks      asks
	backlog   backlog
	held      []func() error
	down      error     // why the journal is not writable; nil while it is
	retryAt   time.Time // when it is tried again
	outage    time.Time // since when QFPay has not answered; zero while it does

	calls    sync.WaitGroup // gateway calls under way
	ctx      context.Context
	stopping bool
	fatal    error

	mu      sync.Mutex // guards what follows
	changed chan struct{}
	started time.Time
	ready   error

	running chan struct{} // closed when the journal is read
}

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
	if cfg.CatchUp == 0 {
		cfg.CatchUp = 32
	}
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	q := &Queue{
		cfg: cfg, log: cfg.Log, work: make(chan func(), 64), running: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{}),
		sales: map[string]*sale.Sale{}, refunds: map[string]*sale.Refund{}, codes: map[string]payment.AuthCode{}, lanes: map[string]*lane{},
		aside: map[subject]int{}, ready: errStarting,
	}
	q.clock.wall = cfg.Wall
	q.settings.Store(&Settings{cfg.Rules, cfg.DayEnd, cfg.OldIDs})
	for _, l := range cfg.Lanes {
		q.lanes[l.Name] = &lane{Lane: l}
		q.order = append(q.order, l.Name)
	}
	return q
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
