package sale

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"cpmd/payment"
)

// A StoryLine is one thing that happened to a sale or one of its refunds, in plain words.
type StoryLine struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// A Story is all that the journal knows of a sale.
type Story struct {
	Sale    View         `json:"sale"`
	Refunds []RefundView `json:"refunds"`
	Lines   []StoryLine  `json:"lines"`
	Next    string       `json:"next"` // what cpmd will do
}

// Tell puts into words what an event was and what came of it; money writes an amount with its currency.
func (c Cause) Tell(money func(minor int64) string) string {
	var b strings.Builder
	switch c.Event {
	case Opened:
		what := "Sale"
		if c.Amount > 0 {
			what = "Refund of " + money(c.Amount)
		}
		b.WriteString(what + " opened by " + cmp.Or(c.By, "the till") + ".")
		if c.Payment != "" {
			fmt.Fprintf(&b, " The till had scanned a code itself, bound to payment %s, which was journaled before anything was sent.", c.Payment)
		}
	case Scanned:
		fmt.Fprintf(&b, "A code was scanned (%s) and bound to payment %s, which was journaled before anything was sent.", c.Device, c.Payment)
	case Answered:
		fmt.Fprintf(&b, "The request %s: %s.", came(c), c.judged())
	case QueryAnswered:
		fmt.Fprintf(&b, "Asked QFPay what became of it: %s.", c.judged())
	case CancelAnswered:
		fmt.Fprintf(&b, "The cancellation %s: %s. Only a query is believed.", came(c), c.judged())
	case CancelAsked:
		fmt.Fprintf(&b, "Cancellation requested (%s).", c.By)
	case Due:
		b.WriteString("A timer was due.")
	case Restarted:
		b.WriteString("cpmd restarted; whatever answer was under way is lost.")
	case ClockMoved:
		fmt.Fprintf(&b, "The machine's clock jumped by %s; all limits were shifted.", c.Moved)
	case DeliveryConfirmed:
		fmt.Fprintf(&b, "Delivery confirmed (%s).", c.By)
	case GivenBack:
		fmt.Fprintf(&b, "Refund %s is done: %s given back.", c.Refund, money(c.Amount))
	case Decided:
		fmt.Fprintf(&b, "An operator (%s) decided that it is %s: %q.", c.By, c.Outcome, c.Note)
	}
	switch c.Event {
	case ScanRejected:
		fmt.Fprintf(&b, "A scan was rejected: %s", c.Note)
	case AskNow:
		fmt.Fprintf(&b, "QFPay is asked now (%s).", c.By)
	case RefundRefused:
		fmt.Fprintf(&b, "Refund %s was refused: %s", c.Refund, c.Note)
	case GaveBack:
		fmt.Fprintf(&b, "Refund %s of payment %s ended.", c.Refund, c.Payment)
	case AlarmSettled:
		fmt.Fprintf(&b, "An alarm about payment %s was settled (%s): %q.", c.Payment, c.By, c.Note)
	}
	if c.Alarm != "" {
		fmt.Fprintf(&b, " ALARM: %s.", strings.TrimSuffix(c.Alarm, "."))
	}
	for _, n := range c.Next {
		if s := intent[n]; s != "" {
			b.WriteString(" " + s)
		}
	}
	if c.From != c.To {
		fmt.Fprintf(&b, " Now %s.", c.To)
	}
	return b.String()
}

var intent = map[EffectKind]string{
	SubmitPayment: "Sending the payment.", QueryPayment: "Asking QFPay.", CancelPayment: "Asking QFPay to cancel.",
	SendRefund: "Sending the refund.", QueryRefund: "Asking QFPay.", ReturnMoney: "Giving the money back.",
	GiveBack: "Giving the surplus money back.",
}

func came(c Cause) string {
	if c.RespCD != "" {
		return "was answered " + c.RespCD
	}
	return "came back without an answer"
}

// judged puts into words what an answer means, with QFPay's code and words.
func (c Cause) judged() string {
	says := map[payment.Meaning]string{
		payment.Paid: "it succeeded", payment.Pending: "still under way", payment.Declined: "declined",
		payment.Misconfigured: "QFPay rejects the merchant's configuration", payment.Unknown: "that proves nothing", payment.Duplicate: "the number was used before",
		payment.NotFound: "QFPay does not list it", payment.Undone: "it is cancelled or given back", payment.Refused: "refused",
		payment.NotSent: "surely nothing left this machine",
	}[c.Meaning]
	var more []string
	if c.RespCD != "" && c.Event == QueryAnswered { // of other answers it is told before
		more = append(more, c.RespCD)
	}
	for _, s := range []string{payment.Explain(c.RespCD), c.Text, c.Empty, c.Err} {
		if s != "" {
			more = append(more, s)
		}
	}
	if c.Cancel != "" && c.Cancel != "0" {
		more = append(more, "cancel "+c.Cancel)
	}
	if len(more) > 0 {
		says += " (" + strings.Join(more, "; ") + ")"
	}
	return says
}

// Next tells what cpmd will do with a sale.
func Next(s Sale) string {
	at := s.NextAt.Format(time.RFC3339)
	switch {
	case s.Delivery == Awaited:
		return "The till must confirm the delivery by " + at + ", or the money goes back."
	case s.Delivery == Returning:
		return "The money is to go back (cpmctl alarms where a person has to see to it); looked at again at " + at + "."
	case s.State.Final():
		for i := range s.Payments {
			if p := &s.Payments[i]; p.surplus() && !p.Progress.Audit.BackAt.IsZero() {
				return fmt.Sprintf("Payment %s is refunded from %s on, unless it is for a person (cpmctl alarms).", p.OutTradeNo,
					p.Progress.Audit.BackAt.Format(time.RFC3339))
			}
		}
		if due := s.Due(); !due.IsZero() {
			return "This is final. QFPay is asked once more at " + due.Format(time.RFC3339) + ", to be sure."
		}
		return "Nothing; this is final."
	case s.State == Waiting:
		return "A code may be shown until " + s.ScanBy.Format(time.RFC3339) + "."
	case s.State == Paying:
		return "The answer to the payment request is awaited until " + at + " at most."
	case s.State == Unresolved:
		return "QFPay is asked again at " + at + ", and so on until it is known; an operator may decide (cpmctl resolve)."
	}
	p := s.Alive()
	return fmt.Sprintf("QFPay is asked again at %s, and to cancel from %s on, where it can be cancelled; unresolved from %s on.", at, p.ConfirmBy.Format(time.RFC3339), p.GiveUpBy.Format(time.RFC3339))
}
