package sale

import (
	"time"

	"cpmd/payment"
)

// answered judges the answer to the payment request. Only a clean "paid" and a "surely not sent" are believed
// at once; all else is queried before it is judged.
func (c *change) answered() {
	p, a := c.s.Alive(), c.ev.Answer
	if a == nil || p == nil || p.OutTradeNo != c.ev.Payment || !p.Progress.InFlight {
		c.lateAnswer()
		return
	}
	g := &p.Progress
	g.InFlight = false
	c.note(p, *a)
	switch a.Meaning {
	case payment.Paid:
		g.Success = true
		if g.Cancel == NoCancel {
			c.paid(p)
			return
		}
	case payment.NotSent:
		if c.s.State == Paying || c.s.State == Confirming && !g.Known {
			c.notSent(p)
			return
		}
	case payment.Declined, payment.Misconfigured:
		g.Suspect, g.Confirm, g.Genuine, g.Soft = a.Meaning, max(1, a.Confirm), a.Genuine, a.Soft
	case payment.NotFound: // to a payment: QFPay will not make the order
		g.Suspect, g.Confirm, g.Genuine = payment.Declined, 2, a.Genuine
	case payment.Pending:
		g.Known, g.Last = true, payment.Pending
	case payment.Duplicate:
		g.Known = true
		c.alarm(p, "QFPay says that this payment's number was used before (%s); cpmd is asking what became of it", a.RespCD)
	case payment.Unknown:
		g.Throttled = a.Throttled
		if a.SysSN != "" || a.ChnlSN != "" { // it has a number at QFPay, so QFPay knows it
			g.Known = true
		}
	}
	if c.s.State == Paying {
		c.s.State = Confirming
	}
	if c.s.State != Confirming {
		return // reversing or unresolved: their own queries judge
	}
	switch {
	case c.s.CancelAsked && g.Suspect == "" && !g.Throttled && c.tryCancel(p):
	case a.Meaning == payment.Pending:
		c.s.NextAt = c.after(p, c.r.Poll)
	case g.Suspect != "":
		c.query(p)
	default:
		c.s.NextAt = c.after(p, min(time.Second, c.r.Poll))
	}
}

// lateAnswer handles an answer for a payment that is not waited for any more. It can only confirm what is
// known, or show that a proof was wrong.
func (c *change) lateAnswer() {
	p, a := c.s.Payment(c.ev.Payment), c.ev.Answer
	if p == nil || a == nil || a.Meaning != payment.Paid || p.Outcome == Alive || p.Outcome == OutcomePaid {
		return
	}
	if a.SysSN != "" {
		p.Progress.Audit.SysSN = a.SysSN
	}
	c.moneyFound(p)
}

func (c *change) notSent(p *Payment) {
	if c.s.CancelAsked || p.Progress.Sends >= maxSends {
		c.dead(p, OutcomeNotSent)
		return
	}
	p.Progress.Resend = true
	c.s.State = Paying
	c.s.NextAt = c.after(p, min(time.Second, c.r.Poll))
}
