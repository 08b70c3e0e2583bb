package sale

import (
	"strings"
	"time"
)

// A Delivery is where a paid sale stands whose till confirms that the goods are handed over, as a machine that may fail
// to do so.
type Delivery string

const (
	NoDelivery Delivery = ""
	Awaited    Delivery = "awaited"   // the till must say that the goods are handed over
	Delivered  Delivery = "delivered" // it did
	Returning  Delivery = "returning" // it did not in time, or said that it cannot: the money goes back
	Returned   Delivery = "returned"  // all of it went back
)

// Done reports whether nothing is to come any more but the audit of its payments.
func (s *Sale) Done() bool {
	return s.State.Final() && s.Delivery != Awaited && s.Delivery != Returning
}

// MoneyMissing reports whether QFPay shows the money that paid the sale as gone.
func (s *Sale) MoneyMissing() bool {
	p := s.paidBy()
	return p != nil && p.Progress.Audit.Missing
}

// deliveryConfirmed ends the wait for the goods. It comes too late once the money is on its way back.
func (c *change) deliveryConfirmed() {
	if c.s.Delivery == Awaited {
		c.s.Delivery, c.s.NextAt = Delivered, time.Time{}
	}
}

// returnMoney gives back what is left of a paid sale whose goods were not handed over. It comes again until
// nothing is left: a refund may be refused today and taken tomorrow.
func (c *change) returnMoney() {
	if c.s.Refunded >= c.s.Amount {
		c.s.Delivery, c.s.NextAt = Returned, time.Time{}
		return
	}
	c.s.Delivery = Returning
	c.s.NextAt = c.ev.At.Add(c.r.FollowUp[min(c.s.Slow, len(c.r.FollowUp)-1)])
	if c.s.Slow >= mostReturns {
		c.s.NextAt = c.ev.At.Add(returnAgain)
	}
	c.s.Slow++
	switch p := c.s.paidBy(); {
	case p == nil:
	case p.GatewayID() == "": // an operator decided that it is paid
		if c.s.Slow == 1 {
			c.alarm(p, "the delivery was not confirmed, and QFPay's number for this payment (syssn) is not known: refund it in QFPay's portal")
		}
		return
	case p.Progress.Audit.Missing: // it may have gone back already: nothing is refunded blindly
		c.audit(p)
		return
	}
	c.effects = append(c.effects, Effect{Kind: ReturnMoney})
}

// refundRefused: QFPay did not give back what it was asked to. That may be because it has already, so the payment is
// looked at; and where nobody but cpmd asked for it, a person must know.
func (c *change) refundRefused() {
	if c.s.State != Paid {
		return
	}
	for i := range c.s.Payments {
		p := &c.s.Payments[i]
		if p.Outcome != OutcomePaid {
			continue
		}
		p.AuditAt = c.ev.At
		if c.s.Delivery == Returning && c.s.Rejected == "" {
			c.s.Rejected = c.ev.Note
			c.alarm(p, "the delivery was not confirmed, and QFPay has not given the money back (refund %s: %s). cpmd keeps trying; "+
				"if the customer is waiting, look in QFPay's portal whether it went back already, and refund it there only if not", c.ev.Refund, strings.TrimSuffix(c.ev.Note, "."))
		}
	}
}

// givenBack counts a refund that is done.
func (c *change) givenBack() {
	if c.s.State != Paid {
		return
	}
	c.s.Refunded += c.ev.Amount
	if (c.s.Delivery == Returning || c.s.Delivery == Awaited) && c.s.Refunded == c.s.Amount {
		c.s.Delivery, c.s.NextAt, c.s.Rejected = Returned, time.Time{}, ""
	}
}
