package sale

import (
	"encoding/json"
	"time"
)

// A Notice is one entry of the event stream: what the till is told, in the order of the journal.
type Notice struct {
	Seq  int64           `json:"seq"`
	Kind string          `json:"kind"` // "sale", "refund", "scan" or "scanner"
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"` // the SaleView, RefundView, ScanView or ScannerView
}
