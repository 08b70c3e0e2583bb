package journal

import (
	"time"

	"cpmd/queue/sale"
)

// An entry is a change and the event that caused it.
type Entry struct {
	At      time.Time
	Kind    string // as Notice.Kind
	Subject string
	Cause   sale.Cause
	Sale    *sale.Sale   // as changed
	Refund  *sale.Refund // as changed
	// told makes what tills see; nil where they see no change.
	Told func(seq int64) any
}
