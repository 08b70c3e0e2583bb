package simtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/queue/sale"
	"cpmd/scanner"
)

// walkIn lets a customer show a code where the sale waits for one that was not shown yet.
func (s *selling) walkIn(v sale.View) {
	w := s.w
	if v.State != sale.Waiting || s.phone != nil && len(v.Payments) == 0 {
		return
	}
	if sc := w.o.Script; sc != nil {
		if len(v.Payments) < len(sc.Codes) {
			s.codes++
			s.next = sc.Codes[len(v.Payments)]
			s.show(fmt.Sprint(s.codes), 150*time.Millisecond, true)
		}
		return
	}
	if s.codes >= 5 {
		return
	}
	s.codes++
	name := fmt.Sprintf("%s code %d", s.id, s.codes)
	if w.chance(name+" is not shown", w.mix.NoScan) {
		w.saw("no scan")
		return
	}
	after := between(s.r, 200*time.Millisecond, 12*time.Second)
	if w.chance(name+" is shown late", w.mix.LateScan) {
		after = between(s.r, 40*time.Second, 75*time.Second)
		w.saw("late scan")
	}
	s.show(fmt.Sprint(s.codes), after, true)
}

// code makes a payment code that makes the gateway do something.
func (s *selling) code(n int) (code, behaviour string) {
	w := s.w
	wallet := "alipay"
	if w.o.Script != nil {
		return sim.AuthCode(wallet, s.next, n), s.next
	}
	r := w.luck.of("code", s.id, n)
	switch payType := w.payType(s.lane); payType {
	case "800008":
		wallet = pick(r, "alipay", "alipay", "wechat", "wechat", "payme", "unionpay")
	case "800208":
		wallet = "wechat"
	case "805808":
		wallet = "payme"
	case "800708":
		wallet = "unionpay"
	}
	if r.IntN(25) == 0 {
		wallet = pick(r, "alipay", "wechat")
	}
	behaviour = w.behaviour(r)
	if odd := w.surprise(s.id, n); odd != "" {
		behaviour = odd
	}
	return sim.AuthCode(wallet, behaviour, serialOf(s.id)*100+n), behaviour
}

func serialOf(id string) (n int) {
	for _, c := range []byte(id) {
		n = (n*31 + int(c)) % 90000
	}
	return n
}

func (w *world) payType(lane string) string {
	for _, l := range w.lanes {
		if l.Name == lane {
			return l.PayType
		}
	}
	return ""
}

// someCodes are response codes worth meeting: certain refusals, doubtful ones, and faults of setup.
var someCodes = []string{"1202", "2005", "1205", "1204", "1201", "1104", "1108", "1161", "1296", "1298", "1100", "1251", "1260", "1142", "1145", "1181",
	"2007", "2009", "1122", "1250", "1136", "1203"}

// behaviour chooses what a payment's code makes the gateway do.
func (w *world) behaviour(r *rand.Rand) string {
	for {
		name := "pay"
		switch r.IntN(8) {
		case 0, 1:
		case 2:
			name = pick(r, "code-", "charged-", "absent-") + pick(r, someCodes...)
		case 3:
			name = pick(r, "never", "pending-1143", "pending-5s", "pending-30s", "pending-90s", "cancel-race", "lost-never")
		default:
			all := sim.Behaviours()
			name = all[r.IntN(len(all))]
		}
		switch {
		// The simulator counts queries where QFPay would need seconds.
		case strings.HasPrefix(name, "hidden") && w.mix.breaksNetwork():
		case name == "forged" && w.net.unsigned:
		case strings.HasPrefix(name, "refund-") && r.IntN(3) > 0:
		default:
			return name
		}
	}
}

// show lets the lane's scanner read a code, with what can go wrong at a scanner.
func (s *selling) show(label string, after time.Duration, fresh bool) {
	w := s.w
	n := s.codes
	if !fresh {
		n = 90
	}
	code, behaviour := s.code(n)
	name := fmt.Sprintf("%s code %s", s.id, label)
	if used := w.books.anyUsed(w.luck.of("used", name)); used != "" && w.chance(name+" was used before", w.mix.UsedCode) {
		code, behaviour = used, w.books.behaviourOfCode(used)
		w.saw("used code shown")
	}
	w.people.Go(func() {
		time.Sleep(after)
		r := w.luck.of("scan", name)
		if w.chance(name+": goods first", w.mix.Goods) {
			s.scan("4006381333931", 0)
			time.Sleep(between(r, 100*time.Millisecond, time.Second))
		}
		if w.chance(name+": unplugged", w.mix.Unplug) {
			w.saw("scanner unplugged mid-code")
			s.status(scanner.Lost)
			if len(code) > 15 && r.IntN(2) == 0 { // what had come so far may look like a whole code
				part := code[:15+r.IntN(len(code)-15)]
				w.books.shown(w, part, s.lane, s.id, "pay", time.Since(w.begun))
				s.scan(part, 0)
			}
			time.Sleep(between(r, time.Second, 5*time.Second))
			s.status(scanner.Open)
		}
		w.note("%s: the code is shown (%s)", name, behaviour)
		w.books.shown(w, code, s.lane, s.id, behaviour, time.Since(w.begun))
		s.scan(code, 0)
		if w.chance(name+": twice", w.mix.DoubleScan) {
			w.saw("duplicate scan")
			for range 1 + r.IntN(3) {
				time.Sleep(between(r, 50*time.Millisecond, 3*time.Second))
				w.books.shown(w, code, s.lane, s.id, behaviour, time.Since(w.begun))
				s.scan(code, 0)
			}
		}
		if !fresh || w.chance(name+": delivered again, late", w.mix.EarlyScan/2) {
			// A scan that was stuck somewhere: read before the sale was there, delivered when it waits.
			read := time.Now()
			time.Sleep(between(r, 500*time.Millisecond, 9*time.Second))
			w.saw("stale scan")
			stale := code[:len(code)-5] + fmt.Sprintf("%05d", r.IntN(10))
			w.books.shown(w, stale, s.lane, s.id, "pay", read.Sub(w.begun))
			s.scan(stale, time.Since(read))
		}
	})
}

// scan delivers a text that was read a while ago.
func (s *selling) scan(text string, ago time.Duration) {
	if d := s.w.running(); d != nil {
		d.queue.Sink(s.lane).Scanned(scanner.Scan{Text: scanner.Text(text), Device: "simulated", At: time.Now().Add(-ago)})
	}
}

func (s *selling) status(st scanner.State) {
	if d := s.w.running(); d != nil {
		d.queue.Sink(s.lane).StatusChanged(scanner.Status{State: st, Device: "simulated", Since: s.w.wall()})
	}
}
