package journal

import (
	"slices"
	"sort"
	"sync"

	"cpmd/queue/sale"
)

// mostRecent is how many notices are at hand. An event stream that is further behind reads the journal.
const mostRecent = 512

// recent holds the newest notices, so that all event streams together cost one write and no reading. What is in it has
// been committed, and nothing is left out between from and to.
type recent struct {
	mu       sync.RWMutex
	valid    bool
	from, to int64         // every notice with from < Seq <= to is here; to is the journal's last seq
	notices  []sale.Notice // grows at its end only, so that a part of it may be read without the lock
}

// begin starts over, at the journal's last seq.
func (r *recent) begin(last int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.valid, r.from, r.to, r.notices = true, last, last, nil
}

// add takes what was committed after one seq and up to another.
func (r *recent) add(after, last int64, told []sale.Notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.valid {
		r.valid, r.from = true, after
	}
	r.to = last
	r.notices = append(r.notices, told...)
	if n := len(r.notices) - mostRecent; n >= mostRecent {
		r.from = r.notices[n-1].Seq
		r.notices = slices.Clone(r.notices[n:])
	}
}

// doubt forgets all: a commit failed, and only the journal knows what is in it.
func (r *recent) doubt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.valid, r.notices = false, nil
}

// since returns the notices after a seq, at most limit; ok is false where the journal must be read.
func (r *recent) since(after int64, limit int) (list []sale.Notice, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.valid || after < r.from {
		return nil, false
	}
	i := sort.Search(len(r.notices), func(i int) bool { return r.notices[i].Seq > after })
	end := min(i+limit, len(r.notices))
	return r.notices[i:end:end], true
}

// last is the journal's last seq; ok is false where the journal must be read.
func (r *recent) last() (seq int64, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.to, r.valid
}
