package sale

import (
	"testing"
	"time"

	"cpmd/payment"
)

// How a payment without money ends its sale, and why; where another code would do, the sale waits for one.
func TestEndsWithoutMoney(t *testing.T) {
	for _, c := range []struct {
		name  string
		play  func(l *life)
		state State
		why   Reason
	}{
		{"declined", func(l *life) { l.answer("N1", says(payment.Declined)); l.shows("N1", listed(payment.Declined)) }, Waiting, ""},
		{"set up wrongly", func(l *life) {
			l.answer("N1", says(payment.Misconfigured))
			l.shows("N1", listed(payment.Misconfigured))
		}, NotPaid, Misconfigured},
		{"undone", func(l *life) { l.answer("N1", says(payment.Pending)); l.shows("N1", listed(payment.Undone)) }, NotPaid, Reversed},
		{"undone, cancelled by the till", func(l *life) {
			l.answer("N1", says(payment.Pending))
			l.step(Event{Kind: CancelAsked})
			l.cancelled(says(payment.Undone))
			l.shows("N1", listed(payment.Undone))
		}, NotPaid, Cancelled},
		{"declined at the end of the scan time", func(l *life) {
			l.answer("N1", says(payment.Declined))
			l.at = l.s.ScanBy
			l.shows("N1", listed(payment.Declined))
		}, NotPaid, Declined},
		{"declined while it is being undone", func(l *life) {
			l.answer("N1", says(payment.Pending))
			l.pass(l.Confirm)
			l.s.ScanBy = l.at.Add(time.Hour)
			l.shows("N1", listed(payment.Pending))
			l.does(CancelPayment)
			l.cancelled(says(payment.Refused))
			l.shows("N1", listed(payment.Declined))
		}, NotPaid, Declined},
		{"declined when the lane has gone on", func(l *life) {
			l.answer("N1", says(payment.Pending))
			l.pass(l.GiveUp)
			l.s.ScanBy = l.at.Add(time.Hour)
			l.step(Event{Kind: Due})
			l.is(Unresolved)
			l.shows("N1", listed(payment.Declined))
		}, NotPaid, Declined},
		{"never there", func(l *life) {
			l.answer("N1", says(payment.Unknown))
			l.pass(l.Confirm)
			l.shows("N1", nothing)
			l.does(CancelPayment)
			l.cancelled(says(payment.NotFound))
			l.shows("N1", nothing)
		}, NotPaid, NotSent},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := begin(t)
			c.play(l)
			l.is(c.state)
			if l.s.Reason != c.why {
				t.Errorf("why: %s", l.s.Reason)
			}
			if l.s.EndedAt.IsZero() == c.state.Final() || c.state.Final() && !l.s.NextAt.IsZero() {
				t.Errorf("ended at %v, next at %v", l.s.EndedAt, l.s.NextAt)
			}
			if c.state == Waiting && !l.s.NextAt.Equal(l.s.ScanBy) {
				t.Errorf("waits until %v, want %v", l.s.NextAt, l.s.ScanBy)
			}
		})
	}
}

// A paid sale has ended now, has no timer, and owes no delivery that nobody asked for.
func TestEndsPaid(t *testing.T) {
	l := begin(t)
	l.pass(time.Second)
	l.answer("N1", payment.Answer{Meaning: payment.Paid, SysSN: "S1"})
	if l.is(Paid); !l.s.EndedAt.Equal(l.at) || !l.s.Due().IsZero() || l.s.Delivery != NoDelivery {
		t.Errorf("ended at %v, due at %v, delivery %q", l.s.EndedAt, l.s.Due(), l.s.Delivery)
	}
	l = begin(t)
	l.pass(l.Beside)
	l.step(Event{Kind: Due})
	l.shows("N1", listed(payment.Paid))
	if l.is(Paid); l.s.Payments[0].Progress.InFlight || l.s.Payments[0].SysSN != "S1" {
		t.Errorf("%+v", l.s.Payments[0]) // without QFPay's number nothing of it can be refunded
	}
}

// Nobody scanned, or the last code was declined: why the sale ends when its scan time is over.
func TestScanTimeOver(t *testing.T) {
	l := &life{T: t, Rules: DefaultRules(), at: t0, s: Sale{ID: "S", Amount: 100, Currency: "HKD"}}
	l.step(Event{Kind: Opened})
	l.due()
	if l.is(NotPaid); l.s.Reason != NoScan {
		t.Error(l.s.Reason)
	}
	l = declined(t)
	l.at = l.s.ScanBy
	l.step(Event{Kind: Due})
	if l.is(NotPaid); l.s.Reason != Declined {
		t.Error(l.s.Reason)
	}
}

// Money that an earlier payment took pays the sale when nothing else does, and a person is told.
func TestEndsWithFoundMoney(t *testing.T) {
	l := declined(t)
	l.pay("N2")
	l.shows("N1", listed(payment.Paid))
	l.answer("N2", signed)
	l.shows("N2", nothing)
	l.pass(l.Apart)
	l.shows("N2", nothing)
	l.is(Paid)
	l.alarmed(true)
	if l.s.Payments[0].Outcome != OutcomePaid || !l.s.Due().After(l.at) && !l.s.Due().IsZero() {
		t.Errorf("%+v", l.s.Payments)
	}
}

// An order that cannot be closed, that QFPay lists as successful, or that was closed before does not keep the customer.
func TestSoftDeclineThatIsNotClosed(t *testing.T) {
	soft := signed
	soft.Soft = true
	for _, cannot := range []bool{true, false} {
		l := begin(t)
		if cannot {
			l.CanCancel = func(string) bool { return false }
		}
		l.answer("N1", soft)
		l.shows("N1", nothing)
		l.pass(l.Apart)
		l.shows("N1", nothing)
		if cannot {
			l.is(Waiting)
			continue
		}
		l.does(CancelPayment)
		if want := l.at.Add(2 * l.Apart); !l.s.NextAt.Equal(want) {
			t.Errorf("asked beside the close at %v, want %v", l.s.NextAt, want)
		}
		l.pass(l.Apart)
		l.shows("N1", nothing)
		l.does() // closed once
		l.is(Waiting)
	}
}

// A payment given up while its cancellation is under way is asked for soon, and its cancellation counts as unanswered.
func TestGivenUpDuringACancellation(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.Pending))
	l.pass(l.GiveUp - time.Second)
	l.step(Event{Kind: CancelAsked})
	l.does(CancelPayment)
	l.pass(time.Second)
	l.step(Event{Kind: Due})
	l.is(Unresolved)
	if d := l.s.NextAt.Sub(l.at); d < l.Poll || d > l.Poll*11/10 {
		t.Errorf("asked after %v", d)
	}
	l.pass(l.Answer)
	l.shows("N1", listed(payment.Pending))
	l.does(CancelPayment)
}
