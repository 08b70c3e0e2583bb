package queue

import (
	"context"
	"slices"
	"time"

	"cpmd/queue/sale"
)

// Diagnosis is one page of truth, with what to do, most urgent first.
func (q *Queue) Diagnosis(ctx context.Context) (sale.Diagnosis, error) {
	lanes, err := q.Lanes(ctx)
	if err != nil {
		return sale.Diagnosis{}, err
	}
	sales, counts, err := q.unfinished()
	if err != nil {
		return sale.Diagnosis{}, unavailable(err)
	}
	refunds, err := q.cfg.Journal.UnfinishedRefunds()
	if err != nil {
		return sale.Diagnosis{}, unavailable(err)
	}
	alarms, err := q.cfg.Journal.Alarms(q.clock.now().Add(time.Microsecond), 50)
	if err != nil {
		return sale.Diagnosis{}, unavailable(err)
	}
	ready := q.Ready()
	q.mu.Lock()
	started := q.started
	q.mu.Unlock()
	d := sale.Diagnosis{Version: q.cfg.Version, StartedAt: sale.Shown(started), UptimeS: int64(q.clock.now().Sub(started).Seconds()), Ready: ready == nil,
		Journal: sale.JournalHealth{Path: q.cfg.Journal.Path(), OK: ready == nil, Bytes: q.cfg.Journal.Bytes()}, Lanes: lanes,
		Unfinished: counts, Unsettled: views(sales, q.view), Refunding: views(refunds, sale.RefundViewOf), Alarms: views(alarms, sale.AlarmViewOf), Advice: []string{}}
	var onGateway []string
	if q.cfg.GatewayHealth != nil {
		d.Gateway, onGateway = q.cfg.GatewayHealth()
	}
	if err := q.ask(ctx, func() error { d.Journal.Seq = q.cfg.Journal.Last(); return nil }); err != nil {
		return sale.Diagnosis{}, err
	}
	if ready != nil {
		d.Journal.Error = ready.Error()
	}
	d.Advice = append(append(d.Advice, sale.Advice(d)...), onGateway...)
	if q.cfg.Advise != nil {
		d.Advice = append(d.Advice, q.cfg.Advise()...)
	}
	if a := q.repeats.advice(q.clock.now()); a != "" {
		d.Advice = append(d.Advice, a)
	}
	if a := q.archiving.advice(); a != "" {
		d.Advice = append(d.Advice, a)
	}
	return d, nil
}

// mostUnresolved is how many unresolved sales a diagnosis shows: the oldest, for which a person must do something. It
// counts the others.
const mostUnresolved = 100

// unfinished are the sales that a diagnosis shows, oldest first, and how many there are of each state.
func (q *Queue) unfinished() (sales []sale.Sale, counts map[sale.State]int, err error) {
	if counts, err = q.cfg.Journal.CountUnfinished(); err != nil {
		return nil, nil, err
	}
	attended, err := q.cfg.Journal.AttendedSales()
	if err != nil {
		return nil, nil, err
	}
	unresolved, err := q.cfg.Journal.OldestUnresolved(mostUnresolved)
	sales = append(unresolved, attended...)
	slices.SortStableFunc(sales, func(a, b sale.Sale) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return sales, counts, err
}

// Ages counts the sales that have something to come and are younger than each of some ages, and tells how old the oldest is.
func (q *Queue) Ages(_ context.Context, under ...time.Duration) (counts []int, oldest time.Duration, err error) {
	now := q.clock.now()
	for _, age := range under {
		n, err := q.cfg.Journal.UnfinishedOpenedSince(now.Add(-age))
		if err != nil {
			return nil, 0, unavailable(err)
		}
		counts = append(counts, n)
	}
	at, err := q.cfg.Journal.OldestUnfinished()
	if err != nil {
		return nil, 0, unavailable(err)
	}
	if !at.IsZero() {
		oldest = max(now.Sub(at), 0)
	}
	return counts, oldest, nil
}
