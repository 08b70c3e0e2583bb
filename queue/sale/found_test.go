package sale

import (
	"strings"
	"testing"
	"time"

	"cpmd/payment"
)

// Money that was found and went back by itself does not pay the sale any more.
func TestFoundMoneyThatWentBack(t *testing.T) {
	l := declined(t)
	l.pay("N2")
	l.answer("N2", says(payment.Pending))
	l.shows("N1", listed(payment.Paid))
	l.does(CancelPayment)
	l.shows("N1", listed(payment.Undone))
	l.step(Event{Kind: CancelAnswered, Payment: "N2", Answer: &payment.Answer{Meaning: payment.Undone}})
	l.shows("N2", listed(payment.Undone))
	l.is(NotPaid)
}

// Money found beside a payment whose request is under way, or which is being cancelled, sends no cancellation that could
// overtake it; the cancellation follows.
func TestFoundBesideARequestUnderWay(t *testing.T) {
	l := declined(t)
	l.pay("N2")
	l.shows("N1", listed(payment.Paid))
	l.alarmed(true)
	l.does()
	l.shows("N1", listed(payment.Paid))
	l.alarmed(false)
	l.does()
	l.answer("N2", says(payment.Pending))
	l.does(CancelPayment)

	l = declined(t)
	l.pay("N2")
	l.answer("N2", says(payment.Pending))
	l.step(Event{Kind: CancelAsked})
	l.does(CancelPayment)
	l.shows("N1", listed(payment.Paid))
	l.does()
}

// cancelledButPaid is a sale that QFPay shows as paid after a refused cancellation, so that it is looked at again.
func cancelledButPaid(t *testing.T) *life {
	l := begin(t)
	l.answer("N1", says(payment.Pending))
	l.step(Event{Kind: CancelAsked})
	l.cancelled(says(payment.Refused))
	l.shows("N1", listed(payment.Paid))
	l.pass(l.Apart)
	l.shows("N1", listed(payment.Paid))
	l.is(Paid)
	return l
}

// A look at the payment that counts finds it paid: that is as it should be, and nothing goes back.
func TestPaidAsItShouldBe(t *testing.T) {
	l := cancelledButPaid(t)
	for !l.s.Due().IsZero() {
		l.due()
		l.does(QueryPayment)
		l.shows("N1", listed(payment.Paid))
		l.does()
		l.alarmed(false)
	}
	if looks := l.s.Payments[0].Progress.Audit.Looks; looks != len(l.Audit) {
		t.Errorf("%d looks", looks)
	}
}

// A paid payment that QFPay twice does not show as paid calls a person, once; an empty list that was not searched
// everywhere does not.
func TestPaidAndGone(t *testing.T) {
	unsearched := nothing
	unsearched.Searched = false
	for _, c := range []struct {
		name string
		f    payment.QueryResult
		says string // "" for no alarm
	}{
		{"declined", listed(payment.Declined), "not paid (x)"},
		{"pending", listed(payment.Pending), "not paid (x)"},
		{"not listed", nothing, "does not list"},
		{"not searched", unsearched, ""},
		{"not understood", listed(payment.Unknown), ""},
		{"duplicate", listed(payment.Duplicate), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := cancelledButPaid(t)
			for range 3 { // lists may lag just after it was paid
				l.shows("N1", c.f)
				l.does()
				l.alarmed(false)
			}
			l.pass(l.Answer)
			l.shows("N1", c.f)
			l.does()
			l.alarmed(false)
			l.shows("N1", c.f)
			l.does()
			l.alarmed(c.says != "")
			if c.says != "" && !strings.Contains(l.effects[0].Text, c.says) {
				t.Error(l.effects[0].Text)
			}
			l.shows("N1", c.f)
			l.alarmed(false)
			l.is(Paid)
			if l.s.Due().IsZero() && c.says == "" {
				t.Error("what proves nothing ends the looks")
			}
		})
	}
}

// A payment that ended without money is as it should be when QFPay says so, however.
func TestDeadAsItShouldBe(t *testing.T) {
	for _, f := range []payment.QueryResult{listed(payment.Undone), listed(payment.Declined), nothing} {
		l := declined(t)
		l.step(Event{Kind: CancelAsked})
		for range 3 {
			l.shows("N1", f)
			l.does()
			l.alarmed(false)
		}
		if !l.s.Due().IsZero() {
			t.Errorf("%s: looked at again", f.Meaning)
		}
	}
}

// What proves nothing is no look: it comes again, at the slow pace.
func TestLooksThatProveNothing(t *testing.T) {
	unsearched := nothing
	unsearched.Searched = false
	for _, f := range []payment.QueryResult{unsearched, listed(payment.Duplicate), {Answer: says(payment.Unknown)}, listed(payment.Pending)} {
		l := declined(t)
		l.step(Event{Kind: CancelAsked})
		for n := 1; n <= 5; n++ {
			l.shows("N1", f)
			want := l.FollowUp[min(n, len(l.FollowUp)-1)]
			if d := l.s.Due().Sub(l.at); d < want || d > want+want/10 {
				t.Errorf("%s: look %d comes after %v", f.Meaning, n, d)
			}
		}
		if looks := l.s.Payments[0].Progress.Audit.Looks; looks != 0 {
			t.Errorf("%s: %d looks", f.Meaning, looks)
		}
	}
}

// What is listed in a way that may mean money calls a person, once.
func TestDeadAndNotUnderstood(t *testing.T) {
	l := declined(t)
	l.step(Event{Kind: CancelAsked})
	l.shows("N1", listed(payment.Unknown))
	l.alarmed(true)
	l.shows("N1", listed(payment.Unknown))
	l.alarmed(false)
}

// The audit closes nothing that QFPay does not close, and nothing that was told as paid.
func TestWhatTheAuditDoesNotClose(t *testing.T) {
	l := declined(t)
	l.CanCancel = func(string) bool { return false }
	l.step(Event{Kind: CancelAsked})
	l.shows("N1", listed(payment.Pending))
	l.does()
	l = begin(t)
	l.answer("N1", says(payment.Pending))
	l.pass(l.GiveUp)
	l.step(Event{Kind: Due})
	l.is(Unresolved)
	l.step(Event{Kind: Decided, Outcome: Paid, Note: "seen in the portal"})
	l.is(Paid)
	if l.s.Due().IsZero() {
		t.Error("nobody looks at what an operator decided")
	}
	l.pass(l.Answer) // before that a look tells nothing
	l.shows("N1", listed(payment.Pending))
	l.does()
}

// A second charge is given back at once, told once, tried again at the slow pace, and left alone when it went back.
func TestSecondChargeGoesBackOnce(t *testing.T) {
	l := declined(t)
	l.pay("N2")
	l.answer("N2", says(payment.Paid))
	l.is(Paid)
	if due := l.s.Due(); !due.After(l.at) {
		t.Errorf("a dead payment that took nothing is due at %v", due)
	}
	l.shows("N1", listed(payment.Paid))
	l.alarmed(true)
	l.does(GiveBack)
	if d, want := l.s.Due().Sub(l.at), l.FollowUp[1]; d < want || d > want+want/10 {
		t.Errorf("tried again after %v", d)
	}
	l.shows("N1", listed(payment.Paid))
	l.alarmed(false)
	l.step(Event{Kind: GaveBack, Payment: "N1", Done: true})
	if !l.s.Due().IsZero() {
		t.Errorf("looked at again at %v", l.s.Due())
	}
	l.shows("N1", listed(payment.Paid))
	l.does()
	l.alarmed(false)
	if !l.s.Due().IsZero() {
		t.Errorf("looked at again at %v", l.s.Due())
	}
	l.step(Event{Kind: GaveBack, Payment: "N0", Done: true}) // of another sale
}

// Money that is to go back is due exactly then; with no time to object it goes at once; a person who objects ends it.
func TestWhenFoundMoneyGoesBack(t *testing.T) {
	l := declined(t)
	l.step(Event{Kind: CancelAsked})
	l.shows("N1", listed(payment.Paid))
	if !l.s.Due().Equal(l.at.Add(l.GiveBack)) {
		t.Errorf("due at %v, now is %v", l.s.Due(), l.at)
	}
	l.step(Event{Kind: AlarmSettled, Payment: "N1", Note: "the goods went out", Alarm: toldNotPaid})
	if !l.s.Due().IsZero() {
		t.Errorf("due at %v", l.s.Due())
	}
	l.step(Event{Kind: AlarmSettled, Payment: "N0", Note: "of another sale"})

	l = declined(t)
	l.Rules.GiveBack = 0
	l.step(Event{Kind: CancelAsked})
	l.shows("N1", listed(payment.Paid))
	l.does(GiveBack)
}

// An alarm settled on a payment that took no money does not end the watch.
func TestSettledWithoutMoney(t *testing.T) {
	l := declined(t)
	l.step(Event{Kind: CancelAsked})
	due := l.s.Due()
	l.step(Event{Kind: AlarmSettled, Payment: "N1", Note: "looked"})
	if !l.s.Due().Equal(due) {
		t.Errorf("due at %v, was %v", l.s.Due(), due)
	}
}

// Where nothing goes back by itself, a person is told once, and it is looked at a bounded number of times.
func TestFoundMoneyForAPerson(t *testing.T) {
	l := declined(t)
	l.Rules.GiveBack = -1
	l.step(Event{Kind: CancelAsked})
	l.shows("N1", listed(payment.Paid))
	l.alarmed(true)
	looks := 1
	for ; !l.s.Due().IsZero() && looks < 2*mostAudits; looks++ {
		if d := l.s.Due().Sub(l.at); d < l.FollowUp[0] || d > l.FollowUp[len(l.FollowUp)-1]*11/10 {
			t.Fatalf("looked at again after %v", d)
		}
		l.due()
		l.shows("N1", listed(payment.Paid))
		l.alarmed(false)
		l.does()
	}
	if looks != mostAudits {
		t.Errorf("%d looks", looks)
	}

	l = declined(t)
	l.step(Event{Kind: CancelAsked})
	f := listed(payment.Paid)
	f.SysSN = ""
	l.shows("N1", f)
	l.pass(l.GiveBack)
	l.shows("N1", f)
	l.alarmed(true)
	if !l.s.Due().IsZero() {
		t.Errorf("looked at again at %v", l.s.Due())
	}
	l.pass(time.Minute)
	l.shows("N1", f)
	l.alarmed(false)
}
