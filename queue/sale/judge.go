package sale

import (
	"time"

	"cpmd/payment"
)

// found weighs one query.
func (c *change) found() {
	f := c.ev.Query
	if f == nil {
		return
	}
	p := c.s.Alive()
	if p == nil || p.OutTradeNo != c.ev.Payment {
		if dead := c.s.Payment(c.ev.Payment); dead != nil && f.Meaning == payment.Paid {
			c.contradicted(dead)
		}
		return
	}
	if c.s.State == Paying && f.Meaning != payment.Paid {
		return // the payment's own answer comes first
	}
	refusedWith := p.RespCD
	c.note(p, f.Answer)
	g := &p.Progress
	g.Polls++
	if f.Meaning != payment.Paid {
		g.Paid = 0
	}
	if f.Meaning != payment.NotFound {
		g.Absent = 0
	}
	switch f.Meaning {
	case payment.Paid:
		g.Known, g.Suspect, g.Agreed = true, "", 0
		if c.surelyPaid(p) {
			c.paid(p)
			return
		}
	case payment.Undone:
		c.dead(p, OutcomeReversed)
		return
	case payment.Declined, payment.Misconfigured:
		g.Known = true
		g.Agreed++
		if g.Suspect == "" {
			g.Suspect = f.Meaning
		}
		g.Confirm = max(g.Confirm, f.Confirm, 1)
		if g.Agreed >= g.Confirm {
			c.dead(p, c.outcomeOf(g.Suspect))
			return
		}
	case payment.Pending:
		g.Known, g.Suspect, g.Agreed = true, "", 0
	case payment.NotFound:
		if c.surelyAbsent(p) {
			c.dead(p, c.outcomeOf(g.Suspect))
			return
		}
	case payment.Unknown:
		// A key that QFPay refuses for the payment and for the question alike was refused at the door both times.
		if f.Setup && g.Suspect == payment.Misconfigured && f.RespCD == refusedWith {
			if g.Agreed++; g.Agreed >= g.Confirm {
				c.dead(p, OutcomeMisconfigured)
				return
			}
		}
	}
	c.goOn(p)
}

// surelyPaid: without a cancellation one query proves it, and with one that came too late. With any other the money
// may be on its way back: it must have had time to take effect, and two queries must agree.
func (c *change) surelyPaid(p *Payment) bool {
	g := &p.Progress
	if !g.Loose && (g.Cancel == NoCancel || g.Cancel == CancelTooLate) {
		return true
	}
	if g.Cancel == CancelSent || c.ev.AskedAt.Before(g.CancelAt.Add(c.r.Answer)) {
		return false
	}
	g.Paid++
	return g.Paid >= paidProves
}

// surelyAbsent: an empty list proves that the request never arrived only if QFPay never knew the number, all
// windows were searched, the request cannot still be under way, and it is so twice. A request that was answered
// has arrived or not within its answer window; one without an answer may still crawl through the network, so it
// gets the time until the cancel attempt.
func (c *change) surelyAbsent(p *Payment) bool {
	g := &p.Progress
	window := c.r.Answer
	if g.Suspect == "" {
		window = max(window, c.r.Confirm)
	}
	if g.Known || g.InFlight || !c.ev.Query.Searched || c.ev.AskedAt.Before(g.WindowFrom.Add(window)) {
		return false
	}
	g.Absent++
	return g.Absent >= absentProves
}

// goOn plans the next step of a payment that is not proved either way.
func (c *change) goOn(p *Payment) {
	at := c.ev.At
	if p.Progress.Cancel == CancelSent {
		return // its answer brings the next query; NextAt guards it
	}
	shownPaid := c.ev.Query.Meaning == payment.Paid // which needs to be shown once more, not undone once more
	if c.s.State == Unresolved {
		if c.ev.Query.Meaning == payment.Pending && !c.settling(p) && c.tryCancel(p) {
			return
		}
		if p.Progress.Absent == 1 || shownPaid { // what proves it need not wait for long
			c.s.NextAt = c.after(p, c.r.Poll)
			return
		}
		p.Progress.Slow++
		c.s.NextAt = c.after(p, c.slowPace(p))
		return
	}
	unwanted := c.s.CancelAsked || !at.Before(p.ConfirmBy)
	if unwanted && !shownPaid && !c.settling(p) && c.tryCancel(p) {
		return
	}
	if !at.Before(p.GiveUpBy) {
		c.giveUp(p)
		return
	}
	c.s.NextAt = earlier(c.after(p, c.r.Poll), p.GiveUpBy)
}

// query asks now, and again if nothing comes back.
func (c *change) query(p *Payment) {
	c.s.NextAt = c.guard(p, c.r.Guard)
	c.do(QueryPayment, p)
}

// guard is when Due comes although a result is awaited; it keeps the promise of decide_by.
func (c *change) guard(p *Payment, d time.Duration) time.Time {
	t := c.ev.At.Add(d)
	if c.s.State == Unresolved || !c.ev.At.Before(p.GiveUpBy) {
		return t
	}
	return earlier(t, p.GiveUpBy)
}

func (c *change) slowPace(p *Payment) time.Duration {
	return c.r.FollowUp[min(p.Progress.Slow, len(c.r.FollowUp)-1)]
}

// note keeps what an answer tells about the payment besides its meaning.
func (c *change) note(p *Payment, a payment.Answer) {
	keep := func(field *string, value string) {
		if value != "" {
			*field = value
		}
	}
	keep(&p.RespCD, a.RespCD)
	keep(&p.SysSN, a.SysSN)
	keep(&p.ChnlSN, a.ChnlSN)
	keep(&p.Resolved, a.PayType)
	if a.Alarm != "" {
		c.alarm(p, "%s", a.Alarm)
	}
}
