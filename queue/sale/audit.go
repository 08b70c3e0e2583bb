package sale

import (
	"cmp"
	"time"

	"cpmd/payment"
)

// The audit looks again at payments that have ended. Every end rests on a reading of QFPay's pages, and any of them may
// be wrong one day: a payment that was proved dead is completed, an accepted cancellation takes effect after "paid".
// What the audit finds is put right or calls a person.

// An Audit is how far the later looks at an ended payment got.
type Audit struct {
	Looks   int       `json:"looks,omitempty"`   // that brought certainty
	Unclear int       `json:"unclear,omitempty"` // that brought none
	Found   time.Time `json:"found,omitzero"`    // when money was found where none should be
	BackAt  time.Time `json:"back_at,omitzero"`  // when it is given back; zero: not, or not any more
	Backs   int       `json:"backs,omitempty"`   // attempts
	Back    bool      `json:"back,omitempty"`    // it went back
	Refused bool      `json:"refused,omitempty"` // an attempt failed, and a person was called
	Kept    bool      `json:"kept,omitempty"`    // a person decided that it stays
	Odd     bool      `json:"odd,omitempty"`     // it is listed in a way that is not understood, and a person was called
	Gone    int       `json:"gone,omitempty"`    // looks at a paid payment that QFPay does not know as paid
	SysSN   string    `json:"syssn,omitempty"`   // QFPay's number of it, learned after the end
	Missing bool      `json:"missing,omitempty"` // money that was taken is gone, and a person was called
	Closing bool      `json:"closing,omitempty"` // a cancellation was sent because it was still open
}

// GatewayID is QFPay's number of the payment (syssn), where it is known; the audit may have learned it later.
func (p *Payment) GatewayID() string { return cmp.Or(p.SysSN, p.Progress.Audit.SysSN) }

// surplus reports whether the payment's money is with the shop and should not be.
func (p *Payment) surplus() bool {
	a := &p.Progress.Audit
	return !a.Found.IsZero() && !a.Back && !a.Kept && p.Outcome != OutcomePaid
}

// watch begins the audit of a payment that has just ended.
func (c *change) watch(p *Payment) {
	p.Progress.Audit = Audit{}
	p.AuditAt = time.Time{}
	if len(c.r.Audit) > 0 {
		p.AuditAt = c.after(p, c.r.Audit[0])
	}
}

// auditDue asks for the ended payments whose time has come.
func (c *change) auditDue() {
	for i := range c.s.Payments {
		p := &c.s.Payments[i]
		if p.Outcome != Alive && !p.AuditAt.IsZero() && !c.ev.At.Before(p.AuditAt) {
			c.audit(p)
		}
	}
}

func (c *change) audit(p *Payment) {
	p.AuditAt = c.ev.At.Add(c.r.Answer + c.r.Guard) // if nothing comes back
	c.do(QueryPayment, p)
}

// audited weighs a query about a payment that has ended.
func (c *change) audited(p *Payment, f *payment.QueryResult) {
	a := &p.Progress.Audit
	p.Progress.Polls++
	c.noteEnded(p, f)
	kept := p.Outcome == OutcomePaid
	if f.Meaning != payment.Paid {
		p.Progress.Paid = 0
	}
	early := c.ev.AskedAt.Before(c.s.EndedAt.Add(c.r.Answer)) // lists may lag
	switch {
	case f.Meaning == payment.Paid && !kept:
		c.moneyFound(p)
		return
	case f.Meaning == payment.Paid:
		c.notReturned(p)
		if p.Progress.Paid++; a.Missing && p.Progress.Paid >= paidProves && p.Progress.Cancel == NoCancel {
			a.Missing = false
		}
		a.Gone = 0
	case f.Meaning == payment.Undone && kept && c.s.Refunded+c.ev.UnderWay < c.s.Amount:
		c.moneyMissing(p, f)
	case f.Meaning == payment.Undone && !kept && !a.Found.IsZero():
		a.Back, a.BackAt = true, time.Time{}
	case kept && early && f.Meaning != payment.Unknown && f.Meaning != payment.Undone:
		p.AuditAt = c.s.EndedAt.Add(c.r.Answer)
		return
	case kept && (f.Meaning == payment.Declined || f.Meaning == payment.NotFound && f.Searched):
		if a.Gone++; a.Gone >= absentProves {
			c.moneyMissing(p, f)
		}
	case f.Meaning == payment.Pending:
		if kept {
			if a.Gone++; a.Gone >= absentProves {
				c.moneyMissing(p, f)
			}
		}
		c.closeEnded(p)
		c.auditLater(p)
		return
	case f.Meaning == payment.Unknown && f.Listed && !kept:
		c.notUnderstood(p, f)
		c.auditLater(p)
		return
	case f.Meaning == payment.Unknown || f.Meaning == payment.Duplicate, f.Meaning == payment.NotFound && !f.Searched:
		c.auditLater(p)
		return
	}
	a.Looks++
	p.AuditAt = time.Time{}
	if a.Looks < len(c.r.Audit) {
		p.AuditAt = c.after(p, c.r.Audit[a.Looks]-c.r.Audit[a.Looks-1])
	}
}

// notReturned: an operator decided that the money went back, and QFPay shows it as the shop's.
func (c *change) notReturned(p *Payment) {
	if c.s.Delivery == Returned && c.s.Refunded < c.s.Amount && p.Progress.Paid == paidProves-1 {
		c.alarm(p, "an operator decided that the money of this sale went back, but QFPay shows the payment as paid: "+
			"look it up in QFPay's portal, and refund it if the customer has not got the money")
	}
}

// notUnderstood: QFPay lists what was taken for dead, in a way that may mean money.
func (c *change) notUnderstood(p *Payment, f *payment.QueryResult) {
	if a := &p.Progress.Audit; !a.Odd {
		a.Odd = true
		c.alarm(p, "QFPay lists this payment, which ended here as %s, with values that cpmd does not know (respcd %q, cancel %q): "+
			"look it up in QFPay's portal, and refund it there if the customer was charged", p.Outcome, f.RespCD, f.Cancel)
	}
}

// auditLater looks again at the slow pace, and calls a person where that never ends.
func (c *change) auditLater(p *Payment) {
	a := &p.Progress.Audit
	a.Unclear++
	if a.Unclear < mostAudits {
		p.AuditAt = c.after(p, c.r.FollowUp[min(a.Unclear, len(c.r.FollowUp)-1)])
		return
	}
	p.AuditAt = time.Time{}
	c.alarm(p, "QFPay never said clearly what became of this payment, which ended here as %s: look it up in QFPay's portal", p.Outcome)
}

// closeEnded cancels, once, an order that is still open although its payment was taken for ended.
func (c *change) closeEnded(p *Payment) {
	if p.Outcome == OutcomePaid || p.Progress.Audit.Closing || p.Progress.Success || !c.r.CanCancel(p.payType()) {
		return
	}
	p.Progress.Audit.Closing = true
	c.do(CancelPayment, p)
}

// moneyMissing: QFPay shows money as gone that the books have as kept.
func (c *change) moneyMissing(p *Payment, f *payment.QueryResult) {
	if p.Progress.Audit.Missing {
		return
	}
	p.Progress.Audit.Missing = true
	if c.s.Delivery == Returned { // as the books have it
		return
	}
	says := "shows this payment as given back (cancel " + f.Cancel + ")"
	switch f.Meaning {
	case payment.NotFound:
		says = "does not list this payment"
	case payment.Declined, payment.Pending:
		says = "shows this payment as not paid (" + f.RespCD + ")"
	}
	c.alarm(p, "QFPay %s, but the sale is paid and only %d of %d minor units were refunded here: "+
		"the shop may not have this money. Look it up in QFPay's portal", says, c.s.Refunded, c.s.Amount)
}

// askNow asks QFPay at once, whatever the pace.
func (c *change) askNow() {
	if p := c.s.Alive(); p != nil && !p.Progress.Resend {
		c.query(p)
	} else {
		for i := range c.s.Payments {
			if p := &c.s.Payments[i]; p.Outcome != Alive {
				c.audit(p)
			}
		}
	}
	for i := range c.effects {
		c.effects[i].Urgent = !c.ev.Beside
	}
}
