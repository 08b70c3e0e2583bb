package sale

// decided takes an operator's word for an unresolved sale. Who and why stand in the journal.
func (c *change) decided() {
	p := c.s.Alive()
	if c.s.State != Unresolved || p == nil {
		return
	}
	switch c.ev.Outcome {
	case Paid:
		c.paid(p)
	case NotPaid:
		p.Outcome = OutcomeDecided
		p.Progress.InFlight = false
		c.notPaid(Cancelled)
	}
}
