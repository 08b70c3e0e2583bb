package queue

import (
	"time"

	"cpmd/payment"
)

// This file judges what a query shows: the proofs of "paid" and "not paid", and what to do while there is none.

// found weighs one query.
func (c *change) found() {
	f := c.ev.Finding
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
		c.dead(p, OutReversed)
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
				c.dead(p, OutMisconfigd)
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
	if g.Known || g.InFlight || !c.ev.Finding.Searched || c.ev.AskedAt.Before(g.WindowFrom.Add(window)) {
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
	shownPaid := c.ev.Finding.Meaning == payment.Paid // which needs to be shown once more, not undone once more
	if c.s.State == Unresolved {
		if c.ev.Finding.Meaning == payment.Pending && !c.settling(p) && c.tryCancel(p) {
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

// query asks now, and again if nothing comes back.
func (c *change) query(p *Payment) {
	c.s.NextAt = c.guard(p, c.r.Guard)
	c.do(Query, p)
}

// guard is when Due comes although a result is awaited; it keeps the promise of decide_by.
func (c *change) guard(p *Payment, d time.Duration) time.Time {
	t := c.ev.At.Add(d)
	if c.s.State == Unresolved || !c.ev.At.Before(p.GiveUpBy) {
		return t
	}
	return earlier(t, p.GiveUpBy)
}

// giveUp lets the cashier go on; the tracker does not give up.
func (c *change) giveUp(p *Payment) {
	c.s.State = Unresolved
	if p.Progress.Cancel == CancelSent {
		p.Progress.Cancel = CancelUnknown
	}
	c.s.NextAt = c.after(p, c.r.Poll) // it may be a matter of seconds; then the slow pace
}

func (c *change) slowPace(p *Payment) time.Duration {
	return c.r.Reconcile[min(p.Progress.Slow, len(c.r.Reconcile)-1)]
}

// paid ends the sale: the money is taken.
func (c *change) paid(p *Payment) {
	p.Outcome = OutPaid
	p.Progress.InFlight = false
	c.s.State, c.s.NextAt = PaidState, time.Time{}
	if c.s.Settle == SettleByTill {
		c.s.Delivery, c.s.NextAt = Awaited, c.ev.At.Add(c.r.Deliver)
	}
}

// dead ends a payment that is proved to have taken nothing, or to have given it back. A declined customer may
// show a fresh code while the scan time lasts, as long as the sale still has its lane.
func (c *change) dead(p *Payment, o Outcome) {
	p.Outcome = o
	cancelled := p.Progress.Cancel == CancelAccepted
	switch {
	case c.s.CancelAsked:
		c.notPaid(Cancelled)
	case o == OutReversed || cancelled:
		p.Outcome = OutReversed
		c.notPaid(Reversed)
	case o == OutMisconfigd, c.s.State == Unresolved, c.s.State == Reversing, c.neverLeft(p), !c.ev.At.Before(c.s.ScanBy):
		c.notPaid(reasonOf(o))
	default:
		c.s.State, c.s.NextAt = Waiting, c.s.ScanBy
	}
}

// neverLeft: the network refused every attempt; another code would fare no better.
func (c *change) neverLeft(p *Payment) bool {
	return p.Outcome == OutNotSent && p.Progress.Sends >= maxSends
}

func (c *change) notPaid(reason Reason) {
	c.s.State, c.s.Reason, c.s.NextAt = NotPaid, reason, time.Time{}
}

// contradicted: QFPay shows money taken by a payment that was proved dead, or once more for a finished sale.
// It must not happen; if it does, the till of an open sale gets the truth and a person is called.
func (c *change) contradicted(p *Payment) {
	if p.Outcome == OutPaid {
		return
	}
	if c.s.State == Waiting {
		c.alarm(p, "QFPay shows a payment as paid that was proved dead; the sale is taken as paid with it")
		c.paid(p)
		return
	}
	c.alarm(p, "QFPay shows a payment as paid that was proved dead; the sale is %s: give the money back or correct the sale", c.s.State)
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

func (c *change) outcomeOf(suspect payment.Meaning) Outcome {
	switch suspect {
	case payment.Declined:
		return OutDeclined
	case payment.Misconfigured:
		return OutMisconfigd
	}
	return OutAbsent
}

func reasonOf(o Outcome) Reason {
	switch o {
	case OutReversed:
		return Reversed
	case OutNotSent, OutAbsent:
		return NotSent
	case OutMisconfigd:
		return Misconfigured
	}
	return Declined
}
