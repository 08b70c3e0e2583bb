package certify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cpmd/cmd/cpmd/stage"
	"cpmd/queue/sale"
)

// A world is one case being played: a counter of its own, the till in front of it, and what was found. Its methods do
// nothing more once something has failed, so that a case reads as a story.
type world struct {
	ctx   context.Context
	plan  Plan
	dir   string
	st    *stage.Stage
	front *front
	bill  bill
	codes int

	newIDs bool  // in this case the till may open another sale
	left   bool  // the till ended before the story did
	err    error // the world itself failed

	last     *run
	findings []finding
}

// A finding is a rule that the till broke.
type finding struct {
	what  string
	rule  rule
	money bool // it could cost somebody money
}

const usualTiming = `answer = "2s"
poll = "200ms"
follow_up = ["1s"]
`

// timings lets sales end while somebody waits for it; each may be changed by a case.
type timings struct{ scan, confirm, giveUp string }

func (t timings) String() string {
	or := func(s, usual string) string {
		if s == "" {
			return usual
		}
		return s
	}
	return usualTiming + fmt.Sprintf("scan = %q\nconfirm = %q\ngive_up = %q", or(t.scan, "30s"), or(t.confirm, "30s"), or(t.giveUp, "40s"))
}

func newWorld(ctx context.Context, p Plan, t timings, n int) (w *world, err error) {
	w = &world{ctx: ctx, plan: p, bill: bill{ID: fmt.Sprintf("T7-%06d", 100+n), Amount: int64(12850 + n), Currency: "HKD", Ticket: fmt.Sprint(88200 + n)}}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.dir, err = os.MkdirTemp("", "cert"); err != nil {
		return w, err
	}
	for _, name := range []string{"c", "f", "till"} {
		if err := os.Mkdir(filepath.Join(w.dir, name), 0o700); err != nil {
			return w, err
		}
	}
	behind := filepath.Join(w.dir, "c", "line.sock")
	if w.st, err = stage.New(stage.Plan{Dir: filepath.Join(w.dir, "c"), Cpmd: p.Cpmd, Sim: p.Sim, Lanes: 1, Timing: t.String(),
		More: fmt.Sprintf("[[till]]\ndialect = \"line\"\nlisten = %q\n", "unix:"+behind)}); err != nil {
		return w, err
	}
	if w.front, err = newFront(filepath.Join(w.dir, "f"), w.st.Socket(), behind); err != nil {
		return w, err
	}
	if err := w.st.Start(); err != nil {
		return w, err
	}
	return w, w.st.Ready(ctx)
}

func (w *world) close() {
	if w.last != nil {
		w.last.kill()
	}
	if w.front != nil {
		w.front.close()
	}
	if w.st != nil {
		w.fail(w.st.Close())
	}
	_ = os.RemoveAll(w.dir)
}

func (w *world) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *world) stuck() bool { return w.err != nil || w.left }

func (w *world) find(r rule, money bool, format string, args ...any) {
	w.findings = append(w.findings, finding{fmt.Sprintf(format, args...), r, money})
}

// till starts the till for the bill, anew if it ran before.
func (w *world) till() *run {
	if w.err != nil {
		return nil
	}
	w.left = false
	r, err := start(w.plan.Command, w.bill, w.front, filepath.Join(w.dir, "till"), w.plan.Limit)
	w.fail(err)
	w.last = r
	return r
}

// sale waits until the till's sale is as the story needs it.
func (w *world) sale(ok func(sale.View) bool) (v sale.View) {
	w.poll(func() bool {
		ids := w.front.IDs()
		if len(ids) == 0 {
			return false
		}
		now, err := w.st.Till.Sale(w.ctx, ids[len(ids)-1])
		if err != nil {
			return false // not opened yet, or cpmd is away
		}
		v = now
		w.left = w.left || v.Final && !ok(v) // nothing more comes of it
		return ok(v)
	})
	return v
}

// poll waits until ok, or the till has ended.
func (w *world) poll(ok func() bool) {
	for !w.stuck() {
		ended := isClosed(w.last.ended)
		if ok() {
			return
		}
		if ended {
			w.left = true
		}
		select {
		case <-w.ctx.Done():
			w.fail(errors.New("nothing more happens"))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func is(s sale.State) func(sale.View) bool { return func(v sale.View) bool { return v.State == s } }

// customer shows a code as soon as the till's sale waits for its nth one; the ending says what QFPay does (qfpaysim -help).
func (w *world) customer(nth int, ending string) {
	v := w.sale(func(v sale.View) bool { return v.State == sale.Waiting && len(v.Payments) == nth-1 })
	for !w.stuck() && v.State == sale.Waiting && len(v.Payments) < nth {
		w.codes++
		w.fail(w.st.Scan(1, fmt.Sprintf("28%08d%04d%s", w.bill.Amount, w.codes, ending)))
		for again := time.Now().Add(showAgain); !w.stuck() && v.State == sale.Waiting && len(v.Payments) < nth && time.Now().Before(again); {
			if now, err := w.st.Till.WaitSale(w.ctx, v.ID, v.Seq, time.Until(again)); err == nil {
				v = now
			}
		}
	}
}

// showAgain is after how long a customer whose code was not read shows a fresh one.
const showAgain = 3 * time.Second

// asks waits until the till has made a request, n times.
func (w *world) asks(op string, n int) {
	w.poll(func() bool { return len(w.front.Calls(op)) >= n })
}

// other opens a sale that is not the till's.
func (w *world) other(r sale.Request) sale.View {
	if w.err != nil {
		return sale.View{}
	}
	r.Currency, r.Lane = "HKD", "1"
	v, _, err := w.st.Till.PutSale(w.ctx, r)
	w.fail(err)
	return v
}

// pay pays or leaves open a sale that is not the till's.
func (w *world) pay(v sale.View, ending string, until sale.State) sale.View {
	if w.err != nil {
		return v
	}
	w.codes++
	w.fail(w.st.Scan(1, fmt.Sprintf("28%08d%04d%s", 99, w.codes, ending)))
	for w.err == nil && v.State != until {
		var err error
		v, err = w.st.Till.WaitSale(w.ctx, v.ID, v.Seq, 5*time.Second)
		w.fail(err)
		if v.Final && v.State != until {
			w.fail(fmt.Errorf("the sale %s came to %s", v.ID, v.State))
		}
	}
	return v
}

// restart ends the daemon as a crash does, and starts it again after a while.
func (w *world) restart(away time.Duration) {
	if w.stuck() {
		return
	}
	w.fail(w.st.Kill())
	select {
	case <-time.After(away):
	case <-w.ctx.Done():
	}
	w.up()
}

func (w *world) up() {
	if w.err == nil {
		w.fail(w.st.Start())
	}
	if w.err == nil {
		w.fail(w.st.Ready(w.ctx))
	}
}

// newJournal replaces the daemon's journal by an empty one.
func (w *world) newJournal() {
	if w.stuck() {
		return
	}
	w.fail(w.st.Stop())
	old, err := filepath.Glob(w.st.Journal() + "*")
	for _, path := range old {
		err = errors.Join(err, os.Remove(path))
	}
	w.fail(err)
	w.up()
}

// ours are the sales of the bill.
func (w *world) ours() (all []sale.View) {
	if w.err != nil {
		return nil
	}
	ids := w.front.IDs()
	sales, err := w.st.Till.Sales(w.ctx, sale.Filter{Limit: 1000})
	w.fail(err)
	for _, v := range sales {
		if v.Ticket == w.bill.Ticket || v.Ticket == "" && v.Amount == w.bill.Amount && slices.Contains(ids, v.ID) {
			all = append(all, v)
		}
	}
	return all
}
