package sale

import (
	"cmp"
	"fmt"
	"time"

	"cpmd/payment"
)

// ReduceRefund is Reduce for refunds. Nothing cancels a refund: it is followed until it is proved either way, for days
// if need be, and where QFPay does not tell an operator decides. One that ended without money going back is looked at
// again.
func ReduceRefund(r Rules, old Refund, ev Event) (Refund, []Effect) {
	c := &refundChange{r: r, f: old, ev: ev}
	switch ev.Kind {
	case Opened:
		c.opened()
	case Answered:
		c.answered()
	case QueryAnswered:
		c.queried()
	case Due:
		c.due()
	case Restarted:
		c.restarted()
	case Decided:
		c.decided()
	case AskNow:
		if c.f.State != "" && !c.f.Progress.Resend {
			c.query()
			c.effects[len(c.effects)-1].Urgent = true
		}
	case ClockMoved:
		c.clockMoved()
	}
	return c.f, c.effects
}

type refundChange struct {
	r       Rules
	f       Refund
	ev      Event
	effects []Effect
}

func (c *refundChange) do(kind EffectKind) {
	c.effects = append(c.effects, Effect{Kind: kind, Payment: c.f.OutTradeNo})
}

func (c *refundChange) alarm(format string, args ...any) {
	c.effects = append(c.effects, Effect{Kind: RaiseAlarm, Payment: c.f.OutTradeNo, Text: fmt.Sprintf(format, args...)})
}

func (c *refundChange) opened() {
	if c.f.State != "" {
		return
	}
	c.f.State, c.f.CreatedAt = Refunding, c.ev.At
	if c.ev.NotBefore.After(c.ev.At) { // nothing has left: it is sent when it is due
		c.f.Progress.Resend, c.f.NextAt = true, c.ev.NotBefore
		return
	}
	c.send()
}

func (c *refundChange) send() {
	g := &c.f.Progress
	g.Sends++
	g.Resend, g.InFlight, g.WindowFrom = false, true, c.ev.At
	c.f.NextAt = c.ev.At.Add(c.r.Answer + c.r.Guard)
	c.do(SendRefund)
}

func (c *refundChange) query() {
	c.f.NextAt = c.ev.At.Add(c.r.Guard)
	c.do(QueryRefund)
}

func (c *refundChange) note(a payment.Answer) {
	if a.RespCD != "" {
		c.f.RespCD = a.RespCD
	}
	if a.SysSN != "" {
		c.f.SysSN = a.SysSN
	}
	if a.Alarm != "" {
		c.effects = append(c.effects, Effect{Kind: RaiseAlarm, Payment: c.f.OutTradeNo, Text: a.Alarm, Once: true})
	}
}

func (c *refundChange) answered() {
	a, g := c.ev.Answer, &c.f.Progress
	switch {
	case a == nil:
		return
	case c.f.State.Final():
		if a.Meaning == payment.Paid {
			c.doneAfterAll()
		}
		return
	case !g.InFlight:
		return
	}
	g.InFlight = false
	c.note(*a)
	switch a.Meaning {
	case payment.Paid:
		c.end(Refunded, "")
		return
	case payment.NotSent:
		if g.Sends >= maxSends {
			c.end(NotRefunded, "The request never left this machine. Check the network, then try again with a new refund id.")
			return
		}
		g.Resend = true
		c.f.NextAt = c.ev.At.Add(min(time.Second, c.r.Poll))
		return
	case payment.Pending, payment.Duplicate:
		g.Known = true
	case payment.Unknown:
		g.Known = g.Known || a.SysSN != ""
		if a.RespCD != "" { // should it prove not done, this is why
			g.Why = refusal(a)
		}
	case payment.Refused, payment.Declined, payment.Misconfigured, payment.NotFound:
		g.Suspect, g.Why, g.Genuine = a.Meaning, refusal(a), a.Genuine
		c.query()
		return
	}
	c.f.NextAt = c.ev.At.Add(c.r.Poll)
}

// lookFirst is for what is not proved: a second refund may be a second loss.
const lookFirst = "Look in QFPay's portal before you refund again with a new refund id."

// refusal is what a refused refund's cashier should know.
func refusal(a *payment.Answer) string {
	said := a.RespCD
	if a.Text != "" {
		said += ": " + a.Text
	}
	if a.Meaning == payment.Unknown {
		return "QFPay does not list this refund (its answer was " + said + "). " + lookFirst
	}
	s := "QFPay refused the refund (" + said + ")."
	switch {
	case a.RespCD == "1265":
		s += " Refunds are blocked during promotions, past the wallet's time limit, and from 23:30 to 00:30; in that hour, try again " +
			"after 00:30 with a new refund id."
	case a.RespCD == "1269":
		s += " There is not enough unsettled money today; try again after more sales, or tomorrow after 11:00, with a new refund id."
	case a.RetryLater:
		s += " Try again later with a new refund id."
	}
	if !a.Genuine { // nobody signed that
		s += " " + lookFirst
	}
	return s
}

func (c *refundChange) queried() {
	f, g := c.ev.Query, &c.f.Progress
	if f == nil || c.f.State == "" {
		return
	}
	g.Polls++
	if c.f.State.Final() {
		c.audited(f)
		return
	}
	c.note(f.Answer)
	if f.Listed {
		g.Known = true
	}
	if f.Meaning != payment.NotFound {
		g.Absent = 0
	}
	if f.Meaning != payment.Unknown && (f.Meaning != payment.NotFound || f.Searched) {
		g.Last = f.Meaning
	}
	switch f.Meaning {
	case payment.Paid:
		c.end(Refunded, "")
		return
	case payment.Pending:
		g.Known, g.Suspect, g.Agreed, g.Genuine = true, "", 0, false
	case payment.Declined, payment.Misconfigured, payment.Refused, payment.Undone:
		g.Known = true
		if g.Agreed++; g.Agreed >= max(1, f.Confirm) {
			why := refusal(&f.Answer)
			if g.Suspect != "" { // its own answer was a refusal, too
				why = cmp.Or(g.Why, why)
			}
			c.end(NotRefunded, why)
			return
		}
	case payment.NotFound:
		if c.surelyRefused() || c.surelyAbsent() {
			c.end(NotRefunded, cmp.Or(g.Why, "QFPay does not list this refund. "+lookFirst))
			return
		}
	}
	c.goOn()
}

// surelyRefused is as surelyDeclined for a payment.
func (c *refundChange) surelyRefused() bool {
	g := &c.f.Progress
	if g.InFlight || g.Known || g.Suspect == "" || !g.Genuine || g.Quiet > 0 && c.ev.AskedAt.Before(g.QuietAt.Add(c.r.Apart)) {
		return false
	}
	g.Quiet++
	g.QuietAt = c.ev.AskedAt
	return g.Quiet >= quietProves
}

// surelyAbsent: nobody stands at the counter for a refund, so it gets the whole time until it would be unresolved to
// arrive. The audit looks again after that.
func (c *refundChange) surelyAbsent() bool {
	g := &c.f.Progress
	window := c.r.GiveUp
	if g.Suspect != "" {
		window = c.r.Answer
	}
	if g.Known || g.InFlight || !c.ev.Query.Searched || c.ev.AskedAt.Before(g.WindowFrom.Add(window)) {
		return false
	}
	g.Absent++
	return g.Absent >= absentProves
}

// goOn plans the next query. What QFPay calls pending may take days; where it says nothing that can be understood, a
// person is called once the cashier has waited long enough.
func (c *refundChange) goOn() {
	g := &c.f.Progress
	if c.ev.At.Before(g.WindowFrom.Add(c.r.GiveUp)) || g.Absent == 1 {
		c.f.NextAt = c.ev.At.Add(max(c.r.Poll, c.r.Apart))
		return
	}
	c.f.NextAt = c.ev.At.Add(c.r.FollowUp[min(g.Slow, len(c.r.FollowUp)-1)])
	g.Slow++
	if c.f.State == Refunding && (g.Last != payment.Pending || g.Slow > mostAudits) {
		c.f.State = RefundUnresolved
		c.alarm("QFPay does not say what became of this refund: look it up in QFPay's portal, then decide it (cpmctl resolve). "+
			"No other refund of sale %s is accepted until then", c.f.Sale)
	}
}

func (c *refundChange) due() {
	switch {
	case c.f.State == "" || c.f.NextAt.IsZero() || c.ev.At.Before(c.f.NextAt):
	case c.f.Progress.Resend:
		c.send()
	default:
		if c.f.Progress.InFlight && !c.ev.At.Before(c.f.Progress.WindowFrom.Add(c.r.Answer+c.r.Guard)) {
			c.f.Progress.InFlight = false // nothing comes back any more
		}
		c.query()
	}
}

func (c *refundChange) restarted() {
	g := &c.f.Progress
	if c.f.State == "" || c.f.State.Final() {
		return
	}
	if g.Resend { // surely nothing of it left: it goes out when it is due
		c.f.NextAt = earlier(c.f.NextAt, c.ev.At.Add(RefundPause))
		return
	}
	g.InFlight, g.WindowFrom, g.Absent, g.Quiet = false, c.ev.At, 0, 0
	c.query()
}

func (c *refundChange) clockMoved() {
	if c.f.State == "" {
		return
	}
	g := &c.f.Progress
	for _, t := range []*time.Time{&c.f.NextAt, &g.WindowFrom, &g.QuietAt} {
		if !t.IsZero() {
			*t = t.Add(c.ev.Moved)
		}
	}
	g.Moved += c.ev.Moved
}

// decided takes an operator's word for an unresolved refund; it is watched on.
func (c *refundChange) decided() {
	if c.f.State != RefundUnresolved {
		return
	}
	c.f.Progress.Decided = true
	if RefundState(c.ev.Outcome) == Refunded {
		c.end(Refunded, "")
	} else {
		c.end(NotRefunded, "Decided by an operator: "+c.ev.Note)
	}
}

// end is final for the books. Where that rests on a reading or on a person's word, QFPay is asked again.
func (c *refundChange) end(s RefundState, why string) {
	c.f.State, c.f.Why, c.f.NextAt, c.f.EndedAt = s, why, time.Time{}, c.ev.At
	c.f.Progress.InFlight = false
	if (s == NotRefunded || c.f.Progress.Decided) && len(c.r.Audit) > 0 {
		c.f.NextAt = c.ev.At.Add(c.r.Audit[0])
	}
}

// audited weighs a later look at a refund that has ended.
func (c *refundChange) audited(f *payment.QueryResult) {
	a := &c.f.Progress.Audit
	switch {
	case f.Meaning == payment.Paid:
		c.doneAfterAll()
	case c.f.State == Refunded && f.Meaning != payment.NotFound && f.Meaning != payment.Pending && f.Meaning != payment.Unknown && !a.Missing:
		a.Missing = true
		c.alarm("an operator decided that this refund was done, but QFPay says that it was not (%s): look it up in QFPay's portal, "+
			"and refund it there if the customer still has not got the money", f.RespCD)
	case f.Meaning == payment.Unknown, f.Meaning == payment.Pending, f.Meaning == payment.NotFound && !f.Searched:
		a.Unclear++
		c.f.NextAt = time.Time{}
		if a.Unclear < mostAudits {
			c.f.NextAt = c.ev.At.Add(c.r.FollowUp[min(a.Unclear, len(c.r.FollowUp)-1)])
		}
		return
	}
	a.Looks++
	c.f.NextAt = time.Time{}
	if a.Looks < len(c.r.Audit) {
		c.f.NextAt = c.ev.At.Add(c.r.Audit[a.Looks] - c.r.Audit[a.Looks-1])
	}
}

// doneAfterAll: money went back although the books say that it did not. It cannot be taken again, so a person must know
// before the customer gets it twice.
func (c *refundChange) doneAfterAll() {
	if a := &c.f.Progress.Audit; c.f.State == NotRefunded && a.Found.IsZero() {
		a.Found = c.ev.At
		c.alarm("QFPay shows this refund as done after all (%d minor units of sale %s): do not refund it again, and correct the books", c.f.Amount, c.f.Sale)
	}
}

// CheckResolveRefund reports why an operator cannot decide the refund so.
func CheckResolveRefund(f Refund, d Resolution) error {
	if State(f.State) == d.Outcome {
		return nil
	}
	if f.State != RefundUnresolved {
		return &Error{Code: NotUnresolved, Sale: f.Sale, Detail: fmt.Sprintf("refund %s is %s; only an unresolved refund can be decided by a person", f.ID, f.State)}
	}
	if f.Progress.Last == payment.Pending && RefundState(d.Outcome) == NotRefunded && !d.EvenThough {
		return contradicts(f.Sale, "QFPay last said that this refund is under way")
	}
	return nil
}
