package sale

import (
	"strings"
	"time"
)

// What becomes of money that the audit found: it counts for the sale, goes back, or waits for a person.

// lateMoney is the alarm where a sale has no other payment that could count.
const lateMoney = "QFPay shows this payment as paid, which cpmd had taken for dead; the sale now counts as paid by it: make sure that the customer got the goods"

// moneyFound: QFPay shows money for a payment that was taken for dead.
func (c *change) moneyFound(p *Payment) {
	a := &p.Progress.Audit
	if a.Kept || a.Back {
		p.AuditAt = time.Time{}
		return
	}
	first := a.Found.IsZero()
	if first {
		a.Found = c.ev.At
	}
	alive := c.s.Alive()
	switch {
	case c.s.State == Waiting:
		c.alarm(p, lateMoney)
		c.paid(p)
		return
	case alive != nil && first:
		c.alarm(p, "QFPay shows this payment as paid, which cpmd had taken for dead, while payment %s of the same sale is under way. "+
			"If that one is paid too, cpmd refunds this one", alive.OutTradeNo)
		c.s.CancelAsked = true // the sale has its money: no more of it is wanted
		c.tryCancel(alive)
	case alive != nil:
	case c.s.State == Paid && first && c.s.paidBy() != nil && c.s.paidBy().Progress.Decided:
		c.foundBesideDecision(p)
	case c.s.State == Paid && first:
		c.alarm(p, "the customer was charged twice for this sale: QFPay shows this payment as paid beside the one that counts. "+
			"cpmd refunds it, and raises another alarm if it cannot")
		a.BackAt = c.ev.At
	case first && c.r.GiveBack < 0:
		c.alarm(p, toldNotPaid+": refund it in QFPay's portal, "+
			"or settle this alarm with a note if the goods went out after all")
	case first:
		a.BackAt = c.ev.At.Add(c.r.GiveBack)
		c.alarm(p, toldNotPaid+". cpmd refunds it at %s; "+
			"settle this alarm with a note before then if the goods went out after all", Shown(a.BackAt).Format(time.RFC3339))
	}
	c.planGiveBack(p)
}

// besideDecision begins the alarm that offers to keep the money for the goods.
const besideDecision = "QFPay shows this payment as paid beside the one that an operator decided to be paid"

// foundBesideDecision: the operator may have seen this very payment, and then its money is all that the shop has for the goods.
// So it goes back only after a while, unless a person objects.
func (c *change) foundBesideDecision(p *Payment) {
	a := &p.Progress.Audit
	if c.r.GiveBack < 0 {
		c.alarm(p, besideDecision+": if both are paid, refund this one in QFPay's portal; if only this one is, settle this alarm with a note")
		return
	}
	a.BackAt = c.ev.At.Add(c.r.GiveBack)
	c.alarm(p, besideDecision+": if both are paid, the customer was charged twice. cpmd refunds this one at %s; "+
		"settle this alarm with a note before then if only this one is paid", Shown(a.BackAt).Format(time.RFC3339))
}

// planGiveBack gives the money back when it is time, as often as it takes.
func (c *change) planGiveBack(p *Payment) {
	a := &p.Progress.Audit
	switch {
	case a.BackAt.IsZero(): // it is for a person, or waits for another payment to end; a look now and then costs little
		p.AuditAt = c.after(p, c.r.FollowUp[min(a.Unclear, len(c.r.FollowUp)-1)])
		if a.Unclear++; a.Unclear >= mostAudits {
			p.AuditAt = time.Time{}
		}
	case c.ev.At.Before(a.BackAt):
		p.AuditAt = a.BackAt
	case p.GatewayID() == "":
		if a.Backs == 0 {
			c.alarm(p, "cpmd cannot refund this payment, because QFPay's number for it (syssn) is not known: refund it in QFPay's portal")
		}
		a.Backs++
		p.AuditAt = time.Time{}
	default:
		a.Backs++
		p.AuditAt = c.after(p, c.r.FollowUp[min(a.Backs, len(c.r.FollowUp)-1)])
		c.do(GiveBack, p)
	}
}

// gaveBack: a refund of money that the audit found has ended.
func (c *change) gaveBack() {
	p := c.s.Payment(c.ev.Payment)
	if p == nil {
		return
	}
	a := &p.Progress.Audit
	if c.ev.Done {
		a.Back, a.BackAt, p.AuditAt = true, time.Time{}, time.Time{}
		return
	}
	if !a.Refused {
		a.Refused = true
		c.alarm(p, "QFPay has not refunded this payment (refund %s); cpmd keeps trying. If that goes on, refund it in QFPay's portal", c.ev.Refund)
	}
}

// toldNotPaid begins the alarm that offers to keep the money.
const toldNotPaid = `QFPay shows this payment as paid, but the till was told "not paid"`

// alarmSettled: a person looked. Money that was to be given back stays if it has not gone yet, and if that is what the
// alarm was about: one about something else may be settled by whoever never heard of this money.
func (c *change) alarmSettled() {
	p := c.s.Payment(c.ev.Payment)
	if p == nil || !p.surplus() || !c.ev.At.Before(p.Progress.Audit.BackAt) {
		return
	}
	if c.s.State == NotPaid && strings.HasPrefix(c.ev.Alarm, toldNotPaid) || c.s.State == Paid && strings.HasPrefix(c.ev.Alarm, besideDecision) {
		p.Progress.Audit.Kept, p.Progress.Audit.BackAt, p.AuditAt = true, time.Time{}, time.Time{}
	}
}
