package sale

import (
	"strings"
	"testing"
	"time"

	"cpmd/payment"
)

// A back is one refund under test, at a time of its own.
type back struct {
	*testing.T
	Rules
	f       Refund
	at      time.Time
	effects []Effect
}

func refunding(t *testing.T) *back {
	b := &back{T: t, Rules: DefaultRules(), at: t0, f: Refund{ID: "R", Sale: "S", Amount: 100, Currency: "HKD", OutTradeNo: "R1"}}
	b.step(Event{Kind: Opened})
	b.does(SendRefund)
	return b
}

func (b *back) step(ev Event) {
	ev.At = b.at
	if ev.AskedAt.IsZero() {
		ev.AskedAt = b.at
	}
	b.f, b.effects = ReduceRefund(b.Rules, b.f, ev)
}

func (b *back) answer(a payment.Answer) { b.step(Event{Kind: Answered, Payment: "R1", Answer: &a}) }
func (b *back) shows(f payment.QueryResult) {
	b.step(Event{Kind: QueryAnswered, Payment: "R1", Query: &f})
}
func (b *back) pass(d time.Duration) { b.at = b.at.Add(d) }
func (b *back) due()                 { b.at = b.f.NextAt; b.step(Event{Kind: Due}) }
func (b *back) alarms() (n int) {
	for _, e := range b.effects {
		if e.Kind == RaiseAlarm {
			n++
		}
	}
	return n
}

func (b *back) does(want ...EffectKind) {
	b.Helper()
	l := life{T: b.T, effects: b.effects}
	l.does(want...)
}

func (b *back) is(want RefundState) {
	b.Helper()
	if b.f.State != want {
		b.Fatalf("the refund is %s, want %s: %+v", b.f.State, want, b.f)
	}
}

// Every kind of answer leads a refund as far as it may, and no answer but "never sent" has it sent again.
func TestRefundAnswers(t *testing.T) {
	for _, c := range []struct {
		m    payment.Meaning
		want RefundState
	}{
		{payment.Paid, Refunded}, {payment.Pending, Refunding}, {payment.Duplicate, Refunding}, {payment.Unknown, Refunding},
		{payment.Refused, Refunding}, {payment.Declined, Refunding}, {payment.Misconfigured, Refunding}, {payment.NotFound, Refunding}, {payment.NotSent, Refunding},
	} {
		b := refunding(t)
		b.answer(says(c.m))
		b.is(c.want)
		for range 100 {
			if b.f.NextAt.IsZero() {
				break
			}
			b.due()
			if b.f.Progress.Sends > 1 && c.m != payment.NotSent {
				t.Fatalf("%s: sent %d times", c.m, b.f.Progress.Sends)
			}
		}
	}
}

func TestRefundIsSentThreeTimesAtMost(t *testing.T) {
	b := refunding(t)
	for range maxSends - 1 {
		b.answer(says(payment.NotSent))
		b.is(Refunding)
		b.due()
		b.does(SendRefund)
	}
	b.answer(says(payment.NotSent))
	b.is(NotRefunded)
}

// A second refund of a sale is not sent before QFPay would take it.
func TestRefundPause(t *testing.T) {
	b := &back{T: t, Rules: DefaultRules(), at: t0, f: Refund{ID: "R", OutTradeNo: "R1"}}
	b.step(Event{Kind: Opened, NotBefore: t0.Add(RefundPause)})
	b.does()
	b.pass(RefundPause - 1)
	b.step(Event{Kind: Due})
	b.does()
	b.pass(1)
	b.step(Event{Kind: Due})
	b.does(SendRefund)
}

// "No money went back" takes a refusal that QFPay signed and two queries apart, or two empty lists after the window.
func TestRefundRefused(t *testing.T) {
	refused := payment.Answer{Meaning: payment.Refused, RespCD: "1269", Genuine: true}
	b := refunding(t)
	b.answer(refused)
	b.does(QueryRefund)
	b.shows(nothing)
	b.is(Refunding)
	b.pass(b.Apart - 1)
	b.shows(nothing)
	b.is(Refunding)
	b.pass(1)
	b.shows(nothing)
	b.is(NotRefunded)

	for _, c := range []struct {
		first  payment.Answer
		window time.Duration
	}{
		{payment.Answer{Meaning: payment.Refused, RespCD: "1269"}, DefaultRules().Answer},
		{says(payment.Unknown), DefaultRules().GiveUp},
	} {
		b := refunding(t)
		b.answer(c.first)
		b.pass(c.window - 1)
		b.shows(nothing)
		b.shows(nothing)
		b.is(Refunding)
		b.pass(1)
		b.shows(nothing)
		b.is(Refunding)
		b.shows(nothing)
		b.is(NotRefunded)
	}
}

// What QFPay knows is not given up by empty lists.
func TestKnownRefundIsFollowed(t *testing.T) {
	b := refunding(t)
	b.answer(says(payment.Pending))
	for range 10 {
		b.pass(time.Hour)
		b.shows(nothing)
		if b.f.State.Final() {
			t.Fatalf("given up: %+v", b.f)
		}
	}
}

// Pending may take days; what is not understood calls a person once, and another refund is not taken until it is decided.
func TestRefundUnresolved(t *testing.T) {
	b := refunding(t)
	b.answer(says(payment.Unknown))
	b.shows(listed(payment.Unknown))
	b.is(Refunding)
	b.pass(b.GiveUp)
	b.shows(listed(payment.Unknown))
	b.is(RefundUnresolved)
	if b.alarms() != 1 {
		t.Errorf("%d alarms", b.alarms())
	}
	b.pass(time.Hour)
	b.shows(listed(payment.Unknown))
	if b.alarms() != 0 {
		t.Error("called twice")
	}
	b.shows(listed(payment.Paid))
	b.is(Refunded)

	b = refunding(t)
	b.answer(says(payment.Pending))
	for range 10 {
		b.pass(time.Hour)
		b.shows(listed(payment.Pending))
		b.is(Refunding)
	}
}

// A refund that ended without money is looked at again; if it was done after all, a person is told once and no more
// money is said to be there.
func TestRefundDoneAfterAllIsTold(t *testing.T) {
	ended := func() *back {
		b := refunding(t)
		b.answer(payment.Answer{Meaning: payment.Refused, RespCD: "1269", Genuine: true})
		b.shows(nothing)
		b.pass(b.Apart)
		b.shows(nothing)
		b.is(NotRefunded)
		return b
	}
	b := ended()
	looks := 0
	for !b.f.NextAt.IsZero() {
		b.due()
		b.does(QueryRefund)
		b.shows(nothing)
		looks++
	}
	if looks != len(b.Audit) {
		t.Errorf("%d looks", looks)
	}
	b = ended()
	for n := range 2 {
		b.due()
		b.shows(listed(payment.Paid))
		if want := 1 - n; b.alarms() != want {
			t.Errorf("%d alarms at look %d", b.alarms(), n)
		}
	}
	b = ended()
	b.answer(says(payment.Paid))
	if b.alarms() != 1 {
		t.Error("a late answer is not told")
	}
}

func TestResolveRefund(t *testing.T) {
	unresolved := Refund{ID: "R", Sale: "S", State: RefundUnresolved, Progress: RefundProgress{Last: payment.Pending}}
	refunded, not := State(Refunded), State(NotRefunded)
	for _, c := range []struct {
		name string
		f    Refund
		d    Resolution
		want Code
	}{
		{"against pending", unresolved, Resolution{Outcome: not}, ContradictsGateway},
		{"even though", unresolved, Resolution{Outcome: not, EvenThough: true}, ""},
		{"done", unresolved, Resolution{Outcome: refunded}, ""},
		{"under way", Refund{State: Refunding}, Resolution{Outcome: refunded}, NotUnresolved},
		{"the same again", Refund{State: Refunded}, Resolution{Outcome: refunded}, ""},
		{"the other", Refund{State: Refunded}, Resolution{Outcome: not}, NotUnresolved},
	} {
		if got := codeOf(CheckResolveRefund(c.f, c.d)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	b := &back{T: t, Rules: DefaultRules(), at: t0, f: unresolved}
	b.step(Event{Kind: Decided, Outcome: refunded})
	b.is(Refunded)
	if b.f.NextAt.IsZero() {
		t.Error("a decided refund is not looked at again")
	}
	b.shows(listed(payment.Refused))
	if b.alarms() != 1 {
		t.Error("a wrong decision is not told")
	}
	b = refunding(t)
	b.step(Event{Kind: Decided, Outcome: refunded})
	b.is(Refunding)
}

// A restart sends nothing again but what surely never left, and counts the window anew.
func TestRefundRestarted(t *testing.T) {
	b := refunding(t)
	b.pass(time.Hour)
	b.step(Event{Kind: Restarted})
	b.does(QueryRefund)
	b.pass(b.GiveUp - 1)
	b.shows(nothing)
	b.shows(nothing)
	b.is(Refunding)
	b = refunding(t)
	b.answer(says(payment.NotSent))
	b.step(Event{Kind: Restarted})
	b.does()
	b.due()
	b.does(SendRefund)
}

// What a refund's answer tells is kept: QFPay's number for the receipt, its code for the person who looks it up, and why it
// was not done for the cashier.
func TestRefundIsNoted(t *testing.T) {
	b := refunding(t)
	b.answer(payment.Answer{Meaning: payment.Unknown, RespCD: "1298", SysSN: "S9"})
	if b.f.RespCD != "1298" || b.f.SysSN != "S9" {
		t.Errorf("kept %q %q", b.f.RespCD, b.f.SysSN)
	}
	b.shows(payment.QueryResult{Answer: payment.Answer{Meaning: payment.Unknown}}) // a look that says nothing takes nothing away
	if b.f.RespCD != "1298" || b.f.SysSN != "S9" {
		t.Errorf("after a look %q %q", b.f.RespCD, b.f.SysSN)
	}
	for _, c := range []struct {
		a    payment.Answer
		want string
	}{
		{payment.Answer{Meaning: payment.Unknown, RespCD: "1298", Text: "try later"}, "QFPay does not list this refund (its answer was 1298: try later). Look in QFPay's portal before"},
		{payment.Answer{Meaning: payment.Unknown, RespCD: "1298"}, "QFPay does not list this refund (its answer was 1298). Look in QFPay's portal before"},
		{payment.Answer{Meaning: payment.Unknown}, "QFPay does not list this refund. Look in QFPay's portal before"},
		{payment.Answer{Meaning: payment.Refused, RespCD: "1204", Text: "no such order"}, "QFPay refused the refund (1204: no such order). Look in QFPay's portal before"},
		{payment.Answer{Meaning: payment.Refused, RespCD: "1204", Text: "no such order", Genuine: true}, "QFPay refused the refund (1204: no such order)."},
	} {
		b := refunding(t)
		b.answer(c.a)
		b.pass(b.GiveUp)
		b.shows(nothing)
		b.shows(nothing)
		b.is(NotRefunded)
		if !strings.HasPrefix(b.f.Why, c.want) {
			t.Errorf("%+v: %q", c.a, b.f.Why)
		}
	}
}

// A refund's answer is waited for as long as it can come, and its audit comes at the configured times.
func TestRefundPace(t *testing.T) {
	b := refunding(t)
	if d := b.f.NextAt.Sub(b.at); d != b.Answer+b.Guard {
		t.Errorf("asked for after %v", d)
	}
	b.pass(b.Answer + b.Guard - 1)
	b.f.NextAt = b.at
	b.step(Event{Kind: Due})
	b.answer(says(payment.Paid))
	b.is(Refunded) // the answer counted, since it could still come

	b = refunding(t)
	b.answer(payment.Answer{Meaning: payment.Refused, RespCD: "1269", Genuine: true})
	b.shows(nothing)
	b.pass(b.Apart)
	b.shows(nothing)
	b.is(NotRefunded)
	end := b.at
	for n, after := range b.Audit {
		if d := b.f.NextAt.Sub(end); d != after {
			t.Errorf("look %d after %v, want %v", n, d, after)
		}
		b.due()
		b.shows(nothing)
	}
	if !b.f.NextAt.IsZero() {
		t.Errorf("one more look at %v", b.f.NextAt)
	}
}

// Without an audit in the configuration, a refund that is not done has ended.
func TestRefundWithoutAudit(t *testing.T) {
	b := refunding(t)
	b.Audit = nil
	b.answer(payment.Answer{Meaning: payment.Refused, RespCD: "1269", Genuine: true})
	b.shows(nothing)
	b.pass(b.Apart)
	b.shows(nothing)
	if b.is(NotRefunded); !b.f.NextAt.IsZero() {
		t.Errorf("looked at again at %v", b.f.NextAt)
	}
}

// A new row of empty lists begins with its first one.
func TestRefundSilenceInARow(t *testing.T) {
	b := refunding(t)
	b.answer(payment.Answer{Meaning: payment.Refused, RespCD: "1269", Genuine: true})
	b.shows(nothing)
	b.pass(1)
	b.shows(listed(payment.Unknown))
	b.pass(1)
	b.shows(nothing)
	b.pass(b.Apart)
	b.shows(nothing)
	b.is(Refunding) // QFPay listed it: silence proves nothing any more
}

// A refund that stays pending calls a person in the end, and not before.
func TestRefundPendingForEver(t *testing.T) {
	b := refunding(t)
	b.answer(says(payment.Pending))
	b.pass(b.GiveUp)
	looks := 0
	for ; b.f.State == Refunding && looks < 2*mostAudits; looks++ {
		b.shows(listed(payment.Pending))
		b.at = b.f.NextAt
	}
	b.is(RefundUnresolved)
	if looks != mostAudits+1 {
		t.Errorf("after %d looks", looks)
	}
}
