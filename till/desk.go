// Package till is the door for tills: it takes their requests from local sockets, in two dialects (http and
// line), hands them to the [Desk], and tells tills what became of their sales. It decides nothing about money
// and knows neither QFPay nor scanners.
//
// Start reading at [Desk] for what it needs and at operations.go for what it offers: one table names every
// operation, its fields, its HTTP route and its line method, so both dialects are the same by construction.
// The path of a request is listen.go, then http.go or line.go, then fields.go, then operations.go.
//
// Who gets in: door.go opens endpoints and keeps trying, lobby.go makes room, token.go and certificate.go are how
// cpmd and a till over TCP know each other, and permission.go says what whoever is in may do.
package till

import (
	"context"

	"cpmd/queue/sale"
)

// A Desk is what tills talk to. Its methods may be called from many goroutines at once. A refusal is a
// [*sale.Error]; any other error is an internal one, which is logged and never shown to a till.
type Desk interface {
	// PutSale opens a sale, or returns the one that the same request opened before; created tells which.
	PutSale(ctx context.Context, req sale.Request) (sale sale.View, created bool, err error)
	Sale(ctx context.Context, id string) (sale.View, error)
	// CancelSale asks to stop a sale. It is a wish: the sale's state says what came of it. by names who
	// asked, such as "uid=1000 pid=4711".
	CancelSale(ctx context.Context, id, by string) (sale.View, error)
	// Sales lists the newest first.
	Sales(ctx context.Context, f sale.Filter) ([]sale.View, error)

	PutRefund(ctx context.Context, req sale.RefundRequest) (refund sale.RefundView, created bool, err error)
	Refund(ctx context.Context, id string) (sale.RefundView, error)

	// Notices returns at most limit entries whose Seq is greater than after, in order; no two share a Seq.
	Notices(ctx context.Context, after int64, limit int) ([]sale.Notice, error)
	// LastSeq is the journal's end: no entry has a greater Seq.
	LastSeq(ctx context.Context) (int64, error)
	// Changed returns a channel that is closed at the next journal commit that tills can see. Whoever gets
	// it before reading misses nothing.
	Changed() <-chan struct{}

	// Totals sums a day, YYYY-MM-DD in the configured time zone; "" is today.
	Totals(ctx context.Context, day string) (sale.Totals, error)
	Lanes(ctx context.Context) ([]sale.LaneView, error)
	// Feed scans code on a lane whose scanner is virtual.
	Feed(ctx context.Context, lane, code string) error
	Diagnosis(ctx context.Context) (sale.Diagnosis, error)
	// ConfirmDelivery takes a machine's word that it hands over the goods of a paid sale.
	ConfirmDelivery(ctx context.Context, id, by string) (sale.View, error)
	// Resolve takes an operator's word for an unresolved sale, ResolveRefund for a refund.
	Resolve(ctx context.Context, d sale.Resolution) (sale.View, error)
	ResolveRefund(ctx context.Context, d sale.Resolution) (sale.RefundView, error)
	// AskNow asks QFPay at once what became of a sale.
	AskNow(ctx context.Context, id, by string) (sale.View, error)
	// Alarms lists the alarms that stand, newest first, and with all the settled ones.
	Alarms(ctx context.Context, all bool) ([]sale.AlarmView, error)
	SettleAlarm(ctx context.Context, seq int64, note, by string) (sale.AlarmView, error)
	// Story tells a sale's whole life.
	Story(ctx context.Context, id string) (sale.Story, error)
	// Receipt makes the receipt of a paid sale, with text of so many columns.
	Receipt(ctx context.Context, id string, width int) (sale.Receipt, error)
	// Reconcile compares a day of the journal with QFPay's list; "" is today.
	Reconcile(ctx context.Context, day, by string) (sale.Reconciliation, error)
	// LastReconciliation is the kept comparison of a day, "" of the newest one.
	LastReconciliation(ctx context.Context, day string) (sale.Reconciliation, error)
	// Ready is nil while sales can be taken.
	Ready() error
}
