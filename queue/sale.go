package queue

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"cpmd/payment"
)

// A State is where a sale stands. docs/sale.md draws how one leads to another.
type State string

const (
	Waiting    State = "waiting"    // for a scan
	Paying     State = "paying"     // submitted, no answer yet
	Confirming State = "confirming" // QFPay is at it, or its answer is missing or not to be trusted; being queried
	Reversing  State = "reversing"  // being undone: time is up, or the till cancelled
	Unresolved State = "unresolved" // the cashier has waited long enough; followed at a slow pace
	PaidState  State = "paid"       // final: the money is taken
	NotPaid    State = "not_paid"   // final: proved that no money was taken, or that it was given back
)

// States are all states, in the order of a sale's life.
var States = []State{Waiting, Paying, Confirming, Reversing, Unresolved, PaidState, NotPaid}

// Final says that the state never changes again.
func (s State) Final() bool { return s == PaidState || s == NotPaid }

// HoldsLane says that no other sale can use the lane meanwhile.
func (s State) HoldsLane() bool { return !s.Final() && s != Unresolved && s != "" }

// A Reason says why a sale is not_paid.
type Reason string

const (
	Declined      Reason = "declined"      // QFPay or the wallet refused
	Cancelled     Reason = "cancelled"     // the till asked to stop
	NoScan        Reason = "no_scan"       // nobody showed a code in time
	Reversed      Reason = "reversed"      // it took too long and was undone
	Misconfigured Reason = "misconfigured" // the merchant's set-up is wrong
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
	Refunded    int64     // minor units
	Seq         int64     // of the last event that a till could see
	Payments    []Payment
}

// An Outcome is how a payment ended; empty while it is alive.
type Outcome string

const (
	Alive         Outcome = ""
	OutPaid       Outcome = "paid"
	OutDeclined   Outcome = "declined"
	OutReversed   Outcome = "reversed"
	OutNotSent    Outcome = "not_sent"
	OutMisconfigd Outcome = "misconfigured"
)

// A Payment is one submission of a sale to QFPay.
type Payment struct {
	OutTradeNo string
	PayType    string // as requested
	Code       Mark
	TxDTM      string // as sent; QFPay wants it again to cancel
	Outcome    Outcome
	SentAt     time.Time
	ConfirmBy  time.Time // cancel attempt from here on
	GiveUpBy   time.Time // unresolved from here on
	SysSN      string
	ChnlSN     string
	RespCD     string
	Resolved   string // pay_type that QFPay resolved; may be empty
	Progress   Progress
}

// A Mark stands for an auth code that is not kept: what may be shown of it, and a hash that tells it again.
type Mark struct {
	Mask string
	Hash string // hex SHA-256
}

// MarkOf makes the Mark of a code.
func MarkOf(code payment.AuthCode) Mark {
	sum := sha256.Sum256([]byte(code.Reveal()))
	return Mark{Mask: code.String(), Hash: hex.EncodeToString(sum[:])}
}

// Progress is what is known of a payment that is being followed.
type Progress struct{}
