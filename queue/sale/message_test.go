package sale

import (
	"strings"
	"testing"

	"cpmd/payment"
)

// What the cashier reads says nothing that is not proved, and never invites a second charge.
func TestMessages(t *testing.T) {
	ended := func(o Outcome) []Payment { return []Payment{{OutTradeNo: "N1", Outcome: o, SysSN: "7"}} }
	alive := func(g Progress) []Payment { return []Payment{{OutTradeNo: "N1", Progress: g}} }
	for _, c := range []struct {
		name  string
		s     Sale
		want  string
		never []string
	}{
		{"cancellation refused as paid", Sale{State: Reversing, Payments: alive(Progress{Cancel: CancelTooLate})}, "not known yet. Do not charge again", []string{"undone", "until"}},
		{"declined, then claimed by a query", Sale{State: Confirming, Payments: alive(Progress{Last: payment.Pending, Suspect: payment.Declined})}, "Checking", []string{"on the phone"}},
		{"decided by an operator", Sale{State: NotPaid, Reason: Cancelled, Payments: ended(OutcomeDecided)}, "decided by an operator", []string{"money"}},
		{"declined, which the audit may contradict", Sale{State: NotPaid, Reason: Declined, Payments: ended(OutcomeDeclined)}, "declined", []string{"money", "again"}},
		{"cancelled at QFPay", Sale{State: NotPaid, Reason: Cancelled, Payments: ended(OutcomeReversed)}, "shows the payment as cancelled or given back", []string{"The shop"}},
		{"cancelled before a code was shown", Sale{State: NotPaid, Reason: Cancelled}, "cancelled", []string{"money", "QFPay"}},
		{"a used code was all that was shown", Sale{State: NotPaid, Reason: NoScan}, "no valid payment code was scanned", nil},
		{"nothing left the machine", Sale{State: NotPaid, Reason: NotSent, Payments: ended(OutcomeNotSent)}, "never left this machine", []string{"QFPay"}},
		{"QFPay does not list it", Sale{State: NotPaid, Reason: NotSent, Payments: ended(OutcomeNeverArrived)}, "does not list this payment. If the customer's phone shows a charge, do not charge again", []string{"reached", "try again", "network"}},
		{"wholly refunded by hand", Sale{State: Paid, Amount: 100, Refunded: 100, Payments: ended(OutcomePaid)}, "refunded in full", nil},
		{"partly refunded", Sale{State: Paid, Amount: 100, Refunded: 40, Payments: ended(OutcomePaid)}, "refunded in part", nil},
		{"given back, the delivery not confirmed", Sale{State: Paid, Amount: 100, Refunded: 100, Delivery: Returned, Payments: ended(OutcomePaid)}, "Do not hand over", nil},
		{"being given back", Sale{State: Paid, Amount: 100, Delivery: Returning, Payments: ended(OutcomePaid)}, "is being refunded. Do not hand over", nil},
		{"cannot be given back by cpmd", Sale{State: Paid, Amount: 100, Delivery: Returning, Payments: []Payment{{Outcome: OutcomePaid}}}, "in QFPay's portal. Do not hand over", []string{"is being"}},
		{"QFPay refuses to give it back", Sale{State: Paid, Amount: 100, Delivery: Returning, Rejected: "no", Payments: ended(OutcomePaid)}, "perhaps because the money has gone back already", []string{"is being", "has not"}},
		{"went back without cpmd", Sale{State: Paid, Amount: 100, Delivery: Returning, Rejected: "no",
			Payments: []Payment{{Outcome: OutcomePaid, SysSN: "7", Progress: Progress{Audit: Audit{Missing: true}}}}}, "does not show the money as the shop's:", []string{"keeps", "any more"}},
		{"gone while the machine may still ask", Sale{State: Paid, Amount: 100, Delivery: Awaited,
			Payments: []Payment{{Outcome: OutcomePaid, SysSN: "7", Progress: Progress{Audit: Audit{Missing: true}}}}}, "Do not hand over", []string{"before handing over"}},
		{"cancelled by the till, and never listed", Sale{State: NotPaid, Reason: Cancelled, Payments: ended(OutcomeNeverArrived)}, "do not charge again", []string{"cancelled"}},
		{"never listed, and another code would do", Sale{State: Waiting, Payments: ended(OutcomeNeverArrived)}, "do not charge again", nil},
		{"charged after all", Sale{State: NotPaid, Reason: Declined, Payments: []Payment{{Outcome: OutcomeDeclined, Progress: Progress{Audit: Audit{Found: t0}}}}},
			"QFPay shows a charge: do not charge again", nil},
		{"declined, and the customer can still complete it", Sale{State: NotPaid, Reason: Declined, Payments: []Payment{{Outcome: OutcomeDeclined, Progress: Progress{Soft: true}}}},
			"must not complete", nil},
		{"the same, and the till cancelled", Sale{State: NotPaid, Reason: Cancelled, Payments: []Payment{{Outcome: OutcomeDeclined, Progress: Progress{Soft: true}}}},
			"Not paid: cancelled. The customer must not complete", nil},
		{"cancelled at QFPay after a payment that is not listed", Sale{State: NotPaid, Reason: Reversed,
			Payments: []Payment{{Outcome: OutcomeNeverArrived}, {Outcome: OutcomeReversed}}}, "If the customer's phone shows a charge, do not charge again", []string{"The shop"}},
		{"the network fails after a payment that is not listed", Sale{State: NotPaid, Reason: NotSent,
			Payments: []Payment{{Outcome: OutcomeNeverArrived}, {Outcome: OutcomeNotSent}}}, "If the customer's phone shows a charge, do not charge again", nil},
		{"declined after one that the customer can still complete", Sale{State: NotPaid, Reason: Declined,
			Payments: []Payment{{Outcome: OutcomeDeclined, Progress: Progress{Soft: true}}, {Outcome: OutcomeDeclined}}}, "must not complete", nil},
		{"waits after the same two", Sale{State: Waiting,
			Payments: []Payment{{Outcome: OutcomeDeclined, Progress: Progress{Soft: true}}, {Outcome: OutcomeDeclined, RespCD: "1201"}}}, "must not complete", nil},
		{"not listed, and the same code is shown again", Sale{State: Waiting, Rejected: "This code was used before.", Payments: ended(OutcomeNeverArrived)},
			"used before. If the customer's phone shows a charge, do not charge again", nil},
		{"charged after all, and a person keeps it", Sale{State: NotPaid, Reason: Reversed,
			Payments: []Payment{{Outcome: OutcomeReversed, Progress: Progress{Audit: Audit{Found: t0, Kept: true}}}}}, "which a person decided to keep. Do not charge again", []string{"cancelled"}},
		{"charged after all, and given back", Sale{State: NotPaid, Reason: NotSent,
			Payments: []Payment{{Outcome: OutcomeNeverArrived, Progress: Progress{Audit: Audit{Found: t0, Back: true}}}}}, "was given back", []string{"does not list"}},
		{"cancellation that never left", Sale{State: Reversing, Payments: alive(Progress{})}, "not known yet. Do not charge again", []string{"QFPay was asked"}},
		{"paid by an operator's word", Sale{State: Paid, Amount: 100, Payments: []Payment{{Outcome: OutcomePaid, Progress: Progress{Decided: true}}}}, "as an operator decided", nil},
		{"declined in a way that the customer can still complete", Sale{State: Waiting, Payments: []Payment{{Outcome: OutcomeDeclined, RespCD: "2007", Progress: Progress{Soft: true}}}},
			"not to complete the declined payment", nil},
		{"such a one closed at QFPay", Sale{State: Waiting, Payments: []Payment{{Outcome: OutcomeDeclined, RespCD: "2007", Progress: Progress{Soft: true, Closed: true, Last: payment.Undone}}}},
			"fresh code", []string{"complete"}},
	} {
		got := message(c.s)
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: the cashier reads %q, want %q in it", c.name, got, c.want)
		}
		for _, w := range c.never {
			if strings.Contains(got, w) {
				t.Errorf("%s: the cashier reads %q, and %q is not proved", c.name, got, w)
			}
		}
	}
	for _, s := range States {
		for _, r := range []Reason{Declined, Cancelled, NoScan, Reversed, Misconfigured, NotSent} {
			if message(Sale{State: s, Reason: r}) == "" {
				t.Errorf("%s (%s): the cashier reads nothing", s, r)
			}
		}
	}
}

// The alarm of money that is gone claims no more than QFPay shows, and that of a return no more than the machine did.
func TestAlarmsClaimNoMore(t *testing.T) {
	l := begin(t)
	l.step(Event{Kind: Answered, Payment: "N1", Answer: &payment.Answer{Meaning: payment.Paid, RespCD: "0000", SysSN: "7"}})
	l.s.ConfirmDelivery, l.s.Delivery = true, Returning
	l.step(Event{Kind: RefundRefused, Refund: "r", Note: "QFPay refused the refund (1155)."})
	if len(l.effects) != 1 || strings.Contains(l.effects[0].Text, "handed") || !strings.Contains(l.effects[0].Text, "(1155)). cpmd keeps trying") {
		t.Errorf("%+v", l.effects)
	}
}

// A difference of a day promises a question to QFPay only for a payment of the books: of others there is nothing to ask.
func TestDifferenceOfADayPromisesNoMore(t *testing.T) {
	both := Mismatch{OutTradeNo: "N1", Sale: "a", Here: "payment paid", There: "payment 0000 cancel 1, HKD 100"}
	onlyHere, onlyThere, refund := both, both, both
	onlyHere.There, onlyThere.Here, refund.Refund = "", "", "r"
	for m, asks := range map[Mismatch]bool{both: true, onlyHere: true, onlyThere: false, refund: false} {
		if says := m.Alarm("2026-11-22"); strings.Contains(says, "asks QFPay") != asks {
			t.Errorf("the operator reads %q", says)
		}
	}
}

// What is told of a sale names nothing that was not done and cannot be done.
func TestStoryClaimsNoMore(t *testing.T) {
	tell := func(c Cause) string { return c.Tell(func(int64) string { return "" }) }
	if says := tell(Cause{Event: Restarted}); strings.Contains(says, "ask") {
		t.Errorf("nothing was sent, so nothing is asked: %q", says)
	}
	if says := tell(Cause{Event: Restarted, Next: []EffectKind{QueryPayment}}); !strings.Contains(says, "Asking QFPay.") {
		t.Errorf("QFPay is asked: %q", says)
	}
	if says := tell(Cause{Event: Scanned, Payment: "N1"}); strings.Contains(says, "then sent") {
		t.Errorf("the request may never leave: %q", says)
	}
	by := Sale{State: Paid, Amount: 100, Delivery: Returning, Payments: []Payment{{Outcome: OutcomePaid, Progress: Progress{Decided: true}}}}
	if says := Next(by); strings.Contains(says, "being given back") {
		t.Errorf("cpmd cannot refund it: %q", says)
	}
}

// 1265 has three causes, and only one of them is over after 00:30.
func TestRefundBlocked(t *testing.T) {
	says := refusal(&payment.Answer{Meaning: payment.Refused, RespCD: "1265", Genuine: true})
	for _, want := range []string{"promotions", "time limit", "in that hour, try again after 00:30"} {
		if !strings.Contains(says, want) {
			t.Errorf("no %q in %q", want, says)
		}
	}
}
