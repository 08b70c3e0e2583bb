// Package sale is the rule book: what a sale and a refund are, what may happen to them, and what each event does.
//
// Start reading at [Reduce] and [ReduceRefund]. They are pure functions, (sale, event) → (sale, effects): no clock, no
// I/O, no goroutine; time comes in with the event. A query's result is judged in judge.go, which holds the proofs of
// "paid" and "not paid"; docs/sale.md tells the rules in words. The views, messages and errors are what tills are told.
package sale

import "time"

// A State is where a sale stands. docs/sale.md draws how one leads to another.
type State string

const (
	Waiting    State = "waiting"    // for a scan
	Paying     State = "paying"     // submitted, no answer yet
	Confirming State = "confirming" // QFPay is at it, or its answer is missing or not to be trusted; being queried
	Reversing  State = "reversing"  // being undone: time is up, or the till cancelled
	Unresolved State = "unresolved" // the cashier has waited long enough; followed at a slow pace
	Paid       State = "paid"       // final: the money is taken
	NotPaid    State = "not_paid"   // final: proved that no money was taken, or that it was given back
)

// States are all states, in the order of a sale's life.
var States = []State{Waiting, Paying, Confirming, Reversing, Unresolved, Paid, NotPaid}

// Final reports whether the state never changes again.
func (s State) Final() bool { return s == Paid || s == NotPaid }

// HoldsLane reports whether no other sale can use the lane meanwhile.
func (s State) HoldsLane() bool { return !s.Final() && s != Unresolved && s != "" }

// A Reason says why a sale is not_paid.
type Reason string

const (
	Declined      Reason = "declined"      // QFPay or the wallet refused
	Cancelled     Reason = "cancelled"     // the till asked to stop
	NoScan        Reason = "no_scan"       // nobody showed a code in time
	Reversed      Reason = "reversed"      // it took too long and was undone
	Misconfigured Reason = "misconfigured" // QFPay rejects the merchant's configuration
	NotSent       Reason = "not_sent"      // the request never reached QFPay
)

// A Sale is what a till asks to collect.
type Sale struct {
	ID          string
	Lane        string
	Ticket      string // the till's own bill number; may be empty
	Amount      int64  // minor units
	Currency    string
	Content     string // fingerprint of the request that opened it
	State       State
	Reason      Reason
	CancelAsked bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ScanBy      time.Time // a code must be shown by then
	NextAt      time.Time // when Due must come; zero: nothing to do
	EndedAt     time.Time // when it became final; its day is the day it counts in
	Delivery    Delivery
	Slow        int    // attempts to give the money back
	Refunded    int64  // minor units
	Seq         int64  // of the last event that a till could see
	Rejected    string // why the last scan was not taken, while it waits
	Payments    []Payment

	// As asked for by the till.
	ConfirmDelivery bool // paid is not the end: the till must say that the goods are handed over
	By              string
	Operator        string
	Shift           string
	Metadata        map[string]string
}

// Alive returns the payment that is still being followed, or nil. There is at most one, and it is the last.
func (s *Sale) Alive() *Payment {
	if n := len(s.Payments); n > 0 && s.Payments[n-1].Outcome == Alive {
		return &s.Payments[n-1]
	}
	return nil
}

// Payment returns the payment with that number, or nil.
func (s *Sale) Payment(outTradeNo string) *Payment {
	for i := range s.Payments {
		if s.Payments[i].OutTradeNo == outTradeNo {
			return &s.Payments[i]
		}
	}
	return nil
}

// paidBy returns the payment that counts as paying the sale, or nil.
func (s *Sale) paidBy() *Payment {
	for i := range s.Payments {
		if s.Payments[i].Outcome == OutcomePaid {
			return &s.Payments[i]
		}
	}
	return nil
}

// Due is when the sale next needs attention: its own timer, or the audit of an ended payment. Zero: never.
func (s *Sale) Due() time.Time {
	due := s.NextAt
	for i := range s.Payments {
		due = sooner(due, s.Payments[i].AuditAt)
	}
	return due
}

// sooner is the earlier of two times, of which a zero one means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// clone copies the sale so that a reducer may change it.
func (s Sale) clone() Sale {
	s.Payments = append([]Payment(nil), s.Payments...)
	return s
}
