package simtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/payment"
	"cpmd/queue"
	"cpmd/scanner"
	"cpmd/till/client"
)

// A seller is one till at one lane.
type seller struct {
	w    *world
	name string
	lane string
	c    *client.Client
	r    *rand.Rand
}

func (w *world) newSeller(name, lane string) *seller {
	c, err := client.New(client.Config{Addr: "unix:memory", Dial: w.dialTill})
	if err != nil {
		panic(err)
	}
	return &seller{w: w, name: name, lane: lane, c: c, r: w.luck.of("till", name)}
}

// sellAll lets all tills sell.
func (w *world) sellAll() {
	if s := w.o.Script; s != nil {
		w.people.Go(func() {
			t := w.newSeller("T1", "1")
			defer t.c.Close()
			t.sell("S1")
		})
		return
	}
	for i, l := range w.lanes {
		tills := 1
		if w.chance("two tills at lane "+l.Name, w.mix.DoubleSell) {
			tills = 2
		}
		for k := range tills {
			w.people.Go(func() {
				t := w.newSeller(fmt.Sprintf("T%d%c", i+1, 'a'+k), l.Name)
				defer t.c.Close()
				for n := range 1 + t.r.IntN(4) {
					time.Sleep(between(t.r, time.Millisecond, 40*time.Second))
					t.sell(fmt.Sprintf("%s.%d", t.name, n+1))
				}
			})
		}
	}
}

// A sale in the eyes of its till.
type selling struct {
	*seller
	id    string
	r     *rand.Rand
	codes int    // shown so far
	next  string // what the script wants of the next one
	req   queue.SaleRequest
}

// sell collects one amount: it asks again with the same id until it knows.
func (t *seller) sell(id string) {
	w := t.w
	s := &selling{seller: t, id: id, r: w.luck.of("sale", id)}
	s.req = queue.SaleRequest{ID: id, Amount: 100 + s.r.Int64N(99900), Currency: "HKD", Lane: t.lane, Ticket: "bill-" + id}
	if s.r.IntN(5) == 0 {
		s.req.Ticket = ""
	}
	if w.chance(id+" is settled by its till", w.mix.Settle) {
		s.req.Settle = queue.SettleByTill
	}
	if w.chance(id+" is scanned early", w.mix.EarlyScan) {
		s.show("early", between(s.r, 0, 2*time.Second), false)
		time.Sleep(between(s.r, time.Millisecond, 4*time.Second))
	}
	if w.chance(id+" is scanned by the till", w.mix.TillScans) {
		s.codes++
		code, behaviour := s.code(s.codes)
		if used := w.books.anyUsed(s.r); used != "" && s.r.IntN(4) == 0 {
			code, behaviour = used, w.books.behaviourOfCode(used)
		}
		w.books.shown(w, code, t.lane, id, behaviour, time.Since(w.begun))
		s.req.AuthCode = payment.AuthCode(code)
	}
	w.books.open(s.req, time.Since(w.begun))
	v, ok := s.put()
	if !ok {
		return
	}
	if w.chance(id+" is cancelled", w.mix.Cancel) {
		at := between(s.r, time.Millisecond, pick(s.r, 2*time.Second, 20*time.Second, 130*time.Second))
		w.people.Go(func() { time.Sleep(at); s.cancel() })
	} else if sc := w.o.Script; sc != nil && sc.CancelAfter > 0 {
		w.people.Go(func() { time.Sleep(sc.CancelAfter); s.cancel() })
	}
	if w.chance(id+" loses its till", w.mix.TillGoes) {
		s.walkIn(v)
		w.note("till %s is never seen again", t.name)
		return
	}
	if v, ok = s.follow(v); ok {
		s.after(v)
	}
}

// patienceOf bounds one question of a till; some hang up early.
func (s *selling) patienceOf(what string) (context.Context, context.CancelFunc) {
	w := s.w
	if w.chance(what+" is hung up on", w.mix.TillDrops) {
		w.saw("till hangs up")
		return context.WithTimeout(context.Background(), between(w.luck.of("hang up", what), time.Microsecond, 200*time.Microsecond))
	}
	return context.WithCancel(context.Background())
}

// put opens the sale, and asks again as long as it does not know whether it did.
func (s *selling) put() (queue.SaleView, bool) {
	w := s.w
	busy := 0
	for try := 1; ; try++ {
		name := fmt.Sprintf("%s put#%d", s.id, try)
		ctx, done := s.patienceOf(name)
		v, created, err := s.c.PutSale(ctx, s.req)
		done()
		w.note("%s: %s", name, said(v, created, err))
		refusal := new(client.Error)
		switch {
		case err == nil:
			w.books.told(w, s.id, v)
			return v, true
		case !errors.As(err, &refusal):
		case refusal.Code == queue.LaneBusy:
			w.saw("lane busy")
			if busy++; busy > 20 {
				return v, false
			}
		case refusal.Code == queue.TicketUnresolved, refusal.Code == queue.CodeUsed:
			w.saw(string(refusal.Code))
			w.books.refused(w, s.req, refusal)
			return v, false
		case refusal.Code == queue.JournalUnavailable, refusal.Code == queue.ShuttingDown, refusal.Status == 503:
			w.saw(string(refusal.Code))
		default:
			w.wrong("%s is refused: %v", name, err)
			return v, false
		}
		time.Sleep(between(s.r, 300*time.Millisecond, 8*time.Second))
	}
}

func said(v queue.SaleView, created bool, err error) string {
	refusal := new(client.Error)
	switch {
	case errors.As(err, &refusal):
		return "refused: " + string(refusal.Code) + " " + refusal.Sale
	case err != nil:
		return "no answer"
	}
	s := string(v.State)
	if v.Reason != "" {
		s += " (" + string(v.Reason) + ")"
	}
	if created {
		s += ", new"
	}
	return fmt.Sprintf("%s, seq %d, %d payments", s, v.Seq, len(v.Payments))
}

// follow waits for the sale's end, as a cashier does who lets the customer show codes meanwhile.
func (s *selling) follow(v queue.SaleView) (queue.SaleView, bool) {
	w := s.w
	began := time.Now()
	slow := 0
	for try := 1; !v.Final; try++ {
		s.walkIn(v)
		if v.State == queue.Unresolved {
			if slow++; slow > 3 {
				break
			}
			s.trySameTicket()
			s.decide(v)
		}
		if time.Since(began) > 30*time.Minute && !w.calm.Load() {
			break
		}
		name := fmt.Sprintf("%s wait#%d", s.id, try)
		time.Sleep(between(s.r, time.Microsecond, time.Millisecond)) // a connection that is closing is closed by then
		ctx, done := s.patienceOf(name)
		wait := between(s.r, 5*time.Second, 40*time.Second)
		if w.o.Script != nil {
			wait = 2 * time.Second
		}
		next, err := s.c.WaitSale(ctx, s.id, v.Seq, wait)
		done()
		refusal := new(client.Error)
		switch {
		case err == nil:
			if next.Seq != v.Seq {
				w.note("%s: %s", name, said(next, false, nil))
			}
			w.books.told(w, s.id, next)
			v = next
			continue
		case errors.As(err, &refusal) && refusal.Code == queue.UnknownSale:
			w.wrong("%s: the daemon has forgotten sale %s, which it had taken", name, s.id)
			return v, false
		case errors.As(err, &refusal) && refusal.Status != 503:
			w.wrong("%s is refused: %v", name, err)
		}
		w.note("%s: %s", name, said(v, false, err))
		time.Sleep(between(s.r, 50*time.Millisecond, 3*time.Second))
	}
	return v, true
}

// walkIn lets a customer show a code where the sale waits for one that was not shown yet.
func (s *selling) walkIn(v queue.SaleView) {
	w := s.w
	if v.State != queue.Waiting {
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

func (s *selling) cancel() {
	w := s.w
	for try := 1; try < 40; try++ {
		name := fmt.Sprintf("%s cancel#%d", s.id, try)
		ctx, done := s.patienceOf(name)
		v, err := s.c.CancelSale(ctx, s.id)
		done()
		w.note("%s: %s", name, said(v, false, err))
		if err == nil {
			w.saw("cancel asked while " + string(v.State))
			w.books.cancelled(s.id)
			w.books.told(w, s.id, v)
			return
		}
		refusal := new(client.Error)
		if errors.As(err, &refusal) && refusal.Status != 503 {
			w.wrong("%s is refused: %v", name, err)
			return
		}
		time.Sleep(between(w.luck.of(name), 200*time.Millisecond, 5*time.Second))
	}
}

// trySameTicket is the classic double charge: the cashier opens a second sale for the bill that hangs.
func (s *selling) trySameTicket() {
	w := s.w
	if s.req.Ticket == "" || !w.chance(s.id+" is sold again", w.mix.SameTicket) {
		return
	}
	again := s.req
	again.ID, again.AuthCode = s.id+"-again", ""
	w.books.open(again, time.Since(w.begun))
	v, created, err := s.c.PutSale(context.Background(), again)
	w.note("%s put: %s", again.ID, said(v, created, err))
	refusal := new(client.Error)
	switch {
	case err == nil:
		w.books.told(w, again.ID, v)
		if old, err := s.c.Sale(context.Background(), s.id); err == nil && !old.Final {
			w.wrong("a second sale was opened for the bill of %s, which is %s", s.id, old.State)
		}
	case errors.As(err, &refusal) && refusal.Code == queue.TicketUnresolved:
		w.saw("ticket_unresolved")
	}
}

// after asks once more, later: the answer must be the same. And it gives money back.
func (s *selling) after(v queue.SaleView) {
	w := s.w
	if !v.Final {
		return
	}
	if v.Delivery != queue.NoDelivery {
		s.handOver()
		return
	}
	amounts := []int64(nil)
	if sc := w.o.Script; sc != nil {
		amounts = sc.Refunds
	} else if v.State == queue.PaidState && w.chance(s.id+" is refunded", w.mix.Refund) {
		for n := range 1 + s.r.IntN(2) {
			amounts = append(amounts, pick(s.r, v.Amount, v.Amount/2, 1+s.r.Int64N(v.Amount)))
			if !w.chance(fmt.Sprintf("%s is refunded %d times", s.id, n+2), w.mix.ManyRefunds+0.3) {
				break
			}
		}
	}
	for n, amount := range amounts {
		if amount > 0 {
			time.Sleep(between(s.r, 1100*time.Millisecond, 5*time.Second)) // the gateway wants a second between two refunds of a payment
			s.refund(fmt.Sprintf("%s-r%d", s.id, n+1), amount)
		}
	}
	time.Sleep(between(s.r, time.Second, 20*time.Second))
	if v, err := s.c.Sale(context.Background(), s.id); err == nil {
		w.books.told(w, s.id, v)
	}
}

// handOver says that the goods are handed over, unless they are stuck.
func (s *selling) handOver() {
	w := s.w
	time.Sleep(between(s.r, 100*time.Millisecond, pick(s.r, 5*time.Second, 130*time.Second)))
	if w.chance(s.id+" has its goods stuck", w.mix.GoodsStuck) {
		w.saw("goods stuck")
		if s.r.IntN(2) == 0 {
			s.cancel()
		}
		return
	}
	for try := 1; try < 60; try++ {
		name := fmt.Sprintf("%s hand over#%d", s.id, try)
		ctx, done := s.patienceOf(name)
		v, err := s.c.HandOver(ctx, s.id)
		done()
		w.note("%s: %s", name, said(v, false, err))
		refusal := new(client.Error)
		switch {
		case err == nil:
			w.saw("handed over")
			w.books.delivered(w, s.id)
			w.books.told(w, s.id, v)
			return
		case errors.As(err, &refusal) && refusal.Code == queue.NotDeliverable:
			w.saw("handed over too late")
			return
		case errors.As(err, &refusal) && refusal.Status != 503:
			w.wrong("%s is refused: %v", name, err)
			return
		}
		time.Sleep(between(s.r, 200*time.Millisecond, 6*time.Second))
	}
}

// decide is an operator who looks an unresolved sale up in QFPay's portal.
func (s *selling) decide(v queue.SaleView) {
	w := s.w
	outcome, sure := w.books.lookUp(w, s.id)
	if !sure || !w.chance(s.id+" is decided by an operator", w.mix.Decide) {
		return
	}
	v, err := s.c.Decide(context.Background(), queue.Decision{Sale: s.id, Outcome: outcome, Note: "seen in the portal"})
	w.note("%s is decided: %s", s.id, said(v, false, err))
	if err == nil {
		w.saw("decided: " + string(outcome))
		w.books.told(w, s.id, v)
	}
}

func (s *selling) refund(id string, amount int64) {
	w := s.w
	req := queue.RefundRequest{ID: id, Sale: s.id, Amount: amount}
	w.books.openRefund(req)
	var v queue.RefundView
	for try := 1; ; try++ {
		name := fmt.Sprintf("%s put#%d", id, try)
		ctx, done := s.patienceOf(name)
		var err error
		v, _, err = s.c.PutRefund(ctx, req)
		done()
		w.note("%s: %s", name, saidRefund(v, err))
		refusal := new(client.Error)
		switch {
		case err == nil:
			w.books.toldRefund(w, v)
		case errors.As(err, &refusal) && refusal.Code == queue.NotRefundable:
			w.saw("not_refundable")
			return
		case errors.As(err, &refusal) && refusal.Status != 503:
			w.wrong("%s is refused: %v", name, err)
			return
		case try > 60 && w.calm.Load():
			w.wrong("%s: nobody says what became of it", name)
			return
		}
		if err == nil {
			break
		}
		time.Sleep(between(s.r, 200*time.Millisecond, 6*time.Second))
	}
	for try := 1; !v.Final && try < 20; try++ {
		time.Sleep(between(s.r, time.Microsecond, time.Millisecond))
		next, err := s.c.WaitRefund(context.Background(), id, v.Seq, between(s.r, 5*time.Second, 40*time.Second))
		if err == nil {
			if next.Seq != v.Seq {
				w.note("%s: %s", id, saidRefund(next, nil))
			}
			v = next
			w.books.toldRefund(w, v)
			continue
		}
		time.Sleep(between(s.r, 200*time.Millisecond, 6*time.Second))
	}
}

func saidRefund(v queue.RefundView, err error) string {
	if err != nil {
		return said(queue.SaleView{}, false, err)
	}
	return fmt.Sprintf("%s, seq %d", v.State, v.Seq)
}

// listen is a till that reads all events as they come.
func (w *world) listen() {
	c, err := client.New(client.Config{Addr: "unix:memory", Dial: w.dialTill, Patience: 2 * time.Hour})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	for n, err := range c.Events(w.ending, 0) {
		if err != nil {
			if w.ending.Err() == nil {
				w.wrong("the event stream ends: %v", err)
			}
			return
		}
		w.books.heard(w, n.Seq, n.Kind, append(json.RawMessage(nil), n.Data...))
	}
}
