package queue

import (
	"fmt"
	"sync"
	"time"
)

// overdueLimit is how late a timer may be before somebody should know.
const overdueLimit = 5 * time.Second

// An overdueWatch reports whether the main loop keeps its appointments, from outside of it.
type overdueWatch struct {
	mu   sync.Mutex
	what subject
	by   time.Time // steady; zero: nothing is due
}

// expect notes what is due next.
func (o *overdueWatch) expect(t *timer, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.by = time.Time{}
	if t != nil {
		o.what, o.by = t.subject, time.Now().Add(max(t.at.Sub(now), 0))
	}
}

// late reports what is overdue, or nil.
func (o *overdueWatch) late() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if by := time.Since(o.by); !o.by.IsZero() && by > overdueLimit {
		return fmt.Errorf("%s should have been looked at %s ago: cpmd is not keeping up. Restart it (systemctl restart cpmd) and report this",
			o.what, by.Round(time.Second))
	}
	return nil
}
