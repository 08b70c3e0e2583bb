package queue

import (
	"cmp"
	"encoding/json"
	"time"

	"cpmd/payment"
)

// The types in this file are what tills see, in every dialect. Their JSON form is the contract with till
// programmers: fields are added, never changed.

// A SaleView is a sale as a till sees it.
type SaleView struct {
	ID        string        `json:"id"`
	Lane      string        `json:"lane"`
	Ticket    string        `json:"ticket"`
	Amount    int64         `json:"amount"` // minor units
	Currency  string        `json:"currency"`
	State     State         `json:"state"`
	Final     bool          `json:"final"`
	Reason    Reason        `json:"reason"`
	Message   string        `json:"message"`
	DecideBy  *time.Time    `json:"decide_by,omitempty"` // while it is neither final nor unresolved
	Wallet    string        `json:"wallet"`
	Refunded  int64         `json:"refunded"` // minor units given back so far
	Settle    Settle        `json:"settle,omitempty"`
	Delivery  Delivery      `json:"delivery,omitempty"`
	DeliverBy *time.Time    `json:"deliver_by,omitempty"` // while delivery is awaited
	Seq       int64         `json:"seq"`                  // of the event that brought it to this form
	CreatedAt time.Time     `json:"created_at"`
	UpdatedAt time.Time     `json:"updated_at"`
	Payments  []PaymentView `json:"payments"`
}

// A PaymentView is one submission of a sale to QFPay.
type PaymentView struct {
	OutTradeNo string `json:"out_trade_no"`
	PayType    string `json:"pay_type"`
	SysSN      string `json:"syssn"`
	ChnlSN     string `json:"chnlsn"`
	RespCD     string `json:"respcd"`
	AuthCode   string `json:"auth_code"` // masked
	State      string `json:"state"`
}

// A RefundView is a refund as a till sees it.
type RefundView struct {
	ID         string      `json:"id"`
	Sale       string      `json:"sale"`
	Amount     int64       `json:"amount"` // minor units
	Currency   string      `json:"currency"`
	State      RefundState `json:"state"`
	Final      bool        `json:"final"`
	Message    string      `json:"message"`
	OutTradeNo string      `json:"out_trade_no"`
	SysSN      string      `json:"syssn"`
	RespCD     string      `json:"respcd"`
	Seq        int64       `json:"seq"`
	CreatedAt  time.Time   `json:"created_at"`
	UpdatedAt  time.Time   `json:"updated_at"`
}

// A ScanView tells the till of a scan that paid nothing: a goods barcode, or a payment code that no sale took.
type ScanView struct {
	Lane      string    `json:"lane"`
	Text      string    `json:"text"` // masked where it looks like a payment code
	Masked    bool      `json:"masked"`
	Symbology string    `json:"symbology"` // AIM identifier such as "C0"; may be empty
	Note      string    `json:"note"`      // why no sale took it
	At        time.Time `json:"at"`
}

// A ScannerView tells how a lane's scanner stands.
type ScannerView struct {
	Lane   string    `json:"lane"`
	State  string    `json:"state"` // absent, denied, busy, open, lost
	Device string    `json:"device"`
	Advice string    `json:"advice"`
	Since  time.Time `json:"since"`
}

// A LaneView is one counter position.
type LaneView struct {
	Name    string      `json:"name"`
	PayType string      `json:"pay_type"`
	Virtual bool        `json:"virtual"`
	Scanner ScannerView `json:"scanner"`
	Sale    *SaleView   `json:"sale"` // the one that holds the lane, or null
}

// A Notice is one entry of the event stream: what the till is told, in the order of the journal.
type Notice struct {
	Seq  int64           `json:"seq"`
	Kind string          `json:"kind"` // "sale", "refund", "scan" or "scanner"
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"` // the SaleView, RefundView, ScanView or ScannerView
}

// Totals are a day's sums, by currency and wallet.
type Totals struct {
	Day  string     `json:"day"` // YYYY-MM-DD in the configured time zone, by the sale's creation
	Rows []TotalRow `json:"rows"`
	// Unfinished counts the day's sales that are not final yet.
	Unfinished int `json:"unfinished"`
}

// A TotalRow sums one currency and wallet.
type TotalRow struct {
	Currency      string `json:"currency"`
	Wallet        string `json:"wallet"`
	Sales         int    `json:"sales"`          // paid
	Amount        int64  `json:"amount"`         // minor units
	Refunds       int    `json:"refunds"`        // refunded
	RefundedTotal int64  `json:"refunded_total"` // minor units
	NotPaid       int    `json:"not_paid"`
}

// A Diagnosis is one page of truth for the person who looks after the counter.
type Diagnosis struct {
	Version   string            `json:"version"`
	StartedAt time.Time         `json:"started_at"`
	UptimeS   int64             `json:"uptime_s"`
	Ready     bool              `json:"ready"`
	Journal   JournalHealth     `json:"journal"`
	Gateway   any               `json:"gateway"`
	Lanes     []LaneView        `json:"lanes"`
	Unsettled []SaleView        `json:"unfinished_sales"`
	Refunding []RefundView      `json:"unfinished_refunds"`
	Alarms    []AlarmView       `json:"alarms"` // of the last seven days, newest first, 50 at most
	Advice    []string          `json:"advice"` // what a person should do, most urgent first; empty when all is well
	Build     map[string]string `json:"build,omitempty"`
}

// An AlarmView is something that a person must look at.
type AlarmView struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Kind string    `json:"kind"` // "sale" or "refund"
	ID   string    `json:"id"`
	What string    `json:"what"`
}

// JournalHealth says whether the journal takes entries.
type JournalHealth struct {
	Path  string `json:"path"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	Seq   int64  `json:"seq"` // the last entry's
	Bytes int64  `json:"bytes"`
}

func (q *Queue) view(s Sale) SaleView { return saleView(s, q.cfg.Rules) }

// saleView shows a sale as tills see it.
func saleView(s Sale, r Rules) SaleView {
	v := SaleView{ID: s.ID, Lane: s.Lane, Ticket: s.Ticket, Amount: s.Amount, Currency: s.Currency, State: s.State, Final: s.State.Final(),
		Reason: s.Reason, Message: message(s), Refunded: s.Refunded, Seq: s.Seq, CreatedAt: shown(s.CreatedAt), UpdatedAt: shown(s.UpdatedAt),
		Payments: make([]PaymentView, 0, len(s.Payments))}
	for _, p := range s.Payments {
		pv := PaymentView{OutTradeNo: p.OutTradeNo, PayType: cmp.Or(p.Resolved, p.PayType), SysSN: p.SysSN, ChnlSN: p.ChnlSN, RespCD: p.RespCD,
			AuthCode: p.Code.Mask, State: string(p.Outcome)}
		if p.Outcome == Alive {
			pv.State = string(s.State)
		}
		v.Payments = append(v.Payments, pv)
		v.Wallet = payment.Wallet(cmp.Or(p.Resolved, p.PayType))
	}
	v.Settle, v.Delivery = s.Settle, s.Delivery
	if s.Delivery == Awaited {
		by := shown(s.NextAt)
		v.DeliverBy = &by
	}
	if by := decideBy(s, r); !by.IsZero() {
		by = shown(by.Add(time.Second - 1)) // not before it is true
		v.DecideBy = &by
	}
	return v
}

// shown is a time as tills see it: UTC, whole seconds, which every date parser takes.
func shown(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// decideBy is until when the sale will be final or unresolved.
func decideBy(s Sale, r Rules) time.Time {
	switch s.State {
	case Waiting:
		return s.ScanBy.Add(r.GiveUp)
	case Paying, Confirming, Reversing:
		if p := s.Alive(); p != nil {
			return p.GiveUpBy
		}
	}
	return time.Time{}
}

// message tells the cashier what to do.
func message(s Sale) string {
	switch s.State {
	case Waiting:
		if n := len(s.Payments); n > 0 && s.Payments[n-1].Outcome == OutDeclined {
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
	case PaidState:
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

func refundView(f Refund) RefundView {
	v := RefundView{ID: f.ID, Sale: f.Sale, Amount: f.Amount, Currency: f.Currency, State: f.State, Final: f.State.Final(),
		OutTradeNo: f.OutTradeNo, SysSN: f.SysSN, RespCD: f.RespCD, Seq: f.Seq, CreatedAt: shown(f.CreatedAt), UpdatedAt: shown(f.UpdatedAt)}
	switch f.State {
	case Refunding:
		v.Message = "The refund is under way. Do not refund again."
	case Refunded:
		v.Message = "Refunded."
	case NotRefunded:
		v.Message = "Not refunded. " + f.Why
	}
	return v
}
