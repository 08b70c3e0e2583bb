package queue

import "cpmd/queue/sale"

// A backlog is the unresolved sales of earlier lives of the process that have not been told "restarted" yet. Nobody
// stands at the counter for them, so new sales do not wait until thousands of them are followed again. What forbids a
// new sale (its id, its ticket, its code) is in the journal, and is looked up there.
type backlog struct {
	after, upTo int64           // places in the journal: what lies between is yet to be told
	ahead       map[string]bool // told before their turn, because something else happened to them
}

const (
	catchUpFirst = 32 // sales that a start tells before it is ready
	catchUpEach  = 8  // and then at once, while no till, scanner or gateway has anything to say
)

func (b *backlog) left() bool { return b.after < b.upTo }

// catchUp tells the next ones, oldest first.
func (q *Queue) catchUp(most int) {
	if !q.backlog.left() || q.down != nil || len(q.held) > 0 || q.fatal != nil {
		return
	}
	next, err := q.cfg.Journal.Unresolved(q.backlog.after, q.backlog.upTo, most)
	if err != nil {
		q.wrote(err)
		return
	}
	for _, p := range next {
		if !q.backlog.ahead[p.ID] {
			q.hold(subject{"sale", p.ID}, func() error { return q.stepSale(p.ID, sale.Event{Kind: sale.Restarted, At: q.clock.now()}) })
		}
		q.backlog.after = p.Row
	}
	if len(next) < most {
		q.backlog = backlog{}
		q.log.Debug("all unresolved sales are followed again")
	}
}

// caughtUp returns a sale of the journal as it is after this start, whatever its turn is.
func (q *Queue) caughtUp(s sale.Sale) (sale.Sale, error) {
	if !q.backlog.left() || s.State != sale.Unresolved || q.backlog.ahead[s.ID] {
		return s, nil
	}
	place, err := q.cfg.Journal.PlaceOf(s.ID)
	if err != nil || place <= q.backlog.after || place > q.backlog.upTo {
		return s, err
	}
	if s, err = q.applySale(s, sale.Event{Kind: sale.Restarted, At: q.clock.now()}); err != nil {
		return s, err
	}
	if q.backlog.ahead == nil {
		q.backlog.ahead = map[string]bool{}
	}
	q.backlog.ahead[s.ID] = true
	return s, nil
}
