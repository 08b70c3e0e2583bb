package sale

import (
	"fmt"
	"time"
)

// Reduce decides what an event does to a sale: the changed sale, and what to do once the change is in the
// journal. It is the whole rule book of a sale and has no I/O, no clock and no memory of its own. A final
// state never changes, though its payments are looked at again (audit.go); an event that means nothing in a state leaves the sale as it is.
func Reduce(r Rules, old Sale, ev Event) (Sale, []Effect) {
	c := &change{r: r, s: old.clone(), ev: ev}
	switch ev.Kind {
	case Opened:
		c.opened()
	case Scanned:
		c.scanned()
	case Answered:
		c.answered()
	case QueryAnswered:
		c.queried()
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
	case DeliveryConfirmed:
		c.deliveryConfirmed()
	case GivenBack:
		c.givenBack()
	case Decided:
		c.decided()
	case ScanRejected:
		c.scanRejected()
	case AskNow:
		c.askNow()
	case GaveBack:
		c.gaveBack()
	case AlarmSettled:
		c.alarmSettled()
	case RefundRefused:
		c.refundRefused()
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
	c.effects = append(c.effects, Effect{Kind: RaiseAlarm, Payment: p.OutTradeNo, Text: fmt.Sprintf(format, args...)})
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

// scanRejected tells the cashier of a sale that waits why the last scan was not taken.
func (c *change) scanRejected() {
	if c.s.State == Waiting {
		c.s.Rejected = c.ev.Note
	}
}

// bind begins a payment. The row it becomes is in the journal before the request leaves.
func (c *change) bind() {
	b := c.ev.Bind
	c.s.Payments = append(c.s.Payments, Payment{
		OutTradeNo: b.OutTradeNo, PayType: b.PayType, Code: b.Code, TxDTM: b.TxDTM, SentAt: c.ev.At,
		ConfirmBy: c.ev.At.Add(c.r.Confirm), GiveUpBy: c.ev.At.Add(c.r.GiveUp),
	})
	c.s.State, c.s.Rejected = Paying, ""
	c.send(c.s.Alive())
}

func (c *change) send(p *Payment) {
	p.Progress.Sends++
	p.Progress.Resend = false
	p.Progress.InFlight = true
	p.Progress.WindowFrom = c.ev.At
	c.s.NextAt = c.guard(p, c.r.Beside)
	c.do(SubmitPayment, p)
}

// resend sends what surely left nothing, unless it is so late that the customer would not expect it any more.
func (c *change) resend(p *Payment) {
	if !c.ev.At.Before(p.ConfirmBy) {
		c.dead(p, OutcomeNotSent)
		return
	}
	c.send(p)
}

func (c *change) due() {
	c.auditDue()
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
		c.s.State = Confirming // the answer is late: ask beside it
		c.query(p)
	case Confirming, Reversing:
		if p.Progress.InFlight && !c.ev.At.Before(p.Progress.WindowFrom.Add(c.r.Answer+c.r.Guard)) {
			p.Progress.InFlight = false // nothing comes back any more
		}
		if !c.ev.At.Before(p.GiveUpBy) {
			c.giveUp(p)
			return
		}
		c.query(p)
	case Unresolved:
		c.query(p)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
