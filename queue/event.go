package queue

import (
	"time"

	"cpmd/payment"
)

// An EventKind names what happened to a sale.
type EventKind string

const (
	Opened         EventKind = "opened"          // the till pushed an amount
	Scanned        EventKind = "scanned"         // a code was bound to the sale
	Answered       EventKind = "answered"        // the payment request came back, with or without an answer
	Found          EventKind = "found"           // a query came back
	CancelAnswered EventKind = "cancel_answered" // a cancellation came back
	CancelAsked    EventKind = "cancel_asked"    // the till wants to stop
	Due            EventKind = "due"             // NextAt is reached
	Restarted      EventKind = "restarted"       // the daemon started; what was in flight is lost
	ClockMoved     EventKind = "clock_moved"     // the wall clock jumped
	HandedOver     EventKind = "handed_over"     // the till delivered the goods
	GivenBack      EventKind = "given_back"      // a refund of it is done
	Decided        EventKind = "decided"         // an operator decided what became of an unresolved sale
)

// EventKinds are all kinds of sale events.
var EventKinds = []EventKind{Opened, Scanned, Answered, Found, CancelAnswered, CancelAsked, Due, Restarted, ClockMoved, HandedOver, GivenBack, Decided}

// An Event is one thing that happened to a sale. Time comes in with it: the reducer has no clock.
type Event struct {
	Kind EventKind
	At   time.Time

	Payment   string           // out_trade_no: answered, found, cancel_answered
	Bind      *Bind            // scanned; opened when the till scanned the code itself
	Answer    *payment.Answer  // answered, cancel_answered
	Finding   *payment.Finding // found
	AskedAt   time.Time        // found: when the query was begun
	By        string           // cancel_asked, handed_over, decided: who
	NotBefore time.Time        // opened, of a refund: QFPay would refuse it earlier
	Outcome   State            // decided: paid or not_paid
	Note      string           // decided: why
	Amount    int64            // given_back: minor units
	Refund    string           // given_back: its id
	Moved     time.Duration    // clock_moved
}

// A Bind is the pairing of a scanned code with a sale, before anything is sent.
type Bind struct {
	OutTradeNo string
	Code       Mark
	PayType    string
	TxDTM      string
	Device     string
}

// An EffectKind names what is to be done once an event is in the journal.
type EffectKind string

const (
	Submit        EffectKind = "submit"         // send the payment request
	Query         EffectKind = "query"          // ask what became of the payment
	CancelPayment EffectKind = "cancel_payment" // ask QFPay to undo it
	ReturnMoney   EffectKind = "return_money"   // refund what is left of the sale
	Alarm         EffectKind = "alarm"          // a person must look at it
)

// An Effect is one thing to do. Its result comes back as a new event.
type Effect struct {
	Kind    EffectKind
	Payment string // out_trade_no
	Text    string // alarm
}

// Rules are the times a sale lives by.
type Rules struct {
	Scan      time.Duration   // waiting for a scan
	Answer    time.Duration   // a payment or cancel request may take this long to arrive and be answered
	Poll      time.Duration   // between queries while the customer stands there
	Confirm   time.Duration   // from submission to the cancel attempt
	GiveUp    time.Duration   // from submission to unresolved
	Reconcile []time.Duration // between queries after that; the last one repeats
	Deliver   time.Duration   // for a till that settles to hand the goods over, once it is paid
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
		Reconcile: []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour},
		Guard:     30 * time.Second, CanCancel: payment.CanCancel,
	}
}
