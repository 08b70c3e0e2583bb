package sale

import (
	"cmp"
	"fmt"
	"time"

	"cpmd/payment"
)

// ReduceRefund is Reduce for refunds. Nothing cancels a refund: it is followed until it is proved either way,
// for days if need be.
func ReduceRefund(r Rules, old Refund, ev Event) (Refund, []Effect) {
	c := &refundChange{r: r, f: old, ev: ev}
	if old.State.Final() {
		return old, c.late()
	}
	switch ev.Kind {
	case Opened:
		if old.State == "" {
			c.f.State, c.f.CreatedAt = Refunding, ev.At
			if ev.NotBefore.After(ev.At) { // nothing has left: it is sent when it is due
				c.f.Progress.Resend, c.f.NextAt = true, ev.NotBefore
			} else {
				c.send()
			}
		}
	case Answered:
		c.answered()
	case QueryAnswered:
		c.found()
	case Due:
		c.due()
	case Restarted:
		c.restarted()
	case ClockMoved:
		if c.f.State != "" {
			c.f.NextAt = c.f.NextAt.Add(ev.Moved)
			c.f.Progress.WindowFrom = c.f.Progress.WindowFrom.Add(ev.Moved)
			c.f.Progress.Moved += ev.Moved
		}
	}
	return c.f, c.effects
}

type refundChange struct {
	r       Rules
	f       Refund
	ev      Event
	effects []Effect
}

func (c *refundChange) do(kind EffectKind) {
	c.effects = append(c.effects, Effect{Kind: kind, Payment: c.f.OutTradeNo})
}

func (c *refundChange) alarm(text string) {
	if text != "" {
		c.effects = append(c.effects, Effect{Kind: RaiseAlarm, Payment: c.f.OutTradeNo, Text: text})
	}
}

// late: a final refund does not change; an answer that contradicts it calls a person.
func (c *refundChange) late() []Effect {
	paid := c.ev.Answer != nil && c.ev.Answer.Meaning == payment.Paid || c.ev.Query != nil && c.ev.Query.Meaning == payment.Paid
	if paid && c.f.State == NotRefunded {
		c.alarm("QFPay shows a refund as done that was proved not done: correct the books")
	}
	return c.effects
}

func (c *refundChange) send() {
	g := &c.f.Progress
	g.Sends++
	g.Resend, g.InFlight, g.WindowFrom = false, true, c.ev.At
	c.f.NextAt = c.ev.At.Add(c.r.Answer + c.r.Guard)
	c.do(SendRefund)
}

func (c *refundChange) query() {
	c.f.NextAt = c.ev.At.Add(c.r.Guard)
	c.do(QueryRefund)
}

func (c *refundChange) note(a payment.Answer) {
	if a.RespCD != "" {
		c.f.RespCD = a.RespCD
	}
	if a.SysSN != "" {
		c.f.SysSN = a.SysSN
	}
	c.alarm(a.Alarm)
}

func (c *refundChange) answered() {
	a, g := c.ev.Answer, &c.f.Progress
	if a == nil || !g.InFlight {
		return
	}
	g.InFlight = false
	c.note(*a)
	switch a.Meaning {
	case payment.Paid:
		c.end(Refunded, "")
		return
	case payment.NotSent:
		if g.Sends >= maxSends {
			c.end(NotRefunded, "The request never left this machine. Check the network, then ask again with a new refund id.")
			return
		}
		g.Resend = true
		c.f.NextAt = c.ev.At.Add(min(time.Second, c.r.Poll))
		return
	case payment.Pending, payment.Duplicate:
		g.Known = true
	case payment.Unknown:
		if a.RespCD != "" { // should it prove not done, this is why
			g.Why = refusal(a)
		}
	case payment.Refused, payment.Declined, payment.Misconfigured, payment.NotFound:
		g.Suspect, g.Why = a.Meaning, refusal(a)
		c.query()
		return
	}
	c.f.NextAt = c.ev.At.Add(c.r.Poll)
}

// refusal says what a refused refund's cashier should know.
func refusal(a *payment.Answer) string {
	s := fmt.Sprintf("QFPay refused the refund (%s).", a.RespCD)
	if a.Text != "" {
		s = fmt.Sprintf("QFPay refused the refund (%s: %s).", a.RespCD, a.Text)
	}
	switch {
	case a.RespCD == "1265":
		return s + " Refunds are blocked from 23:30 to 00:30 and past the wallet's limit; try again after 00:30 with a new refund id."
	case a.RespCD == "1269":
		return s + " There is not enough unsettled money today; try again after more sales, or tomorrow after 11:00, with a new refund id."
	case a.RetryLater:
		return s + " Try again later with a new refund id."
	}
	return s
}

func (c *refundChange) found() {
	f, g := c.ev.Query, &c.f.Progress
	if f == nil {
		return
	}
	c.note(f.Answer)
	g.Polls++
	if f.Meaning != payment.NotFound {
		g.Absent = 0
	}
	switch f.Meaning {
	case payment.Paid:
		c.end(Refunded, "")
		return
	case payment.Pending:
		g.Known, g.Suspect, g.Agreed = true, "", 0
	case payment.Declined, payment.Misconfigured, payment.Refused, payment.Undone:
		g.Known = true
		if g.Agreed++; g.Agreed >= max(1, f.Confirm) {
			c.end(NotRefunded, cmp.Or(g.Why, refusal(&f.Answer)))
			return
		}
	case payment.NotFound:
		if !g.Known && !g.InFlight && f.Searched && !c.ev.AskedAt.Before(g.WindowFrom.Add(c.r.Answer)) {
			if g.Absent++; g.Absent >= absentProves {
				c.end(NotRefunded, cmp.Or(g.Why, "The request never reached QFPay. Ask again with a new refund id."))
				return
			}
		}
	}
	if c.ev.At.Before(g.WindowFrom.Add(c.r.GiveUp)) {
		c.f.NextAt = c.ev.At.Add(c.r.Poll)
		return
	}
	c.f.NextAt = c.ev.At.Add(c.r.FollowUp[min(g.Slow, len(c.r.FollowUp)-1)])
	g.Slow++
}

func (c *refundChange) due() {
	switch {
	case c.f.State == "" || c.f.NextAt.IsZero() || c.ev.At.Before(c.f.NextAt):
	case c.f.Progress.Resend:
		c.send()
	default:
		c.query()
	}
}

func (c *refundChange) restarted() {
	g := &c.f.Progress
	if c.f.State == "" {
		return
	}
	if g.Resend { // surely nothing of it left: it goes out when it is due
		c.f.NextAt = earlier(c.f.NextAt, c.ev.At.Add(RefundPause))
		return
	}
	g.InFlight, g.WindowFrom, g.Absent = false, c.ev.At, 0
	c.query()
}

func (c *refundChange) end(s RefundState, why string) {
	c.f.State, c.f.Why, c.f.NextAt = s, why, time.Time{}
	c.f.Progress.InFlight = false
}
