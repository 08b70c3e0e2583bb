package queue

import (
	"context"
	"time"

	"cpmd/queue/sale"
)

// Diagnosis is one page of truth, with what to do, most urgent first.
func (q *Queue) Diagnosis(ctx context.Context) (sale.Diagnosis, error) {
	lanes, err := q.Lanes(ctx)
	if err != nil {
		return sale.Diagnosis{}, err
	}
	sales, err := q.cfg.Journal.UnfinishedSales()
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
		Unsettled: views(sales, q.view), Refunding: views(refunds, sale.RefundViewOf), Alarms: views(alarms, sale.AlarmViewOf), Advice: []string{}}
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
