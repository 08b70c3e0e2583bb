package queue

import (
	"container/heap"
	"context"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// An asking is a query that waits for its turn or is under way.
type asking struct {
	subject
	turn  time.Time // by which it goes before others of its urgency
	index int       // among those that wait; -1: it is under way
	query payment.Query
	trace Trace
	step  func(sale.Event) error
}

// asks are the queries to QFPay. Those with a customer at the counter, and those that a person asked for, go at once; the
// others a few at a time. What waits is an entry here and no goroutine, and a number is asked for once at a time, so
// nothing piles up while QFPay does not answer.
type asks struct {
	waiting askQueue
	open    map[string]*asking // numbers that wait or are under way
	about   map[subject]int    // how many of them are about each sale or refund
	running int                // of those that are not urgent
}

// stillAsking is how soon what was due while its query waits is looked at again, should nothing come of the query.
const stillAsking = 5 * time.Minute

// awaited reports whether all that a subject is due for is a query that waits or is under way already: nobody stands at
// the counter for it, and nothing else is due then.
func (q *Queue) awaited(s subject) bool {
	return s.kind == "sale" && q.sales[s.id] == nil && q.asks.about[s] > 0
}

// mostYielding is how long an old unknown lets younger ones go first, which are likelier to end.
const mostYielding = 10 * time.Minute

// query asks QFPay what became of a number, unless that is under way.
func (q *Queue) query(s subject, trace Trace, question payment.Query, step func(sale.Event) error) {
	key := s.kind + question.OutTradeNo
	if q.stopping {
		return
	}
	if a := q.asks.open[key]; a != nil {
		if a.index >= 0 && question.Urgency < a.query.Urgency {
			a.query.Urgency = question.Urgency
			heap.Fix(&q.asks.waiting, a.index)
			q.askNext()
		}
		return
	}
	if q.asks.open == nil {
		q.asks.open, q.asks.about = map[string]*asking{}, map[subject]int{}
	}
	now := q.clock.now()
	a := &asking{subject: s, turn: now.Add(min(max(now.Sub(question.Created), 0), mostYielding)), query: question, trace: trace, step: step}
	q.asks.open[key] = a
	q.asks.about[s]++
	heap.Push(&q.asks.waiting, a)
	q.askNext()
}

// askNext begins the queries whose turn it is.
func (q *Queue) askNext() {
	for len(q.asks.waiting) > 0 {
		a := q.asks.waiting[0]
		if a.query.Urgency != payment.Customer && q.asks.running >= q.cfg.Parallel {
			return
		}
		heap.Pop(&q.asks.waiting)
		if a.query.Urgency != payment.Customer {
			q.asks.running++
		}
		q.call(a.subject, a.trace, func(ctx context.Context) func(time.Time) error {
			asked := time.Now()
			a.query.Now = q.clock.now()
			f := q.cfg.Gateway.Query(ctx, a.query)
			return func(now time.Time) error {
				q.heard(f.Err == nil, now)
				// Counted back from now, not read before: the clock may have been set meanwhile.
				return a.step(sale.Event{Kind: sale.QueryAnswered, At: now, Payment: a.query.OutTradeNo, Query: &f, AskedAt: now.Add(-time.Since(asked))})
			}
		}, func() {
			delete(q.asks.open, a.kind+a.query.OutTradeNo)
			if q.asks.about[a.subject]--; q.asks.about[a.subject] == 0 {
				delete(q.asks.about, a.subject)
			}
			if a.query.Urgency != payment.Customer {
				q.asks.running--
			}
			q.askNext()
		})
	}
}

type askQueue []*asking

func (h askQueue) Len() int { return len(h) }
func (h askQueue) Less(i, j int) bool {
	if h[i].query.Urgency != h[j].query.Urgency {
		return h[i].query.Urgency < h[j].query.Urgency
	}
	if c := h[i].turn.Compare(h[j].turn); c != 0 {
		return c < 0
	}
	return h[i].query.OutTradeNo < h[j].query.OutTradeNo
}
func (h askQueue) Swap(i, j int) { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }
func (h *askQueue) Push(x any)   { a := x.(*asking); a.index = len(*h); *h = append(*h, a) }
func (h *askQueue) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.index = -1
	return a
}
