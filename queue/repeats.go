package queue

import (
	"fmt"
	"sync"
	"time"

	"cpmd/queue/sale"
)

// repeats remembers that a till repeated a sale of an earlier day: it may have begun its numbering anew, and then its
// new sales are answered with old ones.
type repeats struct {
	mu   sync.Mutex
	id   string
	last time.Time
}

func (r *repeats) note(id string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.id, r.last = id, at
}

// advice is what a person should do, for a day.
func (r *repeats) advice(now time.Time) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.id == "" || now.Sub(r.last) > 24*time.Hour {
		return ""
	}
	return fmt.Sprintf("a till repeated sale %s of an earlier day: if its numbering has started over, its new sales are answered with old ones; use ids that contain the date", sale.Quote(r.id))
}
