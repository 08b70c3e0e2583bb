package sale

import (
	"fmt"
	"time"

	"cpmd/payment"
)

// decided takes an operator's word for an unresolved sale, or that the money of one that cpmd cannot return went back.
// Who and why stand in the journal, and the audit goes on watching the payment: operators err.
func (c *change) decided() {
	if c.ev.Outcome == State(Returned) {
		c.decidedReturned()
		return
	}
	p := c.s.Alive()
	if c.s.State != Unresolved || p == nil {
		return
	}
	p.Progress.Decided = true
	switch c.ev.Outcome {
	case Paid:
		c.paid(p)
	case NotPaid:
		p.Outcome = OutcomeDecided
		p.Progress.InFlight = false
		c.watch(p)
		p.AuditAt = c.ev.At // an order that is still open is closed, whatever was decided
		c.notPaid(Cancelled)
	}
}

func (c *change) decidedReturned() {
	p := c.s.paidBy()
	if c.s.Delivery != Returning || p == nil {
		return
	}
	c.s.Delivery, c.s.NextAt, c.s.Rejected = Returned, time.Time{}, ""
	p.Progress.Paid, p.Progress.Audit.Looks, p.Progress.Audit.Unclear = 0, 0, 0 // watched anew; what the audit learned stays
	p.AuditAt = c.ev.At
}

// CheckResolve reports why an operator cannot decide the sale so: it is not unresolved, or QFPay said something else last
// and the operator does not decide it even though.
func CheckResolve(s Sale, d Resolution) error {
	if s.State == d.Outcome {
		return nil
	}
	if d.Outcome == State(Returned) {
		return checkReturned(s, d)
	}
	p := s.Alive()
	if s.State != Unresolved || p == nil {
		return &Error{Code: NotUnresolved, Sale: s.ID, Detail: fmt.Sprintf("sale %s is %s; only an unresolved sale can be decided by a person", s.ID, s.State)}
	}
	against := ""
	switch said := p.Progress.Last; {
	case p.Progress.Success && d.Outcome == NotPaid:
		against = "QFPay lists this payment as successful"
	case said == payment.Pending && d.Outcome == NotPaid:
		against = "QFPay last said that the customer may still pay"
	case said == payment.Pending && d.Outcome == Paid:
		against = "QFPay last said that the customer has not paid yet"
	case d.Outcome == Paid && said == payment.NotFound:
		against = "QFPay does not list this payment"
	case d.Outcome == Paid && (said == payment.Declined || said == payment.Undone):
		against = "QFPay last said that this payment is not paid (" + string(said) + ")"
	}
	if against != "" && !d.EvenThough {
		return contradicts(s.ID, against)
	}
	return nil
}

func checkReturned(s Sale, d Resolution) error {
	p := s.paidBy()
	switch {
	case s.Delivery == Returned:
	case s.Delivery != Returning || p == nil:
		return &Error{Code: NotUnresolved, Sale: s.ID, Detail: fmt.Sprintf("the money of sale %s is not being returned, so nobody can decide that it went back", s.ID)}
	case p.GatewayID() != "" && !s.MoneyMissing() && !d.EvenThough:
		return contradicts(s.ID, "as far as cpmd knows QFPay shows this payment as paid")
	}
	return nil
}

// contradicts is the refusal of a decision against QFPay's last word.
func contradicts(id, against string) *Error {
	return &Error{Code: ContradictsGateway, Sale: id, Detail: against +
		"; ask QFPay again first (cpmctl ask), or decide against it (even_though, cpmctl resolve -even-though)"}
}
