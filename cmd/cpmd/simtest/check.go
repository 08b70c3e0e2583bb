package simtest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/payment"
	"cpmd/queue/sale"
	"cpmd/till/client"
)

// request judges what leaves cpmd, at the moment when it does.
func (b *books) request(w *world, d *daemon, endpoint string, form url.Values, body []byte) {
	number := form.Get("out_trade_no")
	b.mu.Lock()
	b.requests[number]++
	b.mu.Unlock()
	switch endpoint {
	case "payment":
		b.pay(w, d, form)
	case "reversal", "close":
		b.cancel(w, d, form)
	case "refund":
		b.giveBack(w, d, form)
	case "query":
		if from := form.Get("start_time"); from != "" && from[:7] != w.gw.Now().Format("2006-01") {
			w.saw("month border query")
		}
	}
}

// pay: the row is on disk, the request is what the row says, nothing was sent under the number or with the code
// before, and no other payment of the sale can still take money. (I1-I4)
func (b *books) pay(w *world, d *daemon, form url.Values) {
	number, code := form.Get("out_trade_no"), form.Get("auth_code")
	var saleID, state, currency, lane, hash, outcome string
	var amount int64
	err := d.eye.QueryRow(`SELECT s.id, s.state, s.currency, s.lane, s.amount, p.code_hash, p.outcome FROM payment p
		JOIN sale s ON s.id=p.sale_id WHERE p.out_trade_no=?`, number).Scan(&saleID, &state, &currency, &lane, &amount, &hash, &outcome)
	if err != nil {
		w.wrong("a payment left cpmd and is not in its journal: %s: %v", number, err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.sales[saleID]
	if a == nil {
		w.wrong("payment %s is for a sale that no till asked for: %s", number, saleID)
		return
	}
	if form.Get("txamt") != fmt.Sprint(a.req.Amount) || amount != a.req.Amount || form.Get("txcurrcd") != a.req.Currency {
		w.wrong("payment %s asks for %s %s, the till for %d %s", number, form.Get("txamt"), form.Get("txcurrcd"), a.req.Amount, a.req.Currency)
	}
	if sale.Mask(payment.AuthCode(code)).Hash != hash {
		w.wrong("payment %s carries another code than its row", number)
	}
	if outcome != "" || state != string(sale.Paying) && state != string(sale.Confirming) && state != string(sale.Reversing) {
		w.wrong("payment %s leaves although its sale is %s and it is %q", number, state, outcome)
	}
	if b.numbers[number] != nil {
		w.wrong("payment %s was sent twice", number)
	}
	c := b.cards[code]
	switch {
	case c == nil:
		w.wrong("payment %s carries a code that nobody showed", number)
	case c.number != "" && c.number != number:
		w.wrong("a code was submitted twice: with %s and with %s", c.number, number)
	case !slices.ContainsFunc(c.read, func(r reading) bool { return r.lane == lane && r.at >= a.asked }):
		w.wrong("payment %s of sale %s, opened at %v on lane %s, carries a code that was shown at %v", number, saleID, a.asked, lane, c.read)
	}
	if c != nil {
		c.number = number
	}
	if knob := knobOf(c.behaviourOrNone()); knob != "" {
		a.touch(knob)
		w.saw("surprise: " + c.behaviour)
	}
	for _, other := range a.numbers {
		if p, ok := w.gw.Payment(other); ok && (p.Charged > 0 || p.State == sim.Pending) && !b.lenient(a) {
			w.wrong("payment %s of sale %s leaves while %s is %s at the gateway", number, saleID, other, p.State)
		}
	}
	if a.final != nil {
		w.wrong("payment %s leaves although the till was told that sale %s is %s", number, saleID, a.final.State)
	}
	a.numbers, a.answered = append(a.numbers, number), false
	b.numbers[number] = a
	if len(a.numbers) > 1 {
		w.saw("a fresh code after a declined one")
	}
}

// cancel: nothing is undone that was told as paid. (I7)
func (b *books) cancel(w *world, d *daemon, form url.Values) {
	var saleID, state, outcome string
	if err := d.eye.QueryRow(`SELECT s.id, s.state, p.outcome FROM payment p JOIN sale s ON s.id=p.sale_id WHERE p.out_trade_no=?`,
		form.Get("out_trade_no")).Scan(&saleID, &state, &outcome); err != nil {
		w.wrong("a cancellation of nothing: %v", err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.sales[saleID]
	told := state == string(sale.Paid) || a.final != nil && a.final.State == sale.Paid
	switch {
	case told && b.lenient(a) && outcome != string(sale.OutcomePaid):
		w.saw("a second charge is undone")
	case told:
		w.wrong("sale %s is paid and is being undone", saleID)
	case a.listedPaid > 0 && time.Since(w.begun) > a.listedPaid+time.Second && !a.stopped:
		w.wrong("sale %s is being undone, and QFPay listed it as 0000", saleID)
	}
	a.undone = true
	w.saw("cancel sent")
}

// giveBack: the row is on disk, once, and no more is asked for than was paid.
func (b *books) giveBack(w *world, d *daemon, form url.Values) {
	number := form.Get("out_trade_no")
	var id, saleID, state string
	var amount int64
	if err := d.eye.QueryRow(`SELECT id, sale_id, state, amount FROM refund WHERE out_trade_no=?`, number).Scan(&id, &saleID, &state, &amount); err != nil {
		w.wrong("a refund left cpmd and is not in its journal: %s: %v", number, err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.refunds[id]
	if a := b.sales[saleID]; g == nil && a != nil && b.lenient(a) { // cpmd's own: a sale's goods were not handed over, or the audit found money
		if paidBy := b.syssn[form.Get("syssn")]; a.handed && w.pays(d, paidBy) {
			w.wrong("refund %s is of goods that are handed over", id)
		}
		g = &giving{req: sale.RefundRequest{ID: id, Sale: saleID, Amount: amount}, own: true}
		b.refunds[id] = g
		w.saw("given back by cpmd itself")
	}
	if paidBy := b.syssn[form.Get("syssn")]; g == nil && strings.HasPrefix(id, "back:") && !w.pays(d, paidBy) { // money that the audit found
		g = &giving{req: sale.RefundRequest{ID: id, Sale: saleID, Amount: amount}, own: true}
		b.refunds[id] = g
		w.saw("given back by cpmd itself")
	}
	if saleID, auto := strings.CutPrefix(id, "auto:"); auto && g == nil { // cpmd's own, of a sale whose goods were not handed over
		_, saleID, _ = strings.Cut(saleID, ":")
		if a := b.sales[saleID]; a == nil || a.handed || !a.req.ConfirmDelivery {
			w.wrong("refund %s, which nobody asked for", id)
			return
		}
		g = &giving{req: sale.RefundRequest{ID: id, Sale: saleID, Amount: amount}, own: true}
		b.refunds[id] = g
		w.saw("given back because the goods were not handed over")
	}
	switch {
	case g == nil:
		w.wrong("refund %s, which no till asked for", id)
		return
	case form.Get("txamt") != fmt.Sprint(g.req.Amount) || amount != g.req.Amount:
		w.wrong("refund %s asks for %s, the till for %d", id, form.Get("txamt"), g.req.Amount)
	case g.number != "":
		w.wrong("refund %s was sent twice, with %s and %s", id, g.number, number)
	case state != string(sale.Refunding):
		w.wrong("refund %s leaves although it is %s", id, state)
	}
	g.number = number
	b.backs[number] = g
}

// delivered notes that the customer has the goods: the money must not go back by itself.
func (b *books) delivered(w *world, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sales[id].handed = true
	for _, g := range b.refunds {
		if g.req.Sale == id && strings.HasPrefix(g.req.ID, "auto:") && !b.lenient(b.sales[id]) {
			w.wrong("sale %s: the goods were let go although refund %s is on its way", id, g.req.ID)
		}
	}
}

// look reads the gateway's books on one sale: its customer was charged once at most. (I1)
func (b *books) look(w *world, number string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.numbers[number]; a != nil {
		b.once(w, a)
	}
}

func (b *books) once(w *world, a *account) (kept int64) {
	charged := 0
	for _, number := range a.numbers {
		p, ok := w.gw.Payment(number)
		if !ok {
			continue
		}
		b.syssn[p.SysSN] = number
		if p.Charges > 1 {
			w.wrong("sale %s: the customer was charged %d times with %s", a.req.ID, p.Charges, number)
		}
		if p.Charged+p.Refunded > 0 {
			charged++
		}
		kept += p.Charged + p.Refunded
	}
	if charged > 1 && b.lenient(a) {
		w.saw("charged twice")
	} else if charged > 1 {
		w.wrong("sale %s: the customer was charged by %d payments", a.req.ID, charged)
	}
	return kept
}

// told judges what a till hears, against what tills heard before and against the gateway's books. (I5, I6, I8, I9)
func (b *books) told(w *world, id string, v sale.View) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.sales[id]
	a.unsure = false
	a.told = append(a.told, v)
	if v.ID != id || v.Amount != a.req.Amount || v.Currency != a.req.Currency || v.Lane != a.req.Lane || v.Ticket != a.req.Ticket {
		w.wrong("sale %s is not what the till asked for: %+v", id, v)
	}
	if v.Final != v.State.Final() {
		w.wrong("sale %s: final is %v in %s", id, v.Final, v.State)
	}
	if f := a.final; f != nil && (f.State != v.State || f.Reason != v.Reason || !v.ConfirmDelivery && (f.Seq == v.Seq) != (f.Refunded == v.Refunded && f.Message == v.Message)) {
		w.wrong("sale %s was told as %s %s, and now as %s %s", id, f.State, f.Reason, v.State, v.Reason)
	}
	if v.State == sale.Waiting && a.life == nil {
		a.life = w.current.Load()
	}
	if v.State == sale.Waiting && a.stopped {
		w.wrong("sale %s is cancelled, and waits for a code again", id)
	}
	if !v.Final {
		return
	}
	first := a.final == nil
	a.final = &v
	kept := b.once(w, a)
	switch {
	case b.lenient(a) && v.State == sale.Paid != (kept > 0):
		w.saw("told " + string(v.State) + ", and it is not so")
	case b.lenient(a):
	case v.State == sale.Paid && kept != v.Amount:
		w.wrong("sale %s is told as paid, and the gateway has %d of %d", id, kept, v.Amount)
	case v.State == sale.NotPaid && kept != 0:
		w.wrong("sale %s is told as not paid, and the gateway has %d", id, kept)
	}
	if first && v.Reason == sale.NoScan && a.phone && a.life != nil && a.life == w.current.Load() && !w.sawAny("scanner unplugged mid-code", "clock jump", "disk full",
		"a write fails", "fsync fails", "fsync fails though the write is kept") {
		w.wrong("sale %s ends without a scan, and a phone lay before its scanner", id)
	}
	if first && v.State == sale.Paid && !a.answered {
		w.saw("paid after its answer was lost")
	}
	if first && v.State == sale.Paid && a.undone {
		w.saw("paid although it was being cancelled")
	}
	if first && v.State == sale.NotPaid {
		w.saw("not_paid: " + string(v.Reason))
		for _, number := range a.numbers {
			if p, ok := w.gw.Payment(number); ok && p.Reversed > 0 {
				w.saw("paid and given back before the till was told")
			}
		}
	}
}

// refused judges a refusal that says that another sale stands in the way.
func (b *books) refused(w *world, r sale.Request, e *client.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.Code == sale.CodeUsed {
		if c := b.cards[r.AuthCode.Reveal()]; c == nil || c.number == "" && len(c.read) < 2 {
			w.wrong("sale %s: the code is refused as used, and was not", r.ID)
		}
	}
}

func (b *books) toldRefund(w *world, v sale.RefundView) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.refunds[v.ID]
	if v.Amount != g.req.Amount || v.Sale != g.req.Sale {
		w.wrong("refund %s is not what the till asked for: %+v", v.ID, v)
	}
	if t := g.told; t != nil && t.Final && t.State != v.State {
		w.wrong("refund %s was told as %s, and now as %s", v.ID, t.State, v.State)
	}
	if v.Final && (g.told == nil || !g.told.Final) {
		w.saw(string(v.State))
	}
	g.told = &v
}
