package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"cpmd/cmd/cpmd/stage"
	"cpmd/queue/sale"
	"cpmd/till/client"
)

// hammers is how many tills hammer one lane at once, and rounds how often each opens a sale.
const hammers, rounds = 100, 4

// A hammered is one sale that tills fight for: what opened it, and what others were told.
type hammered struct {
	opened  int     // answers 201
	amounts []int64 // that were taken, with 201 or 200
	reused  []int64 // amounts that were refused with id_reused
	views   []sale.View
}

// TestHammer lets 100 tills open, repeat, contradict and cancel sales of one lane at the same time, many under the same ids
// and tickets, while a customer pays what waits. Every answer is one that the contract has for what was asked, each sale is
// charged once or not at all, and the gateway's ledger says so too.
func TestHammer(t *testing.T) {
	st, ctx := setUp(t, stage.Plan{Timing: crashTiming})
	h := &hammer{t: t, st: st, sales: map[string]*hammered{}, blocked: map[string][]refusalOf{}}
	ctx, cancel := context.WithTimeout(ctx, 100*time.Second)
	defer cancel()
	paying, stopPaying := context.WithCancel(ctx)
	var customer, tills sync.WaitGroup
	customer.Go(func() { h.customer(paying) })
	for n := range hammers {
		tills.Go(func() { h.till(ctx, n) })
	}
	tills.Wait()
	h.finish(ctx)
	stopPaying()
	customer.Wait()
	h.judge(ctx)
}

type refusalOf struct{ ticket, by string }

type hammer struct {
	t  *testing.T
	st *stage.Stage

	mu      sync.Mutex
	sales   map[string]*hammered
	blocked map[string][]refusalOf // by code: whose ticket was refused because of which sale
}

// customer shows a code whenever a sale waits.
func (h *hammer) customer(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		lanes, err := h.st.Till.Lanes(ctx)
		if err == nil && lanes[0].Sale != nil && lanes[0].Sale.State == sale.Waiting {
			if err := h.st.Scan(1, fmt.Sprintf("28%012d%s", n, []string{"0000", "0001", "1202"}[n%3])); err != nil {
				h.t.Error(err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// till is one of the tills: four of each five ask the same of an id, the fifth something else.
func (h *hammer) till(ctx context.Context, n int) {
	c, err := client.New(client.Config{Addr: "unix:" + h.st.Socket(), Patience: 30 * time.Second})
	if err != nil {
		h.t.Error(err)
		return
	}
	defer c.Close()
	for round := 0; round < rounds || !h.somethingPaid() && ctx.Err() == nil; round++ { // on a busy machine all may be cancelled first
		group := n % 25
		r := sale.Request{ID: fmt.Sprintf("s%d-%d", round, group), Amount: int64(1000 + group), Currency: "HKD", Lane: "1", Ticket: fmt.Sprintf("t%d-%d", round, group/2)}
		if n%5 == 4 {
			r.Amount += 5000
		}
		v, created, err := c.PutSale(ctx, r)
		h.note(r, v, created, err)
		if err != nil {
			continue
		}
		if n%3 == 0 {
			if v, err = c.CancelSale(ctx, r.ID); err != nil {
				h.t.Errorf("cancelling %s: %v", r.ID, err)
			}
			h.note(r, v, false, nil)
		}
		if v, err = c.WaitSale(ctx, r.ID, v.Seq, 500*time.Millisecond); err != nil {
			h.t.Errorf("asking for %s: %v", r.ID, err)
			continue
		}
		h.note(r, v, false, nil)
	}
}

// somethingPaid reports whether a till was told of a paid sale.
func (h *hammer) somethingPaid() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sales {
		if slices.ContainsFunc(s.views, func(v sale.View) bool { return v.State == sale.Paid }) {
			return true
		}
	}
	return false
}

func (h *hammer) note(r sale.Request, v sale.View, created bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sales[r.ID]
	if s == nil {
		s = &hammered{}
		h.sales[r.ID] = s
	}
	if err == nil {
		if v.ID != r.ID || v.Amount != r.Amount || v.Ticket != r.Ticket {
			h.t.Errorf("asked %+v, and got %s of %d, ticket %s", r, v.ID, v.Amount, v.Ticket)
		}
		if created {
			s.opened++
		}
		s.amounts, s.views = append(s.amounts, r.Amount), append(s.views, v)
		return
	}
	e, ok := errors.AsType[*client.Error](err)
	switch {
	case !ok:
		h.t.Errorf("%+v: %v", r, err)
	case e.Code == sale.IDReused:
		s.reused = append(s.reused, r.Amount)
	case e.Code == sale.LaneBusy || e.Code == sale.TicketUnresolved || e.Code == sale.TicketPaid:
		if e.Sale == r.ID || e.Sale == "" {
			h.t.Errorf("%s of %s names %q", e.Code, r.ID, e.Sale)
		}
		h.blocked[string(e.Code)] = append(h.blocked[string(e.Code)], refusalOf{r.Ticket, e.Sale})
	default:
		h.t.Errorf("%+v: %v", r, err)
	}
}

// finish waits until no sale is under way.
func (h *hammer) finish(ctx context.Context) {
	for {
		all, err := h.st.Till.Sales(ctx, sale.Filter{Limit: 1000})
		if err != nil {
			h.t.Fatal(err)
		}
		if !slices.ContainsFunc(all, func(v sale.View) bool { return !v.Final }) {
			return
		}
		select {
		case <-ctx.Done():
			h.t.Fatalf("sales are still under way: %v", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (h *hammer) judge(ctx context.Context) {
	ends := map[string]sale.View{}
	all, err := h.st.Till.Sales(ctx, sale.Filter{Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, v := range all {
		ends[v.ID] = v
	}
	paidTickets := map[string]int{}
	for id, s := range h.sales {
		end, there := ends[id]
		if there != (s.opened == 1) || s.opened > 1 {
			h.t.Errorf("%s was opened %d times, and is in the journal: %t", id, s.opened, there)
		}
		if slices.ContainsFunc(s.amounts, func(a int64) bool { return a != end.Amount }) || slices.Contains(s.reused, end.Amount) ||
			len(s.reused) > 0 && !there {
			h.t.Errorf("%s is of %d; taken were %v, refused as another %v", id, end.Amount, s.amounts, s.reused)
		}
		for _, v := range s.views {
			if v.Final && v.State != end.State {
				h.t.Errorf("%s was told as %s and is %s", id, v.State, end.State)
			}
		}
		if end.State == sale.Paid {
			if paidTickets[end.Ticket]++; paidTickets[end.Ticket] > 1 {
				h.t.Errorf("the ticket %s was paid twice", end.Ticket)
			}
		}
	}
	for code, refusals := range h.blocked {
		for _, r := range refusals {
			by, there := ends[r.by]
			if !there || code != string(sale.LaneBusy) && by.Ticket != r.ticket || code == string(sale.TicketPaid) && by.State != sale.Paid {
				h.t.Errorf("%s of ticket %s names %s, which is %s of ticket %s", code, r.ticket, r.by, by.State, by.Ticket)
			}
		}
	}
	h.ledger(slices.Collect(maps.Values(ends)))
	if len(ends) < 3 || len(paidTickets) == 0 || len(h.blocked[string(sale.LaneBusy)]) == 0 {
		h.t.Errorf("too little happened: %d sales, %d paid, refused %v", len(ends), len(paidTickets), h.blocked)
	}
}

// ledger compares the sales with what the gateway charged.
func (h *hammer) ledger(ends []sale.View) {
	l, err := h.st.Ledger()
	if err != nil {
		h.t.Fatal(err)
	}
	charged, known := map[string]int64{}, map[string]bool{}
	for _, p := range l.Payments {
		charged[p.OutTradeNo] = p.Charged
		if p.Charges > 1 || p.Posts > 1 {
			h.t.Errorf("payment %s: %d requests, %d charges", p.OutTradeNo, p.Posts, p.Charges)
		}
	}
	for _, v := range ends {
		want, got := int64(0), int64(0)
		if v.State == sale.Paid {
			want = v.Amount
		}
		for _, p := range v.Payments {
			got += charged[p.OutTradeNo]
			known[p.OutTradeNo] = true
		}
		if got != want {
			h.t.Errorf("%s is %s, and the gateway charged %d of %d", v.ID, v.State, got, v.Amount)
		}
	}
	for number, amount := range charged {
		if amount > 0 && !known[number] {
			h.t.Errorf("the gateway charged %d under %s, which belongs to no sale", amount, number)
		}
	}
}
