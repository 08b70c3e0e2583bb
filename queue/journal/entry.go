package journal

import (
	"time"

	"cpmd/queue/sale"
)

// An Entry is a change and the event that caused it.
type Entry struct {
	At      time.Time
	Kind    string // as sale.Notice.Kind
	Subject string
	Cause   sale.Cause
	Sale    *sale.Sale   // as changed
	Refund  *sale.Refund // as changed
	// Alarm is raised, or settled where it has a Seq. One that stands already is not raised again: the entry is left out.
	Alarm *sale.Alarm
	// Once: an alarm that is left out if one of the same words stands for anything else, too.
	Once bool
	// Told makes what tills see; nil where they see no change.
	Told func(seq int64) any
}
