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
	p.Progress.InFlight = false
	c.note(p, *a)
	switch a.Meaning {
	case payment.Paid:
		if p.Progress.Cancel == NoCancel {
			c.paid(p)
			return
		}
	case payment.NotSent:
		if c.s.State == Paying {
			c.notSent(p)
			return
		}
	case payment.Declined, payment.Misconfigured:
		p.Progress.Suspect, p.Progress.Confirm = a.Meaning, max(1, a.Confirm)
	case payment.Pending:
		p.Progress.Known = true
	case payment.Duplicate:
		p.Progress.Known = true
		c.alarm(p, "QFPay says the number was used before (%s); it is being queried", a.RespCD)
	}
	if c.s.State == Paying {
		c.s.State = Confirming
	}
	if c.s.State != Confirming {
		return // reversing or unresolved: their own queries judge
	}
	switch {
	case c.s.CancelAsked && p.Progress.Suspect == "" && c.tryCancel(p):
	case a.Meaning == payment.Pending:
		c.s.NextAt = c.after(p, c.r.Poll)
	case p.Progress.Suspect != "":
		c.query(p)
	default:
		c.s.NextAt = c.after(p, min(time.Second, c.r.Poll))
	}
}

// lateAnswer handles an answer for a payment that is not waited for any more. It can only confirm what is
// known, or show that a proof was wrong.
func (c *change) lateAnswer() {
	if p := c.s.Payment(c.ev.Payment); p != nil && c.ev.Answer != nil && c.ev.Answer.Meaning == payment.Paid {
		c.contradicted(p)
	}
}

func (c *change) notSent(p *Payment) {
	if c.s.CancelAsked || p.Progress.Sends >= maxSends {
		c.dead(p, OutcomeNotSent)
		return
	}
	p.Progress.Resend = true
	c.s.NextAt = c.after(p, min(time.Second, c.r.Poll))
}
