package tilltest

import (
	"context"
	"slices"
	"time"

	"cpmd/queue"
)

// PutSale implements the desk's interface.
func (d *Desk) PutSale(_ context.Context, req queue.SaleRequest) (queue.SaleView, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return queue.SaleView{}, false, err
	}
	if req.Lane == "" {
		req.Lane = d.lanes[0]
	}
	if old, ok := d.sales[req.ID]; ok {
		if old.req != req {
			return queue.SaleView{}, false, refusal(queue.IDReused, "", "id %s belongs to another request; choose a new id", req.ID)
		}
		return old.view, false, nil
	}
	if !slices.Contains(d.lanes, req.Lane) {
		return queue.SaleView{}, false, refusal(queue.UnknownLane, "", "no such lane; GET /v1/lanes lists them")
	}
	for _, s := range d.sales {
		switch {
		case s.view.Lane == req.Lane && s.view.State.HoldsLane():
			return queue.SaleView{}, false, refusal(queue.LaneBusy, s.view.ID, "sale %s holds the lane", s.view.ID)
		case req.Ticket != "" && s.view.Ticket == req.Ticket && s.view.Amount == req.Amount && !s.view.Final:
			return queue.SaleView{}, false, refusal(queue.TicketUnresolved, s.view.ID, "sale %s of this ticket is not finished", s.view.ID)
		}
	}
	d.sales[req.ID] = &entry{req: req, view: queue.SaleView{ID: req.ID, Lane: req.Lane, Ticket: req.Ticket,
		Amount: req.Amount, Currency: req.Currency, State: queue.Waiting, CreatedAt: now()}}
	d.order = append(d.order, req.ID)
	d.change(req.ID, func(v *queue.SaleView) {
		if req.AuthCode != "" {
			v.State = queue.Paying
			v.Payments = []queue.PaymentView{{OutTradeNo: "O" + v.ID, AuthCode: req.AuthCode.String(), State: "paying"}}
		}
	})
	return d.sales[req.ID].view, true, nil
}

// Sale implements the desk's interface.
func (d *Desk) Sale(_ context.Context, id string) (queue.SaleView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return queue.SaleView{}, err
	}
	s, ok := d.sales[id]
	if !ok {
		return queue.SaleView{}, refusal(queue.UnknownSale, "", "no sale has this id")
	}
	return s.view, nil
}

// CancelSale implements the desk's interface: it ends a sale that waits and only notes the wish otherwise.
func (d *Desk) CancelSale(_ context.Context, id, by string) (queue.SaleView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return queue.SaleView{}, err
	}
	s, ok := d.sales[id]
	if !ok {
		return queue.SaleView{}, refusal(queue.UnknownSale, "", "no sale has this id")
	}
	d.asked = append(d.asked, id+" by "+by)
	if s.view.State == queue.Waiting {
		d.change(id, func(v *queue.SaleView) { v.State, v.Reason = queue.NotPaid, queue.Cancelled })
	}
	return s.view, nil
}

// Sales implements the desk's interface.
func (d *Desk) Sales(_ context.Context, f queue.SaleFilter) ([]queue.SaleView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return nil, err
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	var list []queue.SaleView
	for _, id := range slices.Backward(d.order) {
		v := d.sales[id].view
		if len(list) < f.Limit && (f.State == "" || v.State == f.State) && (f.Lane == "" || v.Lane == f.Lane) &&
			(f.Ticket == "" || v.Ticket == f.Ticket) && (f.Day == "" || v.CreatedAt.Format(time.DateOnly) == f.Day) {
			list = append(list, v)
		}
	}
	return list, nil
}

// PutRefund implements the desk's interface.
func (d *Desk) PutRefund(_ context.Context, req queue.RefundRequest) (queue.RefundView, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return queue.RefundView{}, false, err
	}
	if old, ok := d.refunds[req.ID]; ok {
		if old.Sale != req.Sale || old.Amount != req.Amount {
			return queue.RefundView{}, false, refusal(queue.IDReused, "", "the id belongs to another request; choose a new id")
		}
		return old, false, nil
	}
	s, ok := d.sales[req.Sale]
	if !ok {
		return queue.RefundView{}, false, refusal(queue.UnknownSale, "", "no sale has this id")
	}
	if s.view.State != queue.PaidState || req.Amount > s.view.Amount-s.view.Refunded {
		return queue.RefundView{}, false, refusal(queue.NotRefundable, req.Sale, "there is not that much to refund")
	}
	v := queue.RefundView{ID: req.ID, Sale: req.Sale, Amount: req.Amount, Currency: s.view.Currency, State: queue.Refunding,
		Message: "Refunding.", CreatedAt: now(), UpdatedAt: now(), Seq: d.nextSeq()}
	d.refunds[req.ID] = v
	d.tell("refund", v)
	return v, true, nil
}

// Refund implements the desk's interface.
func (d *Desk) Refund(_ context.Context, id string) (queue.RefundView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return queue.RefundView{}, err
	}
	v, ok := d.refunds[id]
	if !ok {
		return queue.RefundView{}, refusal(queue.UnknownRefund, "", "no refund has this id")
	}
	return v, nil
}

// Totals implements the desk's interface.
func (d *Desk) Totals(_ context.Context, day string) (queue.Totals, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if day == "" {
		day = now().Format(time.DateOnly)
	}
	t := queue.Totals{Day: day}
	for _, s := range d.sales {
		switch v := s.view; {
		case v.CreatedAt.Format(time.DateOnly) != day:
		case v.State == queue.PaidState:
			i := slices.IndexFunc(t.Rows, func(r queue.TotalRow) bool { return r.Currency == v.Currency && r.Wallet == v.Wallet })
			if i < 0 {
				i = len(t.Rows)
				t.Rows = append(t.Rows, queue.TotalRow{Currency: v.Currency, Wallet: v.Wallet})
			}
			t.Rows[i].Sales++
			t.Rows[i].Amount += v.Amount
			t.Rows[i].RefundedTotal += v.Refunded
		case !v.Final:
			t.Unfinished++
		}
	}
	return t, d.fail()
}

// Lanes implements the desk's interface.
func (d *Desk) Lanes(context.Context) ([]queue.LaneView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []queue.LaneView
	for _, name := range d.lanes {
		l := queue.LaneView{Name: name, PayType: "800008", Virtual: true, Scanner: queue.ScannerView{Lane: name, State: "open", Device: "virtual"}}
		for _, s := range d.sales {
			if s.view.Lane == name && s.view.State.HoldsLane() {
				l.Sale = &s.view
			}
		}
		list = append(list, l)
	}
	return list, d.fail()
}

// Feed implements the desk's interface: it moves the sale that waits on the lane to paying.
func (d *Desk) Feed(_ context.Context, lane, code string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return err
	}
	if !slices.Contains(d.lanes, lane) {
		return refusal(queue.UnknownLane, "", "no such lane; GET /v1/lanes lists them")
	}
	d.fed = append(d.fed, lane+" "+code)
	for id, s := range d.sales {
		if s.view.Lane == lane && s.view.State == queue.Waiting {
			d.change(id, func(v *queue.SaleView) { v.State = queue.Paying })
		}
	}
	return nil
}

// HandOver implements the desk's interface.
func (d *Desk) HandOver(ctx context.Context, id, _ string) (queue.SaleView, error) {
	d.mu.Lock()
	d.change(id, func(v *queue.SaleView) { v.Delivery = queue.Delivered })
	d.mu.Unlock()
	return d.Sale(ctx, id)
}

// Decide implements the desk's interface.
func (d *Desk) Decide(ctx context.Context, w queue.Decision) (queue.SaleView, error) {
	d.mu.Lock()
	d.asked = append(d.asked, w.By+": "+w.Note)
	d.change(w.Sale, func(v *queue.SaleView) { v.State, v.Final = w.Outcome, true })
	d.mu.Unlock()
	return d.Sale(ctx, w.Sale)
}

// Story implements the desk's interface.
func (d *Desk) Story(ctx context.Context, id string) (queue.Story, error) {
	v, err := d.Sale(ctx, id)
	return queue.Story{Sale: v, Refunds: []queue.RefundView{}, Lines: []queue.StoryLine{{Seq: 1, Text: "The till asked for it."}}}, err
}

// Reconcile implements the desk's interface.
func (d *Desk) Reconcile(ctx context.Context, day string) (queue.Reconciliation, error) {
	t, err := d.Totals(ctx, day)
	return queue.Reconciliation{Day: t.Day, OnlyHere: []queue.Mismatch{}, OnlyThere: []queue.Mismatch{}, Different: []queue.Mismatch{}, Totals: t}, err
}

// Diagnosis implements the desk's interface.
func (d *Desk) Diagnosis(ctx context.Context) (queue.Diagnosis, error) {
	lanes, err := d.Lanes(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	return queue.Diagnosis{Version: "test", Ready: d.notReady == nil, Lanes: lanes, Gateway: map[string]any{"reachable": true},
		Journal:   queue.JournalHealth{Path: "memory", OK: true, Seq: int64(len(d.notices))},
		Unsettled: []queue.SaleView{}, Refunding: []queue.RefundView{}, Advice: []string{}}, err
}
