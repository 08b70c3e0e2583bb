package sale

import "fmt"

// message tells the cashier what to do. It says nothing that is not proved.
func message(s Sale) string {
	switch s.State {
	case Waiting:
		if s.Rejected != "" {
			return s.Rejected
		}
		if n := len(s.Payments); n > 0 {
			return waitingAgain(&s.Payments[n-1])
		}
		return "Ask the customer to show the payment code."
	case Paying:
		return "Processing. Do not charge again."
	case Confirming:
		if s.CancelAsked {
			return "Cancellation requested; the payment is being checked. Do not charge again."
		}
		if p := s.Alive(); p != nil && p.Progress.Last == "pending" && p.Progress.Suspect == "" {
			return "Customer is confirming on the phone. Do not charge again."
		}
		return "Checking with QFPay. Do not charge again."
	case Reversing:
		return "The payment is being undone. Do not charge again until this is final."
	case Unresolved:
		return "Not confirmed. Do not charge again; cpmd keeps asking QFPay and will tell."
	case Paid:
		switch s.Delivery {
		case Awaited:
			return "Paid. Confirm the delivery, then hand the goods over, or the money goes back."
		case Returning:
			if s.Rejected != "" {
				return "Paid. The delivery was not confirmed, and QFPay has not given the money back yet; cpmd tries again. Do not hand the goods over."
			}
			return "Paid, and the money is on its way back: the delivery was not confirmed. Do not hand the goods over."
		case Returned:
			return "Paid, and given back. Do not hand the goods over."
		}
		return "Paid."
	}
	switch s.Reason {
	case Declined:
		return "Not paid: the wallet or QFPay declined. No money was taken."
	case Cancelled:
		return "Not paid: cancelled. No money is kept."
	case NoScan:
		return "Not paid: no code was shown in time."
	case Reversed:
		return "Not paid: the payment was undone. No money is kept."
	case Misconfigured:
		return "Not paid: QFPay rejects this merchant's configuration. Call the person who set cpmd up (cpmctl diagnose)."
	case NotSent:
		return "Not paid: QFPay has no record of this payment. Check the network and try again."
	}
	return ""
}

// waitingAgain is what the cashier does after a code that did not pay.
func waitingAgain(p *Payment) string {
	switch {
	case p.Outcome == OutcomeDeclined && p.RespCD != "":
		return fmt.Sprintf("The code was declined (%s). Ask the customer for a fresh code or another wallet.", p.RespCD)
	case p.Outcome == OutcomeDeclined:
		return "The code was declined. Ask the customer for a fresh code or another wallet."
	}
	return "QFPay did not take the payment. Ask the customer for a fresh code."
}
