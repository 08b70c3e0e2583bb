package simtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/queue"
	"cpmd/queue/sale"
)

const (
	appCode   = "CANARYAPP5D81A2E5B0B94D3A8E6C1F2A"
	clientKey = "CANARYKEY9F8E7D6C5B4A39281706F5E4"
)

var gatewayZone = time.FixedZone("+08:00", 8*3600)

// A world is one run. Its main goroutine, in run, starts and ends the lives of the daemon; everybody else has a
// goroutine of his own.
type world struct {
	history
	o     Options
	luck  luck
	mix   mix
	wide  wide
	rules sale.Rules
	lanes []queue.Lane
	// catchUp is how many unresolved sales a start tells at once; 0: more than there are. Where it is 1, the disk is so slow
	// then that tills and customers come in between.
	catchUp int

	start        time.Time      // the true time when the run begins
	zone         *time.Location // of the machine's clock
	dateWrong    atomic.Bool    // for a while, or still
	jump         atomic.Int64   // what the machine's clock is wrong by, in nanoseconds
	gw           *sim.Gateway
	sameDayFunds bool
	signs        string // how answers are signed
	net          *network
	calm         atomic.Bool // no more faults

	dir      string
	path     string // of the journal of the current life
	lives    []*daemon
	current  atomic.Pointer[daemon]
	deaths   chan *daemon
	numbers  atomic.Int64
	writes   atomic.Int64
	looked   time.Time // when settled last looked
	lookedAt int64     // and after how many writes
	disk     disk

	people  sync.WaitGroup // tills and customers
	helpers sync.WaitGroup // everybody else
	ending  context.Context
	end     context.CancelFunc
	tuned   context.Context // the listener's
	hangUp  context.CancelFunc

	books books
}

func newWorld(o Options, dir string) *world {
	w := &world{o: o, luck: luck(o.Seed), dir: dir, rules: sale.DefaultRules(), deaths: make(chan *daemon)}
	w.history = history{begun: time.Now(), seen: map[string]int{}}
	w.ending, w.end = context.WithCancel(context.Background())
	w.tuned, w.hangUp = context.WithCancel(w.ending)
	w.path = filepath.Join(dir, "0.db")
	w.books.init()
	r := w.luck.of("world")
	if o.Script == nil {
		w.mix = newMix(w.luck)
		if o.Wide {
			w.wide = newWide(w.luck)
		}
	}
	w.start, w.zone = time.Date(2026, 11, 22, 10, 0, 0, 0, gatewayZone), gatewayZone
	if o.Script == nil {
		w.start, w.zone = startOf(r)
	}
	cfg := sim.Config{AppCode: appCode, ClientKey: clientKey, Clock: w.now, Zone: gatewayZone, Seed: int64(o.Seed)}
	if o.Script == nil {
		cfg.Shape = pick(r, "doc", "doc", "2018", "2017")
		cfg.AnswerSign = pick(r, "MD5", "MD5", "same", "none")
		cfg.ReuseCodes = r.IntN(2) == 0 // then a code that is submitted twice is charged twice
		cfg.SameDayFunds = r.IntN(8) == 0
		cfg.WeChatCloseAfter = pick(r, 0, 15*time.Second)
		cfg.RatePerMinute = pick(r, 0, 0, 0, 400, 60)
		if w.chance("gateway skew", w.mix.GatewaySkew) {
			cfg.Skew = pick(r, -30*time.Minute, 30*time.Minute)
			w.saw("gateway clock off by 30 minutes")
		}
	}
	w.widen(&cfg)
	w.gw, w.sameDayFunds = sim.New(cfg), cfg.SameDayFunds
	w.signs = w.gw.Habits().AnswerSign
	w.net = newNetwork(w, cfg.AnswerSign)
	lanes := 1
	if o.Script == nil {
		w.catchUp = pick(w.luck.of("catch up"), 0, 1)
		lanes = pick(r, 1, 1, 2, 3)
	}
	for i := range lanes {
		payType := "800008"
		if o.Script == nil {
			payType = pick(r, "800008", "800008", "800008", "800108", "800208", "805808", "800708")
		}
		w.lanes = append(w.lanes, queue.Lane{Name: fmt.Sprint(i + 1), PayType: payType})
	}
	return w
}

// startOf chooses a time of the year: an ordinary day, or shortly before something that goes wrong in programs.
func startOf(r *rand.Rand) (time.Time, *time.Location) {
	at := func(s string) time.Time {
		t, err := time.ParseInLocation("2006-01-02 15:04:05", s, gatewayZone)
		if err != nil {
			panic(err)
		}
		return t
	}
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		london = time.UTC
	}
	early := between(r, 0, 6*time.Minute)
	switch r.IntN(10) {
	case 0:
		return at("2026-11-23 00:00:00").Add(-early), gatewayZone
	case 1:
		return at("2026-12-01 00:00:00").Add(-early), gatewayZone
	case 2:
		return at("2027-01-01 00:00:00").Add(-early), gatewayZone
	case 3:
		return at("2028-02-29 23:58:00").Add(-early), time.UTC
	case 4:
		return at("2026-12-01 00:30:00").Add(-early), gatewayZone // a gateway 30 minutes behind
	case 5:
		return at("2026-11-30 23:30:00").Add(-early), gatewayZone // a gateway 30 minutes ahead
	case 6:
		return time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC).Add(-early), london // an hour is skipped
	case 7:
		return time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC).Add(-early), london // an hour comes twice
	}
	return at("2026-11-22 10:00:00").Add(early), gatewayZone
}

// now is the true time; wall is what the machine's clock says.
func (w *world) now() time.Time  { return w.start.Add(time.Since(w.begun)) }
func (w *world) wall() time.Time { return w.now().Add(time.Duration(w.jump.Load())).In(w.zone) }

// chance reports whether a fault happens. Each has a name of its own, by which it can be left out.
func (w *world) chance(name string, p float64) bool {
	if p == 0 || w.calm.Load() || w.luck.of("chance", name).Float64() >= p || slices.Contains(w.o.Without, name) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, name)
	return true
}

// A happening is something that comes over the world at its time.
type happening struct {
	at time.Duration
	do func()
}

// horizon is when the faults stop at the latest.
const horizon = 40 * time.Minute

func (w *world) happenings() []happening {
	var all []happening
	add := func(kind string, p float64, most int, do func(n int)) {
		for n := range most {
			name := fmt.Sprintf("%s %d", kind, n)
			if w.chance(name, p) {
				all = append(all, happening{between(w.luck.of("when", name), 0, 12*time.Minute), func() { do(n) }})
			}
		}
	}
	add("clock jumps", w.mix.Jump, 3, w.jumpClock)
	add("dies", 2*w.mix.CrashAnyhow, 4, func(int) { w.kill(w.current.Load(), "out of the blue") })
	add("is stopped", 2*w.mix.Stop, 3, func(int) { w.stop() })
	add("outage", 2*w.mix.Outage, 3, func(n int) {
		d := between(w.luck.of("outage", n), time.Second, 2*time.Minute)
		w.note("the network is down for %v", d.Round(time.Second))
		w.net.downUntil.Store(int64(time.Since(w.begun) + d))
	})
	w.surprises(add)
	if s := w.o.Script; s != nil && s.KillAfter > 0 {
		all = append(all, happening{s.KillAfter, func() { w.kill(w.current.Load(), "as told") }})
	}
	if s := w.o.Script; s != nil && s.StopAfter > 0 {
		all = append(all, happening{s.StopAfter, w.stop})
	}
	slices.SortStableFunc(all, func(a, b happening) int { return int(a.at - b.at) })
	return all
}

func (w *world) jumpClock(n int) {
	if w.calm.Load() {
		return
	}
	r := w.luck.of("jump", n)
	by := pick(r, time.Hour, -time.Hour, between(r, 3*time.Second, 3*time.Minute), -between(r, 3*time.Second, 3*time.Minute), 12*time.Hour, -12*time.Hour)
	if r.IntN(4) == 0 && w.wide == (wide{}) { // somebody sets the date, and wrongly
		by = pick(r, 40*24*time.Hour, -40*24*time.Hour)
		w.dateWrong.Store(true)
		w.saw("clock jump of weeks")
	}
	w.jump.Add(int64(by))
	w.note("the machine's clock jumps by %v", by.Round(time.Second))
	w.saw("clock jump")
	if w.net.open.Load() > 0 {
		w.saw("clock jump while a request was under way")
	}
}

// run lives through the history: faults until the tills are done or the horizon is reached, then quiet until all
// is settled, then the last judgement.
func (w *world) run() {
	due := w.happenings()
	w.begin()
	served := make(chan struct{})
	go func() { w.sellAll(); w.people.Wait(); close(served) }()
	if w.o.Script == nil && w.luck.of("listener").IntN(3) == 0 {
		w.helpers.Go(w.listen)
	}
	restart := time.NewTimer(0)
	<-restart.C
	calmAt := time.NewTimer(horizon)
	beat := time.NewTicker(5*time.Second + 17*time.Microsecond)
	defer beat.Stop()
	deadline := time.Duration(0)
	for quiet := false; !quiet; {
		next := time.NewTimer(time.Hour)
		if len(due) > 0 {
			next.Reset(due[0].at - time.Since(w.begun))
		}
		select {
		case d := <-w.deaths:
			synctest.Wait()
			w.kill(d, d.last)
			restart.Reset(w.downtime())
		case <-next.C:
			if len(due) > 0 {
				synctest.Wait()
				if do := due[0].do; w.current.Load() != nil {
					do()
					if w.current.Load() == nil {
						restart.Reset(w.downtime())
					}
				}
				due = due[1:]
			}
		case <-w.goneOf():
			d := w.current.Swap(nil)
			d.ended(w)
			restart.Reset(w.downtime())
		case <-restart.C:
			if w.current.Load() == nil {
				w.begin()
			}
		case <-served:
			served, due = nil, nil
			w.settleDown()
			deadline = time.Since(w.begun) + patience
		case <-calmAt.C:
			w.settleDown()
		case <-beat.C:
			if served == nil {
				quiet = w.settled() || time.Since(w.begun) > deadline
			}
		}
		next.Stop()
	}
	beat.Stop()
	w.night()
	w.judge()
	w.end()
	w.stop()
	<-w.current.Load().gone
	w.current.Load().ended(w)
	w.net.close()
	w.helpers.Wait()
	for _, d := range w.lives {
		<-d.gone
	}
}

// patience is how long the last sales may take once nothing breaks any more: more than the slowest pace of queries.
const patience = 4 * time.Hour

// tooLong reports whether a till has waited for hours after the last fault.
func (w *world) tooLong() bool { return time.Since(w.begun) > horizon+patience }

// settleDown ends all faults.
func (w *world) settleDown() {
	if !w.calm.Swap(true) {
		w.note("--- no more faults ---")
		w.net.downUntil.Store(0)
		w.disk.heal()
		w.honest()
	}
}

func (w *world) downtime() time.Duration {
	n := len(w.lives)
	r := w.luck.of("downtime", n)
	if w.o.Script != nil {
		return between(r, time.Second, 2*time.Second)
	}
	if w.chance(fmt.Sprintf("stays away %d", n), w.mix.LongDown) {
		return between(r, 10*time.Minute, time.Hour)
	}
	return between(r, 200*time.Millisecond, pick(r, 3*time.Second, 20*time.Second, 2*time.Minute))
}

func (w *world) goneOf() <-chan struct{} {
	if d := w.current.Load(); d != nil {
		return d.gone
	}
	return nil
}

func (w *world) result() Result {
	return Result{Seed: w.o.Seed, Mix: strings.TrimSuffix(w.mix.String()+"; wide: "+w.wide.String(), "; wide: "), History: w.print(), Faults: w.faults, Seen: maps.Clone(w.seen), Violations: w.violations,
		Simulated: time.Since(w.begun), Digest: w.digest(), Writes: int(w.writes.Load()), Sales: w.books.ends()}
}
