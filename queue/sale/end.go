package sale

import (
	"time"

	"cpmd/payment"
)

// giveUp lets the cashier go on; the tracker does not give up.
func (c *change) giveUp(p *Payment) {
	c.s.State = Unresolved
	if p.Progress.Cancel == CancelSent {
		p.Progress.Cancel = CancelUnknown
	}
	c.s.NextAt = c.after(p, c.r.Poll) // it may be a matter of seconds; then the slow pace
}

// paid ends the sale: the money is taken.
func (c *change) paid(p *Payment) {
	p.Outcome = OutcomePaid
	p.AuditAt = time.Time{}
	p.Progress.InFlight = false
	c.s.State, c.s.NextAt, c.s.EndedAt, c.s.Rejected = Paid, time.Time{}, c.ev.At, ""
	if c.s.ConfirmDelivery {
		c.s.Delivery, c.s.NextAt = Awaited, c.ev.At.Add(c.r.Deliver)
	}
	if p.Progress.Cancels > 0 || p.Progress.Decided {
		c.watch(p)
	}
	for i := range c.s.Payments { // what another payment took besides goes back at once
		switch other := &c.s.Payments[i]; {
		case other == p || !other.surplus():
		case p.Progress.Decided:
			c.foundBesideDecision(other)
			other.AuditAt = c.ev.At
		default:
			other.Progress.Audit.BackAt, other.AuditAt = c.ev.At, c.ev.At
		}
	}
}

// dead ends a payment that is proved to have taken nothing, or to have given it back. A declined customer may
// show a fresh code while the scan time lasts, as long as the sale still has its lane.
func (c *change) dead(p *Payment, o Outcome) {
	if o == OutcomeDeclined && c.closeFirst(p) {
		return
	}
	p.Outcome = o
	p.Progress.InFlight = false
	c.watch(p)
	switch {
	case c.s.CancelAsked:
		c.notPaid(Cancelled)
	case o == OutcomeReversed:
		c.notPaid(Reversed)
	case o == OutcomeMisconfigured, c.s.State == Unresolved, c.s.State == Reversing, c.neverLeft(p), !c.ev.At.Before(c.s.ScanBy),
		c.surplus() != nil:
		c.notPaid(reasonOf(o))
	default:
		c.s.State, c.s.NextAt = Waiting, c.s.ScanBy
	}
}

// closeFirst closes an order that was declined but that the customer may still complete, before the sale takes another
// code: two of them must not be payable at once.
func (c *change) closeFirst(p *Payment) bool {
	g := &p.Progress
	if !g.Soft || g.Closed || g.Success || g.Cancel != NoCancel || !c.r.CanCancel(p.payType()) {
		return false
	}
	g.Closed = true
	c.sendCancel(p)
	c.s.NextAt = c.guard(p, 2*c.r.Apart) // queries go on beside it
	return true
}

// neverLeft: the network refused every attempt; another code would fare no better.
func (c *change) neverLeft(p *Payment) bool {
	return p.Outcome == OutcomeNotSent && p.Progress.Sends >= maxSends
}

// notPaid ends the sale, unless an earlier payment of it turned out to be paid after all.
func (c *change) notPaid(reason Reason) {
	if p := c.surplus(); p != nil {
		c.alarm(p, lateMoney)
		c.paid(p)
		return
	}
	c.s.State, c.s.Reason, c.s.NextAt, c.s.EndedAt, c.s.Rejected = NotPaid, reason, time.Time{}, c.ev.At, ""
}

// surplus is a payment of the sale that took money although it was proved dead, or nil.
func (c *change) surplus() *Payment {
	for i := range c.s.Payments {
		if p := &c.s.Payments[i]; p.surplus() {
			return p
		}
	}
	return nil
}

func (c *change) outcomeOf(suspect payment.Meaning) Outcome {
	switch suspect {
	case payment.Declined:
		return OutcomeDeclined
	case payment.Misconfigured:
		return OutcomeMisconfigured
	}
	return OutcomeNeverArrived
}

func reasonOf(o Outcome) Reason {
	switch o {
	case OutcomeReversed:
		return Reversed
	case OutcomeNotSent, OutcomeNeverArrived:
		return NotSent
	case OutcomeMisconfigured:
		return Misconfigured
	}
	return Declined
}

// waitedInVain is why a sale ends whose scan time is over.
func (c *change) waitedInVain() Reason {
	if n := len(c.s.Payments); n > 0 {
		return reasonOf(c.s.Payments[n-1].Outcome)
	}
	return NoScan
}
