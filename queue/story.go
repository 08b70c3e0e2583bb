package queue

import (
	"context"
	"encoding/json"
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
	Sale    SaleView     `json:"sale"`
	Refunds []RefundView `json:"refunds"`
	Lines   []StoryLine  `json:"lines"`
	Next    string       `json:"next"` // what cpmd will do
}

// Story tells a sale's whole life: what was sent when, what came back, why it was judged so, and what is next.
func (q *Queue) Story(_ context.Context, id string) (Story, error) {
	j := q.cfg.Journal
	s, ok, err := j.sale(id)
	if err != nil {
		return Story{}, unavailable(err)
	}
	if !ok {
		return Story{}, unknownSale(id)
	}
	refunds, err := j.refundsOf(id)
	if err != nil {
		return Story{}, unavailable(err)
	}
	entries, err := j.history(id)
	if err != nil {
		return Story{}, unavailable(err)
	}
	lines := make([]StoryLine, 0, len(entries))
	for _, e := range entries {
		l := StoryLine{Seq: e.seq, At: e.at, Text: e.cause.tell()}
		if e.kind == "refund" {
			l.Text = "Refund " + e.subject + ": " + l.Text
		}
		lines = append(lines, l)
	}
	return Story{Sale: q.view(s), Refunds: views(refunds, refundView), Lines: lines, Next: next(s)}, nil
}

// tell says in words what an event was and what came of it.
func (c cause) tell() string {
	var b strings.Builder
	switch c.Event {
	case Opened:
		b.WriteString("The till asked for it.")
		if c.Payment != "" {
			fmt.Fprintf(&b, " It had scanned a code itself, bound to payment %s; the payment was written down, then sent.", c.Payment)
		}
	case Scanned:
		fmt.Fprintf(&b, "A code was scanned (%s) and bound to payment %s; the payment was written down, then sent.", c.Device, c.Payment)
	case Answered:
		fmt.Fprintf(&b, "The request %s: %s.", came(c), c.judged())
	case Found:
		fmt.Fprintf(&b, "Asked QFPay what became of it: %s.", c.judged())
	case CancelAnswered:
		fmt.Fprintf(&b, "The cancellation %s: %s. Only a query is believed.", came(c), c.judged())
	case CancelAsked:
		fmt.Fprintf(&b, "The till asked to cancel (%s).", c.By)
	case Due:
		b.WriteString("The time was up.")
	case Restarted:
		b.WriteString("cpmd started again; what had been under way is lost, so it is asked for.")
	case ClockMoved:
		fmt.Fprintf(&b, "The machine's clock jumped by %s; all limits were shifted.", c.Moved)
	case HandedOver:
		fmt.Fprintf(&b, "The till handed the goods over (%s).", c.By)
	case GivenBack:
		fmt.Fprintf(&b, "Refund %s is done: %d were given back.", c.Refund, c.Amount)
	case Decided:
		fmt.Fprintf(&b, "An operator (%s) decided that it is %s: %q.", c.By, c.Outcome, c.Note)
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
	Submit: "Sending the payment.", Query: "Asking QFPay.", CancelPayment: "Asking QFPay to cancel.",
	SendRefund: "Sending the refund.", QueryRefund: "Asking QFPay.", ReturnMoney: "Giving the money back.",
}

func came(c cause) string {
	if c.RespCD != "" {
		return "was answered " + c.RespCD
	}
	return "came back without an answer"
}

// judged says what an answer means, with QFPay's code and words.
func (c cause) judged() string {
	says := map[payment.Meaning]string{
		payment.Paid: "the money is there", payment.Pending: "still under way", payment.Declined: "declined",
		payment.Misconfigured: "the shop's set-up is refused", payment.Unknown: "that proves nothing", payment.Duplicate: "the number was used before",
		payment.NotFound: "QFPay does not list it", payment.Undone: "it is cancelled or given back", payment.Refused: "refused",
		payment.NotSent: "surely nothing left this machine",
	}[c.Meaning]
	var more []string
	if c.RespCD != "" && c.Event == Found { // of other answers it is told before
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

// next says what cpmd will do with a sale.
func next(s Sale) string {
	at := s.NextAt.Format(time.RFC3339)
	switch {
	case s.Delivery == Awaited:
		return "The till must say by " + at + " that the goods are handed over, or the money goes back."
	case s.Delivery == Returning:
		return "The money is being given back; looked at again at " + at + "."
	case s.State.Final():
		return "Nothing; this is final."
	case s.State == Waiting:
		return "A code may be shown until " + s.ScanBy.Format(time.RFC3339) + "."
	case s.State == Paying:
		return "The answer to the payment request is awaited until " + at + " at most."
	case s.State == Unresolved:
		return "QFPay is asked again at " + at + ", and so on until it is known; an operator may decide (cpmctl resolve)."
	}
	p := s.Alive()
	return fmt.Sprintf("QFPay is asked again at %s; cancelled from %s on; unresolved from %s on.", at, p.ConfirmBy.Format(time.RFC3339), p.GiveUpBy.Format(time.RFC3339))
}

// A pastEntry is an entry of the journal as it is read back.
type pastEntry struct {
	seq     int64
	at      time.Time
	kind    string // "sale" or "refund"
	subject string
	cause   cause
}

// history reads all entries of a sale and of its refunds, in order.
func (j *Journal) history(sale string) ([]pastEntry, error) {
	rows, err := j.db.Query(`SELECT seq, at, kind, subject, cause FROM event WHERE kind='sale' AND subject=?1
		OR kind='refund' AND subject IN (SELECT id FROM refund WHERE sale_id=?1) ORDER BY seq`, sale)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (e pastEntry, err error) {
		var at, why string
		if err = r.Scan(&e.seq, &at, &e.kind, &e.subject, &why); err != nil {
			return e, err
		}
		e.at = fromText(at)
		return e, json.Unmarshal([]byte(why), &e.cause)
	})
}

// alarms reads what a person must look at, newest first.
func (j *Journal) alarms(since time.Time) ([]AlarmView, error) {
	rows, err := j.db.Query(`SELECT seq, at, kind, subject, cause ->> 'alarm' FROM event WHERE cause ->> 'alarm' IS NOT NULL AND at>=? ORDER BY seq DESC LIMIT 50`, toText(since))
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (a AlarmView, err error) {
		var at string
		err = r.Scan(&a.Seq, &at, &a.Kind, &a.ID, &a.What)
		a.At = shown(fromText(at))
		return a, err
	})
}
