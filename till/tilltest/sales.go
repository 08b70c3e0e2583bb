package tilltest

import (
	"context"
	"slices"
	"time"

	"cpmd/queue/sale"
)

// PutSale implements the desk's interface.
func (d *Desk) PutSale(_ context.Context, req sale.Request) (sale.View, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return sale.View{}, false, err
	}
	if req.Lane == "" {
		req.Lane = d.lanes[0]
	}
	if old, ok := d.sales[req.ID]; ok {
		if old.req.Fingerprint() != req.Fingerprint() {
			return sale.View{}, false, refusal(sale.IDReused, "", "id %s belongs to another request; choose a new id", req.ID)
		}
		return old.view, false, nil
	}
	if !slices.Contains(d.lanes, req.Lane) {
		return sale.View{}, false, refusal(sale.UnknownLane, "", "no such lane; GET /v1/lanes lists them")
	}
	for _, s := range d.sales {
		switch {
		case s.view.Lane == req.Lane && s.view.State.HoldsLane():
			return sale.View{}, false, refusal(sale.LaneBusy, s.view.ID, "sale %s holds the lane", s.view.ID)
		case req.Ticket != "" && s.view.Ticket == req.Ticket && s.view.Amount == req.Amount && !s.view.Final:
			return sale.View{}, false, refusal(sale.TicketUnresolved, s.view.ID, "sale %s of this ticket is not finished", s.view.ID)
		}
	}
	d.sales[req.ID] = &entry{req: req, view: sale.View{ID: req.ID, Lane: req.Lane, Ticket: req.Ticket,
		Amount: req.Amount, Currency: req.Currency, ConfirmDelivery: req.ConfirmDelivery, By: req.By, State: sale.Waiting, CreatedAt: now()}}
	d.order = append(d.order, req.ID)
	d.change(req.ID, func(v *sale.View) {
		if req.AuthCode != "" {
			v.State = sale.Paying
			v.Payments = []sale.PaymentView{{OutTradeNo: "O" + v.ID, AuthCode: req.AuthCode.String(), State: "paying"}}
		}
	})
	return d.sales[req.ID].view, true, nil
}

// Sale implements the desk's interface.
func (d *Desk) Sale(_ context.Context, id string) (sale.View, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return sale.View{}, err
	}
	s, ok := d.sales[id]
	if !ok {
		return sale.View{}, refusal(sale.UnknownSale, "", "no sale has this id")
	}
	return s.view, nil
}

// CancelSale implements the desk's interface: it ends a sale that waits and only notes the wish otherwise.
func (d *Desk) CancelSale(_ context.Context, id, by string) (sale.View, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return sale.View{}, err
	}
	s, ok := d.sales[id]
	if !ok {
		return sale.View{}, refusal(sale.UnknownSale, "", "no sale has this id")
	}
	d.asked = append(d.asked, id+" by "+by)
	if s.view.State == sale.Waiting {
		d.change(id, func(v *sale.View) { v.State, v.Reason = sale.NotPaid, sale.Cancelled })
	}
	return s.view, nil
}

// Sales implements the desk's interface.
func (d *Desk) Sales(_ context.Context, f sale.Filter) ([]sale.View, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return nil, err
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	var list []sale.View
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
func (d *Desk) PutRefund(_ context.Context, req sale.RefundRequest) (sale.RefundView, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return sale.RefundView{}, false, err
	}
	if old, ok := d.refunds[req.ID]; ok {
		if old.Sale != req.Sale || old.Amount != req.Amount {
			return sale.RefundView{}, false, refusal(sale.IDReused, "", "the id belongs to another request; choose a new id")
		}
		return old, false, nil
	}
	s, ok := d.sales[req.Sale]
	if !ok {
		return sale.RefundView{}, false, refusal(sale.UnknownSale, "", "no sale has this id")
	}
	if s.view.State != sale.Paid || req.Amount > s.view.Amount-s.view.Refunded {
		return sale.RefundView{}, false, refusal(sale.NotRefundable, req.Sale, "there is not that much to refund")
	}
	v := sale.RefundView{ID: req.ID, Sale: req.Sale, Amount: req.Amount, Currency: s.view.Currency, State: sale.Refunding, By: req.By,
		Message: "Refunding.", CreatedAt: now(), UpdatedAt: now(), Seq: d.nextSeq()}
	d.refunds[req.ID] = v
	d.tell("refund", v)
	return v, true, nil
}

// Refund implements the desk's interface.
func (d *Desk) Refund(_ context.Context, id string) (sale.RefundView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return sale.RefundView{}, err
	}
	v, ok := d.refunds[id]
	if !ok {
		return sale.RefundView{}, refusal(sale.UnknownRefund, "", "no refund has this id")
	}
	return v, nil
}

// Totals implements the desk's interface.
func (d *Desk) Totals(_ context.Context, day string) (sale.Totals, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if day == "" {
		day = now().Format(time.DateOnly)
	}
	t := sale.Totals{Day: day}
	for _, s := range d.sales {
		switch v := s.view; {
		case v.CreatedAt.Format(time.DateOnly) != day:
		case v.State == sale.Paid:
			i := slices.IndexFunc(t.Rows, func(r sale.TotalRow) bool { return r.Currency == v.Currency && r.Wallet == v.Wallet })
			if i < 0 {
				i = len(t.Rows)
				t.Rows = append(t.Rows, sale.TotalRow{Currency: v.Currency, Wallet: v.Wallet})
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
func (d *Desk) Lanes(context.Context) ([]sale.LaneView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []sale.LaneView
	for _, name := range d.lanes {
		l := sale.LaneView{Name: name, PayType: "800008", Virtual: true, Scanner: sale.ScannerView{Lane: name, State: "open", Device: "virtual"}}
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
		return refusal(sale.UnknownLane, "", "no such lane; GET /v1/lanes lists them")
	}
	d.fed = append(d.fed, lane+" "+code)
	for id, s := range d.sales {
		if s.view.Lane == lane && s.view.State == sale.Waiting {
			d.change(id, func(v *sale.View) { v.State = sale.Paying })
		}
	}
	return nil
}

// ConfirmDelivery implements the desk's interface.
func (d *Desk) ConfirmDelivery(ctx context.Context, id, _ string) (sale.View, error) {
	d.mu.Lock()
	d.change(id, func(v *sale.View) { v.Delivery = sale.Delivered })
	d.mu.Unlock()
	return d.Sale(ctx, id)
}

// Resolve implements the desk's interface.
func (d *Desk) Resolve(ctx context.Context, w sale.Resolution) (sale.View, error) {
	d.mu.Lock()
	d.asked = append(d.asked, w.By+": "+w.Note)
	d.change(w.ID, func(v *sale.View) { v.State, v.Final = w.Outcome, true })
	d.mu.Unlock()
	return d.Sale(ctx, w.ID)
}

// Story implements the desk's interface.
func (d *Desk) Story(ctx context.Context, id string) (sale.Story, error) {
	v, err := d.Sale(ctx, id)
	return sale.Story{Sale: v, Refunds: []sale.RefundView{}, Lines: []sale.StoryLine{{Seq: 1, Text: "Sale opened by the till."}}}, err
}

// Receipt implements the desk's interface.
func (d *Desk) Receipt(ctx context.Context, id string, width int) (sale.Receipt, error) {
	v, err := d.Sale(ctx, id)
	if err != nil {
		return sale.Receipt{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var refunds []sale.RefundView
	for _, f := range d.refunds {
		if f.Sale == id {
			refunds = append(refunds, f)
		}
	}
	return sale.ReceiptOf(v, v.UpdatedAt, refunds, 2, width, time.UTC)
}

// Reconcile implements the desk's interface.
func (d *Desk) Reconcile(ctx context.Context, day, _ string) (sale.Reconciliation, error) {
	t, err := d.Totals(ctx, day)
	return sale.Reconciliation{Day: t.Day, OnlyHere: []sale.Mismatch{}, OnlyThere: []sale.Mismatch{}, Different: []sale.Mismatch{}, Totals: t}, err
}

// Diagnosis implements the desk's interface.
func (d *Desk) Diagnosis(ctx context.Context) (sale.Diagnosis, error) {
	lanes, err := d.Lanes(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	return sale.Diagnosis{Version: "test", Ready: d.notReady == nil, Lanes: lanes, Gateway: map[string]any{"reachable": true},
		Journal:    sale.JournalHealth{Path: "memory", OK: true, Seq: int64(len(d.notices))},
		Unfinished: map[sale.State]int{}, Unsettled: []sale.View{}, Refunding: []sale.RefundView{}, Advice: []string{}}, err
}
