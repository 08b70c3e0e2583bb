package sim

import (
	"slices"
	"time"
)

// A State is where a payment or refund stands in QFPay's books.
type State string

const (
	Absent   State = "absent"   // calls came, QFPay keeps nothing
	Pending  State = "pending"  // not paid, can be
	Paid     State = "paid"     // the money is kept, whole or in part
	Declined State = "declined" // not paid, cannot be
	Closed   State = "closed"   // cancelled before it was paid
	Reversed State = "reversed" // paid, then given back by a cancel
	Refunded State = "refunded" // paid, then given back by refunds; of a refund: done
)

// An order is one out_trade_no of a payment.
type order struct {
	number, syssn, chnlsn  string
	asked, payType         string // pay_type as sent, and as resolved
	wallet                 *Wallet
	amount                 int64
	currency, txdtm        string
	udid, goods, code      string
	created, paid, arrives time.Time
	plan                   Plan
	course                 Course
	list                   ListPlan
	looks                  int // queries whose lists it might have been in
	state                  State
	respcd                 string // that a query shows
	cancel                 string // likewise
	charges                int
	returned, refunded     int64
	hide                   int
	queryPlan              QueryPlan
	cancels, backs         int     // cancels and refunds that the plan ruled
	undo                   *Course // a cancel that was accepted and takes time
	copyOf                 string  // a call that comes again, at copyAt
	copyAt                 time.Time
	died                   time.Time // when it was declined or closed
	revive                 time.Duration
	marks                  []mark
	undoIDs                []string
	posts                  int
	requests               []Request
}

// kept is the money that the shop has of it, in minor units.
func (o *order) kept() int64 { return int64(o.charges)*o.amount - o.returned - o.refunded }

// real reports whether QFPay has a record of it.
func (o *order) real() bool { return o != nil && o.state != Absent }

func (o *order) charge(now time.Time) {
	o.charges++
	o.paid, o.state, o.respcd, o.cancel = now, Paid, "0000", "0"
	if o.chnlsn == "" {
		o.chnlsn = o.wallet.receipt(o.syssn)
	}
	o.mark(now)
}

func (o *order) decline(code string, now time.Time) {
	o.state, o.respcd, o.died = Declined, code, now
	o.mark(now)
}

// undone is a cancel that took effect. What was paid is given back and still shows respcd 0000, with cancel 1
// (captured in 2017); what was not is closed.
func (o *order) undone(now time.Time) {
	switch o.state {
	case Pending:
		o.state, o.respcd, o.cancel, o.died = Closed, "1142", "1", now
	case Paid:
		o.returned += o.kept()
		o.state, o.cancel = Reversed, "1"
	}
	o.undo = nil
	o.mark(now)
}

// receipt is the wallet's own number for a payment.
func (w *Wallet) receipt(syssn string) string {
	switch w.Name {
	case "alipay":
		return syssn[:8] + "22001" + syssn[11:] // 28 digits
	case "wechat":
		return "4200000384" + syssn[:8] + syssn[16:]
	}
	return syssn[8:] + syssn[:8]
}

// settle makes happen what is due by now: confirmations, cancels under way, calls that arrive late.
func (g *Gateway) settle(now time.Time) {
	slices.SortStableFunc(g.late, func(a, b *order) int { return a.arrives.Compare(b.arrives) })
	for len(g.late) > 0 && !now.Before(g.late[0].arrives) {
		o := g.late[0]
		g.late = g.late[1:]
		if have := g.byNo[o.number]; have.real() || g.backNo[o.number] != nil || g.codes[o.code] && !g.cfg.ReuseCodes {
			continue
		}
		g.begin(o, o.arrives)
	}
	for _, o := range g.orders {
		o.settle(now)
		if o.copyOf != "" && !now.Before(o.copyAt) {
			call := o.copyOf
			o.copyOf = ""
			g.byWallet(call, o, o.copyAt)
		}
	}
	for _, r := range g.refunds {
		g.arrive(r, now)
		r.settle(now, g.cfg.Shape)
	}
}

func (o *order) settle(now time.Time) {
	if o.state == Pending && o.course.due(now) {
		if o.course.Then == FateDeclined {
			o.decline(or(o.course.ThenCode, "1142"), o.course.end(now))
		} else {
			o.charge(o.course.end(now))
		}
	}
	if o.undo != nil && o.undo.due(now) {
		o.undone(o.undo.end(now))
	}
	if at := o.died.Add(o.revive); o.revive > 0 && (o.state == Declined || o.state == Closed) && !now.Before(at) {
		o.revive = 0
		o.charge(at)
	}
}

// begin enters an order into the books and lets its plan start.
func (g *Gateway) begin(o *order, now time.Time) {
	o.created, o.cancel, o.hide, o.revive = now, "0", o.plan.Hide, time.Duration(o.plan.Revive)
	if o.plan.List != nil {
		o.list = *o.plan.List
	}
	if o.syssn == "" {
		o.syssn = g.serial(now, "payment", o.number)
	}
	if ghost := g.byNo[o.number]; ghost == nil {
		g.orders = append(g.orders, o)
	} else {
		o.posts, o.requests = ghost.posts, ghost.requests
		g.orders[slices.Index(g.orders, ghost)] = o
	}
	g.byNo[o.number] = o
	g.codes[o.code] = true
	if o.plan.Query != nil {
		o.queryPlan = *o.plan.Query
		if o.queryPlan.Times == 0 {
			o.queryPlan.Times = 1
		}
	}
	switch o.plan.fate() {
	case FatePaid:
		o.charge(now)
	case FatePending:
		o.state, o.respcd = Pending, "1143"
		if catOf(o.plan.Code) == catWait {
			o.respcd = o.plan.Code
		}
		o.course = o.plan.Course
		o.course.from = now
		o.mark(now)
	case FateDeclined:
		code := or(o.plan.ThenCode, "1142")
		if c := catOf(o.plan.Code); c != catOK && c != catWait {
			code = o.plan.Code
		}
		o.decline(code, now)
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
