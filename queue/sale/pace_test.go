package sale

import (
	"testing"
	"time"

	"cpmd/payment"
)

// The rules a shop gets without a word in its configuration.
func TestDefaultRules(t *testing.T) {
	r := DefaultRules()
	for name, c := range map[string]struct{ got, want time.Duration }{
		"scan": {r.Scan, time.Minute}, "answer": {r.Answer, 40 * time.Second}, "poll": {r.Poll, 2 * time.Second}, "confirm": {r.Confirm, time.Minute},
		"give up": {r.GiveUp, 2 * time.Minute}, "deliver": {r.Deliver, 2 * time.Minute}, "give back": {r.GiveBack, 15 * time.Minute},
		"guard": {r.Guard, 30 * time.Second}, "beside": {r.Beside, 5 * time.Second}, "apart": {r.Apart, 3 * time.Second},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

// A request that has gone out is asked for beside it after a while, and counts as under way until its answer cannot come any
// more: until then no list speaks against it.
func TestHowLongARequestIsUnderWay(t *testing.T) {
	l := begin(t)
	if d := l.s.NextAt.Sub(l.at); d != l.Beside {
		t.Errorf("asked beside it after %v", d)
	}
	l.due()
	l.is(Confirming)
	l.at = t0.Add(l.Answer + l.Guard - 1)
	l.step(Event{Kind: Due})
	l.shows("N1", listed(payment.Declined))
	l.is(Confirming)
	l.pass(1)
	l.s.NextAt = l.at
	l.step(Event{Kind: Due})
	l.shows("N1", listed(payment.Declined))
	l.is(NotPaid)
}

// Once cancelled no other code is taken, so a decline that shows twice ends the sale although its request is under way; once
// is not enough.
func TestDeclinedUnderWayAndCancelled(t *testing.T) {
	l := begin(t)
	l.step(Event{Kind: CancelAsked})
	for range 2 {
		if l.s.State.Final() {
			t.Fatalf("ended at once: %+v", l.s.Payments)
		}
		l.shows("N1", listed(payment.Declined))
	}
	l.is(NotPaid)
	l = begin(t)
	for range 3 { // nobody cancelled it: its own answer comes first
		l.shows("N1", listed(payment.Declined))
	}
	if l.s.State.Final() || l.s.State == Waiting {
		t.Errorf("%s", l.s.State)
	}
}

// What proves something only with another query of its kind is asked for again when that one counts, and not before.
func TestAskedApart(t *testing.T) {
	between := func(d, want time.Duration) bool { return d >= want && d <= want*11/10 }
	l := begin(t)
	l.answer("N1", says(payment.Pending))
	l.shows("N1", listed(payment.Pending))
	if d := l.s.NextAt.Sub(l.at); !between(d, l.Poll) {
		t.Errorf("a pending payment is asked for after %v", d)
	}
	l = begin(t)
	l.answer("N1", signed)
	l.shows("N1", nothing)
	if d := l.s.NextAt.Sub(l.at); !between(d, l.Apart) {
		t.Errorf("after the first empty list asked after %v", d)
	}
	l.pass(1)
	l.shows("N1", payment.QueryResult{Answer: says(payment.Unknown)})
	l.pass(1)
	l.shows("N1", nothing) // the first one of a new row
	l.pass(l.Apart)
	l.shows("N1", nothing)
	l.is(Waiting)

	l = cancelling(t)
	l.cancelled(says(payment.Refused))
	l.pass(l.Answer)
	l.shows("N1", listed(payment.Paid))
	if d := l.s.NextAt.Sub(l.at); !between(d, l.Apart) {
		t.Errorf("after the first paid asked after %v", d)
	}
	l.pass(1)
	l.shows("N1", listed(payment.Pending))
	l.pass(1)
	l.shows("N1", listed(payment.Paid)) // the first one of a new row
	l.pass(l.Apart)
	l.shows("N1", listed(payment.Paid))
	l.is(Paid)
}

// A till that cancels while the request is under way is told at once that it is being looked into.
func TestCancelledWhilePaying(t *testing.T) {
	l := begin(t)
	l.is(Paying)
	l.step(Event{Kind: CancelAsked})
	l.is(Confirming)
	l.does(QueryPayment)
}

// What waits to be sent again is not asked for: QFPay cannot know it.
func TestAskedNowBeforeItIsSent(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.NotSent))
	l.step(Event{Kind: AskNow})
	l.does()
	if !l.s.Payments[0].Progress.Resend {
		t.Error("it is not sent any more")
	}
	if due := l.s.Due(); due.After(l.at.Add(l.Poll)) || !due.Equal(l.s.NextAt) {
		t.Errorf("due at %v, now is %v", due, l.at)
	}
}

// A restart makes the time that a cancellation may need to take effect begin anew, where there is one.
func TestRestartedDuringACancellation(t *testing.T) {
	l := cancelling(t)
	l.pass(time.Second)
	l.step(Event{Kind: Restarted})
	if at := l.s.Payments[0].Progress.CancelAt; !at.Equal(l.at) {
		t.Errorf("cancelled at %v, now is %v", at, l.at)
	}
	l = begin(t)
	l.step(Event{Kind: Restarted})
	if at := l.s.Payments[0].Progress.CancelAt; !at.IsZero() {
		t.Errorf("never cancelled, but at %v", at)
	}
}

// Queries of many payments that began together spread, by a tenth at most.
func TestQueriesSpread(t *testing.T) {
	seen := map[time.Duration]bool{}
	for n := range 100 {
		l := begin(t)
		l.s.Payments[0].OutTradeNo = string(rune('A' + n))
		l.s.Payments[0].Progress.Polls = n
		l.answer(l.s.Payments[0].OutTradeNo, says(payment.Pending))
		d := l.s.NextAt.Sub(l.at)
		if d < l.Poll || d > l.Poll*11/10 {
			t.Fatalf("asked after %v", d)
		}
		seen[d] = true
	}
	if len(seen) < 50 {
		t.Errorf("%d different times of 100", len(seen))
	}
}
