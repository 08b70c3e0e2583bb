package queue

import "time"

// This file is what comes after the gateway: goods that a machine hands over, money given back, and what operators decide.

// handedOver settles the sale. It comes too late once the money is on its way back.
func (c *change) handedOver() {
	if c.s.Delivery == Awaited {
		c.s.Delivery, c.s.NextAt = Delivered, time.Time{}
	}
}

// returnMoney gives back what is left of a paid sale whose goods were not handed over. It comes again until
// nothing is left: a refund may be refused today and taken tomorrow.
func (c *change) returnMoney() {
	c.s.Delivery = Returning
	c.s.NextAt = c.ev.At.Add(c.r.Reconcile[min(c.s.Slow, len(c.r.Reconcile)-1)])
	c.s.Slow++
	for i := range c.s.Payments {
		if p := &c.s.Payments[i]; p.Outcome == OutPaid && p.SysSN == "" { // an operator decided that it is paid
			if c.s.Slow == 1 {
				c.alarm(p, "the goods were not handed over, and QFPay's number of this payment (syssn) is not known: give the money back in QFPay's portal")
			}
			return
		}
	}
	c.effects = append(c.effects, Effect{Kind: ReturnMoney})
}

// givenBack counts a refund that is done.
func (c *change) givenBack() {
	if c.s.State != PaidState {
		return
	}
	c.s.Refunded += c.ev.Amount
	if c.s.Delivery == Returning && c.s.Refunded == c.s.Amount {
		c.s.Delivery, c.s.NextAt = Returned, time.Time{}
	}
}

// decided takes an operator's word for an unresolved sale. Who and why stand in the journal.
func (c *change) decided() {
	p := c.s.Alive()
	if c.s.State != Unresolved || p == nil {
		return
	}
	switch c.ev.Outcome {
	case PaidState:
		c.paid(p)
	case NotPaid:
		p.Outcome = OutDecided
		p.Progress.InFlight = false
		c.notPaid(Cancelled)
	}
}
