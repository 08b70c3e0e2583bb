package sale

import "cpmd/payment"

// settling says that a cancellation is accepted or may yet take effect, or was refused just now, so that
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

// tryCancel asks QFPay to undo the payment, where it offers that for this wallet.
func (c *change) tryCancel(p *Payment) bool {
	g := &p.Progress
	payType := p.Resolved
	if payType == "" {
		payType = p.PayType
	}
	limit := maxQuickCancels
	if c.s.State == Unresolved {
		limit = maxCancels
	}
	if g.InFlight || g.Cancel == CancelSent || g.Cancels >= limit || !c.r.CanCancel(payType) {
		return false
	}
	g.Loose = g.Loose || g.Cancel == CancelUnknown || g.Cancel == CancelAccepted || g.Cancel == CancelRefused
	g.Cancel, g.CancelAt, g.Paid = CancelSent, c.ev.At, 0
	g.Cancels++
	if c.s.State != Unresolved {
		c.s.State = Reversing
	}
	c.s.NextAt = c.guard(p, c.r.Answer+c.r.Guard)
	c.do(CancelPayment, p)
	return true
}

func (c *change) cancelAnswered() {
	p, a := c.s.Alive(), c.ev.Answer
	if a == nil || p == nil || p.OutTradeNo != c.ev.Payment || (p.Progress.Cancel != CancelSent && p.Progress.Cancel != CancelUnknown) {
		return
	}
	switch a.Meaning {
	case payment.Undone, payment.Pending, payment.Paid:
		p.Progress.Cancel = CancelAccepted
	case payment.Refused, payment.Declined, payment.Misconfigured, payment.NotFound:
		p.Progress.Cancel = CancelRefused
		if a.RespCD == payment.AlreadyPaid {
			p.Progress.Cancel = CancelTooLate
		}
	case payment.NotSent:
		p.Progress.Cancel = NoCancel
	default:
		p.Progress.Cancel = CancelUnknown
	}
	if a.Alarm != "" {
		c.alarm(p, "%s", a.Alarm)
	}
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
	case p == nil || p.Progress.InFlight || p.Progress.Suspect != "":
		// What is under way ends first; the answer decides what there is to cancel.
	case p.Progress.Resend:
		c.dead(p, OutcomeNotSent)
	default:
		c.tryCancel(p)
	}
}
