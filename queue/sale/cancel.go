package sale

import (
	"cmp"

	"cpmd/payment"
)

// settling reports whether a cancellation is accepted or may yet take effect, or was refused just now, so that
// another one would only stir. (WeChat Pay, for one, refuses in the first 15 s.)
func (c *change) settling(p *Payment) bool {
	g := &p.Progress
	switch g.Cancel {
	case CancelAccepted:
		return true
	case CancelUnknown:
		return c.ev.At.Before(g.CancelAt.Add(c.r.Answer))
	case CancelRefused, CancelTooLate:
		return c.ev.At.Before(g.CancelAt.Add(c.r.Confirm / 4))
	}
	return false
}

// payType is the wallet's pay_type where QFPay told it.
func (p *Payment) payType() string { return cmp.Or(p.Resolved, p.PayType) }

// unwanted reports whether the sale should rather end without this payment: the till cancelled, the time is up, or
// another payment of the sale has the money already.
func (c *change) unwanted(p *Payment) bool {
	return c.s.CancelAsked || !c.ev.At.Before(p.ConfirmBy) || c.surplus() != nil
}

// tryCancel asks QFPay to undo the payment, where it offers that for this wallet. What QFPay ever listed as successful is
// never cancelled, however odd the rest of it looks; nor is what may still be on its way, unless QFPay knows it, nor what
// has not been seen since a restart.
func (c *change) tryCancel(p *Payment) bool {
	g := &p.Progress
	limit := maxQuickCancels
	if c.s.State == Unresolved {
		limit = maxCancels
	}
	if g.InFlight && !g.Known || g.Success || g.Blind || g.Cancel == CancelSent || g.Cancels >= limit || !c.r.CanCancel(p.payType()) {
		return false
	}
	if c.s.State != Unresolved {
		c.s.State = Reversing
	}
	c.sendCancel(p)
	return true
}

func (c *change) sendCancel(p *Payment) {
	g := &p.Progress
	g.Loose = g.Loose || g.Cancel == CancelUnknown || g.Cancel == CancelAccepted
	g.Cancel, g.CancelAt, g.Paid = CancelSent, c.ev.At, 0
	g.Cancels++
	c.s.NextAt = c.guard(p, c.r.Answer+c.r.Guard)
	c.do(CancelPayment, p)
}

func (c *change) cancelAnswered() {
	p, a := c.s.Alive(), c.ev.Answer
	if a == nil || p == nil || p.OutTradeNo != c.ev.Payment || (p.Progress.Cancel != CancelSent && p.Progress.Cancel != CancelUnknown) {
		return
	}
	switch a.Meaning {
	case payment.Undone, payment.Pending, payment.Paid:
		p.Progress.Cancel, p.Progress.Known = CancelAccepted, true
	case payment.Refused, payment.Declined, payment.Misconfigured, payment.NotFound:
		p.Progress.Cancel = CancelRefused
		if a.RespCD == payment.AlreadyPaid {
			p.Progress.Cancel, p.Progress.Known = CancelTooLate, true
		}
	case payment.NotSent:
		p.Progress.Cancel = NoCancel
	default:
		p.Progress.Cancel = CancelUnknown
	}
	c.tellOnce(p, a.Alarm)
	c.query(p) // a cancellation is believed only when a query shows it
}

func (c *change) cancelAsked() {
	if c.s.Delivery == Awaited {
		c.returnMoney() // the machine cannot hand the goods over
		return
	}
	if c.s.State.Final() || c.s.State == "" || c.s.CancelAsked {
		return
	}
	c.s.CancelAsked = true
	p := c.s.Alive()
	switch {
	case c.s.State == Waiting:
		c.notPaid(Cancelled)
	case p == nil:
	case p.Progress.Resend:
		c.dead(p, OutcomeNotSent)
	case p.Progress.Suspect != "":
		// Its queries are under way; they decide what there is to cancel.
	case p.Progress.InFlight && !p.Progress.Known:
		if c.s.State == Paying {
			c.s.State = Confirming
		}
		c.query(p) // beside the request: whoever cancels should not wait for an answer that may never come
	case !c.tryCancel(p):
	}
}
