// Package tilltest has a [Desk] in memory and a server around it, for tests of whatever speaks to tills. The
// desk keeps the rules that a till can see and no others: start reading at [NewDesk] and [Serve].
package tilltest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// A Desk answers tills from memory. What a scan or QFPay would do, a test does with Set and its like.
type Desk struct {
	mu       sync.Mutex
	lanes    []string
	sales    map[string]*entry
	order    []string
	refunds  map[string]sale.RefundView
	notices  []sale.Notice
	changed  chan struct{}
	asked    []string // "T1 by uid=..." of each CancelSale
	fed      []string
	failWith error
	notReady error
}

type entry struct {
	req  sale.Request
	view sale.View
}

// NewDesk makes a desk with virtual lanes; none named: lane "1".
func NewDesk(lanes ...string) *Desk {
	if len(lanes) == 0 {
		lanes = []string{"1"}
	}
	return &Desk{lanes: lanes, sales: map[string]*entry{}, refunds: map[string]sale.RefundView{},
		changed: make(chan struct{})}
}

// Fail makes every call fail with err until Fail(nil). A Panic value makes it panic.
func (d *Desk) Fail(err error) { d.mu.Lock(); d.failWith = err; d.mu.Unlock() }

// Panic makes calls panic when it is given to Fail.
type Panic string

func (p Panic) Error() string { return string(p) }

// SetReady sets what Ready returns.
func (d *Desk) SetReady(err error) { d.mu.Lock(); d.notReady = err; d.mu.Unlock() }

// CancelsAsked lists the cancel requests, each as "id by who".
func (d *Desk) CancelsAsked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

// Fed lists the codes fed to lanes, each as "lane code".
func (d *Desk) Fed() []string { d.mu.Lock(); defer d.mu.Unlock(); return slices.Clone(d.fed) }

// CodeOf returns the auth code that a sale was opened with.
func (d *Desk) CodeOf(id string) payment.AuthCode {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sales[id].req.AuthCode
}

// Set changes a sale and tells the tills.
func (d *Desk) Set(id string, change func(*sale.View)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.change(id, change)
}

// SetState moves a sale to a state.
func (d *Desk) SetState(id string, state sale.State, reason sale.Reason) {
	d.Set(id, func(v *sale.View) { v.State, v.Reason = state, reason })
}

// SetRefund moves a refund to a state.
func (d *Desk) SetRefund(id string, state sale.RefundState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := d.refunds[id]
	v.State, v.Final, v.Message = state, state.Final(), "The refund is "+string(state)+"."
	v.Seq, v.UpdatedAt = d.nextSeq(), now()
	d.refunds[id] = v
	if state == sale.Refunded {
		d.sales[v.Sale].view.Refunded += v.Amount
	}
	d.tell("refund", v)
}

// Scan tells the tills of a scan that paid nothing.
func (d *Desk) Scan(v sale.ScanView) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell("scan", v)
}

var messages = map[sale.State]string{
	sale.Waiting:    "Show your payment code.",
	sale.Paying:     "Processing.",
	sale.Confirming: "Customer is confirming on the phone. Do not charge again.",
	sale.Reversing:  "Checking. Do not pay again.",
	sale.Unresolved: "Not confirmed. Do not charge again.",
	sale.Paid:       "Paid.",
	sale.NotPaid:    "Not paid.",
}

func (d *Desk) change(id string, change func(*sale.View)) {
	v := &d.sales[id].view
	change(v)
	v.Message, v.Final = messages[v.State], v.State.Final()
	v.DecideBy = nil
	v.UpdatedAt = now()
	if !v.Final && v.State != sale.Unresolved {
		by := v.UpdatedAt.Add(2 * time.Minute)
		v.DecideBy = &by
	}
	v.Seq = d.nextSeq()
	d.tell("sale", *v)
}

// now is in whole seconds, as the real desk shows times to tills.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

func (d *Desk) nextSeq() int64 { return int64(len(d.notices)) + 1 }

func (d *Desk) tell(kind string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	d.notices = append(d.notices, sale.Notice{Seq: d.nextSeq(), Kind: kind, At: now(), Data: data})
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *Desk) fail() error {
	if p, ok := d.failWith.(Panic); ok {
		panic(p)
	}
	return d.failWith
}

func refusal(code sale.Code, id, format string, args ...any) error {
	return &sale.Error{Code: code, Sale: id, Detail: fmt.Sprintf(format, args...)}
}

// Changed implements the desk's interface.
func (d *Desk) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

// Notices implements the desk's interface.
func (d *Desk) Notices(_ context.Context, after int64, limit int) ([]sale.Notice, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil || after >= int64(len(d.notices)) {
		return nil, err
	}
	list := d.notices[after:]
	return slices.Clone(list[:min(limit, len(list))]), nil
}

// LastSeq implements the desk's interface.
func (d *Desk) LastSeq(context.Context) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int64(len(d.notices)), d.fail()
}

// Alarm tells the tills of an alarm.
func (d *Desk) Alarm(v sale.AlarmView) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell("alarm", v)
}

// Ready implements the desk's interface.
func (d *Desk) Ready() error { d.mu.Lock(); defer d.mu.Unlock(); return d.notReady }

// SetOverdue puts a sale's decide_by long into the past.
func (d *Desk) SetOverdue(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.change(id, func(*sale.View) {})
	past := time.Now().Add(-time.Hour)
	d.sales[id].view.DecideBy = &past
}

// Last is the sequence number of the last notice.
func (d *Desk) Last() int64 { d.mu.Lock(); defer d.mu.Unlock(); return int64(len(d.notices)) }
