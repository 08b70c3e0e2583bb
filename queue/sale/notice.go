package sale

import (
	"encoding/json"
	"time"
)

// A Notice is one entry of the event stream: what the till is told, in the order of the journal.
type Notice struct {
	Seq  int64           `json:"seq"`
	Kind string          `json:"kind"` // "sale", "refund", "scan", "scanner", "alarm" or "reset"
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"` // the view of that kind
}

// A ResetView tells a till that the position it asked for is beyond the journal's end: the journal is another one than
// the till's. The stream goes on after Seq, and what the till knows of unfinished sales it has to ask for anew.
type ResetView struct {
	Seq int64 `json:"seq"` // the last there is
}
