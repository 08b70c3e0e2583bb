package sale

import (
	"testing"

	"cpmd/payment"
)

// What QFPay listed, or gave a number of its own, is never proved absent later, whatever it was.
func TestWhatWasListedIsKnown(t *testing.T) {
	for name, f := range map[string]payment.QueryResult{
		"listed, not understood": {Answer: payment.Answer{Meaning: payment.Unknown}, Listed: true},
		"with QFPay's number":    {Answer: payment.Answer{Meaning: payment.Unknown, SysSN: "S1"}},
		"pending":                {Answer: payment.Answer{Meaning: payment.Pending}},
		"declined":               {Answer: payment.Answer{Meaning: payment.Declined, Confirm: 3}},
	} {
		l := begin(t)
		l.CanCancel = func(string) bool { return false }
		l.answer("N1", says(payment.Unknown))
		l.shows("N1", f)
		l.pass(l.Confirm)
		l.shows("N1", nothing)
		l.pass(l.Apart)
		l.shows("N1", nothing)
		if l.s.State.Final() {
			t.Errorf("%s: %s", name, l.s.State)
		}
	}
}

// A signed decline of what QFPay had listed before needs more than silence.
func TestDeclineOfWhatWasListed(t *testing.T) {
	l := begin(t)
	l.pass(l.Beside)
	l.step(Event{Kind: Due})
	l.shows("N1", listed(payment.Unknown))
	l.answer("N1", signed)
	l.shows("N1", nothing)
	l.pass(l.Apart)
	l.shows("N1", nothing)
	l.is(Confirming)
}

// Silence counts in a row: an answer between two empty lists starts it anew.
func TestSilenceInARow(t *testing.T) {
	l := begin(t)
	l.answer("N1", signed)
	l.shows("N1", nothing)
	l.shows("N1", payment.QueryResult{Answer: says(payment.Unknown)})
	l.pass(l.Apart)
	l.shows("N1", nothing)
	l.is(Confirming)
	l = begin(t)
	l.CanCancel = func(string) bool { return false }
	l.answer("N1", says(payment.Unknown))
	l.pass(l.Confirm)
	l.shows("N1", nothing)
	l.shows("N1", payment.QueryResult{Answer: says(payment.Unknown)})
	l.shows("N1", nothing)
	l.is(Confirming)
	l.shows("N1", nothing)
	l.is(NotPaid)
}

// An empty list proves nothing before the longer of both windows has passed, nor while the request is under way; a decline
// that nobody signed needs the answer window only.
func TestWindowsOfAnEmptyList(t *testing.T) {
	l := begin(t)
	l.CanCancel = func(string) bool { return false }
	l.Rules.Confirm = l.Rules.Answer / 4
	l.answer("N1", says(payment.Unknown))
	l.pass(l.Answer - 1)
	l.shows("N1", nothing)
	l.shows("N1", nothing)
	l.is(Confirming)
	l = begin(t)
	l.CanCancel = func(string) bool { return false }
	l.pass(l.Confirm)
	l.shows("N1", nothing)
	l.shows("N1", nothing)
	if l.s.State.Final() {
		t.Error("its request is under way")
	}
	l = begin(t)
	l.answer("N1", says(payment.Declined))
	l.pass(l.Answer)
	l.shows("N1", nothing)
	l.is(Confirming)
	l.shows("N1", nothing)
	l.is(Waiting)
}

// What QFPay shows as under way is no suspect any more: the till may cancel it, and the customer may confirm it.
func TestPendingClearsASuspect(t *testing.T) {
	l := begin(t)
	l.answer("N1", signed)
	l.shows("N1", listed(payment.Pending))
	if got := message(l.s); got != "Customer is confirming on the phone. Do not charge again." {
		t.Error(got)
	}
	l.step(Event{Kind: CancelAsked})
	l.does(CancelPayment)
}

// A key that QFPay refuses for the query too proves a wrong set-up; another refusal with that code does not.
func TestRefusedAtTheDoor(t *testing.T) {
	for _, setup := range []bool{true, false} {
		l := begin(t)
		l.answer("N1", payment.Answer{Meaning: payment.Misconfigured, RespCD: "1108"})
		f := payment.QueryResult{Answer: payment.Answer{Meaning: payment.Unknown, RespCD: "1108"}, Setup: setup}
		l.shows("N1", f)
		if l.s.State.Final() != setup {
			t.Errorf("setup %v: %s", setup, l.s.State)
		}
	}
}

// A payment that QFPay once listed as successful is not cancelled later, whatever it is listed as then.
func TestOnceSuccessful(t *testing.T) {
	odd := listed(payment.Unknown)
	odd.Success = true
	l := begin(t)
	l.answer("N1", says(payment.Unknown))
	l.shows("N1", odd)
	l.shows("N1", listed(payment.Pending))
	l.step(Event{Kind: CancelAsked})
	l.does()
}

// An operator who asks while the request is under way brings the sale on, and its customer's phone is told of.
func TestAskedWhilePaying(t *testing.T) {
	l := begin(t)
	l.step(Event{Kind: AskNow})
	l.does(QueryPayment)
	l.shows("N1", listed(payment.Pending))
	l.is(Confirming)
}

// What would prove it is asked for soon also when the cashier is gone.
func TestUnresolvedIsAskedSoon(t *testing.T) {
	l := begin(t)
	l.CanCancel = func(string) bool { return false }
	l.answer("N1", says(payment.Unknown))
	l.pass(l.GiveUp)
	l.step(Event{Kind: Due})
	l.is(Unresolved)
	l.shows("N1", nothing)
	if d := l.s.NextAt.Sub(l.at); d > l.Apart*11/10 {
		t.Errorf("after an empty list asked after %v", d)
	}
	l.shows("N1", payment.QueryResult{Answer: says(payment.Unknown)})
	if d := l.s.NextAt.Sub(l.at); d < l.FollowUp[0] {
		t.Errorf("asked after %v", d)
	}
}

// Goods and addresses are told as what they are; what only looks like them is not.
func TestIsGoods(t *testing.T) {
	for text, want := range map[string]bool{
		"96385074": true, "123456789012": true, "4891028164456": true, "14891028164453": true,
		"https://qr.example/x": true, "HTTP:x": true, "https:x": true, "www.example.com": true, "ftp://x": true,
		"280438849930815813": false, "9638507A": false, "/1234567": false, ":1234567": false, "1234567": false, "123456789": false,
	} {
		if got := IsGoods(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
