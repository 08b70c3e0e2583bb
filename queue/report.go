package queue

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"cpmd/payment"
)

// probe writes and takes back, to learn whether the journal takes entries.
func (j *Journal) probe() error {
	tx, err := j.db.Begin()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO number (out_trade_no) VALUES ('probe')`); err != nil {
		_ = tx.Rollback()
		return err
	}
	if _, err := tx.Exec(`DELETE FROM number WHERE out_trade_no='probe'`); err != nil {
		_ = tx.Rollback()
		return err
	}
	if err := j.commit(tx, Write{Kind: "probe"}); err != nil {
		_ = tx.Rollback()
		return err
	}
	return nil
}

// Totals sums a day up, by the creation of its sales in the configured time zone.
func (q *Queue) Totals(_ context.Context, day string) (Totals, error) {
	if day == "" {
		day = q.clock.now().In(q.cfg.Location).Format(time.DateOnly)
	}
	from, to, err := dayBounds(day, q.cfg.Location)
	if err != nil {
		return Totals{}, err
	}
	sales, err := q.cfg.Journal.salesBetween(from, to)
	if err != nil {
		return Totals{}, unavailable(err)
	}
	refunds, err := q.cfg.Journal.refundsOfSalesBetween(from, to)
	if err != nil {
		return Totals{}, unavailable(err)
	}
	return sum(day, sales, refunds), nil
}

func sum(day string, sales []Sale, refunds []Refund) Totals {
	t := Totals{Day: day, Rows: []TotalRow{}}
	type key struct{ currency, wallet string }
	at := map[key]int{}
	rowOf := func(s Sale) *TotalRow {
		k := key{currency: s.Currency}
		if n := len(s.Payments); n > 0 {
			p := s.Payments[n-1]
			k.wallet = payment.Wallet(cmp.Or(p.Resolved, p.PayType))
		}
		if _, ok := at[k]; !ok {
			at[k] = len(t.Rows)
			t.Rows = append(t.Rows, TotalRow{Currency: k.currency, Wallet: k.wallet})
		}
		return &t.Rows[at[k]]
	}
	bySale := map[string][]Refund{}
	for _, f := range refunds {
		if f.State == Refunded {
			bySale[f.Sale] = append(bySale[f.Sale], f)
		}
	}
	for _, s := range sales {
		switch s.State {
		case PaidState:
			r := rowOf(s)
			r.Sales++
			r.Amount += s.Amount
			for _, f := range bySale[s.ID] {
				r.Refunds++
				r.RefundedTotal += f.Amount
			}
		case NotPaid:
			rowOf(s).NotPaid++
		default:
			t.Unfinished++
		}
	}
	return t
}

// Lanes shows all lanes in the order of the configuration.
func (q *Queue) Lanes(ctx context.Context) (all []LaneView, err error) {
	err = q.ask(ctx, func() error {
		for _, name := range q.order {
			l := q.lanes[name]
			v := LaneView{Name: name, PayType: l.PayType, Virtual: l.Lane.Feed != nil, Scanner: l.scannerView()}
			if s := q.sales[l.holder]; s != nil {
				sv := q.view(*s)
				v.Sale = &sv
			}
			all = append(all, v)
		}
		return nil
	})
	return all, err
}

// Diagnosis is one page of truth, with what to do, most urgent first.
func (q *Queue) Diagnosis(ctx context.Context) (Diagnosis, error) {
	lanes, err := q.Lanes(ctx)
	if err != nil {
		return Diagnosis{}, err
	}
	sales, err := q.cfg.Journal.unfinished()
	if err != nil {
		return Diagnosis{}, unavailable(err)
	}
	refunds, err := q.cfg.Journal.unfinishedRefunds()
	if err != nil {
		return Diagnosis{}, unavailable(err)
	}
	alarms, err := q.cfg.Journal.alarms(q.clock.now().AddDate(0, 0, -7))
	if err != nil {
		return Diagnosis{}, unavailable(err)
	}
	ready := q.Ready()
	q.mu.Lock()
	started := q.started
	q.mu.Unlock()
	d := Diagnosis{Version: q.cfg.Version, StartedAt: shown(started), UptimeS: int64(q.clock.now().Sub(started).Seconds()), Ready: ready == nil,
		Journal: JournalHealth{Path: q.cfg.Journal.Path(), OK: ready == nil, Bytes: q.cfg.Journal.Bytes()}, Lanes: lanes,
		Unsettled: views(sales, q.view), Refunding: views(refunds, refundView), Alarms: append([]AlarmView{}, alarms...), Advice: []string{}}
	var onGateway []string
	if q.cfg.GatewayHealth != nil {
		d.Gateway, onGateway = q.cfg.GatewayHealth()
	}
	if err := q.ask(ctx, func() error { d.Journal.Seq = q.cfg.Journal.Last(); return nil }); err != nil {
		return Diagnosis{}, err
	}
	if ready != nil {
		d.Journal.Error = ready.Error()
	}
	d.Advice = append(append(d.Advice, advice(d)...), onGateway...)
	return d, nil
}

func advice(d Diagnosis) (all []string) {
	if d.Journal.Error != "" {
		all = append(all, d.Journal.Error)
	}
	for _, a := range d.Alarms {
		all = append(all, fmt.Sprintf("look at %s %s: %s (cpmctl explain)", a.Kind, a.ID, a.What))
	}
	unresolved := 0
	for _, s := range d.Unsettled {
		if s.State == Unresolved {
			unresolved++
		}
	}
	if unresolved > 0 {
		all = append(all, fmt.Sprintf("unresolved sales: %d. Do not charge them again; cpmd goes on asking QFPay", unresolved))
	}
	for _, l := range d.Lanes {
		if l.Scanner.State != "open" && l.Scanner.Advice != "" {
			all = append(all, fmt.Sprintf("lane %s: the scanner is %s: %s", l.Name, l.Scanner.State, l.Scanner.Advice))
		}
	}
	return all
}
