package sale

import (
	"time"

	"cpmd/payment"
)

// An EventKind names what happened to a sale.
type EventKind string

const (
	Opened            EventKind = "opened"          // the till pushed an amount
	Scanned           EventKind = "scanned"         // a code was bound to the sale
	Answered          EventKind = "answered"        // the payment request came back, with or without an answer
	QueryAnswered     EventKind = "found"           // a query came back
	CancelAnswered    EventKind = "cancel_answered" // a cancellation came back
	CancelAsked       EventKind = "cancel_asked"    // the till wants to stop
	Due               EventKind = "due"             // NextAt is reached
	Restarted         EventKind = "restarted"       // the daemon started; what was in flight is lost
	ClockMoved        EventKind = "clock_moved"     // the wall clock jumped
	DeliveryConfirmed EventKind = "handed_over"     // the till delivered the goods
	GivenBack         EventKind = "given_back"      // a refund of it is done
	Decided           EventKind = "decided"         // an operator decided what became of an unresolved sale
	ScanRejected      EventKind = "scan_rejected"   // a code was shown that cannot pay the waiting sale
	AskNow            EventKind = "ask_now"         // an operator wants QFPay to be asked at once
	GaveBack          EventKind = "gave_back"       // a refund of money found by the audit ended
	AlarmSettled      EventKind = "alarm_settled"   // a person settled an alarm about a payment
	RefundRefused     EventKind = "refund_refused"  // a refund of it ended without money going back
)

// EventKinds are all kinds of sale events.
var EventKinds = []EventKind{Opened, Scanned, Answered, QueryAnswered, CancelAnswered, CancelAsked, Due, Restarted, ClockMoved, DeliveryConfirmed, GivenBack, Decided,
	ScanRejected, AskNow, GaveBack, AlarmSettled, RefundRefused}

// An Event is one thing that happened to a sale. Time comes in with it: the reducer has no clock.
type Event struct {
	Kind EventKind
	At   time.Time

	Payment   string               // out_trade_no: answered, found, cancel_answered
	Bind      *Bind                // scanned; opened when the till scanned the code itself
	Answer    *payment.Answer      // answered, cancel_answered
	Query     *payment.QueryResult // found
	AskedAt   time.Time            // found: when the query was begun
	By        string               // cancel_asked, handed_over, decided: who
	NotBefore time.Time            // opened, of a refund: QFPay would refuse it earlier
	Outcome   State                // decided: paid or not_paid
	Note      string               // decided, scan_rejected, alarm_settled: why
	Alarm     string               // alarm_settled: what the alarm said
	UnderWay  int64                // found: minor units of the sale's refunds that are under way
	Done      bool                 // gave_back: the money went back
	Amount    int64                // given_back: minor units
	Refund    string               // given_back, gave_back: its id
	Moved     time.Duration        // clock_moved
	Beside    bool                 // asked: by cpmd itself, behind all customers
}

// A Bind is the pairing of a scanned code with a sale, before anything is sent.
type Bind struct {
	OutTradeNo string
	Code       MaskedCode
	PayType    string
	TxDTM      string
	Device     string
}
