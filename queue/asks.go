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
	query payment.Query
	step  func(sale.Event) error
}

// asks are the queries to QFPay. Those with a customer at the counter go at once; the others, youngest first, a few at
// a time. What waits is an entry here and no goroutine, and a number is asked for once at a time, so nothing piles up
// while QFPay does not answer.
type asks struct {
	waiting askQueue
	open    map[string]bool // numbers that wait or are under way
	running int             // of those that are not urgent
}

// query asks QFPay what became of a number, unless that is under way.
func (q *Queue) query(s subject, question payment.Query, step func(sale.Event) error) {
	key := s.kind + question.OutTradeNo
	if q.asks.open[key] || q.stopping {
		return
	}
	if q.asks.open == nil {
		q.asks.open = map[string]bool{}
	}
	q.asks.open[key] = true
	heap.Push(&q.asks.waiting, &asking{s, question, step})
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
		q.call(a.subject, func(ctx context.Context) func(time.Time) error {
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
	if c := h[i].query.Created.Compare(h[j].query.Created); c != 0 {
		return c > 0 // the youngest unknowns are the likeliest to end
	}
	return h[i].query.OutTradeNo < h[j].query.OutTradeNo
}
func (h askQueue) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *askQueue) Push(x any)   { *h = append(*h, x.(*asking)) }
func (h *askQueue) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return a
}
