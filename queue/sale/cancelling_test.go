package sale

import (
	"testing"
	"time"

	"cpmd/payment"
)

// cancelling is a sale whose cancellation is under way.
func cancelling(t *testing.T) *life {
	l := begin(t)
	l.answer("N1", says(payment.Pending))
	l.step(Event{Kind: CancelAsked})
	l.does(CancelPayment)
	return l
}

// When another cancellation may be sent, by what came back of the last one.
func TestWhenItIsCancelledOnceMore(t *testing.T) {
	for _, c := range []struct {
		a    payment.Answer
		rest time.Duration // -1: never while the cashier waits
	}{
		{says(payment.Undone), -1},
		{says(payment.Pending), -1},
		{says(payment.Paid), -1},
		{says(payment.Unknown), 40 * time.Second},
		{says(payment.Refused), 15 * time.Second},
		{says(payment.Declined), 15 * time.Second},
		{says(payment.Misconfigured), 15 * time.Second},
		{says(payment.NotFound), 15 * time.Second},
		{payment.Answer{Meaning: payment.Refused, RespCD: payment.AlreadyPaid}, 15 * time.Second},
		{says(payment.NotSent), 0},
	} {
		l := cancelling(t)
		l.cancelled(c.a)
		l.does(QueryPayment)
		if c.rest > 0 {
			l.pass(c.rest - 1)
			l.shows("N1", listed(payment.Pending))
			l.does()
			l.pass(1)
		}
		if c.rest < 0 {
			l.pass(time.Minute)
			l.shows("N1", listed(payment.Pending))
			l.does()
			continue
		}
		l.shows("N1", listed(payment.Pending))
		l.does(CancelPayment)
	}
}

// When "paid" is believed after a cancellation came back so: at once, after two looks, or only when it had its window.
func TestPaidAfterACancellation(t *testing.T) {
	for _, c := range []struct {
		a      payment.Answer
		window bool
		looks  int
	}{
		{says(payment.Undone), true, 2},
		{says(payment.Pending), true, 2},
		{says(payment.Paid), true, 2},
		{says(payment.Unknown), true, 2},
		{says(payment.Declined), false, 2},
		{says(payment.Misconfigured), false, 2},
		{says(payment.NotFound), false, 2},
		{says(payment.NotSent), false, 1},
	} {
		l := cancelling(t)
		l.cancelled(c.a)
		if c.window {
			for range 3 {
				l.pass(l.Apart)
				l.shows("N1", listed(payment.Paid))
				l.is(Reversing)
			}
			l.pass(l.Answer)
		}
		for range c.looks - 1 {
			l.shows("N1", listed(payment.Paid))
			l.is(Reversing)
			l.pass(l.Apart)
		}
		l.shows("N1", listed(payment.Paid))
		l.is(Paid)
	}
}

// While a cancellation is under way, or an earlier one may still take effect, no number of looks proves "paid".
func TestPaidUnderACancellation(t *testing.T) {
	l := cancelling(t)
	for range 4 {
		l.shows("N1", listed(payment.Paid))
		l.is(Reversing)
		l.pass(l.Answer)
	}
	l = cancelling(t)
	l.cancelled(says(payment.Unknown))
	l.pass(l.Answer)
	l.shows("N1", listed(payment.Pending))
	l.does(CancelPayment)
	l.cancelled(payment.Answer{Meaning: payment.Refused, RespCD: payment.AlreadyPaid})
	l.shows("N1", listed(payment.Paid))
	l.is(Reversing)
	l = cancelling(t)
	l.cancelled(says(payment.Refused))
	l.shows("N1", listed(payment.Paid))
	l.pass(l.Apart)
	l.shows("N1", listed(payment.Pending))
	l.shows("N1", listed(payment.Paid))
	l.is(Reversing) // two in a row, or none
}

// A cancellation's answer counts for its own payment, while it is waited for or missing.
func TestWhoseCancellation(t *testing.T) {
	l := declined(t)
	l.pay("N2")
	l.answer("N2", says(payment.Pending))
	l.step(Event{Kind: CancelAsked})
	l.does(CancelPayment)
	l.cancelled(says(payment.NotSent)) // of N1
	l.does()
	l.shows("N2", listed(payment.Paid))
	if l.s.State == Paid {
		t.Error("the answer to another payment's cancellation ended this one's")
	}
	l = begin(t)
	l.answer("N1", says(payment.Pending))
	l.cancelled(says(payment.Undone)) // nobody sent it
	l.does()
	l.shows("N1", listed(payment.Paid))
	l.is(Paid)
	l = cancelling(t)
	l.step(Event{Kind: Restarted})
	l.cancelled(payment.Answer{Meaning: payment.Refused, RespCD: payment.AlreadyPaid})
	l.does(QueryPayment)
	l.step(Event{Kind: CancelAnswered, Payment: "N1"})
	l.does()
}

// What the answer to a cancellation shows QFPay to know is never proved absent, and what was odd in it is told.
func TestCancellationShowsTheNumberKnown(t *testing.T) {
	for _, c := range []struct {
		a     payment.Answer
		known bool
	}{
		{says(payment.Undone), true},
		{payment.Answer{Meaning: payment.Refused, RespCD: payment.AlreadyPaid}, true},
		{payment.Answer{Meaning: payment.Refused, RespCD: "1155", Alarm: "odd"}, false},
	} {
		l := begin(t)
		l.answer("N1", says(payment.Unknown))
		l.step(Event{Kind: CancelAsked})
		l.does(CancelPayment)
		l.cancelled(c.a)
		l.alarmed(c.a.Alarm != "")
		l.pass(l.Confirm)
		l.shows("N1", nothing)
		l.pass(l.Apart)
		l.shows("N1", nothing)
		if l.s.State.Final() == c.known {
			t.Errorf("known %v, and the sale is %s", c.known, l.s.State)
		}
	}
}

// A till that asks twice cancels once; one that asks after the end changes nothing.
func TestCancelAskedAgain(t *testing.T) {
	l := cancelling(t)
	if want := l.at.Add(l.Answer + l.Guard); !l.s.NextAt.Equal(want) {
		t.Errorf("without an answer it is asked at %v, want %v", l.s.NextAt, want)
	}
	l.cancelled(says(payment.NotSent))
	l.step(Event{Kind: CancelAsked})
	l.does()
	l = begin(t)
	l.answer("N1", says(payment.Paid))
	l.step(Event{Kind: CancelAsked})
	l.does()
	if l.is(Paid); l.s.CancelAsked {
		t.Error("a paid sale is marked as cancelled")
	}
}

// A payment that is declined already is not cancelled: its queries decide, and the sale ends as cancelled.
func TestCancelledWhileItsDeclineIsChecked(t *testing.T) {
	l := begin(t)
	l.answer("N1", signed)
	l.step(Event{Kind: CancelAsked})
	l.does()
	l.shows("N1", nothing)
	l.does()
	l.pass(l.Apart)
	l.shows("N1", nothing)
	if l.is(NotPaid); l.s.Reason != Cancelled {
		t.Error(l.s.Reason)
	}
}

// A machine whose sale is cancelled after it was paid gets the customer's money back.
func TestPaidGoodsCancelled(t *testing.T) {
	l := begin(t)
	l.s.ConfirmDelivery = true
	l.answer("N1", payment.Answer{Meaning: payment.Paid, SysSN: "S1"})
	l.step(Event{Kind: CancelAsked})
	l.does(ReturnMoney)
	if l.s.Delivery != Returning {
		t.Error(l.s.Delivery)
	}
}
