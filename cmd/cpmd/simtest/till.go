package simtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
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
	req   sale.Request
	phone chan struct{} // closed when the sale is open, for a phone that lies before the scanner
}

// sell collects one amount: it asks again with the same id until it knows.
func (t *seller) sell(id string) {
	w := t.w
	s := &selling{seller: t, id: id, r: w.luck.of("sale", id)}
	s.req = sale.Request{ID: id, Amount: 100 + s.r.Int64N(99900), Currency: "HKD", Lane: t.lane, Ticket: "bill-" + id}
	if s.r.IntN(5) == 0 {
		s.req.Ticket = ""
	}
	if w.chance(id+" is settled by its till", w.mix.Settle) {
		s.req.ConfirmDelivery = true
	}
	if w.chance(id+" is scanned early", w.mix.EarlyScan) {
		s.show("early", between(s.r, 0, 2*time.Second), false)
		time.Sleep(between(s.r, time.Millisecond, 4*time.Second))
	}
	if w.chance(id+" has a phone before the scanner", w.wide.Phone) {
		s.layPhone()
	} else if w.chance(id+" is scanned by the till", w.mix.TillScans) {
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
	if s.phone != nil {
		close(s.phone)
	}
	if !ok {
		return
	}
	if w.chance(id+" is refunded at any moment", w.wide.Staff) {
		w.people.Go(s.staff)
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
func (s *selling) put() (sale.View, bool) {
	w := s.w
	busy := 0
	for try := 1; ; try++ {
		if w.tooLong() {
			w.wrong("sale %s is never taken", s.id)
			return sale.View{}, false
		}
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
		case refusal.Code == sale.LaneBusy:
			w.saw("lane busy")
			if busy++; busy > 20 {
				return v, false
			}
		case refusal.Code == sale.TicketUnresolved, refusal.Code == sale.CodeUsed:
			w.saw(string(refusal.Code))
			w.books.refused(w, s.req, refusal)
			return v, false
		case refusal.Code == sale.JournalUnavailable, refusal.Code == sale.ShuttingDown, refusal.Status == 503:
			w.saw(string(refusal.Code))
		default:
			w.wrong("%s is refused: %v", name, err)
			return v, false
		}
		time.Sleep(between(s.r, 300*time.Millisecond, 8*time.Second))
	}
}

func said(v sale.View, created bool, err error) string {
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
func (s *selling) follow(v sale.View) (sale.View, bool) {
	w := s.w
	began := time.Now()
	slow := 0
	for try := 1; !v.Final; try++ {
		s.walkIn(v)
		if v.State == sale.Unresolved {
			if slow++; slow > 3 {
				break
			}
			s.trySameTicket()
			s.decide()
			s.misdecide()
		}
		if time.Since(began) > 30*time.Minute && !w.calm.Load() {
			break
		}
		if w.tooLong() {
			w.wrong("sale %s is %s, and nothing more comes", s.id, v.State)
			return v, false
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
		case errors.As(err, &refusal) && refusal.Code == sale.UnknownSale:
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
	case errors.As(err, &refusal) && refusal.Code == sale.TicketUnresolved:
		w.saw("ticket_unresolved")
	}
}

// listen is a till that reads all events as they come.
func (w *world) listen() {
	c, err := client.New(client.Config{Addr: "unix:memory", Dial: w.dialTill, Patience: 2 * time.Hour})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	for n, err := range c.Events(w.tuned, 0) {
		if err != nil {
			if w.tuned.Err() == nil {
				w.wrong("the event stream ends: %v", err)
			}
			return
		}
		w.books.heard(w, n.Seq, n.Kind, append(json.RawMessage(nil), n.Data...))
	}
}
