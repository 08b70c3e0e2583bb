package queue

import (
	"time"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// A backlog is the unresolved sales of earlier lives of the process that have not been told "restarted" yet. Nobody
// stands at the counter for them, so new sales do not wait until thousands of them are followed again. What forbids a
// new sale (its id, its ticket, its code) is in the journal, and is looked up there. Whatever happens to one of them
// before its turn, it is told first: what was believed before the restart proves nothing after it.
//
// It is nowhere but in memory: a process that dies on the way begins anew.
type backlog struct {
	after, upTo int64           // places in the journal: what lies between is yet to be told
	ahead       map[string]bool // told already, whatever their place
	moved       time.Duration   // how far the wall clock has jumped since the start
}

const catchUpEach = 16 // told at once at most, in one transaction, while no till, scanner or gateway has anything to say

func (b *backlog) left() bool { return b.after < b.upTo }

// behind reports whether there is something to tell and the journal can be written.
func (q *Queue) behind() bool {
	return q.backlog.left() && q.down == nil && len(q.held) == 0 && q.fatal == nil
}

// catchUp tells the next ones, oldest first. What the journal does not take is told when it does again.
func (q *Queue) catchUp(most int) {
	if !q.behind() {
		return
	}
	next, err := q.cfg.Journal.Unresolved(q.backlog.after, q.backlog.upTo, most)
	if err == nil {
		err = q.guarded(func() error { return q.tellRestarted(next) })
	}
	if err != nil && ownFault(err) { // of one of them
		err = q.tellOneByOne(next)
	}
	if err != nil {
		q.wrote(err)
		return
	}
	if len(next) == most {
		q.backlog.after = next[most-1].Row
	}
	if len(next) < most || !q.backlog.left() {
		q.backlog = backlog{}
		q.log.Debug("all unresolved sales are followed again")
	}
}

// tellRestarted tells sales in one transaction.
func (q *Queue) tellRestarted(places []journal.Place) error {
	var all []*saleChange
	var entries []journal.Entry
	for _, p := range places {
		if q.backlog.ahead[p.ID] {
			continue
		}
		s, ok, err := q.cfg.Journal.Sale(p.ID)
		if err != nil {
			return err
		}
		if !ok || s.State != sale.Unresolved {
			continue
		}
		c := q.reduce(s, q.restarted()...)
		all, entries = append(all, c), append(entries, c.entries()...)
	}
	if len(all) == 0 {
		return nil
	}
	if err := q.append(entries...); err != nil {
		return err
	}
	for _, c := range all {
		q.happened(c)
	}
	return nil
}

// tellOneByOne sets those aside that cpmd fails on.
func (q *Queue) tellOneByOne(places []journal.Place) error {
	for i, p := range places {
		err := q.guarded(func() error { return q.tellRestarted(places[i : i+1]) })
		if err != nil && !ownFault(err) {
			return err
		}
		if err != nil {
			q.setAside(subject{"sale", p.ID}, err)
		}
		q.backlog.after = p.Row
	}
	return nil
}

// restarted is what a sale of the backlog is told.
func (q *Queue) restarted() (events []sale.Event) {
	now := q.clock.now()
	if q.backlog.moved != 0 { // the others were told of it when it happened
		events = append(events, sale.Event{Kind: sale.ClockMoved, At: now, Moved: q.backlog.moved})
	}
	return append(events, sale.Event{Kind: sale.Restarted, At: now})
}

// waits reports whether a sale of the journal has not been told of this start yet.
func (b *backlog) waits(j *journal.Journal, s sale.Sale) (bool, error) {
	if !b.left() || s.State != sale.Unresolved || b.ahead[s.ID] {
		return false, nil
	}
	place, err := j.PlaceOf(s.ID)
	return place > b.after && place <= b.upTo, err
}

// caughtUp returns a sale of the journal as it is after this start, whatever its turn is.
func (q *Queue) caughtUp(s sale.Sale) (sale.Sale, error) {
	waits, err := q.backlog.waits(q.cfg.Journal, s)
	if err != nil || !waits {
		return s, err
	}
	if s, err = q.applySale(s, q.restarted()...); err == nil {
		q.backlog.ahead[s.ID] = true
	}
	return s, err
}
