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

// A Settle says when a paid sale is over: at once, or when the till has handed the goods over, as a machine that
// may fail to do so.
type Settle string

const (
	SettleAtOnce Settle = ""
	SettleByTill Settle = "till"
)

// A Delivery is where a paid sale stands that the till settles.
type Delivery string

const (
	NoDelivery Delivery = ""
	Awaited    Delivery = "awaited"   // the till must say that the goods are handed over
	Delivered  Delivery = "delivered" // it did
	Returning  Delivery = "returning" // it did not in time, or said that it cannot: the money goes back
	Returned   Delivery = "returned"  // all of it went back
)

// Done says that nothing is to come any more.
func (s *Sale) Done() bool {
	return s.State.Final() && s.Delivery != Awaited && s.Delivery != Returning
}

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
	Settle      Settle
	Delivery    Delivery
	Slow        int   // attempts to give the money back
	Refunded    int64 // minor units
	Seq         int64 // of the last event that a till could see
	Payments    []Payment
}

// An Outcome is how a payment ended; empty while it is alive.
type Outcome string

const (
	Alive         Outcome = ""
	OutPaid       Outcome = "paid"
	OutDeclined   Outcome = "declined"
	OutReversed   Outcome = "reversed"
	OutNotSent    Outcome = "not_sent" // surely no byte of it left
	OutAbsent     Outcome = "absent"   // it left, and is proved never to have reached QFPay
	OutMisconfigd Outcome = "misconfigured"
	OutDecided    Outcome = "decided" // an operator said not paid
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

// Since is the earliest that the payment may have been sent by the clock as it is now. (A jump that is seen may also
// be a sleep of the machine, in which time did pass.)
func (p *Payment) Since() time.Time { return earlier(p.SentAt, p.SentAt.Add(p.Progress.Moved)) }

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

// clone copies the sale so that a reducer may change it.
func (s Sale) clone() Sale {
	s.Payments = append([]Payment(nil), s.Payments...)
	return s
}

// A Cancel is how far the cancellation of a payment got.
type Cancel string

const (
	NoCancel       Cancel = ""
	CancelSent     Cancel = "sent"     // no answer yet
	CancelAccepted Cancel = "accepted" // QFPay says done, or in progress; a query must still show it
	CancelRefused  Cancel = "refused"  // QFPay says it did not; a copy of the request that comes later may still
	CancelTooLate  Cancel = "too_late" // QFPay refuses because the payment is paid
	CancelUnknown  Cancel = "unknown"  // the answer is missing: it may take effect any moment
)

// Progress is the evidence gathered on a payment that is being followed. It is kept in the journal with the
// payment, so that a restart judges by the same evidence.
type Progress struct {
	// InFlight: the payment request may still be under way from this process.
	InFlight bool `json:"in_flight,omitempty"`
	// Sends counts how often sending was begun; more than one only where every earlier one surely left nothing.
	Sends int `json:"sends,omitempty"`
	// Resend: the last attempt surely left nothing, and the next one is due.
	Resend bool `json:"resend,omitempty"`
	// WindowFrom: the request may still reach QFPay until this time plus the answer window.
	WindowFrom time.Time `json:"window_from,omitzero"`
	// Moved: how far the machine's clock jumped since the payment was sent.
	Moved time.Duration `json:"moved,omitempty"`
	// Known: QFPay has shown that it knows the number, so an empty list proves nothing any more.
	Known bool `json:"known,omitempty"`
	// Suspect is what the payment answer claimed and queries must confirm: declined or misconfigured.
	Suspect payment.Meaning `json:"suspect,omitempty"`
	Confirm int             `json:"confirm,omitempty"` // queries that must agree
	Agreed  int             `json:"agreed,omitempty"`  // queries that did, in a row
	Absent  int             `json:"absent,omitempty"`  // conclusive empty lists in a row
	Paid    int             `json:"paid,omitempty"`    // queries in a row that show it paid while a cancellation was open

	Cancel   Cancel    `json:"cancel,omitempty"`
	CancelAt time.Time `json:"cancel_at,omitzero"` // when it was last sent
	Loose    bool      `json:"loose,omitempty"`    // an earlier one was accepted or left unanswered
	Cancels  int       `json:"cancels,omitempty"`
	Slow     int       `json:"slow,omitempty"`  // queries made at the slow pace
	Polls    int       `json:"polls,omitempty"` // queries that came back
}
