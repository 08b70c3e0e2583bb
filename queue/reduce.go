package queue

import (
	"fmt"
	"hash/fnv"
	"time"

	"cpmd/payment"
)

// Reduce decides what an event does to a sale: the changed sale, and what to do once the change is in the
// journal. It is the whole rule book of a sale and has no I/O, no clock and no memory of its own. A final
// sale never changes; an event that means nothing in a state leaves the sale as it is.
func Reduce(r Rules, old Sale, ev Event) (Sale, []Effect) {
	c := &change{r: r, s: old.clone(), ev: ev}
	switch ev.Kind {
	case Opened:
		c.opened()
	case Scanned:
		c.scanned()
	case Answered:
		c.answered()
	case Found:
		c.found()
	case CancelAnswered:
		c.cancelAnswered()
	case CancelAsked:
		c.cancelAsked()
	case Due:
		c.due()
	case Restarted:
		c.restarted()
	case ClockMoved:
		c.clockMoved()
	case HandedOver:
		c.handedOver()
	case GivenBack:
		c.givenBack()
	case Decided:
		c.decided()
	}
	return c.s, c.effects
}

// A change is one run of the reducer.
type change struct {
	r       Rules
	s       Sale
	ev      Event
	effects []Effect
}

func (c *change) do(kind EffectKind, p *Payment) {
	c.effects = append(c.effects, Effect{Kind: kind, Payment: p.OutTradeNo})
}

func (c *change) alarm(p *Payment, format string, args ...any) {
	c.effects = append(c.effects, Effect{Kind: Alarm, Payment: p.OutTradeNo, Text: fmt.Sprintf(format, args...)})
}

func (c *change) opened() {
	if c.s.State != "" {
		return
	}
	c.s.State = Waiting
	c.s.CreatedAt = c.ev.At
	c.s.ScanBy = c.ev.At.Add(c.r.Scan)
	c.s.NextAt = c.s.ScanBy
	if c.ev.Bind != nil {
		c.bind()
	}
}

func (c *change) scanned() {
	if c.s.State == Waiting && c.ev.Bind != nil && c.ev.At.Before(c.s.ScanBy) {
		c.bind()
	}
}

// bind begins a payment. The row it becomes is in the journal before the request leaves.
func (c *change) bind() {
	b := c.ev.Bind
	c.s.Payments = append(c.s.Payments, Payment{
		OutTradeNo: b.OutTradeNo, PayType: b.PayType, Code: b.Code, TxDTM: b.TxDTM, SentAt: c.ev.At,
		ConfirmBy: c.ev.At.Add(c.r.Confirm), GiveUpBy: c.ev.At.Add(c.r.GiveUp),
	})
	c.s.State = Paying
	c.send(c.s.Alive())
}

func (c *change) send(p *Payment) {
	p.Progress.Sends++
	p.Progress.Resend = false
	p.Progress.InFlight = true
	p.Progress.WindowFrom = c.ev.At
	c.s.NextAt = c.guard(p, c.r.Answer+c.r.Guard)
	c.do(Submit, p)
}

// resend sends what surely left nothing, unless it is so late that the customer would not expect it any more.
func (c *change) resend(p *Payment) {
	if !c.ev.At.Before(p.ConfirmBy) {
		c.dead(p, OutNotSent)
		return
	}
	c.send(p)
}

// answered judges the answer to the payment request. Only a clean "paid" and a "surely not sent" are believed
// at once; all else is queried before it is judged.
func (c *change) answered() {
	p, a := c.s.Alive(), c.ev.Answer
	if a == nil || p == nil || p.OutTradeNo != c.ev.Payment || !p.Progress.InFlight {
		c.lateAnswer()
		return
	}
	p.Progress.InFlight = false
	c.note(p, *a)
	switch a.Meaning {
	case payment.Paid:
		if p.Progress.Cancel == NoCancel {
			c.paid(p)
			return
		}
	case payment.NotSent:
		if c.s.State == Paying {
			c.notSent(p)
			return
		}
	case payment.Declined, payment.Misconfigured:
		p.Progress.Suspect, p.Progress.Confirm = a.Meaning, max(1, a.Confirm)
	case payment.Pending:
		p.Progress.Known = true
	case payment.Duplicate:
		p.Progress.Known = true
		c.alarm(p, "QFPay says the number was used before (%s); it is being queried", a.RespCD)
	}
	if c.s.State == Paying {
		c.s.State = Confirming
	}
	if c.s.State != Confirming {
		return // reversing or unresolved: their own queries judge
	}
	switch {
	case c.s.CancelAsked && p.Progress.Suspect == "" && c.tryCancel(p):
	case a.Meaning == payment.Pending:
		c.s.NextAt = c.after(p, c.r.Poll)
	case p.Progress.Suspect != "":
		c.query(p)
	default:
		c.s.NextAt = c.after(p, min(time.Second, c.r.Poll))
	}
}

// lateAnswer handles an answer for a payment that is not waited for any more. It can only confirm what is
// known, or show that a proof was wrong.
func (c *change) lateAnswer() {
	if p := c.s.Payment(c.ev.Payment); p != nil && c.ev.Answer != nil && c.ev.Answer.Meaning == payment.Paid {
		c.contradicted(p)
	}
}

func (c *change) notSent(p *Payment) {
	if c.s.CancelAsked || p.Progress.Sends >= maxSends {
		c.dead(p, OutNotSent)
		return
	}
	p.Progress.Resend = true
	c.s.NextAt = c.after(p, min(time.Second, c.r.Poll))
}

func (c *change) cancelAnswered() {
	p, a := c.s.Alive(), c.ev.Answer
	if a == nil || p == nil || p.OutTradeNo != c.ev.Payment || (p.Progress.Cancel != CancelSent && p.Progress.Cancel != CancelUnknown) {
		return
	}
	switch a.Meaning {
	case payment.Undone, payment.Pending, payment.Paid:
		p.Progress.Cancel = CancelAccepted
	case payment.Refused, payment.Declined, payment.Misconfigured, payment.NotFound:
		p.Progress.Cancel = CancelRefused
		if a.RespCD == payment.AlreadyPaid {
			p.Progress.Cancel = CancelTooLate
		}
	case payment.NotSent:
		p.Progress.Cancel = NoCancel
	default:
		p.Progress.Cancel = CancelUnknown
	}
	if a.Alarm != "" {
		c.alarm(p, "%s", a.Alarm)
	}
	c.query(p) // a cancellation is believed only when a query shows it
}

func (c *change) cancelAsked() {
	if c.s.Delivery == Awaited {
		c.returnMoney() // the machine cannot hand the goods over
		return
	}
	if c.s.State.Final() || c.s.State == "" || c.s.CancelAsked {
		return
	}
	c.s.CancelAsked = true
	p := c.s.Alive()
	switch {
	case c.s.State == Waiting:
		c.notPaid(Cancelled)
	case p == nil || p.Progress.InFlight || p.Progress.Suspect != "":
		// What is under way ends first; the answer decides what there is to cancel.
	case p.Progress.Resend:
		c.dead(p, OutNotSent)
	default:
		c.tryCancel(p)
	}
}

func (c *change) due() {
	p := c.s.Alive()
	if c.s.NextAt.IsZero() || c.ev.At.Before(c.s.NextAt) {
		return
	}
	if c.s.Delivery == Awaited || c.s.Delivery == Returning {
		c.returnMoney()
		return
	}
	if c.s.State.Final() || p == nil && c.s.State != Waiting {
		return
	}
	switch c.s.State {
	case Waiting:
		c.notPaid(c.waitedInVain())
	case Paying:
		if p.Progress.Resend {
			c.resend(p)
			return
		}
		if !c.ev.At.Before(p.GiveUpBy) {
			c.giveUp(p)
			return
		}
		c.s.State = Confirming // the answer did not come in time: go on without it
		c.query(p)
	case Confirming, Reversing:
		if !c.ev.At.Before(p.GiveUpBy) {
			c.giveUp(p)
			return
		}
		c.query(p)
	case Unresolved:
		c.query(p)
	}
}

// waitedInVain says why a sale ends whose scan time is over.
func (c *change) waitedInVain() Reason {
	if n := len(c.s.Payments); n > 0 {
		return reasonOf(c.s.Payments[n-1].Outcome)
	}
	return NoScan
}

// restarted makes up for what a stopped daemon lost: answers under way, timers, and time itself, which a
// stopped clock may have told wrongly. What may have been sent is taken as sent.
func (c *change) restarted() {
	p := c.s.Alive()
	switch c.s.Delivery {
	case Awaited:
		c.s.NextAt = earlier(c.s.NextAt, c.ev.At.Add(c.r.Deliver))
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
		c.dead(p, OutNotSent)
		return
	}
	if p.Progress.InFlight {
		p.Progress.InFlight = false
		p.RespCD = ""
	}
	p.Progress.WindowFrom = c.ev.At
	p.Progress.Absent, p.Progress.Paid = 0, 0
	if p.Progress.Cancel == CancelSent {
		p.Progress.Cancel = CancelUnknown
	}
	if p.Progress.Cancel != NoCancel {
		p.Progress.CancelAt = c.ev.At
	}
	p.ConfirmBy = earlier(p.ConfirmBy, c.ev.At.Add(c.r.Confirm))
	p.GiveUpBy = earlier(p.GiveUpBy, c.ev.At.Add(c.r.GiveUp))
	if min := c.ev.At.Add(c.r.Guard); p.GiveUpBy.Before(min) {
		p.GiveUpBy = min // at least one query before the cashier is told that it is unresolved
	}
	if c.s.State == Paying {
		c.s.State = Confirming
	}
	c.query(p)
}

// clockMoved keeps all limits where they were in real time.
func (c *change) clockMoved() {
	if c.s.Done() {
		return
	}
	move := func(t *time.Time) {
		if !t.IsZero() {
			*t = t.Add(c.ev.Moved)
		}
	}
	move(&c.s.ScanBy)
	move(&c.s.NextAt)
	if p := c.s.Alive(); p != nil {
		p.Progress.Moved += c.ev.Moved
		for _, t := range []*time.Time{&p.ConfirmBy, &p.GiveUpBy, &p.Progress.WindowFrom, &p.Progress.CancelAt} {
			move(t)
		}
	}
}

// after spreads repeated work by up to a tenth, so that lanes which started together do not ask together. The
// spread is made from the number, not from chance: the reducer stays a function.
func (c *change) after(p *Payment, d time.Duration) time.Time {
	h := fnv.New32a()
	fmt.Fprint(h, p.OutTradeNo, p.Progress.Polls)
	return c.ev.At.Add(d + time.Duration(h.Sum32()%1000)*d/10000)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
