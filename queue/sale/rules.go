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
	Deliver  time.Duration   // for a machine to hand the goods over, once it is paid
	Beside   time.Duration   // a payment request without an answer for so long is asked for beside it
	Apart    time.Duration   // between two queries that prove something together
	Audit    []time.Duration // from the end of a payment to each look at it again
	GiveBack time.Duration   // from money found for a sale that is not paid until it is given back; negative: never
	// Guard is when a result that should have come is no longer waited for.
	Guard time.Duration
	// CanCancel reports whether QFPay offers cancellation for a pay_type.
	CanCancel func(payType string) bool
}

const (
	maxSends        = 3 // of one number, where each earlier one surely left nothing
	maxQuickCancels = 3 // while the cashier waits
	maxCancels      = 12
	absentProves    = 2  // conclusive empty lists in a row
	paidProves      = 2  // paid answers in a row after a cancellation
	quietProves     = 2  // queries without contradiction after a genuine decline
	throttledProves = 3  // the same after HTTP 429, which nobody signs
	mostReturns     = 12 // attempts to give a machine's money back before there is about one a day
	mostAudits      = 60 // looks at an ended payment that bring no certainty

	// returnAgain is no whole day: QFPay refuses refunds around midnight, and would do so at the same time of the next one.
	returnAgain = 23 * time.Hour
)

// DefaultRules are the timings of the configuration's defaults.
func DefaultRules() Rules {
	return Rules{
		Scan: time.Minute, Answer: 40 * time.Second, Poll: 2 * time.Second, Confirm: time.Minute, GiveUp: 2 * time.Minute, Deliver: 2 * time.Minute,
		FollowUp: []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour},
		Guard:    30 * time.Second, Beside: 5 * time.Second, Apart: 3 * time.Second,
		Audit: []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}, GiveBack: 15 * time.Minute, CanCancel: payment.CanCancel,
	}
}
