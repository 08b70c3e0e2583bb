package sale

import (
	"fmt"
	"strings"

	"cpmd/payment"
)

// message tells the cashier what to do. It says nothing that is not proved. Of a final sale it says no more than its state
// does where the audit may yet find otherwise.
func message(s Sale) string {
	switch s.State {
	case Waiting:
		if s.Rejected != "" {
			return warned(s.Rejected, s.Payments)
		}
		if n := len(s.Payments); n > 0 {
			return warned(waitingAgain(&s.Payments[n-1]), s.Payments)
		}
		return "Ask the customer to show the payment code."
	case Paying:
		return "Processing. Do not charge again."
	case Confirming:
		if s.CancelAsked {
			return "Cancellation requested; checking with QFPay. Do not charge again."
		}
		if p := s.Alive(); p != nil && p.Progress.Last == "pending" && p.Progress.Suspect == "" {
			return "Customer is confirming on the phone. Do not charge again."
		}
		return "Checking with QFPay. Do not charge again."
	case Reversing:
		return "Cancellation attempted; the outcome is not known yet. Do not charge again."
	case Unresolved:
		return "Not confirmed. Do not charge again; cpmd keeps asking QFPay and reports the outcome here."
	case Paid:
		return paidMessage(s)
	case NotPaid:
		return notPaidMessage(s)
	}
	return ""
}

const neverListed = "Not paid: QFPay does not list this payment. If the customer's phone shows a charge, do not charge again and call the " +
	"person in charge; otherwise start a new sale."

func paidMessage(s Sale) string {
	if s.MoneyMissing() && s.Delivery != Returned && s.Refunded < s.Amount {
		return "Paid, but QFPay does not show the money as the shop's: look it up in QFPay's portal. Do not hand over goods for it."
	}
	switch s.Delivery {
	case Awaited:
		return "Paid. Confirm the delivery before handing over the goods, or the money goes back."
	case Returning:
		switch p := s.paidBy(); {
		case p != nil && p.GatewayID() == "":
			return "Paid, but the delivery was not confirmed: refund it in QFPay's portal. Do not hand over the goods."
		case s.Rejected != "":
			return "Paid, but the delivery was not confirmed. The refund is not confirmed by QFPay, perhaps because the money has gone " +
				"back already; cpmd keeps looking. Do not hand over the goods."
		}
		return "Paid, but the delivery was not confirmed: the money is being refunded. Do not hand over the goods."
	case Returned:
		if s.Refunded < s.Amount {
			return "Paid; an operator decided that the money went back. Do not hand over the goods."
		}
		return "Paid, then refunded in full. Do not hand over the goods."
	}
	switch {
	case s.Refunded == 0:
		if p := s.paidBy(); p != nil && p.Progress.Decided {
			return "Paid, as an operator decided."
		}
		return "Paid."
	case s.Refunded < s.Amount:
		return "Paid, then refunded in part."
	}
	return "Paid, then refunded in full."
}

// notPaidMessage says why, and what any payment of the sale may yet do. The sale's end proves each of them to have taken
// nothing, but not all by the same evidence.
func notPaidMessage(s Sale) string {
	wentBack := false
	for i := range s.Payments {
		a := &s.Payments[i].Progress.Audit
		switch {
		case s.Payments[i].surplus():
			return "Not paid, but QFPay shows a charge: do not charge again; call the person in charge (cpmctl alarms)."
		case a.Kept:
			return "This sale was reported as not paid, but QFPay shows a charge, which a person decided to keep. Do not charge again."
		}
		wentBack = wentBack || a.Back
	}
	if wentBack {
		return warned("Not paid: QFPay showed a charge later, and it was given back.", s.Payments)
	}
	var last *Payment
	if n := len(s.Payments); n > 0 {
		last = &s.Payments[n-1]
	}
	return warned(whyNotPaid(s, last), s.Payments)
}

// whyNotPaid says what is known of the last payment, which is nil where no code was taken.
func whyNotPaid(s Sale, last *Payment) string {
	if last != nil {
		switch {
		case last.Outcome == OutcomeDecided:
			return "Not paid: decided by an operator. If the customer's phone shows a charge, do not charge again; look it up in QFPay's portal."
		case last.Outcome == OutcomeNeverArrived:
			return neverListed
		case last.Outcome == OutcomeReversed:
			return "Not paid: QFPay shows the payment as cancelled or given back."
		case s.Reason == NotSent && last.Outcome == OutcomeNotSent:
			return "Not paid: the payment never left this machine. Check the network, then try again."
		}
	}
	switch s.Reason {
	case Declined:
		return "Not paid: the wallet or QFPay declined the payment."
	case Cancelled:
		return "Not paid: cancelled."
	case Reversed:
		return "Not paid: QFPay shows the payment as cancelled or given back."
	case NotSent:
		return neverListed
	case NoScan:
		return "Not paid: no valid payment code was scanned in time."
	case Misconfigured:
		return "Not paid: QFPay rejects this merchant's configuration. Call the person who set up cpmd (cpmctl diagnose)."
	}
	return ""
}

// warned adds, where the text does not say it, what the cashier must know of payments that may yet turn out to be paid:
// those that left this machine and are not listed, and those that the customer can still complete.
func warned(text string, all []Payment) string {
	unlisted, open := false, false
	for i := range all {
		unlisted = unlisted || all[i].Outcome == OutcomeNeverArrived
		open = open || all[i].completable()
	}
	if open && !strings.Contains(text, "complete") {
		text += " The customer must not complete a declined payment on the phone."
	}
	if unlisted && !strings.Contains(text, "shows a charge") {
		text += " If the customer's phone shows a charge, do not charge again and call the person in charge."
	}
	return text
}

// completable reports whether the customer may still complete a payment that was declined: QFPay did not show it as closed.
func (p *Payment) completable() bool {
	return p.Outcome == OutcomeDeclined && p.Progress.Soft && p.Progress.Last != payment.Undone
}

// waitingAgain is what the cashier does after a code that did not pay.
func waitingAgain(p *Payment) string {
	switch {
	case p.Outcome == OutcomeNeverArrived:
		return "QFPay does not list the last payment. If the customer's phone shows a charge, do not charge again and call the person in " +
			"charge; otherwise ask for a fresh code."
	case p.completable():
		return fmt.Sprintf("The payment was declined (%s). Ask the customer for a fresh code or another wallet, and not to complete the declined "+
			"payment on the phone.", p.RespCD)
	case p.Outcome == OutcomeDeclined && p.RespCD != "":
		return fmt.Sprintf("The payment was declined (%s). Ask the customer for a fresh code or another wallet.", p.RespCD)
	case p.Outcome == OutcomeDeclined:
		return "The payment was declined. Ask the customer for a fresh code or another wallet."
	}
	return "The payment did not go through. Ask the customer for a fresh code."
}
