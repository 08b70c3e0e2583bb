package sale

import (
	"time"

	"cpmd/payment"
)

// Rules are the times a sale lives by.
type Rules struct {
	Scan     time.Duration   // waiting for a scan
	Answer   time.Duration   // a payment or cancel request may take this long to arrive and be answered
	Poll     time.Duration   // between queries while the customer stands there
	Confirm  time.Duration   // from submission to the cancel attempt
	GiveUp   time.Duration   // from submission to unresolved
	FollowUp []time.Duration // between queries after that; the last one repeats
	Deliver  time.Duration   // for a till that settles to hand the goods over, once it is paid
	// Guard is when a result that should have come is no longer waited for.
	Guard time.Duration
	// CanCancel says whether QFPay offers cancellation for a pay_type.
	CanCancel func(payType string) bool
}

const (
	maxSends        = 3 // of one number, where each earlier one surely left nothing
	maxQuickCancels = 3 // while the cashier waits
	maxCancels      = 12
	absentProves    = 2 // conclusive empty lists in a row
	paidProves      = 2 // paid answers in a row after a cancellation that was not refused
)

// DefaultRules are the timings of the configuration's defaults.
func DefaultRules() Rules {
	return Rules{
		Scan: time.Minute, Answer: 40 * time.Second, Poll: 2 * time.Second, Confirm: time.Minute, GiveUp: 2 * time.Minute, Deliver: 2 * time.Minute,
		FollowUp: []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour},
		Guard:    30 * time.Second, CanCancel: payment.CanCancel,
	}
}
