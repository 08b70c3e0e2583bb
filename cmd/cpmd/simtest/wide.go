package simtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cpmd/cmd/qfpaysim/sim"
)

// audited reports whether cpmd looks again at what has ended and keeps its alarms until somebody settles them
// (GET /v1/alarms). Without both nobody can keep what the wider world asks for, and it stays narrow.
const audited = true

// A wide world is wider than the rules: in it nothing holds that QFPay's pages or a till's manual say. No client can
// prove at the moment what is so then, so it is asked for less, and later: see outofpocket.go. Each field is how likely
// something is; a run has few of them, and half of the runs none.
type wide struct {
	// What a payment's code makes QFPay do, see sim.Surprises.
	Revived    float64 // a declined or closed payment is paid later
	BookedLate float64 // the call comes into the books minutes after it was sent or answered
	ListsLie   float64 // lists lag, flap or lack it
	Odd        float64 // it is listed with values that no page knows
	CancelLate float64 // a cancellation takes effect when nobody waits for it any more
	RefundOdd  float64 // likewise a refund, or it is done and denied

	VeryLate float64 // a request of any kind arrives up to half an hour later

	// What QFPay does to everybody.
	Busy     float64 // HTTP 429 for a while
	Unsigned float64 // answers lose their signatures
	Forged   float64 // or are signed wrongly for a while
	Fields   float64 // they are signed by their fields
	Pages    float64 // pages hold as many items as QFPay likes, and the last one may be repeated
	Lag      float64 // all lists are seconds late

	// People.
	Operator float64 // an operator decides without having looked
	HandOver float64 // a machine hands over before it asks, or without asking
	Phone    float64 // a phone lies before the scanner, and is read all the time, from before its sale is opened
	Staff    float64 // staff refund at any moment
	Portal   float64 // or by hand, where cpmd is not told
	Dead     float64 // a customer completes an order that QFPay called dead
}

// newWide draws the knobs of a run.
func newWide(l luck) (k wide) {
	if l.of("wide").IntN(2) == 0 {
		return wide{}
	}
	draw(l, "wide", &k)
	k.HandOver = min(1, 4*k.HandOver)                                                                                // few sales are a machine's
	for _, p := range []*float64{&k.Busy, &k.Unsigned, &k.Forged, &k.Pages, &k.Lag, &k.Fields, &k.Portal, &k.Dead} { // once to a run
		*p = min(1, 4**p)
	}
	return k
}

// groupOf names the knob that a surprise belongs to.
func (k wide) groupOf(surprise string) (knob string, p float64) {
	for _, g := range []struct {
		knob     string
		p        float64
		prefixes string
	}{
		{"revived", k.Revived, "revived"},
		{"booked late", k.BookedLate, "unsure- late-"},
		{"lists lie", k.ListsLie, "list-"},
		{"cancel late", k.CancelLate, "reversal- cancel-copy"},
		{"refund odd", k.RefundOdd, "refund-"},
	} {
		for prefix := range strings.FieldsSeq(g.prefixes) {
			if strings.HasPrefix(surprise, prefix) {
				return g.knob, g.p
			}
		}
	}
	return "odd", k.Odd
}

// surprise chooses what a payment's code makes the gateway do against every rule; "" for nothing.
func (w *world) surprise(id string, n int) string {
	if w.wide == (wide{}) {
		return ""
	}
	groups := map[string][]string{}
	var knobs []string
	for _, s := range sim.Surprises() {
		if s == "fields-signed" && w.net.unsigned {
			continue // once an answer was signed, no other one without a signature is believed
		}
		knob, p := w.wide.groupOf(s)
		if p > 0 && groups[knob] == nil {
			knobs = append(knobs, knob)
		}
		groups[knob] = append(groups[knob], s)
	}
	for _, knob := range knobs {
		_, p := w.wide.groupOf(groups[knob][0])
		if name := fmt.Sprintf("%s code %d: %s", id, n, knob); w.chance(name, p) {
			all := groups[knob]
			return all[w.luck.of(name).IntN(len(all))]
		}
	}
	return ""
}

// knobOf tells which knob a behaviour belongs to; "" for those that keep to QFPay's pages.
func knobOf(behaviour string) string {
	if !slices.Contains(sim.Surprises(), behaviour) || behaviour == "fields-signed" {
		return ""
	}
	knob, _ := wide{}.groupOf(behaviour)
	return knob
}

// widen sets what the gateway does to everybody from the beginning.
func (w *world) widen(cfg *sim.Config) {
	r := w.luck.of("wide habits")
	if w.chance("pages as QFPay likes", w.wide.Pages) {
		cfg.Habits.PageSize, cfg.Habits.PageRepeats = 1+r.IntN(7), r.IntN(3) == 0
		w.saw("pages as QFPay likes")
	}
	if w.chance("lists are late", w.wide.Lag) {
		cfg.Habits.ListLag = sim.Duration(between(r, time.Second, 20*time.Second))
		w.books.touchAll("lists are late")
		w.saw("lists are late")
	}
	if w.chance("answers are signed by their fields", w.wide.Fields) {
		cfg.AnswerSign = "fields"
		w.saw("answers signed by their fields")
	}
}

// surprises are what comes over everybody, or over one payment from outside, at its time.
func (w *world) surprises(add func(kind string, p float64, most int, do func(n int))) {
	add("QFPay is busy", w.wide.Busy, 2, func(n int) {
		d := between(w.luck.of("busy", n), 5*time.Second, 3*time.Minute)
		w.note("QFPay is busy for %v", d.Round(time.Second))
		w.saw("HTTP 429 for a while")
		w.habit(func(h *sim.Habits) { h.Busy = sim.Duration(d) })
	})
	add("answers lose their signatures", w.wide.Unsigned, 1, func(int) {
		if w.net.unsigned {
			return
		}
		w.note("answers are not signed any more")
		w.saw("answers lose their signatures")
		w.books.touchAll("unsigned")
		w.habit(func(h *sim.Habits) { h.AnswerSign = "none" })
	})
	add("answers are signed wrongly", w.wide.Forged, 1, func(n int) {
		if w.net.unsigned {
			return
		}
		d := between(w.luck.of("forged", n), 5*time.Second, 3*time.Minute)
		w.note("answers are signed wrongly for %v", d.Round(time.Second))
		w.saw("answers are signed wrongly")
		w.habit(func(h *sim.Habits) { h.AnswerSign = "wrong" })
		w.helpers.Go(func() {
			time.Sleep(d)
			if w.gw.Habits().AnswerSign == "wrong" {
				w.habit(func(h *sim.Habits) { h.AnswerSign = w.signs })
			}
		})
	})
	add("a dead order is completed", w.wide.Dead, 3, w.completeDead)
	add("staff at the portal", w.wide.Portal, 3, w.atPortal)
}

func (w *world) habit(change func(*sim.Habits)) {
	h := w.gw.Habits()
	h.Busy = 0
	change(&h)
	if err := w.gw.SetHabits(h); err != nil {
		w.wrong("habits: %v", err)
	}
}

// honest ends what no client can see through however long it waits: lists that lack what is booked, and answers that
// prove nothing.
func (w *world) honest() {
	if w.wide == (wide{}) {
		return
	}
	w.habit(func(h *sim.Habits) { h.AnswerSign = w.signs })
	for _, p := range w.gw.Ledger().Payments {
		if strings.HasPrefix(p.Behaviour, "list-") && p.State != sim.Absent {
			if err := w.gw.Do(sim.Deed{Relist: p.OutTradeNo}); err != nil {
				w.wrong("relisting: %v", err)
			}
		}
	}
}

// completeDead: the customer of an order that was declined or closed pays it after all.
func (w *world) completeDead(n int) {
	var dead []string
	for _, p := range w.gw.Ledger().Payments {
		if p.State == sim.Declined || p.State == sim.Closed {
			dead = append(dead, p.OutTradeNo)
		}
	}
	if len(dead) == 0 {
		return
	}
	number := dead[w.luck.of("dead", n).IntN(len(dead))]
	w.books.touch(number, "completed")
	if err := w.gw.Do(sim.Deed{Complete: number}); err != nil {
		w.wrong("completing: %v", err)
		return
	}
	w.note("the customer completes %s, which was dead", number)
	w.saw("a dead order is completed")
	w.books.look(w, number)
}

// nextDay is the number of the deed at the portal that comes the day after.
const nextDay = 90

// atPortal: staff give money back, or undo a payment, where cpmd is not told.
func (w *world) atPortal(n int) {
	r := w.luck.of("portal", n)
	var paid []sim.Payment
	for _, p := range w.gw.Ledger().Payments {
		if p.State == sim.Paid && w.books.toldPaidBy(w, p.OutTradeNo) {
			paid = append(paid, p)
		}
	}
	if len(paid) == 0 {
		return
	}
	p := paid[r.IntN(len(paid))]
	amount := p.Charged
	deed := sim.Deed{Refund: p.OutTradeNo, Number: fmt.Sprintf("PORTAL%d", n)}
	if r.IntN(2) == 0 {
		amount = 1 + r.Int64N(amount)
		deed.Amount = amount
	}
	switch r.IntN(5) {
	case 0:
		if deed.Quiet = n != nextDay && p.Refunded == 0; deed.Quiet { // the next day nobody asks for a sale of the day before
			deed.Amount, amount = 0, p.Charged // a part that no item shows beside another part shows nowhere: nobody can find it
		}
	case 1:
		if n != nextDay {
			deed, amount = sim.Deed{Reverse: p.OutTradeNo}, p.Charged
		}
	}
	w.books.touch(p.OutTradeNo, "portal")
	if err := w.gw.Do(deed); err != nil {
		w.wrong("at the portal: %v", err)
		return
	}
	w.books.byHand(p.OutTradeNo, amount)
	w.note("staff give back %d of %s at the portal", amount, p.OutTradeNo)
	w.saw("given back at the portal")
	if deed.Reverse != "" {
		w.saw("reversed at the portal")
	}
}

// night lets time go on until the day has ended, and with it the audit and the reconciliation of all that was. The
// portal is open the next day too.
func (w *world) night() {
	if w.o.Script != nil {
		return
	}
	w.note("--- night ---")
	if w.wide == (wide{}) {
		w.hangUp() // a listener costs more than all else that goes on then
	}
	time.Sleep(time.Hour) // what came very late is listed from now on, too
	w.honest()
	if w.wide.Portal > 0 && w.luck.of("next day").IntN(2) == 0 {
		time.Sleep(between(w.luck.of("next day"), 2*time.Hour, 20*time.Hour))
		w.atPortal(nextDay)
		w.saw("the portal on the next day")
	}
	time.Sleep(42 * time.Hour) // to the next day's end, also by a clock that is half a day late
}
