package sale

import (
	"testing"

	"cpmd/payment"
)

// An answer counts once, for the payment it belongs to. "Surely not sent" that comes second would send the payment twice.
func TestAnAnswerCountsOnce(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.Unknown))
	l.answer("N1", says(payment.NotSent))
	if g := l.s.Payments[0].Progress; g.Resend {
		t.Error("sent again although an answer came before")
	}
	l = declined(t)
	l.pay("N2")
	for _, m := range []payment.Meaning{payment.NotSent, payment.Declined, payment.Pending, payment.Unknown} {
		l.answer("N1", says(m))
		l.does()
		l.alarmed(false)
		l.is(Paying)
		if !l.s.Payments[1].Progress.InFlight {
			t.Fatalf("%s of the first payment ends the wait for the second", m)
		}
	}
}

// "Paid" that comes twice is one charge: nothing goes back, nobody is called.
func TestPaidTwiceIsOnePayment(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.Paid))
	l.is(Paid)
	l.answer("N1", says(payment.Paid))
	l.does()
	l.alarmed(false)
	l.answer("N0", says(payment.Paid)) // of no payment of this sale
	l.does()
}

// An answer to a request of the process before is not money found beside the payment, which is followed by queries.
func TestAnswerAfterARestart(t *testing.T) {
	l := begin(t)
	l.step(Event{Kind: Restarted})
	l.answer("N1", says(payment.Paid))
	l.does()
	l.alarmed(false)
	if l.s.CancelAsked {
		t.Error("the payment is to be cancelled for its own sake")
	}
}

// A late refusal of a payment that ended without money is no money.
func TestLateRefusalIsNoMoney(t *testing.T) {
	l := declined(t)
	l.step(Event{Kind: CancelAsked})
	due := l.s.Due()
	l.answer("N1", says(payment.Declined))
	l.does()
	l.alarmed(false)
	if !l.s.Payments[0].Progress.Audit.Found.IsZero() || !l.s.Due().Equal(due) {
		t.Errorf("%+v", l.s.Payments[0])
	}
}

// What an answer shows QFPay to know is never proved absent by empty lists.
func TestAnswersThatShowTheNumberKnown(t *testing.T) {
	for name, c := range map[string]struct {
		a     payment.Answer
		known bool
	}{
		"pending":                     {says(payment.Pending), true},
		"used before":                 {says(payment.Duplicate), true},
		"unknown, with QFPay's":       {payment.Answer{Meaning: payment.Unknown, SysSN: "S1"}, true},
		"unknown, with the wallet's":  {payment.Answer{Meaning: payment.Unknown, ChnlSN: "C1"}, true},
		"unknown, without any number": {says(payment.Unknown), false},
	} {
		t.Run(name, func(t *testing.T) {
			l := begin(t)
			l.CanCancel = func(string) bool { return false }
			l.answer("N1", c.a)
			l.alarmed(c.a.Meaning == payment.Duplicate)
			l.pass(l.Confirm)
			l.shows("N1", nothing)
			l.pass(l.Apart)
			l.shows("N1", nothing)
			if l.s.State.Final() == c.known {
				t.Errorf("known %v, and the sale is %s", c.known, l.s.State)
			}
		})
	}
}

// A customer who confirms on the phone is said to.
func TestPendingIsTold(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.Pending))
	if got := message(l.s); got != "Customer is confirming on the phone. Do not charge again." {
		t.Error(got)
	}
	l.shows("N1", listed(payment.Unknown))
	l.shows("N1", listed(payment.Pending))
	if got := message(l.s); got != "Customer is confirming on the phone. Do not charge again." {
		t.Error(got)
	}
}

// As many queries have to agree as the code of the answer demands.
func TestQueriesThatAgree(t *testing.T) {
	for _, c := range []struct {
		a    payment.Answer
		want int
	}{
		{payment.Answer{Meaning: payment.Declined, RespCD: "1201", Confirm: 1}, 1},
		{payment.Answer{Meaning: payment.Declined, RespCD: "1204", Confirm: 2}, 2},
		{payment.Answer{Meaning: payment.NotFound, RespCD: "1136"}, 2},
	} {
		l := begin(t)
		l.answer("N1", c.a)
		n := 0
		for ; l.s.State == Confirming && n < 5; n++ {
			l.shows("N1", listed(payment.Declined))
		}
		if n != c.want {
			t.Errorf("%s: after %d queries", c.a.RespCD, n)
		}
	}
	l := begin(t)
	l.answer("N1", payment.Answer{Meaning: payment.NotFound, RespCD: "1136", Genuine: true})
	l.shows("N1", nothing)
	l.is(Confirming)
	l.pass(l.Apart)
	l.shows("N1", nothing)
	l.is(Waiting)
	l = begin(t)
	l.answer("N1", says(payment.Declined))
	f := listed(payment.Declined)
	f.Confirm = 2
	l.shows("N1", f)
	l.shows("N1", listed(payment.Pending))
	l.shows("N1", f)
	l.is(Confirming) // they agree in a row, or not at all
	l.shows("N1", f)
	l.is(Waiting)
}

// What was surely not sent is not sent again for a till that cancelled, and is sent when it is due for one that did not.
func TestNotSentAndCancelled(t *testing.T) {
	l := begin(t)
	l.step(Event{Kind: CancelAsked})
	l.does(QueryPayment)
	l.answer("N1", says(payment.NotSent))
	l.is(NotPaid)
	l.does()
	if l.s.Reason != Cancelled {
		t.Error(l.s.Reason)
	}
	l = begin(t)
	l.answer("N1", says(payment.NotSent))
	l.step(Event{Kind: CancelAsked})
	l.is(NotPaid)
	l = begin(t)
	l.pass(l.Beside)
	l.step(Event{Kind: Due})
	l.answer("N1", says(payment.NotSent))
	l.due()
	l.does(SubmitPayment)
}

// A till that cancelled while the request was under way does not wait longer than for QFPay to know the order.
func TestCancelledBeforeTheAnswer(t *testing.T) {
	l := begin(t)
	l.step(Event{Kind: CancelAsked})
	l.does(QueryPayment)
	l.answer("N1", says(payment.Pending))
	l.does(CancelPayment)
	l.is(Reversing)
}

// The answer to a payment that is unresolved does not take the lane again.
func TestAnswerToAnUnresolvedPayment(t *testing.T) {
	for _, m := range []payment.Meaning{payment.Unknown, payment.Declined, payment.Pending} {
		l := begin(t)
		l.pass(l.GiveUp)
		l.step(Event{Kind: Due})
		l.is(Unresolved)
		l.answer("N1", says(m))
		l.is(Unresolved)
		l.does()
	}
}

// "Paid" that comes during a cancellation is not cancelled once more.
func TestPaidIsNotCancelledOnceMore(t *testing.T) {
	l := begin(t)
	l.shows("N1", listed(payment.Pending))
	l.step(Event{Kind: CancelAsked})
	l.does(CancelPayment)
	l.answer("N1", says(payment.Paid))
	l.cancelled(says(payment.Refused))
	l.pass(l.Confirm / 4)
	l.shows("N1", listed(payment.Pending))
	l.does()
}
