package simtest

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/queue/sale"
)

// settled reports whether nothing is left to wait for: every sale and refund is final, or only a person can end it.
func (w *world) settled() bool {
	d := w.running()
	if d == nil || !d.stopAt.IsZero() || d.queue.Ready() != nil { // one that is stopping has to come back first
		return false
	}
	if n := w.writes.Load(); n == w.lookedAt && time.Since(w.looked) < 10*time.Minute {
		return false
	}
	w.lookedAt, w.looked = w.writes.Load(), time.Now()
	open := 0
	for _, v := range w.open(d) {
		if v.State != sale.Unresolved || !w.needsPerson(v) && !w.books.wide(v.ID) {
			open++
		}
	}
	stuck := map[string]bool{}
	for _, v := range w.refunding(d) {
		if stuck[v.Sale] = w.neverDone(v) || w.books.wide(v.Sale); !stuck[v.Sale] {
			open++
		}
	}
	for _, v := range w.paid(d) {
		if (v.Delivery == sale.Awaited || v.Delivery == sale.Returning && !w.refusesRefunds(v)) && !stuck[v.ID] && !w.books.wide(v.ID) {
			open++
		}
	}
	return open == 0
}

func (w *world) open(d *daemon) []sale.View {
	var all []sale.View
	for _, s := range sale.States {
		if !s.Final() {
			list, err := d.queue.Sales(context.Background(), sale.Filter{State: s, Limit: 1000})
			if err != nil {
				w.wrong("listing sales: %v", err)
			}
			all = append(all, list...)
		}
	}
	return all
}

func (w *world) paid(d *daemon) []sale.View {
	all, err := d.queue.Sales(context.Background(), sale.Filter{State: sale.Paid, Limit: 1000})
	if err != nil {
		w.wrong("listing sales: %v", err)
	}
	return all
}

func (w *world) refunding(d *daemon) (all []sale.RefundView) {
	diagnosis, err := d.queue.Diagnosis(context.Background())
	if err != nil {
		w.wrong("diagnosis: %v", err)
	}
	return diagnosis.Refunding
}

// needsPerson: the gateway itself does not know, or shows what contradicts the sale.
func (w *world) needsPerson(v sale.View) bool {
	p, ok := w.gw.Payment(v.Payments[len(v.Payments)-1].OutTradeNo)
	switch {
	case !ok: // which proves nothing if the machine's clock does not tell when it was sent
		return w.dateWrong.Load()
	case p.Behaviour == "query-wrong-amount":
		return true
	case p.State == sim.Pending:
		return w.gw.Now().Sub(p.Created) > 10*time.Minute
	case p.State == sim.Declined: // shown with a code that says that nobody knows
		return category(p.RespCD) == "unsure" || category(p.RespCD) == "used" || category(p.RespCD) == "refund"
	case p.State == sim.Absent: // answered as if it were there, and no list has it
		said := category(p.Behaviour[max(0, len(p.Behaviour)-4):])
		return said == "used" || said == "pending" || w.dateWrong.Load()
	}
	return false
}

// category is the simulator's, which was written apart from cpmd.
func category(respCD string) string {
	for _, c := range sim.Codes {
		if c.Code == respCD {
			return string(c.Cat)
		}
	}
	return "unsure"
}

// refusesRefunds: the gateway gives nothing back of this sale, now or ever.
func (w *world) refusesRefunds(v sale.View) bool {
	last := v.Payments[len(v.Payments)-1]
	p, _ := w.gw.Payment(last.OutTradeNo)
	return strings.HasPrefix(p.Behaviour, "refund-") || w.sameDayFunds || last.SysSN == "" // as an operator decided
}

func (w *world) neverDone(v sale.RefundView) bool {
	for _, r := range w.gw.Ledger().Refunds {
		if r.OutTradeNo == v.OutTradeNo {
			return r.State == sim.Pending && w.gw.Now().Sub(r.Created) > 10*time.Minute || r.State == sim.Absent && w.dateWrong.Load()
		}
	}
	return w.dateWrong.Load() // then what is not there cannot be proved
}

// judge compares everything at the end: cpmd, the gateway's books, and what tills were told.
func (w *world) judge() {
	d := w.running()
	if d == nil {
		w.wrong("cpmd does not run at the end")
		return
	}
	w.note("--- the end ---")
	alarms := w.alarms()
	b := &w.books
	b.mu.Lock()
	defer b.mu.Unlock()
	ledger := w.gw.Ledger()
	kept := map[string]sim.Payment{}
	for _, p := range ledger.Payments {
		kept[p.OutTradeNo] = p
	}
	off := map[string]bool{} // sales whose money is not where cpmd's books have it
	for _, id := range b.order {
		a := b.sales[id]
		if !b.lenient(a) {
			w.judgeSale(d, a, kept)
			continue
		}
		off[id] = w.judgeNet(d, a, kept, alarms)
		for _, number := range a.numbers {
			delete(kept, number)
		}
	}
	for number, p := range kept {
		if p.Charged > 0 {
			w.wrong("the gateway keeps %d of payment %s, and no sale is paid with it", p.Charged, number)
		}
	}
	w.judgeRefunds(d, ledger)
	if !slices.Contains(slices.Collect(maps.Values(off)), true) {
		w.judgeTotals(d, ledger)
	}
	w.judgeLanes(d)
	w.judgeStream(d)
	for number, n := range b.requests {
		if most := 600 + 150*len(w.lives); n > most {
			w.wrong("%d requests about %s", n, number)
		}
	}
	w.judgeSecrets()
}

func (w *world) judgeSale(d *daemon, a *account, kept map[string]sim.Payment) {
	id := a.req.ID
	v, err := d.queue.Sale(context.Background(), id)
	if err != nil {
		if !a.unsure || len(a.numbers) > 0 {
			w.wrong("sale %s is lost: %v", id, err)
		}
		return
	}
	w.note("sale %s ends: %s", id, said(v, false, nil))
	sum := w.books.once(w, a)
	if f := a.final; f != nil && (f.State != v.State || f.Reason != v.Reason) {
		w.wrong("sale %s was told as %s, and is %s at the end", id, f.State, v.State)
	}
	switch v.State {
	case sale.Paid:
		if sum != v.Amount {
			w.wrong("sale %s is paid, and the gateway took %d of %d", id, sum, v.Amount)
		}
		for _, number := range a.numbers {
			if p := kept[number]; p.Charged > 0 {
				if p.Charged != v.Amount-p.Refunded {
					w.wrong("sale %s is paid, and the gateway keeps %d of %d, %d refunded", id, p.Charged, v.Amount, p.Refunded)
				}
				delete(kept, number)
			}
		}
		stuck := slices.ContainsFunc(w.refunding(d), func(r sale.RefundView) bool { return r.Sale == id })
		switch gone := sum - v.Amount + v.Refunded; {
		case v.Delivery == sale.Delivered && !a.handed && !a.req.ConfirmDelivery, v.Delivery != sale.Delivered && a.handed:
			w.wrong("sale %s: its delivery is %s, and the goods are handed over: %v", id, v.Delivery, a.handed)
		case v.Delivery == sale.Returned && gone != v.Amount, v.Delivery == sale.Awaited, v.Delivery == sale.Returning && !stuck && !w.refusesRefunds(v):
			w.wrong("sale %s: its delivery is %s at the end, and %d went back", id, v.Delivery, gone)
		}
	case sale.NotPaid:
		if sum != 0 {
			w.wrong("sale %s is not paid, and the gateway has %d", id, sum)
		}
	case sale.Unresolved:
		w.saw("needs a person")
		if !w.needsPerson(v) {
			w.wrong("sale %s is still unresolved, and the gateway knows better", id)
		}
		delete(kept, v.Payments[len(v.Payments)-1].OutTradeNo)
	default:
		w.wrong("sale %s is still %s at the end", id, v.State)
	}
	for _, p := range v.Payments {
		if p.State == "absent" && slices.Contains(a.numbers, p.OutTradeNo) {
			w.saw("never arrived")
		}
	}
}

func (w *world) judgeRefunds(d *daemon, ledger sim.Ledger) {
	given := map[string]int64{}
	state := map[string]sim.State{}
	for _, r := range ledger.Refunds {
		state[r.OutTradeNo] = r.State
		if r.State == sim.Refunded {
			given[r.Of] += r.Amount
		}
	}
	for number, sum := range given {
		a := w.books.numbers[number]
		if a != nil && w.books.lenient(a) {
			continue // judgeNet
		}
		if a == nil || sum > a.req.Amount {
			w.wrong("%d was given back of payment %s", sum, number)
			continue
		}
		v, err := d.queue.Sale(context.Background(), a.req.ID)
		if err != nil || v.Refunded != sum && len(w.refunding(d)) == 0 {
			w.wrong("sale %s shows %d as given back, the gateway gave %d", a.req.ID, v.Refunded, sum)
		}
	}
	for id, g := range w.books.refunds {
		v, err := d.queue.Refund(context.Background(), id)
		if err != nil {
			if g.told != nil || g.number != "" {
				w.wrong("refund %s is lost: %v", id, err)
			}
			continue
		}
		w.note("refund %s ends: %s", id, v.State)
		if a := w.books.sales[g.req.Sale]; a != nil && w.books.lenient(a) && (g.told == nil || !g.told.Final || g.told.State == v.State) {
			continue // judgeNet
		}
		done := state[v.OutTradeNo] == sim.Refunded
		switch {
		case g.told != nil && g.told.Final && g.told.State != v.State:
			w.wrong("refund %s was told as %s, and is %s", id, g.told.State, v.State)
		case v.State == sale.Refunded != done && v.Final:
			w.wrong("refund %s is %s, and at the gateway %s", id, v.State, state[v.OutTradeNo])
		case !v.Final && !w.neverDone(v):
			w.wrong("refund %s is still %s, and at the gateway %s", id, v.State, state[v.OutTradeNo])
		}
	}
}

// judgeTotals: a shop's books add up to the gateway's.
func (w *world) judgeTotals(d *daemon, ledger sim.Ledger) {
	var taken, given, took, gave int64
	days := 3
	if w.dateWrong.Load() {
		days = 130
	}
	for day := -days; day <= days; day++ {
		t, err := d.queue.Totals(context.Background(), w.start.AddDate(0, 0, day).In(gatewayZone).Format(time.DateOnly))
		if err != nil {
			w.wrong("totals: %v", err)
		}
		for _, r := range t.Rows {
			taken, given = taken+r.Amount, given+r.RefundedTotal
		}
	}
	for _, p := range ledger.Payments {
		took, gave = took+p.Charged+p.Refunded, gave+p.Refunded
	}
	if len(w.open(d)) == 0 && len(w.refunding(d)) == 0 && (taken != took || given != gave) {
		w.wrong("the totals are %d taken and %d given back, the gateway's are %d and %d", taken, given, took, gave)
	}
}

// judgeLanes: no lane is held any more.
func (w *world) judgeLanes(d *daemon) {
	lanes, err := d.queue.Lanes(context.Background())
	if err != nil {
		w.wrong("lanes: %v", err)
	}
	for _, l := range lanes {
		if l.Sale != nil {
			w.wrong("sale %s still holds lane %s", l.Sale.ID, l.Name)
		}
	}
}

// judgeSecrets looks for codes and keys where they must not be. (I10)
func (w *world) judgeSecrets() {
	look := func(where, text string) {
		for _, secret := range append([]string{appCode, clientKey}, w.books.codes...) {
			if strings.Contains(text, secret) {
				w.wrong("a secret is in %s", where)
			}
		}
	}
	for _, d := range w.lives {
		d.log.mu.Lock()
		look("the log", d.log.String())
		d.log.mu.Unlock()
	}
	for _, part := range []string{"", "-wal"} {
		if text, err := os.ReadFile(w.path + part); err == nil {
			look("the journal", string(text))
		}
	}
}
