package payment

import (
	"cmp"
	"container/heap"
	"container/list"
	"sync/atomic"
	"time"
)

// An Urgency says who waits for the result of a query. Where QFPay's limits are short the others wait for it.
type Urgency int

const (
	// Customer: somebody stands at the counter. Each request waits half of Config.QueryTimeout for its turn at most.
	Customer Urgency = iota
	// FollowUp: a payment that is not known yet, and nobody waits; the youngest go first. Each request waits for two
	// minutes at most.
	FollowUp
	// Audit: what is called ended is looked at again, or a day's books are compared. Each request waits as long.
	Audit
)

// A class is a place in the order of precedence: payments, cancels and refunds, then queries by their Urgency.
type class int

const (
	money class = iota
	customer
	followUp
	audit
)

func (u Urgency) class() class { return customer + class(min(max(u, Customer), Audit)) }

// There are three lines: what rests after an HTTP 429 differs between them.
const (
	lineOfMoney = iota
	lineOfCustomers
	lineWithoutCustomer
)

func (c class) line() int { return min(int(c), lineWithoutCustomer) }

// A claim is what somebody waits with.
type claim struct {
	class class
	born  time.Time // of a follow-up: when the payment was made
}

// A waiter is one claim in line.
type waiter struct {
	claim
	number  uint64        // the order of arrival
	called  chan struct{} // closed when it is its turn
	place   int           // in the heap; -1 once it has left
	arrival *list.Element
}

func (w *waiter) waits() bool { return w.place >= 0 }

var arrivals atomic.Uint64

// A line keeps who waits by precedence and, so that nobody waits for ever, by arrival.
type line struct {
	rests   time.Time // nobody is called before
	waiting precedence
	arrived list.List
}

func (l *line) empty() bool     { return len(l.waiting) == 0 }
func (l *line) len() int        { return len(l.waiting) }
func (l *line) best() *waiter   { return l.waiting[0] }
func (l *line) oldest() *waiter { return l.arrived.Front().Value.(*waiter) }

func (l *line) join(c claim) *waiter {
	w := &waiter{claim: c, number: arrivals.Add(1), called: make(chan struct{})}
	w.arrival = l.arrived.PushBack(w)
	heap.Push(&l.waiting, w)
	return w
}

func (l *line) leave(w *waiter) {
	heap.Remove(&l.waiting, w.place)
	l.arrived.Remove(w.arrival)
}

// A precedence is a heap: by class, the youngest follow-up first, all else in the order of arrival.
type precedence []*waiter

func (p precedence) Len() int { return len(p) }
func (p precedence) Less(i, j int) bool {
	a, b := p[i], p[j]
	order := cmp.Compare(a.class, b.class)
	if order == 0 && a.class == followUp {
		order = b.born.Compare(a.born)
	}
	return cmp.Or(order, cmp.Compare(a.number, b.number)) < 0
}
func (p precedence) Swap(i, j int) {
	p[i], p[j] = p[j], p[i]
	p[i].place, p[j].place = i, j
}
func (p *precedence) Push(x any) {
	w := x.(*waiter)
	w.place = len(*p)
	*p = append(*p, w)
}
func (p *precedence) Pop() any {
	last := len(*p) - 1
	w := (*p)[last]
	(*p)[last] = nil
	*p, w.place = (*p)[:last], -1
	return w
}
