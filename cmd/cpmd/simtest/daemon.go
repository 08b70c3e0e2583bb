package simtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"cpmd/payment"
	"cpmd/queue"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
	"cpmd/till"
)

// A daemon is one life of the process.
type daemon struct {
	w         *world
	n         int
	path      string
	queue     *queue.Queue
	journal   *journal.Journal
	door      *pipes // for tills
	toQFPay   bundle
	toTills   bundle
	eye       *sql.DB // reads the journal from outside: what it sees is committed
	writing   string
	last      string // why it dies
	untrusted bool   // an fsync failed

	dead    atomic.Bool
	ready   chan struct{} // closed when queue and eye are there
	killed  chan struct{}
	once    sync.Once
	stopped chan struct{}
	stopAt  time.Time
	gone    chan struct{} // closed when nothing of it is left
	err     error         // why it ended by itself
	log     logbook
}

// A logbook keeps what a life of the daemon logs, to look for secrets in it.
type logbook struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}
func (l *logbook) Sync() error { return nil }

// begin starts the daemon on the journal as it is on disk.
func (w *world) begin() {
	d := &daemon{w: w, n: len(w.lives), path: w.path, door: newPipes(), ready: make(chan struct{}), killed: make(chan struct{}), stopped: make(chan struct{}), gone: make(chan struct{})}
	w.lives = append(w.lives, d)
	w.note("cpmd starts, life %d; the machine's clock says %s", d.n, w.wall().Format(time.DateTime))
	w.current.Store(d)
	go d.live()
}

func (d *daemon) live() {
	defer close(d.gone)
	d.err = d.serve()
	d.dead.Store(true)
	d.toQFPay.close()
	d.toTills.close()
	_ = d.door.Close()
}

// serve starts and stops things in the order that the program does.
func (d *daemon) serve() (err error) {
	w := d.w
	journal, err := journal.Open(d.path, journal.WithHooks(journal.Hooks{Before: d.before, After: d.after}))
	if err != nil {
		w.wrong("the journal cannot be opened: %v", err)
		return err
	}
	defer journal.Close()
	d.journal = journal
	if d.eye, err = sql.Open("sqlite", "file:"+d.path+"?mode=ro&_pragma=busy_timeout(5000)"); err != nil {
		return err
	}
	defer d.eye.Close()
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), &d.log, zap.DebugLevel))
	gateway, err := payment.New(payment.Config{URL: "http://127.0.0.1", AppCode: appCode, ClientKey: clientKey, Location: gatewayZone,
		Signature: []string{"MD5", "SHA256"}[w.o.Seed%2], HTTP: d.transport(),
		Observe: func(_ context.Context, e payment.Exchange) { log.Debug(fmt.Sprintf("request to QFPay: %+v", e)) }})
	if err != nil {
		return err
	}
	defer gateway.Close()
	d.queue = queue.New(queue.Config{Rules: w.rules, Lanes: w.lanes, Location: gatewayZone, Currencies: map[string]int{"HKD": 2}, Gateway: caller{gateway, d},
		Journal: journal, Log: log, Wall: w.wall, DayEnd: 210 * time.Minute, CatchUp: w.catchUp, NewNumber: func(time.Time) string { return fmt.Sprintf("C%05d", w.numbers.Add(1)) }})
	close(d.ready)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- d.queue.Run(ctx) }()
	select {
	case <-d.queue.Started():
	case err := <-ended:
		return err
	case <-d.killed:
		cancel()
		<-ended
		return nil
	}
	tills := till.New(till.Config{Endpoints: []till.Endpoint{{Dialect: till.DialectHTTP, Listen: "unix:memory", Inherited: d.door}}}, desk{d.queue, d}, log)
	if err := tills.Start(ctx); err != nil {
		return err
	}
	select {
	case <-d.stopped:
	case <-d.killed:
	case err = <-ended:
		ended <- nil
	}
	began := time.Now()
	limit, done := context.WithTimeout(context.Background(), 6*time.Second) // http.Server gives a connection that has said nothing 5 s
	if d.dead.Load() {
		done()
	}
	shut := tills.Shutdown(limit)
	done()
	if !d.dead.Load() {
		if shut != nil {
			w.wrong("the tills' door does not close: %v", shut)
		}
		align(began)
	}
	cancel()
	return errors.Join(err, <-ended)
}

// align hides that http.Server.Shutdown looks for its end at times of pure chance.
func align(began time.Time) {
	const grid = 1500 * time.Millisecond
	past := time.Since(began)
	time.Sleep((past/grid+1)*grid - past)
}

// stop tells the daemon to stop; the main goroutine sees to the rest when it is gone.
func (w *world) stop() {
	d := w.current.Load()
	if d == nil || d.dead.Load() || !d.stopAt.IsZero() {
		return
	}
	w.note("cpmd is told to stop")
	d.stopAt = time.Now()
	if w.net.open.Load() > 0 {
		w.saw("stopped while a request was under way")
	}
	close(d.stopped)
}

// ended looks at a daemon that is gone.
func (d *daemon) ended(w *world) {
	took := time.Since(d.stopAt)
	switch {
	case d.err != nil:
		w.note("cpmd ends by itself: %v", d.err)
	case d.stopAt.IsZero():
		w.wrong("cpmd ended, and nobody knows why")
	case took > 12*time.Second:
		w.wrong("cpmd took %v to stop", took)
	default:
		w.note("cpmd is gone")
	}
}

// die ends the process from within; it returns when nothing of it has any effect any more.
func (d *daemon) die(why string) error {
	d.last = why
	select {
	case d.w.deaths <- d:
		<-d.killed
	case <-d.killed:
	}
	return errDead
}

// kill is what the end of a process does: connections close, and on disk is what was written. All goroutines but
// this one wait for something, so no write is half done but the one that died.
func (w *world) kill(d *daemon, why string) {
	if d == nil {
		return
	}
	defer d.once.Do(func() { close(d.killed) })
	if d.dead.Swap(true) {
		return
	}
	w.note("cpmd dies %s", why)
	w.saw("crash")
	if w.net.open.Load() > 0 {
		w.saw("crash while a request was under way")
	}
	if w.net.arrived.Load() > 0 {
		w.saw("crash between a payment's arrival and its answer")
	}
	w.path = filepath.Join(w.dir, fmt.Sprintf("%d.db", len(w.lives)))
	for _, part := range []string{"", "-wal", ".seq"} {
		if err := copyFile(d.path+part, w.path+part, part == "-wal" && len(w.lives)%2 == 1); err != nil {
			w.wrong("copying the journal: %v", err)
		}
	}
	d.toQFPay.close()
	d.toTills.close()
	_ = d.door.Close()
	w.current.CompareAndSwap(d, nil)
}

// copyFile copies what is on disk. A torn copy ends in rubbish, as after a write that the power cut short.
func copyFile(from, to string, torn bool) error {
	b, err := os.ReadFile(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		if torn && len(b) > 0 {
			b = append(b, bytes.Repeat([]byte{0xa5}, 3000)...)
		}
		err = os.WriteFile(to, b, 0o600)
	}
	return err
}

// running is the daemon that lives now, or nil.
func (w *world) running() *daemon {
	d := w.current.Load()
	if d == nil || d.dead.Load() {
		return nil
	}
	select {
	case <-d.ready:
		return d
	default:
		return nil
	}
}

// dialTill connects a till to the daemon that lives now.
func (w *world) dialTill(ctx context.Context, _, _ string) (net.Conn, error) {
	d := w.current.Load()
	if d == nil {
		return nil, errRefused
	}
	return d.door.dial(ctx, d.toTills.tie)
}

// A desk is the queue as the till server sees it. Reading takes its time, so that what a till is told does not
// depend on which of two goroutines came first.
type desk struct {
	*queue.Queue
	d *daemon
}

const readingTakes = 37 * time.Microsecond

func (k desk) Sale(ctx context.Context, id string) (sale.View, error) {
	time.Sleep(readingTakes)
	return k.Queue.Sale(ctx, id)
}

func (k desk) Refund(ctx context.Context, id string) (sale.RefundView, error) {
	time.Sleep(readingTakes)
	return k.Queue.Refund(ctx, id)
}

func (k desk) Notices(ctx context.Context, after int64, limit int) ([]sale.Notice, error) {
	time.Sleep(readingTakes)
	return k.Queue.Notices(ctx, after, limit)
}
