package queue

import (
	"container/heap"
	"time"
)

// A subject is what an event or a timer is about.
type subject struct {
	kind string // "sale", "refund" or "day"
	id   string
}

func (s subject) String() string { return s.kind + " " + s.id }

// timers hold when each subject needs attention next. What waits costs an entry here and nothing else.
type timers struct {
	queue timerQueue
	of    map[subject]*timer
}

type timer struct {
	subject
	at    time.Time
	index int
}

// set moves the subject's timer; a zero time removes it.
func (t *timers) set(s subject, at time.Time) {
	have := t.of[s]
	switch {
	case at.IsZero() && have == nil:
	case at.IsZero():
		heap.Remove(&t.queue, have.index)
		delete(t.of, s)
	case have == nil:
		if t.of == nil {
			t.of = map[subject]*timer{}
		}
		t.of[s] = &timer{subject: s, at: at}
		heap.Push(&t.queue, t.of[s])
	default:
		have.at = at
		heap.Fix(&t.queue, have.index)
	}
}

// next is the subject that needs attention first; nil where none does.
func (t *timers) next() *timer {
	if len(t.queue) == 0 {
		return nil
	}
	return t.queue[0]
}

type timerQueue []*timer

func (q timerQueue) Len() int { return len(q) }
func (q timerQueue) Less(i, j int) bool {
	if c := q[i].at.Compare(q[j].at); c != 0 {
		return c < 0
	}
	return q[i].kind+q[i].id < q[j].kind+q[j].id // the same order each time
}
func (q timerQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i]; q[i].index, q[j].index = i, j }
func (q *timerQueue) Push(x any)   { t := x.(*timer); t.index = len(*q); *q = append(*q, t) }
func (q *timerQueue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return t
}
