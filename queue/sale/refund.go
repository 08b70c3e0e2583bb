package sale

import (
	"time"

	"cpmd/payment"
)

// A RefundState is where a refund stands.
type RefundState string

const (
	Refunding   RefundState = "refunding"    // sent, or being followed
	Refunded    RefundState = "refunded"     // final: the money went back
	NotRefunded RefundState = "not_refunded" // final: proved that no money went back
	// RefundUnresolved: QFPay does not tell what became of it; followed at a slow pace, an operator may decide.
	RefundUnresolved RefundState = "unresolved"
)

// Final reports whether the state never changes again.
func (s RefundState) Final() bool { return s == Refunded || s == NotRefunded }

// RefundPause is the time between two refunds of one sale: QFPay refuses one that comes about a second after
// another, as "still processing" (seen by an integrator).
const RefundPause = 3 * time.Second

// A Refund gives money of a paid sale back, under its own number.
type Refund struct {
	ID         string
	Sale       string
	Amount     int64 // minor units
	Currency   string
	OutTradeNo string
	Payment    string // out_trade_no of the payment; empty in journals of the first schema
	PaidSysSN  string // QFPay's id of the payment
	GiveBack   bool   // of money that the audit found, not of what the sale was paid with
	By         string // who asked for it
	TxDTM      string
	State      RefundState
	Why        string // not_refunded: what a person should know
	CreatedAt  time.Time
	UpdatedAt  time.Time
	EndedAt    time.Time // when it became final; its day is the day it counts in
	NextAt     time.Time // when Due must come, also for the audit of one that has ended; zero: never
	SysSN      string
	RespCD     string
	Seq        int64
	Progress   RefundProgress
}

// RefundProgress is the evidence on a refund that is being followed; see Progress.
type RefundProgress struct {
	InFlight   bool            `json:"in_flight,omitempty"`
	Sends      int             `json:"sends,omitempty"`
	Resend     bool            `json:"resend,omitempty"`
	WindowFrom time.Time       `json:"window_from,omitzero"`
	Moved      time.Duration   `json:"moved,omitempty"`
	Known      bool            `json:"known,omitempty"`
	Suspect    payment.Meaning `json:"suspect,omitempty"`
	Why        string          `json:"why,omitempty"` // what the suspect answer said
	Agreed     int             `json:"agreed,omitempty"`
	Absent     int             `json:"absent,omitempty"`
	Polls      int             `json:"polls,omitempty"`
	Slow       int             `json:"slow,omitempty"`
	Genuine    bool            `json:"genuine,omitempty"`
	Quiet      int             `json:"quiet,omitempty"`
	QuietAt    time.Time       `json:"quiet_at,omitzero"`
	Last       payment.Meaning `json:"last,omitempty"`
	Decided    bool            `json:"decided,omitempty"`
	Audit      Audit           `json:"audit,omitzero"`
}

// Since is as a payment's.
func (f *Refund) Since() time.Time { return earlier(f.CreatedAt, f.CreatedAt.Add(f.Progress.Moved)) }
