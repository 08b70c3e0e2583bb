package sale

import "time"

// restarted makes up for what a stopped daemon lost: answers under way, timers, and time itself, which a
// stopped clock may have told wrongly. What may have been sent is taken as sent.
func (c *change) restarted() {
	p := c.s.Alive()
	switch c.s.Delivery {
	case Awaited:
		c.s.NextAt = c.ev.At.Add(c.r.Deliver) // a machine that could not tell us gets its time again
	case Returning:
		c.s.NextAt = c.ev.At
	}
	if c.s.State.Final() {
		return
	}
	c.s.ScanBy = earlier(c.s.ScanBy, c.ev.At.Add(c.r.Scan))
	if c.s.State == Waiting {
		c.s.NextAt = c.s.ScanBy
		return
	}
	if p == nil {
		return
	}
	if p.Progress.Resend { // the code is gone with the process
		c.dead(p, OutcomeNotSent)
		return
	}
	if p.Progress.InFlight {
		p.Progress.InFlight = false
		p.RespCD = ""
	}
	p.Progress.WindowFrom, p.Progress.Blind = c.ev.At, true
	p.Progress.Absent, p.Progress.Paid, p.Progress.Quiet = 0, 0, 0
	if p.Progress.Cancel == CancelSent {
		p.Progress.Cancel = CancelUnknown
	}
	if p.Progress.Cancel != NoCancel {
		p.Progress.CancelAt = c.ev.At
	}
	p.ConfirmBy = earlier(p.ConfirmBy, c.ev.At.Add(c.r.Confirm))
	p.GiveUpBy = earlier(p.GiveUpBy, c.ev.At.Add(c.r.GiveUp))
	if min := c.ev.At.Add(c.r.Guard); p.GiveUpBy.Before(min) && !p.Progress.Grace {
		p.GiveUpBy, p.Progress.Grace = min, true // the limit that tills see is ahead again, once
	}
	if c.s.State == Paying {
		c.s.State = Confirming
	}
	c.query(p)
}

// clockMoved keeps all limits where they were in real time.
func (c *change) clockMoved() {
	move := func(t *time.Time) {
		if !t.IsZero() {
			*t = t.Add(c.ev.Moved)
		}
	}
	for i := range c.s.Payments {
		move(&c.s.Payments[i].AuditAt)
		move(&c.s.Payments[i].Progress.Audit.BackAt)
	}
	if c.s.Done() {
		return
	}
	move(&c.s.ScanBy)
	move(&c.s.NextAt)
	if p := c.s.Alive(); p != nil {
		p.Progress.Moved += c.ev.Moved
		for _, t := range []*time.Time{&p.ConfirmBy, &p.GiveUpBy, &p.Progress.WindowFrom, &p.Progress.CancelAt,
			&p.Progress.QuietAt, &p.Progress.PaidAt} {
			move(t)
		}
	}
}
