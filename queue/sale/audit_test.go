package sale

import (
	"testing"
	"time"

	"cpmd/payment"
)

// declined is a sale that waits again because its first payment was declined.
func declined(t *testing.T) *life {
	l := begin(t)
	l.answer("N1", signed)
	l.shows("N1", nothing)
	l.pass(3 * time.Second)
	l.shows("N1", nothing)
	l.is(Waiting)
	return l
}

// due lets the next look happen when it is due.
func (l *life) due() {
	l.Helper()
	if at := l.s.Due(); at.After(l.at) {
		l.at = at
	}
	l.step(Event{Kind: Due})
}

// Each ended payment is looked at as often as configured, at these times from its end, and then no more.
func TestAuditLooks(t *testing.T) {
	l := declined(t)
	l.step(Event{Kind: CancelAsked})
	l.is(NotPaid)
	end := l.at
	for _, after := range l.Audit {
		at := l.s.Due()
		if d := at.Sub(end); d < after || d > after+after/10+5*time.Second {
			t.Fatalf("looked at after %v, want %v", d, after)
		}
		l.due()
		l.does(QueryPayment)
		l.shows("N1", nothing)
	}
	if !l.s.Due().IsZero() {
		t.Errorf("one more look at %v", l.s.Due())
	}
}

// A look that brings no certainty is repeated at the slow pace; if it never does, a person is called once.
func TestUnclearAudit(t *testing.T) {
	l := declined(t)
	l.step(Event{Kind: CancelAsked})
	calls, looks := 0, 0
	for ; !l.s.Due().IsZero(); looks++ {
		if looks > 2*mostAudits {
			t.Fatal("it never ends")
		}
		l.due()
		l.shows("N1", payment.QueryResult{Answer: says(payment.Unknown)})
		for _, e := range l.effects {
			if e.Kind == RaiseAlarm {
				calls++
			}
		}
	}
	if calls != 1 || looks != mostAudits {
		t.Errorf("%d alarms after %d looks", calls, looks)
	}
}

// Money that shows up while the sale waits pays it; nothing is charged again.
func TestMoneyFoundWhileWaiting(t *testing.T) {
	l := declined(t)
	l.shows("N1", listed(payment.Paid))
	l.is(Paid)
	l.alarmed(true)
	if l.s.Payments[0].Outcome != OutcomePaid {
		t.Errorf("%+v", l.s.Payments)
	}
}

// Money that shows up while the next payment is under way: that one is cancelled; if it is paid too, the first goes back.
func TestMoneyFoundBesideAnother(t *testing.T) {
	for _, second := range []payment.Meaning{payment.Paid, payment.Undone} {
		l := declined(t)
		l.pay("N2")
		l.answer("N2", says(payment.Pending))
		l.shows("N1", listed(payment.Paid))
		l.alarmed(true)
		l.does(CancelPayment)
		if second == payment.Undone {
			l.step(Event{Kind: CancelAnswered, Payment: "N2", Answer: &payment.Answer{Meaning: payment.Undone}})
			l.shows("N2", listed(payment.Undone))
			l.is(Paid)
			if l.s.Payments[0].Outcome != OutcomePaid || l.s.Payments[1].Outcome != OutcomeReversed {
				t.Errorf("%+v", l.s.Payments)
			}
			continue
		}
		l.step(Event{Kind: CancelAnswered, Payment: "N2", Answer: &payment.Answer{Meaning: payment.Refused, RespCD: payment.AlreadyPaid}})
		l.shows("N2", listed(payment.Paid))
		l.is(Paid)
		l.due()
		l.does(QueryPayment)
		l.shows("N1", listed(payment.Paid))
		l.does(GiveBack)
		l.step(Event{Kind: GaveBack, Payment: "N1", Done: true})
		l.shows("N1", listed(payment.Paid))
		l.does()
	}
}

// An operator decides that a sale is paid, and then QFPay shows an earlier payment of it as paid. It may be the one that the operator
// saw: its money goes back only after a while, and not if a person says that it is all there is.
func TestSecondChargeBesideADecision(t *testing.T) {
	unresolved := func(t *testing.T) *life {
		l := declined(t)
		l.pay("N2")
		l.answer("N2", says(payment.Unknown))
		l.pass(l.GiveUp)
		l.step(Event{Kind: Due})
		l.is(Unresolved)
		return l
	}
	word := Event{Kind: Decided, Outcome: Paid, Note: "seen in the portal"}
	for _, first := range []string{"decided", "found"} {
		t.Run(first+" first", func(t *testing.T) {
			for _, objects := range []bool{false, true} {
				l := unresolved(t)
				if first == "decided" {
					l.step(word)
					l.shows("N1", listed(payment.Paid))
				} else {
					l.shows("N1", listed(payment.Paid))
					l.step(word)
				}
				l.is(Paid)
				l.alarmed(true)
				l.does()
				if objects {
					l.settle("only N1 is paid", besideDecision)
				}
				l.pass(l.GiveBack)
				l.shows("N1", listed(payment.Paid))
				if objects {
					l.does()
				} else {
					l.does(GiveBack)
				}
			}
		})
	}
}

// A late "paid" to a payment that was taken for dead is money found.
func TestLateAnswerIsMoneyFound(t *testing.T) {
	l := declined(t)
	l.pay("N2")
	l.answer("N2", says(payment.Paid))
	l.is(Paid)
	a := says(payment.Paid)
	a.SysSN = "S1"
	l.answer("N1", a)
	l.alarmed(true)
	l.does(GiveBack)
	a.Meaning = payment.Declined
	l.answer("N1", a)
	l.alarmed(false)
}

// Money of a sale that was told as not paid goes back after a while, unless a person objects in time.
func TestGiveBackWaits(t *testing.T) {
	found := func(t *testing.T) *life {
		l := declined(t)
		l.step(Event{Kind: CancelAsked})
		l.is(NotPaid)
		l.shows("N1", listed(payment.Paid))
		l.alarmed(true)
		l.does()
		return l
	}
	t.Run("nobody objects", func(t *testing.T) {
		l := found(t)
		l.pass(l.GiveBack - 1)
		l.shows("N1", listed(payment.Paid))
		l.does()
		l.pass(1)
		l.shows("N1", listed(payment.Paid))
		l.does(GiveBack)
		l.alarmed(false)
	})
	t.Run("a person objects", func(t *testing.T) {
		l := found(t)
		l.settle("the goods went out", toldNotPaid)
		l.pass(l.GiveBack)
		l.shows("N1", listed(payment.Paid))
		l.does()
		if !l.s.Due().IsZero() {
			t.Error("it is looked at for ever")
		}
	})
	t.Run("a person settles another alarm of the payment", func(t *testing.T) {
		l := found(t)
		l.settle("seen", "QFPay lists this payment, which ended here as declined, with values that cpmd does not know")
		l.pass(l.GiveBack)
		l.shows("N1", listed(payment.Paid))
		l.does(GiveBack)
	})
	t.Run("too late to object", func(t *testing.T) {
		l := found(t)
		l.pass(l.GiveBack)
		l.settle("the goods went out", toldNotPaid)
		l.shows("N1", listed(payment.Paid))
		l.does(GiveBack)
	})
	t.Run("never", func(t *testing.T) {
		l := declined(t)
		l.GiveBack = -1
		l.step(Event{Kind: CancelAsked})
		l.shows("N1", listed(payment.Paid))
		l.alarmed(true)
		l.pass(24 * time.Hour)
		l.shows("N1", listed(payment.Paid))
		l.does()
	})
	t.Run("without QFPay's number", func(t *testing.T) {
		l := declined(t)
		l.step(Event{Kind: CancelAsked})
		f := listed(payment.Paid)
		f.SysSN = ""
		l.shows("N1", f)
		l.pass(l.GiveBack)
		l.shows("N1", f)
		l.does()
		l.alarmed(true) // a person must do it
	})
}

// A refusal to take money back calls a person once and is tried again.
func TestGiveBackRefused(t *testing.T) {
	l := declined(t)
	l.step(Event{Kind: CancelAsked})
	l.shows("N1", listed(payment.Paid))
	l.pass(l.GiveBack)
	for n := range 2 * len(l.FollowUp) {
		l.shows("N1", listed(payment.Paid))
		l.does(GiveBack)
		l.step(Event{Kind: GaveBack, Payment: "N1", Refund: "back"})
		l.alarmed(n == 0)
		want := l.FollowUp[min(n+1, len(l.FollowUp)-1)]
		if d := l.s.Due().Sub(l.at); d < want || d > want*11/10 {
			t.Errorf("try %d again after %v, want %v", n, d, want)
		}
		l.pass(2 * time.Hour)
	}
}

// Money that QFPay shows as gone from a paid sale calls a person once; what was refunded here explains it.
func TestMoneyMissing(t *testing.T) {
	paid := func(t *testing.T) *life {
		l := begin(t)
		l.answer("N1", says(payment.Paid))
		l.is(Paid)
		return l
	}
	l := paid(t)
	l.shows("N1", listed(payment.Undone))
	l.alarmed(true)
	l.is(Paid)
	l.shows("N1", listed(payment.Undone))
	l.alarmed(false)
	l = paid(t)
	l.step(Event{Kind: GivenBack, Amount: 100})
	l.shows("N1", listed(payment.Undone))
	l.alarmed(false)
	l = paid(t)
	l.step(Event{Kind: GivenBack, Amount: 40})
	f := listed(payment.Undone)
	l.step(Event{Kind: QueryAnswered, Payment: "N1", Query: &f, UnderWay: 60})
	l.alarmed(false)
	f = listed(payment.Undone)
	l.step(Event{Kind: QueryAnswered, Payment: "N1", Query: &f, UnderWay: 59})
	l.alarmed(true)
}

// An order that is still open is closed once, though never one that QFPay lists as successful.
func TestAuditCloses(t *testing.T) {
	l := declined(t)
	l.step(Event{Kind: CancelAsked})
	l.shows("N1", listed(payment.Pending))
	l.does(CancelPayment)
	l.shows("N1", listed(payment.Pending))
	l.does()
	l = declined(t)
	l.step(Event{Kind: CancelAsked})
	f := listed(payment.Pending)
	f.Success = true
	l.shows("N1", f)
	l.does()
}

// An audit whose query brings nothing back is repeated; without times for it there is none.
func TestAuditIsNotForgotten(t *testing.T) {
	l := declined(t)
	l.step(Event{Kind: CancelAsked})
	l.due()
	l.does(QueryPayment)
	if at := l.s.Due(); !at.Equal(l.at.Add(l.Answer + l.Guard)) {
		t.Errorf("asked again at %v, now is %v", at, l.at)
	}
	l = begin(t)
	l.Audit = nil
	l.answer("N1", signed)
	l.shows("N1", nothing)
	l.pass(l.Apart)
	l.shows("N1", nothing)
	l.step(Event{Kind: CancelAsked})
	l.is(NotPaid)
	if !l.s.Due().IsZero() {
		t.Errorf("looked at again at %v", l.s.Due())
	}
}

// Goods that are not handed over in time are paid back, until nothing is left; a hand-over in time ends the wait.
func TestDeliveryInTime(t *testing.T) {
	sold := func() *life {
		l := begin(t)
		l.s.ConfirmDelivery = true
		a := says(payment.Paid)
		a.SysSN = "S1"
		l.answer("N1", a)
		l.is(Paid)
		if l.s.Delivery != Awaited || !l.s.NextAt.Equal(l.at.Add(l.Deliver)) {
			t.Fatalf("%s until %v", l.s.Delivery, l.s.NextAt)
		}
		return l
	}
	l := sold()
	l.at = l.s.NextAt.Add(-1)
	l.step(Event{Kind: Due})
	l.does()
	l.step(Event{Kind: DeliveryConfirmed})
	if l.s.Delivery != Delivered || !l.s.NextAt.IsZero() {
		t.Errorf("%s until %v", l.s.Delivery, l.s.NextAt)
	}
	l = sold()
	l.pass(time.Minute)
	l.step(Event{Kind: Restarted})
	if !l.s.NextAt.Equal(l.at.Add(l.Deliver)) {
		t.Errorf("after a restart until %v, now is %v", l.s.NextAt, l.at)
	}
	l.at = l.s.NextAt
	for n := range 3 {
		l.step(Event{Kind: Due})
		l.does(ReturnMoney)
		want := l.FollowUp[n]
		if !l.s.NextAt.Equal(l.at.Add(want)) {
			t.Errorf("tried again at %v, now is %v", l.s.NextAt, l.at)
		}
		l.step(Event{Kind: DeliveryConfirmed})
		if l.s.Delivery != Returning {
			t.Fatalf("%s while the money goes back", l.s.Delivery)
		}
		l.at = l.s.NextAt
	}
	l.step(Event{Kind: GivenBack, Amount: 40})
	if l.s.Delivery != Returning {
		t.Errorf("%s with 60 left", l.s.Delivery)
	}
	l.step(Event{Kind: GivenBack, Amount: 60})
	if l.s.Delivery != Returned || !l.s.NextAt.IsZero() {
		t.Errorf("%s until %v", l.s.Delivery, l.s.NextAt)
	}
}

// settle is a person settling the alarm about the first payment that begins so.
func (l *life) settle(note, begins string) {
	l.step(Event{Kind: AlarmSettled, Payment: "N1", Alarm: begins + " ...", Note: note})
}
