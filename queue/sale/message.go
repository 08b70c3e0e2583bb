package sale

// message tells the cashier what to do.
func message(s Sale) string {
	switch s.State {
	case Waiting:
		if n := len(s.Payments); n > 0 && s.Payments[n-1].Outcome == OutcomeDeclined {
			return "The code was declined (" + s.Payments[n-1].RespCD + "). Ask the customer for a fresh code or another wallet."
		}
		return "Ask the customer to show the payment code."
	case Paying:
		return "Processing. Do not charge again."
	case Confirming:
		if s.CancelAsked {
			return "Cancelling is asked for; the payment is being checked. Do not charge again."
		}
		if p := s.Alive(); p != nil && p.Progress.Known && p.Progress.Suspect == "" {
			return "Customer is confirming on the phone. Do not charge again."
		}
		return "Checking with QFPay. Do not charge again."
	case Reversing:
		return "The payment is being undone. Do not charge again until this is final."
	case Unresolved:
		return "Not confirmed. Do not charge again; cpmd goes on asking and will tell."
	case Paid:
		switch s.Delivery {
		case Awaited:
			return "Paid. Hand the goods over and say so, or the money goes back."
		case Returning:
			return "Paid, and the money is on its way back: the goods were not handed over. Do not hand them over."
		case Returned:
			return "Paid, and given back: the goods were not handed over."
		}
		return "Paid."
	}
	switch s.Reason {
	case Declined:
		return "Not paid: the wallet or QFPay declined. No money was taken."
	case Cancelled:
		return "Not paid: cancelled. No money was taken, or it was given back."
	case NoScan:
		return "Not paid: no code was shown in time."
	case Reversed:
		return "Not paid: it was not confirmed in time and was undone. No money is kept."
	case Misconfigured:
		return "Not paid: QFPay refuses this shop's set-up. Call the person who set cpmd up (cpmctl diagnose). No money was taken."
	case NotSent:
		return "Not paid: QFPay could not be reached. No money was taken. Check the network and try again."
	}
	return ""
}
