package certify

import (
	"syscall"
	"time"

	"cpmd/queue/sale"
)

// A scenario is one case that a till goes through.
type scenario struct {
	name    string
	timing  timings
	cancels bool // for tills that cancel when they get SIGINT
	play    func(*world)
}

var scenarios = []scenario{
	{name: "paid at once", play: func(w *world) {
		r := w.till()
		w.customer(1, "0000")
		w.expect(r, ruleStop, saysPaid)
	}},
	{name: "confirmed on the phone", play: func(w *world) {
		r := w.till()
		w.customer(1, "0001")
		w.expect(r, ruleStop, saysPaid)
	}},
	{name: "declined, then a fresh code", play: func(w *world) {
		r := w.till()
		w.customer(1, "1202")
		w.customer(2, "0000")
		w.expect(r, ruleFresh, saysPaid)
	}},
	{name: "declined, and no other code", timing: timings{scan: "4s"}, play: func(w *world) {
		r := w.till()
		w.customer(1, "1202")
		w.expect(r, ruleStop, saysNotPaid)
	}},
	{name: "nobody shows a code", timing: timings{scan: "2s"}, play: func(w *world) {
		w.expect(w.till(), ruleStop, saysNotPaid)
	}},
	{name: "the opening request is lost", play: func(w *world) {
		w.front.plan(first(1, putSale, lostRequest))
		r := w.till()
		w.customer(1, "0000")
		w.expect(r, ruleRepeat, saysPaid)
	}},
	{name: "the opening answer is lost", play: func(w *world) {
		w.front.plan(first(2, putSale, lostAnswer))
		r := w.till()
		w.customer(1, "0000")
		w.expect(r, ruleRepeat, saysPaid)
	}},
	{name: "answers are lost while the customer pays", play: func(w *world) {
		w.front.plan(first(3, getSale, lostAnswer))
		r := w.till()
		w.customer(1, "0009")
		w.expect(r, ruleRepeat, saysPaid)
	}},
	{name: "cpmd is in trouble for a moment", play: func(w *world) {
		opening, looking := first(1, putSale, trouble), first(1, getSale, trouble)
		w.front.plan(func(c *call) fate { return max(opening(c), looking(c)) })
		r := w.till()
		w.customer(1, "0001")
		w.expect(r, ruleRepeat, saysPaid)
	}},
	{name: "cpmd restarts in the middle", play: func(w *world) {
		r := w.till()
		w.customer(1, "0009")
		w.sale(is(sale.Confirming))
		w.restart(time.Second)
		w.expect(r, ruleCrash, saysPaid)
	}},
	{name: "the till crashes in the middle", play: func(w *world) {
		r := w.till()
		w.customer(1, "0009")
		w.sale(is(sale.Confirming))
		w.expect(w.crash(r), ruleID, saysPaid)
	}},
	{name: "the till crashes before the customer shows a code", play: func(w *world) {
		r := w.till()
		w.sale(is(sale.Waiting))
		r = w.crash(r)
		w.customer(1, "0000")
		w.expect(r, ruleID, saysPaid)
	}},
	{name: "asked again after it was paid", play: func(w *world) {
		r := w.till()
		w.customer(1, "0000")
		w.expect(r, ruleStop, saysPaid)
		w.expect(w.till(), ruleSame, saysPaid)
	}},
	{name: "not confirmed in time, then paid", timing: timings{confirm: "2s", giveUp: "4s"}, play: func(w *world) {
		r := w.till()
		w.customer(1, "0053") // never confirmed, and QFPay cannot cancel it
		v := w.sale(is(sale.Unresolved))
		w.expectSoon(r, ruleNotKnown, saysNotKnown)
		if w.complete(v) {
			w.expect(w.till(), ruleID, saysPaid)
		}
	}},
	{name: "the lane is busy", play: func(w *world) {
		w.newIDs = true // nothing was opened under the first
		v := w.other(sale.Request{ID: "other", Amount: 500, Ticket: "other"})
		r := w.till()
		w.asks(putSale, 1)
		if !w.endsIn(r, 3*time.Second) { // it waits for the lane
			w.free(v)
			w.customer(1, "0000")
		}
		w.expect(r, ruleBusy, saysNotPaid, saysNotKnown, saysPaid)
	}},
	{name: "another sale of the bill is not decided", timing: timings{confirm: "2s", giveUp: "4s"}, play: func(w *world) {
		w.newIDs = true
		w.pay(w.other(sale.Request{ID: "earlier", Amount: w.bill.Amount, Ticket: w.bill.Ticket}), "0053", sale.Unresolved)
		w.expectSoon(w.till(), ruleAsked, saysNotKnown)
	}},
	{name: "the bill was paid today already", play: func(w *world) {
		w.newIDs = true
		w.pay(w.other(sale.Request{ID: "earlier", Amount: w.bill.Amount, Ticket: w.bill.Ticket}), "0000", sale.Paid)
		w.expectSoon(w.till(), rulePaidToday, saysNotKnown, saysPaid)
	}},
	{name: "the id was used for another bill", play: func(w *world) {
		w.newIDs = true
		r := w.till()
		w.customer(1, "0000")
		w.expect(r, ruleStop, saysPaid)
		w.next(bill{ID: w.bill.ID, Amount: w.bill.Amount + 1000})
		r = w.till()
		w.asks(putSale, 1)
		if !w.endsIn(r, 3*time.Second) { // it took an id of its own
			w.customer(1, "0000")
		}
		w.expect(r, ruleReused, saysNotKnown, saysMisused, saysPaid)
	}},
	{name: "somebody cancels before a code is shown", play: func(w *world) {
		r := w.till()
		w.cancel(w.sale(is(sale.Waiting)))
		w.expect(r, ruleStop, saysNotPaid)
	}},
	{name: "somebody cancels as the customer pays", play: func(w *world) {
		r := w.till()
		w.customer(1, "0051") // the customer is faster than the cancel
		w.cancel(w.sale(is(sale.Confirming)))
		w.expect(r, ruleStop, saysPaid)
	}},
	{name: "the till cancels before a code is shown", cancels: true, play: func(w *world) {
		r := w.till()
		w.sale(is(sale.Waiting))
		w.interrupt(r)
		w.expect(r, ruleCancel, saysNotPaid)
	}},
	{name: "the till cancels as the customer pays", cancels: true, play: func(w *world) {
		r := w.till()
		w.customer(1, "0051")
		w.sale(is(sale.Confirming))
		w.interrupt(r)
		w.expect(r, ruleCancel, saysPaid)
	}},
	{name: "answers have new fields", play: func(w *world) {
		w.front.plan(func(*call) fate { return grown })
		r := w.till()
		w.customer(1, "0001")
		w.expect(r, ruleNewFields, saysPaid)
	}},
	{name: "the event position is of an earlier journal", play: func(w *world) {
		r := w.till()
		w.customer(1, "0009")
		w.expect(r, ruleStop, saysPaid)
		w.newJournal()
		w.next(bill{ID: w.bill.ID + "-2", Amount: w.bill.Amount})
		r = w.till()
		w.customer(1, "0000")
		w.expect(r, ruleReset, saysPaid)
	}},
}

// next goes on to another bill: what was asked for the last one is judged no more.
func (w *world) next(b bill) {
	b.Currency, b.Ticket = w.bill.Currency, w.bill.Ticket+"-2"
	w.bill = b
	w.front.forget()
}

// expectSoon expects an end within a time that a till may go on asking for.
func (w *world) expectSoon(r *run, broken rule, wanted ...verdict) {
	w.asks(putSale, 1)
	if w.err != nil {
		return
	}
	if w.endsIn(r, patience) {
		w.expect(r, broken, wanted...)
		return
	}
	r.kill() // a till that goes on asking has not said anything wrong
	w.left = false
}

// patience is how long a till may go on asking about what is not decided.
const patience = 5 * time.Second

// endsIn reports whether the till ends within a time.
func (w *world) endsIn(r *run, d time.Duration) bool {
	if w.err != nil {
		return true
	}
	select {
	case <-r.ended:
		return true
	case <-time.After(d):
		return false
	}
}

func (w *world) cancel(v sale.View) {
	if w.stuck() {
		return
	}
	_, err := w.st.Till.CancelSale(w.ctx, v.ID)
	w.fail(err)
}

// interrupt presses Ctrl-C at the till, which should cancel.
func (w *world) interrupt(r *run) {
	if w.stuck() {
		return
	}
	r.signal(syscall.SIGINT)
	w.asks(cancelSale, 1)
}

// complete lets the customer of an undecided sale pay after all, and waits until cpmd knows.
func (w *world) complete(v sale.View) bool {
	if w.stuck() || len(v.Payments) == 0 {
		return false
	}
	w.fail(w.st.Complete(v.Payments[len(v.Payments)-1].OutTradeNo))
	for w.err == nil && !v.Final {
		_, err := w.st.Till.AskNow(w.ctx, v.ID)
		if err == nil {
			v, err = w.st.Till.WaitSale(w.ctx, v.ID, v.Seq, time.Second)
		}
		w.fail(err)
	}
	return w.err == nil
}

// crash ends the till as a power cut does, and starts it again. One that has ended already is left alone.
func (w *world) crash(r *run) *run {
	if w.stuck() {
		return r
	}
	r.kill()
	return w.till()
}

// free ends a sale that holds the lane.
func (w *world) free(v sale.View) {
	if w.err != nil {
		return
	}
	now, err := w.st.Till.Sale(w.ctx, v.ID)
	w.fail(err)
	if !now.Final { // the till may have cancelled it
		w.pay(now, "0000", sale.Paid)
	}
}
