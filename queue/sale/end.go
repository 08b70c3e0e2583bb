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
	p.Progress.InFlight = false
	c.s.State, c.s.NextAt = Paid, time.Time{}
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
	case o == OutcomeReversed || cancelled:
		p.Outcome = OutcomeReversed
		c.notPaid(Reversed)
	case o == OutcomeMisconfigured, c.s.State == Unresolved, c.s.State == Reversing, c.neverLeft(p), !c.ev.At.Before(c.s.ScanBy):
		c.notPaid(reasonOf(o))
	default:
		c.s.State, c.s.NextAt = Waiting, c.s.ScanBy
	}
}

// neverLeft: the network refused every attempt; another code would fare no better.
func (c *change) neverLeft(p *Payment) bool {
	return p.Outcome == OutcomeNotSent && p.Progress.Sends >= maxSends
}

func (c *change) notPaid(reason Reason) {
	c.s.State, c.s.Reason, c.s.NextAt = NotPaid, reason, time.Time{}
}

// contradicted: QFPay shows money taken by a payment that was proved dead, or once more for a finished sale.
// It must not happen; if it does, the till of an open sale gets the truth and a person is called.
func (c *change) contradicted(p *Payment) {
	if p.Outcome == OutcomePaid {
		return
	}
	if c.s.State == Waiting {
		c.alarm(p, "QFPay shows a payment as paid that was proved dead; the sale is taken as paid with it")
		c.paid(p)
		return
	}
	c.alarm(p, "QFPay shows a payment as paid that was proved dead; the sale is %s: give the money back or correct the sale", c.s.State)
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

// waitedInVain says why a sale ends whose scan time is over.
func (c *change) waitedInVain() Reason {
	if n := len(c.s.Payments); n > 0 {
		return reasonOf(c.s.Payments[n-1].Outcome)
	}
	return NoScan
}
