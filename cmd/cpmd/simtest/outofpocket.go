package simtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/queue/sale"
)

// In the wider world a sale may be told wrongly, charged twice or given back behind cpmd's back. What is asked for
// then: by the next day's end every customer's net charge is right, or an open alarm says that it is not.

// touch notes that a knob of the wider world was used on the sale of a payment or refund.
func (b *books) touch(number, knob string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.numbers[number]; a != nil {
		a.touch(knob)
	} else if g := b.backs[number]; g != nil && b.sales[g.req.Sale] != nil {
		b.sales[g.req.Sale].touch(knob)
	}
}

func (b *books) touchSale(id, knob string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sales[id].touch(knob)
}

func (a *account) touch(knob string) {
	if !slices.Contains(a.knobs, knob) {
		a.knobs = append(a.knobs, knob)
	}
}

// touchAll notes it of all sales.
func (b *books) touchAll(knob string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.touched = append(b.touched, knob)
}

// lenient reports whether a sale is judged by its customer's net charge at the end, and not by each step.
func (b *books) lenient(a *account) bool { return len(a.knobs)+len(b.touched) > 0 }

// anyTouched reports whether any sale is judged by its customer's net charge.
func (b *books) anyTouched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.sales {
		if b.lenient(a) {
			return true
		}
	}
	return false
}

func (b *books) wide(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sales[id] != nil && b.lenient(b.sales[id])
}

func (b *books) lay(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.sales[id]; a != nil {
		a.phone = true
	}
}

func (b *books) byHand(number string, amount int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.numbers[number].byHand += amount
}

// toldPaidBy reports whether a till was told that its sale is paid, and the gateway has money by that one payment alone.
func (b *books) toldPaidBy(w *world, number string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.numbers[number]
	if a == nil || a.final == nil || a.final.State != sale.Paid {
		return false
	}
	for _, other := range a.numbers {
		if p, _ := w.gw.Payment(other); other != number && p.Charges > 0 {
			return false
		}
	}
	return true
}

// sawList notes when cpmd heard that a payment is listed as paid with values that no page knows.
func (b *books) sawList(w *world, number string, body []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.numbers[number]
	if a == nil || a.listedPaid > 0 || !slices.Contains(a.knobs, "odd") || w.gw.Habits().AnswerSign == "wrong" {
		return
	}
	if p, _ := w.gw.Payment(number); p.Charges > 0 && bytes.Count(body, []byte(`"respcd": "0000"`)) > 1 {
		a.listedPaid = time.Since(w.begun)
	}
}

// pays reports whether a payment is the one that its sale is paid with, by cpmd's journal.
func (w *world) pays(d *daemon, number string) bool {
	var outcome string
	err := d.eye.QueryRow(`SELECT outcome FROM payment WHERE out_trade_no=?`, number).Scan(&outcome)
	return err == nil && outcome == string(sale.OutcomePaid)
}

// behaviourOrNone is what a code makes the gateway do; "" for one that nobody showed.
func (c *card) behaviourOrNone() string {
	if c == nil {
		return ""
	}
	return c.behaviour
}

// alarms are what stands at the end of a history of the wider world.
func (w *world) alarms() []string {
	if w.wide == (wide{}) && !w.books.anyTouched() {
		return nil
	}
	return w.standing()
}

// standing are the alarms that nobody has settled, each as the till API shows it.
func (w *world) standing() []string {
	status, answer := w.ask(http.MethodGet, "/v1/alarms", nil)
	if status != http.StatusOK {
		w.wrong("GET /v1/alarms is answered %d", status)
		return nil
	}
	var list struct{ Alarms []json.RawMessage }
	if err := json.Unmarshal(answer, &list); err != nil {
		w.wrong("GET /v1/alarms: %v", err)
	}
	var open []string
	for _, a := range list.Alarms {
		var state struct {
			Settled   any `json:"settled"`
			SettledAt any `json:"settled_at"`
		}
		if json.Unmarshal(a, &state) == nil && (state.Settled == nil || state.Settled == false) && (state.SettledAt == nil || state.SettledAt == "") {
			open = append(open, string(a))
			w.note("an alarm stands: %s", a)
		}
	}
	return open
}

// speaksOf reports whether a text names an id, and not only one that begins like it.
func speaksOf(text, id string) bool {
	inID := func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-'
	}
	for rest := text; ; {
		i := strings.Index(rest, id)
		if i < 0 {
			return false
		}
		before, after := i == 0 || !inID(rest[i-1]), rest[i+len(id):]
		if before && (after == "" || !inID(after[0]) && (after[0] != '.' || len(after) == 1 || !inID(after[1]))) {
			return true
		}
		rest = after
	}
}

// judgeNet judges a sale of the wider world: what its customer is out of pocket for is what the sale says, or an alarm
// names it. It reports whether cpmd's books and the gateway's differ.
func (w *world) judgeNet(d *daemon, a *account, kept map[string]sim.Payment, alarms []string) (off bool) {
	id := a.req.ID
	v, err := d.queue.Sale(context.Background(), id)
	if err != nil {
		if !a.unsure || len(a.numbers) > 0 {
			w.wrong("sale %s is lost: %v", id, err)
		}
		return false
	}
	if f := a.final; f != nil && (f.State != v.State || f.Reason != v.Reason) {
		w.wrong("sale %s was told as %s, and is %s at the end", id, f.State, v.State)
	}
	if v.Delivery != sale.Delivered && a.handed {
		w.wrong("sale %s: its goods were let go, and its delivery is %s", id, v.Delivery)
	}
	least, most := w.due(d, a, v)
	var net, given int64
	for _, number := range a.numbers {
		p := kept[number]
		net, given = net+p.Charged, given+p.Refunded
	}
	off = v.State == sale.Paid && (net+given != v.Amount || given != v.Refunded) || v.State != sale.Paid && net+given > 0
	w.note("sale %s ends: %s; net charge %d, right is %d to %d; %s", id, said(v, false, nil), net, least, most,
		strings.Join(append(slices.Clone(a.knobs), w.books.touched...), ", "))
	names := append([]string{id}, a.numbers...)
	for rid, g := range w.books.refunds {
		if g.req.Sale == id {
			names = append(names, rid)
			if g.number != "" {
				names = append(names, g.number)
			}
		}
	}
	if slices.Contains(a.knobs, "portal") { // QFPay's list need not say of which payment a refund is
		names = append(names, "PORTAL0", "PORTAL1", "PORTAL2", fmt.Sprintf("PORTAL%d", nextDay))
	}
	told := slices.ContainsFunc(alarms, func(text string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return speaksOf(text, name) })
	})
	wrong := net < least || net > most
	switch {
	case wrong && told:
		w.saw("out of pocket, and an alarm says so")
	case wrong && net > most:
		w.wrong("sale %s: its customer is out of pocket by %d, right is %d at most, and no alarm says so", id, net, most)
	case wrong:
		w.wrong("sale %s: the shop has %d of it, right is %d at least, and no alarm says so", id, net, least)
	case off && told:
		w.saw("the books differ, and an alarm says so")
	case off && v.State.Final():
		w.wrong("sale %s: cpmd's books differ from the gateway's, and no alarm says so", id)
	}
	switch {
	case wrong:
	case w.chargedTwice(a):
		w.saw("charged twice, and made good")
	case given > 0 && v.State == sale.NotPaid:
		w.saw("charged though not_paid, and made good")
	}
	switch {
	case v.State == sale.Unresolved:
		w.saw("unresolved at the end of the day")
	case !v.State.Final():
		w.wrong("sale %s is still %s at the end", id, v.State)
	}
	return off
}

func (w *world) chargedTwice(a *account) bool {
	n := 0
	for _, number := range a.numbers {
		if p, ok := w.gw.Payment(number); ok && p.Charges > 0 {
			n++
		}
	}
	return n > 1
}

// due is what the customer of a sale owes, by what people want and what cpmd says: between the two where it says that
// it does not know.
func (w *world) due(d *daemon, a *account, v sale.View) (least, most int64) {
	switch {
	case v.State == sale.Paid && v.Delivery == sale.Returned, v.State == sale.NotPaid:
		return 0, 0
	case v.State == sale.Paid && v.Delivery == sale.Returning, v.State == sale.Unresolved:
		most = v.Amount
	case v.State == sale.Paid:
		least, most = v.Amount, v.Amount
	}
	wished := map[string]bool{}
	for id, g := range w.books.refunds {
		if g.own || g.req.Sale != a.req.ID {
			continue
		}
		r, err := d.queue.Refund(context.Background(), id)
		wish := strings.TrimSuffix(id, onceMore)
		switch {
		case err != nil || wished[wish]: // two that are done for one wish give too much back
		case r.State == sale.Refunded:
			wished[wish] = true
			least, most = least-r.Amount, most-r.Amount
		case !r.State.Final():
			least -= r.Amount
		}
	}
	least, most = least-a.byHand, most-a.byHand
	return max(least, 0), max(most, 0)
}
