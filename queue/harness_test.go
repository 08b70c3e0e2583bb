package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
	"cpmd/scanner"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const code = "280438849930815813"

// A gatewayFunc answers by script. Calls are recorded; what a script leaves out is answered "unknown".
type fakeGateway struct {
	mu     sync.Mutex
	calls  []string
	orders []payment.PaymentRequest
	pay    func(ctx context.Context, o payment.PaymentRequest) payment.Answer
	query  func(n int, q payment.Query) payment.QueryResult // n counts from 1, for each number
	cancel func(n int, u payment.CancelRequest) payment.Answer
	refund func(n int, r payment.RefundRequest) payment.Answer
	list   func(from, to time.Time) []payment.Item
	counts map[string]int
}

func (g *fakeGateway) count(what, number string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.counts == nil {
		g.counts = map[string]int{}
	}
	g.calls = append(g.calls, what)
	g.counts[what+number]++
	return g.counts[what+number]
}

func (g *fakeGateway) number(what string) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.calls {
		if c == what {
			n++
		}
	}
	return n
}

func (g *fakeGateway) Pay(ctx context.Context, o payment.PaymentRequest) payment.Answer {
	g.count("pay", o.OutTradeNo)
	g.mu.Lock()
	g.orders = append(g.orders, o)
	pay := g.pay
	g.mu.Unlock()
	return pay(ctx, o)
}

func (g *fakeGateway) Query(ctx context.Context, q payment.Query) payment.QueryResult {
	n := g.count("query", q.OutTradeNo)
	g.mu.Lock()
	query := g.query
	g.mu.Unlock()
	if query == nil {
		return finding(payment.Unknown)
	}
	return query(n, q)
}

func (g *fakeGateway) Cancel(ctx context.Context, u payment.CancelRequest) payment.Answer {
	n := g.count("cancel", u.OutTradeNo)
	if g.cancel == nil {
		return payment.Answer{Meaning: payment.Refused, RespCD: "1297"}
	}
	return g.cancel(n, u)
}

func (g *fakeGateway) Refund(ctx context.Context, r payment.RefundRequest) payment.Answer {
	n := g.count("refund", r.OutTradeNo)
	g.mu.Lock()
	refund := g.refund
	g.mu.Unlock()
	return refund(n, r)
}

func (g *fakeGateway) List(_ context.Context, from, to time.Time) ([]payment.Item, error) {
	g.count("list", "")
	if g.list == nil {
		return nil, nil
	}
	return g.list(from, to), nil
}

// now changes the script while the queue runs.
func (g *fakeGateway) now(change func(g *fakeGateway)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

func answer(m payment.Meaning) payment.Answer {
	a := payment.Answer{Meaning: m}
	switch m {
	case payment.Paid:
		a.RespCD, a.SysSN, a.PayType = "0000", "20261122000100020000000001", "800108"
	case payment.Pending:
		a.RespCD, a.SysSN = "1143", "20261122000100020000000001"
	case payment.Declined:
		a.RespCD, a.Confirm, a.FreshCode = "1202", 1, true
	case payment.Misconfigured:
		a.RespCD, a.Confirm = "1108", 1
	}
	return a
}

func finding(m payment.Meaning) payment.QueryResult {
	return payment.QueryResult{Answer: answer(m), Searched: m == payment.NotFound}
}

func always(m payment.Meaning) func(context.Context, payment.PaymentRequest) payment.Answer {
	return func(context.Context, payment.PaymentRequest) payment.Answer { return answer(m) }
}

// lost takes the whole answer window, as a request without an answer does.
func lost(ctx context.Context, _ payment.PaymentRequest) payment.Answer {
	select {
	case <-time.After(40 * time.Second):
	case <-ctx.Done():
	}
	return answer(payment.Unknown)
}

// A beeper records the signs a customer hears, and whether it may read.
type beeper struct {
	mu    sync.Mutex
	good  []bool
	armed []bool
}

func (b *beeper) Run(context.Context, scanner.Sink) {}
func (b *beeper) Arm(on bool)                       { b.mu.Lock(); b.armed = append(b.armed, on); b.mu.Unlock() }
func (b *beeper) Beep(good bool)                    { b.mu.Lock(); b.good = append(b.good, good); b.mu.Unlock() }

// A counter is a running queue with two lanes on a journal on disk.
type counter struct {
	*testing.T
	*Queue
	g      *fakeGateway
	path   string
	beeps  *beeper
	wall   time.Duration // added to the wall clock
	stop   context.CancelFunc
	ended  chan error
	wallMu sync.Mutex
	with   func(*Config) // changes the configuration at the next start
	first  func(*Queue)  // is called before the queue runs
	hooks  journal.Hooks // of the next start's journal
	stream *stream

	standOn func() // ends what standStill began
}

func newCounter(t *testing.T, g *fakeGateway) *counter {
	c := &counter{T: t, g: g, path: filepath.Join(t.TempDir(), "journal.db"), beeps: &beeper{}}
	c.start()
	return c
}

func (c *counter) start() {
	c.Helper()
	j, err := journal.Open(c.path, journal.WithHooks(c.hooks))
	if err != nil {
		c.Fatal(err)
	}
	n := 0
	cfg := Config{Rules: sale.DefaultRules(), Gateway: c.g, Journal: j, Location: time.FixedZone("+08:00", 8*3600),
		Currencies: map[string]int{"HKD": 2}, Lanes: []Lane{{Name: "1", PayType: "800008", Scanner: c.beeps}, {Name: "2", PayType: "800008"}},
		NewNumber: func(at time.Time) string { n++; return fmt.Sprintf("C%d_%d", at.UnixNano(), n) },
		Wall:      c.wallClock}
	if c.with != nil {
		c.with(&cfg)
	}
	c.Queue = New(cfg)
	if c.first != nil {
		c.first(c.Queue)
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop, c.ended = stop, make(chan error, 1)
	go func(q *Queue) { c.ended <- q.Run(ctx) }(c.Queue)
	c.stream = follow(c.Queue)
	synctest.Wait()
}

func (c *counter) wallClock() time.Time {
	c.wallMu.Lock()
	defer c.wallMu.Unlock()
	return time.Now().Add(c.wall)
}

// jump sets the wall clock.
func (c *counter) jump(by time.Duration) {
	c.wallMu.Lock()
	defer c.wallMu.Unlock()
	c.wall += by
}

func (c *counter) close() {
	c.Helper()
	c.stop()
	if err := <-c.ended; err != nil {
		c.Error(err)
	}
	c.stream.missedNothing(c)
	close(c.stream.stop)
	<-c.stream.ended
	if err := c.cfg.Journal.Close(); err != nil {
		c.Error(err)
	}
}

func (c *counter) open(id string) sale.View {
	c.Helper()
	v, _, err := c.PutSale(context.Background(), sale.Request{ID: id, Amount: 12850, Currency: "HKD", Lane: "1", Ticket: "bill-" + id})
	if err != nil {
		c.Fatalf("PutSale %s: %v", id, err)
	}
	return v
}

func (c *counter) scan(text string) {
	c.Queue.Sink("1").Scanned(scanner.Scan{Text: scanner.Text(text), Device: "test", At: time.Now()})
	synctest.Wait()
}

func (c *counter) state(id string) sale.View {
	c.Helper()
	synctest.Wait()
	if c.stream != nil {
		c.stream.isUpToDate(c)
	}
	v, err := c.Sale(context.Background(), id)
	if err != nil {
		c.Fatal(err)
	}
	return v
}

// lastTold is the last event that tills got of the sale.
func (c *counter) lastTold(id string) (v sale.View) {
	c.Helper()
	all, err := c.Notices(context.Background(), 0, 1000)
	if err != nil {
		c.Fatal(err)
	}
	for _, n := range all {
		var told sale.View
		if err := json.Unmarshal(n.Data, &told); err != nil {
			c.Fatal(err)
		}
		if n.Kind == "sale" && told.ID == id {
			v = told
		}
	}
	return v
}

// until lets time pass until the sale is in the state, and says how long it took.
func (c *counter) until(id string, want sale.State, limit time.Duration) time.Duration {
	c.Helper()
	from := time.Now()
	for time.Since(from) <= limit {
		if c.state(id).State == want {
			return time.Since(from)
		}
		time.Sleep(max(200*time.Millisecond, limit/600)) // in a bubble: no real time
	}
	c.Fatalf("sale %s is %+v after %v, want %s", id, c.state(id), limit, want)
	return 0
}

// bubble runs a test on simulated time.
func bubble(t *testing.T, g *fakeGateway, f func(c *counter)) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter(t, g)
		f(c)
		c.close()
	})
}

func scanOf(text string) scanner.Scan {
	return scanner.Scan{Text: scanner.Text(text), Device: "test", At: time.Now()}
}
