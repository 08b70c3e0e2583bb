package sale

import (
	"time"

	"cpmd/payment"
)

// An Outcome is how a payment ended; empty while it is alive.
type Outcome string

const (
	Alive                Outcome = ""
	OutcomePaid          Outcome = "paid"
	OutcomeDeclined      Outcome = "declined"
	OutcomeReversed      Outcome = "reversed"
	OutcomeNotSent       Outcome = "not_sent" // surely no byte of it left
	OutcomeNeverArrived  Outcome = "absent"   // it left, and is proved never to have reached QFPay
	OutcomeMisconfigured Outcome = "misconfigured"
	OutcomeDecided       Outcome = "decided" // an operator said not paid
)

// A Payment is one submission of a sale to QFPay.
type Payment struct {
	OutTradeNo string
	PayType    string // as requested
	Code       MaskedCode
	TxDTM      string // as sent; QFPay wants it again to cancel
	Outcome    Outcome
	SentAt     time.Time
	ConfirmBy  time.Time // cancel attempt from here on
	GiveUpBy   time.Time // unresolved from here on
	SysSN      string
	ChnlSN     string
	RespCD     string
	Resolved   string    // pay_type that QFPay resolved; may be empty
	AuditAt    time.Time // when an ended payment is looked at again; zero: never
	Progress   Progress
}

// Since is the earliest that the payment may have been sent by the clock as it is now. (A jump that is seen may also
// be a sleep of the machine, in which time did pass.)
func (p *Payment) Since() time.Time { return earlier(p.SentAt, p.SentAt.Add(p.Progress.Moved)) }

// A CancelState is how far the cancellation of a payment got.
type CancelState string

const (
	NoCancel       CancelState = ""
	CancelSent     CancelState = "sent"     // no answer yet
	CancelAccepted CancelState = "accepted" // QFPay says done, or in progress; a query must still show it
	CancelRefused  CancelState = "refused"  // QFPay says it did not; a copy of the request that comes later may still
	CancelTooLate  CancelState = "too_late" // QFPay refuses because the payment is paid
	CancelUnknown  CancelState = "unknown"  // the answer is missing: it may take effect any moment
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
	// Genuine: the answer that claimed it was signed by QFPay, so that two queries without contradiction prove it.
	Genuine bool `json:"genuine,omitempty"`
	// Soft: the customer may still complete what was declined, so the order is closed before another code is taken.
	Soft bool `json:"soft,omitempty"`
	// Closed: that was done, or tried.
	Closed bool `json:"closed,omitempty"`
	// Throttled: QFPay refused the request at the door (HTTP 429).
	Throttled bool `json:"throttled,omitempty"`
	// Quiet counts queries without contradiction of a genuine or throttled answer, some seconds apart; QuietAt is
	// when the last one was asked.
	Quiet   int       `json:"quiet,omitempty"`
	QuietAt time.Time `json:"quiet_at,omitzero"`
	// Success: QFPay listed it with 0000, understood or not. It is never cancelled then.
	Success bool `json:"success,omitempty"`
	// Blind: cpmd was restarted and QFPay has said nothing since that is understood. What it said before may have been
	// lost with the process ("paid", even), so nothing is cancelled.
	Blind bool `json:"blind,omitempty"`
	// Grace: a restart near the limit has moved it once; another one does not.
	Grace bool `json:"grace,omitempty"`
	// Last is what QFPay said last that was understood.
	Last   payment.Meaning `json:"last,omitempty"`
	Absent int             `json:"absent,omitempty"` // conclusive empty lists in a row
	Paid   int             `json:"paid,omitempty"`   // queries in a row that show it paid after a cancellation
	PaidAt time.Time       `json:"paid_at,omitzero"` // when the last of them was asked

	Cancel   CancelState `json:"cancel,omitempty"`
	CancelAt time.Time   `json:"cancel_at,omitzero"` // when it was last sent
	Loose    bool        `json:"loose,omitempty"`    // an earlier one was accepted or left unanswered
	Cancels  int         `json:"cancels,omitempty"`
	Slow     int         `json:"slow,omitempty"`  // queries made at the slow pace
	Polls    int         `json:"polls,omitempty"` // queries that came back

	Decided bool  `json:"decided,omitempty"` // an operator said what became of it
	Audit   Audit `json:"audit,omitzero"`
}
