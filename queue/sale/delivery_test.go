package sale

import (
	"testing"
	"time"

	"cpmd/payment"
)

// goodsPaid is a machine's sale that is paid and whose goods are to be handed over.
func goodsPaid(t *testing.T) *life {
	l := begin(t)
	l.s.ConfirmDelivery = true
	l.answer("N1", payment.Answer{Meaning: payment.Paid, SysSN: "S1"})
	l.is(Paid)
	return l
}

// Nothing is to come any more for a final sale, unless its goods or its money still are.
func TestDone(t *testing.T) {
	for _, c := range []struct {
		state    State
		delivery Delivery
		want     bool
	}{
		{Waiting, NoDelivery, false}, {Confirming, NoDelivery, false}, {Unresolved, NoDelivery, false}, {NotPaid, NoDelivery, true}, {Paid, NoDelivery, true},
		{Paid, Awaited, false}, {Paid, Returning, false}, {Paid, Delivered, true}, {Paid, Returned, true},
	} {
		if got := (&Sale{State: c.state, Delivery: c.delivery}).Done(); got != c.want {
			t.Errorf("%s %s: %v", c.state, c.delivery, got)
		}
	}
}

// The machine's time is told while the goods are awaited, and only then.
func TestDeliverByIsTold(t *testing.T) {
	l := goodsPaid(t)
	if v := ViewOf(l.s, l.Rules); v.DeliverBy == nil || !v.DeliverBy.Equal(Shown(l.at.Add(l.Deliver))) {
		t.Errorf("deliver by %v", v.DeliverBy)
	}
	l.due()
	if v := ViewOf(l.s, l.Rules); v.Delivery != Returning || v.DeliverBy != nil {
		t.Errorf("%s, deliver by %v", v.Delivery, v.DeliverBy)
	}
}

// A payment under way is shown in the state of its sale, an ended one with its own outcome.
func TestPaymentStateIsTold(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.Pending))
	if got := ViewOf(l.s, l.Rules).Payments[0].State; got != string(Confirming) {
		t.Errorf("under way: %q", got)
	}
	l = declined(t)
	if got := ViewOf(l.s, l.Rules).Payments[0].State; got != string(OutcomeDeclined) {
		t.Errorf("ended: %q", got)
	}
}

// Staff who gave the money back by hand leave nothing to be given back.
func TestNothingLeftToReturn(t *testing.T) {
	l := goodsPaid(t)
	l.s.Refunded = l.s.Amount // as journals before this rule may hold it
	l.due()
	l.does()
	if l.s.Delivery != Returned || !l.s.NextAt.IsZero() {
		t.Errorf("%s until %v", l.s.Delivery, l.s.NextAt)
	}
	l = goodsPaid(t)
	l.step(Event{Kind: GivenBack, Amount: l.s.Amount})
	if l.s.Delivery != Returned || !l.s.NextAt.IsZero() {
		t.Errorf("%s until %v", l.s.Delivery, l.s.NextAt)
	}
	l = goodsPaid(t)
	l.step(Event{Kind: DeliveryConfirmed})
	l.step(Event{Kind: GivenBack, Amount: l.s.Amount}) // a customer who brings the goods back
	if l.s.Delivery != Delivered {
		t.Errorf("%s after a refund of delivered goods", l.s.Delivery)
	}
}

// Money that QFPay does not take back is tried often at first, and then about once a day.
func TestReturnsSlowDown(t *testing.T) {
	l := goodsPaid(t)
	for n := range mostReturns + 3 {
		l.due()
		l.does(ReturnMoney)
		want := l.FollowUp[min(n, len(l.FollowUp)-1)]
		if n >= mostReturns {
			want = returnAgain
		}
		if d := l.s.NextAt.Sub(l.at); d != want {
			t.Errorf("try %d again after %v, want %v", n, d, want)
		}
	}
}

// Without QFPay's number nothing can be refunded: a person is told, once.
func TestReturnWithoutTheNumber(t *testing.T) {
	l := goodsPaid(t)
	l.s.Payments[0].SysSN, l.s.Payments[0].Progress.Audit.SysSN = "", ""
	l.due()
	l.does()
	l.alarmed(true)
	l.pass(time.Hour)
	l.due()
	l.does()
	l.alarmed(false)
}
