package tilltest

import (
	"context"

	"cpmd/queue/sale"
)

// ResolveRefund implements the desk's interface.
func (d *Desk) ResolveRefund(ctx context.Context, w sale.Resolution) (sale.RefundView, error) {
	d.SetRefund(w.ID, sale.RefundState(w.Outcome))
	return d.Refund(ctx, w.ID)
}

// AskNow implements the desk's interface.
func (d *Desk) AskNow(ctx context.Context, id, _ string) (sale.View, error) { return d.Sale(ctx, id) }

// Alarms implements the desk's interface.
func (d *Desk) Alarms(context.Context, bool) ([]sale.AlarmView, error) { return nil, nil }

// SettleAlarm implements the desk's interface.
func (d *Desk) SettleAlarm(_ context.Context, seq int64, note, by string) (sale.AlarmView, error) {
	return sale.AlarmView{Seq: seq, Note: note, SettledBy: by}, nil
}

// LastReconciliation implements the desk's interface.
func (d *Desk) LastReconciliation(ctx context.Context, day string) (sale.Reconciliation, error) {
	return d.Reconcile(ctx, day, "")
}
