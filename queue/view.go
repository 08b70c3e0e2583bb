package queue

import (
	"encoding/json"
	"time"
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
	Seq       int64         `json:"seq"`      // of the event that brought it to this form
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
	Advice    []string          `json:"advice"` // what a person should do, most urgent first; empty when all is well
	Build     map[string]string `json:"build,omitempty"`
}

// JournalHealth says whether the journal takes entries.
type JournalHealth struct {
	Path  string `json:"path"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	Seq   int64  `json:"seq"` // the last entry's
	Bytes int64  `json:"bytes"`
}
