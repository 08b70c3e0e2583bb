package sale

import (
	"fmt"
	"hash/fnv"
	"time"

	"cpmd/payment"
)

// This file judges what a query shows: the proofs of "paid" and "not paid", and what to do while there is none.

// queried weighs one query.
func (c *change) queried() {
	f := c.ev.Query
	if f == nil {
		return
	}
	p := c.s.Payment(c.ev.Payment)
	if p == nil {
		return
	}
	if p.Outcome != Alive {
		c.audited(p, f)
		return
	}
	refusedWith := p.RespCD
	c.note(p, f.Answer)
	g := &p.Progress
	g.Polls++
	g.Success = g.Success || f.Success
	if f.Listed || f.Meaning != payment.NotFound && f.SysSN != "" {
		g.Known = true
	}
	if f.Meaning != payment.Unknown && f.Meaning != payment.NotFound || f.Searched {
		g.Last, g.Blind = f.Meaning, false
	}
	if f.Meaning != payment.Paid {
		g.Paid = 0
	}
	if f.Meaning != payment.NotFound {
		g.Absent = 0
	}
	switch f.Meaning {
	case payment.Paid:
		g.Known, g.Success = true, true
		c.unsuspect(p)
		if c.surelyPaid(p) {
			c.paid(p)
			return
		}
	case payment.Undone:
		if g.Closed { // it was declined, and is closed now
			c.dead(p, OutcomeDeclined)
			return
		}
		c.dead(p, OutcomeReversed)
		return
	case payment.Declined, payment.Misconfigured:
		g.Known = true
		g.Agreed++
		if g.Suspect == "" {
			g.Suspect = f.Meaning
		}
		g.Confirm = max(g.Confirm, f.Confirm, 1)
		g.Soft = g.Soft || f.Soft
		// While the request is under way its own answer comes first, unless no other code will be taken anyway.
		if g.Agreed >= g.Confirm && !g.InFlight || g.Agreed > g.Confirm && c.s.CancelAsked {
			c.dead(p, c.outcomeOf(g.Suspect))
			return
		}
	case payment.Pending:
		g.Known = true
		c.unsuspect(p)
		if c.s.State == Paying {
			c.s.State = Confirming
		}
	case payment.NotFound:
		if c.surelyDeclined(p) || c.surelyAbsent(p) {
			c.dead(p, c.outcomeOf(g.Suspect))
			return
		}
	case payment.Unknown:
		g.Quiet = 0
		// A key that QFPay refuses for the payment and for the query alike was refused at the door both times.
		if f.Setup && g.Suspect == payment.Misconfigured && f.RespCD == refusedWith {
			if g.Agreed++; g.Agreed >= g.Confirm {
				c.dead(p, OutcomeMisconfigured)
				return
			}
		}
	}
	c.goOn(p)
}

// unsuspect drops what the payment's answer claimed, because QFPay shows something else.
func (c *change) unsuspect(p *Payment) {
	g := &p.Progress
	g.Suspect, g.Agreed, g.Genuine, g.Throttled, g.Quiet = "", 0, false, false, 0
}

// surelyPaid: without a cancellation one query proves it, and with one that came too late. After one that was refused
// two must agree, some seconds apart. After one that was accepted or left unanswered the money may be on its way back,
// so that must have had time to take effect as well. The audit looks again after any cancellation.
func (c *change) surelyPaid(p *Payment) bool {
	g := &p.Progress
	if !g.Loose && (g.Cancel == NoCancel || g.Cancel == CancelTooLate) {
		return true
	}
	if g.Cancel == CancelSent {
		return false
	}
	if (g.Loose || g.Cancel != CancelRefused && g.Cancel != CancelTooLate) && c.ev.AskedAt.Before(g.CancelAt.Add(c.r.Answer)) {
		return false
	}
	if g.Paid > 0 && c.ev.AskedAt.Before(g.PaidAt.Add(c.r.Apart)) {
		return false
	}
	g.Paid++
	g.PaidAt = c.ev.AskedAt
	return g.Paid >= paidProves
}

// surelyDeclined: QFPay signed that it declined, and does not list the number when asked twice, some seconds apart. That
// frees the customer; the audit goes on watching the number. HTTP 429 is judged likewise, by one query more.
func (c *change) surelyDeclined(p *Payment) bool {
	g := &p.Progress
	proves := quietProves
	switch {
	case g.InFlight || g.Known:
		return false
	case g.Suspect != "" && g.Genuine:
	case g.Throttled:
		proves = throttledProves
	default:
		return false
	}
	if g.Quiet > 0 && c.ev.AskedAt.Before(g.QuietAt.Add(c.r.Apart)) {
		return false
	}
	g.Quiet++
	g.QuietAt = c.ev.AskedAt
	return g.Quiet >= proves
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
	if g.Known { // by now: an empty list proves nothing any more, so nothing is near that needs to be asked for soon
		g.Absent = 0
		return false
	}
	if g.InFlight || !c.ev.Query.Searched || c.ev.AskedAt.Before(g.WindowFrom.Add(window)) {
		return false
	}
	g.Absent++
	return g.Absent >= absentProves
}

// goOn plans the next step of a payment that is not proved either way.
func (c *change) goOn(p *Payment) {
	g, at := &p.Progress, c.ev.At
	if g.Cancel == CancelSent && !g.Closed {
		return // its answer brings the next query; NextAt guards it
	}
	shownPaid := c.ev.Query.Meaning == payment.Paid // which needs to be shown once more, not undone once more
	if c.s.State == Unresolved {
		if c.ev.Query.Meaning == payment.Pending && !c.settling(p) && c.tryCancel(p) {
			return
		}
		if g.Absent == 1 || shownPaid { // what proves it need not wait for long
			c.s.NextAt = c.after(p, max(c.r.Poll, c.r.Apart))
			return
		}
		c.s.NextAt = c.after(p, c.slowPace(p))
		g.Slow++
		return
	}
	if c.unwanted(p) && !shownPaid && g.Suspect == "" && !c.settling(p) && c.tryCancel(p) {
		return
	}
	if !at.Before(p.GiveUpBy) {
		c.giveUp(p)
		return
	}
	wait := c.r.Poll
	if g.Quiet > 0 || g.Paid > 0 {
		wait = max(wait, c.r.Apart)
	}
	c.s.NextAt = earlier(c.after(p, wait), p.GiveUpBy)
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

// after spreads repeated work by up to a tenth, so that lanes which started together do not ask together. The
// spread is made from the number, not from chance: the reducer stays a function.
func (c *change) after(p *Payment, d time.Duration) time.Time {
	h := fnv.New32a()
	fmt.Fprint(h, p.OutTradeNo, p.Progress.Polls)
	return c.ev.At.Add(d + time.Duration(h.Sum32()%1000)*d/10000)
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
	c.tellOnce(p, a.Alarm)
}

// noteEnded keeps what a query tells of a payment that has ended: QFPay's number, which a refund needs, and alarms.
func (c *change) noteEnded(p *Payment, f *payment.QueryResult) {
	if f.SysSN != "" {
		p.Progress.Audit.SysSN = f.SysSN // what tills were told of a final sale stays as it was
	}
	p.Progress.Success = p.Progress.Success || f.Success
	c.tellOnce(p, f.Alarm)
}

// tellOnce passes on what the gateway client found odd.
func (c *change) tellOnce(p *Payment, alarm string) {
	if alarm != "" {
		c.effects = append(c.effects, Effect{Kind: RaiseAlarm, Payment: p.OutTradeNo, Text: alarm, Once: true})
	}
}
