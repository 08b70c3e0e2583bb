package queue

import (
	"fmt"
	"reflect"
	"time"

	"go.uber.org/zap"

	"cpmd/payment"
)

// A cause is how an event stands in the journal, for whoever asks later what happened and why.
type cause struct {
	Event   EventKind       `json:"event,omitempty"`
	Payment string          `json:"payment,omitempty"`
	From    string          `json:"from,omitempty"`
	To      string          `json:"to,omitempty"`
	Meaning payment.Meaning `json:"meaning,omitempty"`
	RespCD  string          `json:"respcd,omitempty"`
	Text    string          `json:"text,omitempty"`
	Cancel  string          `json:"cancel,omitempty"`
	Empty   string          `json:"empty,omitempty"` // an empty list: whether all windows were searched
	Err     string          `json:"err,omitempty"`
	Alarm   string          `json:"alarm,omitempty"`
	By      string          `json:"by,omitempty"`
	Device  string          `json:"device,omitempty"`
	Moved   string          `json:"moved,omitempty"`
	Outcome State           `json:"outcome,omitempty"`
	Note    string          `json:"note,omitempty"`
	Amount  int64           `json:"amount,omitempty"` // minor units
	Refund  string          `json:"refund,omitempty"`
	Next    []EffectKind    `json:"next,omitempty"`
}

func causeOf(ev Event, from, to string, effects []Effect) cause {
	c := cause{Event: ev.Kind, Payment: ev.Payment, From: from, To: to, By: ev.By, Outcome: ev.Outcome, Note: ev.Note,
		Amount: ev.Amount, Refund: ev.Refund}
	answer := ev.Answer
	if ev.Finding != nil {
		answer = &ev.Finding.Answer
		c.Cancel = ev.Finding.Cancel
		if answer.Meaning == payment.NotFound {
			c.Empty = "not everywhere searched"
			if ev.Finding.Searched {
				c.Empty = "searched everywhere"
			}
		}
	}
	if answer != nil {
		c.Meaning, c.RespCD, c.Text = answer.Meaning, answer.RespCD, answer.Text
		if answer.Err != nil {
			c.Err = answer.Err.Error()
		}
	}
	if ev.Bind != nil {
		c.Payment, c.Device = ev.Bind.OutTradeNo, ev.Bind.Device
	}
	if ev.Moved != 0 {
		c.Moved = ev.Moved.String()
	}
	for _, e := range effects {
		c.Next = append(c.Next, e.Kind)
		if e.Kind == Alarm {
			c.Alarm = e.Text
		}
	}
	return c
}

// stepSale runs one event: reduce, append, perform. An error means that nothing happened.
func (q *Queue) stepSale(id string, ev Event) error {
	s, ok := q.sales[id]
	if !ok { // final: only a contradiction matters
		old, known, err := q.cfg.Journal.sale(id)
		if err != nil || !known {
			return err
		}
		s = &old
	}
	_, err := q.applySale(*s, ev)
	return err
}

func (q *Queue) applySale(old Sale, ev Event) (Sale, error) {
	s, effects := Reduce(q.cfg.Rules, old, ev)
	if reflect.DeepEqual(s, old) && len(effects) == 0 {
		return old, nil
	}
	e := q.saleEntry(old, &s, ev, effects)
	if err := q.append(e); err != nil {
		return old, err
	}
	q.keep(s)
	q.settleLane(old, s)
	for _, effect := range effects {
		q.perform(s, effect)
	}
	if e.told != nil {
		q.logSale(s)
		if q.cfg.Observe != nil && s.State != old.State {
			q.cfg.Observe(q.view(s), ev.At.Sub(s.CreatedAt))
		}
		q.announce()
	}
	return s, nil
}

// saleEntry is the entry of a sale's change. Where tills see the change, the sale gets its time and seq.
func (q *Queue) saleEntry(old Sale, s *Sale, ev Event, effects []Effect) entry {
	e := entry{at: ev.At, kind: "sale", subject: s.ID, cause: causeOf(ev, string(old.State), string(s.State), effects), sale: s}
	s.UpdatedAt = old.UpdatedAt
	if visible(old, *s, q.cfg.Rules) {
		s.UpdatedAt = ev.At
		e.told = func(seq int64) any { s.Seq = seq; return q.view(*s) }
	}
	return e
}

// visible says whether a till would see a difference.
func visible(a, b Sale, r Rules) bool {
	va, vb := saleView(a, r), saleView(b, r)
	va.UpdatedAt, vb.UpdatedAt = time.Time{}, time.Time{}
	return !reflect.DeepEqual(va, vb)
}

func (q *Queue) logSale(s Sale) {
	q.log.Info("sale", zap.String("id", s.ID), zap.String("lane", s.Lane), zap.String("state", string(s.State)),
		zap.String("reason", string(s.Reason)), zap.Int("payments", len(s.Payments)), zap.Int64("seq", s.Seq))
}

// keep remembers a sale until it is final.
func (q *Queue) keep(s Sale) {
	if s.Done() {
		delete(q.sales, s.ID)
	} else {
		q.sales[s.ID] = &s
	}
	for _, p := range s.Payments {
		if !p.Progress.InFlight && !p.Progress.Resend {
			delete(q.codes, p.OutTradeNo)
		}
	}
}

func (q *Queue) stepRefund(id string, ev Event) error {
	f, ok := q.refunds[id]
	if !ok {
		old, known, err := q.cfg.Journal.refund(id)
		if err != nil || !known {
			return err
		}
		f = &old
	}
	_, err := q.applyRefund(*f, ev)
	return err
}

func (q *Queue) applyRefund(old Refund, ev Event) (Refund, error) {
	f, effects := ReduceRefund(q.cfg.Rules, old, ev)
	if reflect.DeepEqual(f, old) && len(effects) == 0 {
		return old, nil
	}
	f.UpdatedAt = ev.At
	e := entry{at: ev.At, kind: "refund", subject: f.ID, cause: causeOf(ev, string(old.State), string(f.State), effects), refund: &f}
	told := f.State != old.State || f.SysSN != old.SysSN || f.RespCD != old.RespCD
	if told {
		e.told = func(seq int64) any { f.Seq = seq; return refundView(f) }
	} else {
		f.UpdatedAt = old.UpdatedAt
	}
	entries := []entry{e}
	if f.State == Refunded { // the sale shows it in the same moment
		s, ok, err := q.cfg.Journal.sale(f.Sale)
		if err != nil || !ok {
			return old, fmt.Errorf("the sale %s of refund %s: %w", f.Sale, f.ID, err)
		}
		back := Event{Kind: GivenBack, At: ev.At, Amount: f.Amount, Refund: f.ID}
		less, effects := Reduce(q.cfg.Rules, s, back)
		entries = append(entries, q.saleEntry(s, &less, back, effects))
	}
	if err := q.append(entries...); err != nil {
		return old, err
	}
	for _, e := range entries[1:] {
		q.keep(*e.sale)
		q.logSale(*e.sale)
	}
	if f.State.Final() {
		delete(q.refunds, f.ID)
	} else {
		q.refunds[f.ID] = &f
	}
	for _, effect := range effects {
		q.performRefund(f, effect)
	}
	if told {
		q.log.Info("refund", zap.String("id", f.ID), zap.String("sale", f.Sale), zap.String("state", string(f.State)), zap.Int64("seq", f.Seq))
		q.announce()
	}
	return f, nil
}

// append writes entries and keeps account of the journal's health.
func (q *Queue) append(entries ...entry) error {
	if q.fatal != nil {
		return q.fatal
	}
	err := q.cfg.Journal.append(entries...)
	if broken(err) {
		q.log.Error("the journal refused an entry by its own rules; please report this", zap.Error(err))
		for _, e := range entries {
			q.postpone(e)
		}
		return err
	}
	q.wrote(err)
	return err
}

// wrote keeps account of what came of a write.
func (q *Queue) wrote(err error) {
	switch {
	case err == nil:
		if q.down != nil {
			q.log.Info("the journal takes entries again")
			q.down = nil
			q.setReady(nil)
		}
	case Fatal(err):
		q.fatal = fmt.Errorf("the journal failed and cannot be trusted until it is read anew: %w", err)
		q.log.Error("stopping", zap.Error(q.fatal))
	default:
		if q.down == nil {
			q.log.Error("the journal takes no entries; no new sale is accepted until it does. Make room on its disk, and make sure that it is writable", zap.Error(err))
		}
		q.down, q.retryAt = err, q.clock.now().Add(time.Second)
		q.setReady(unavailable(err))
	}
}

// postpone keeps an event that the journal refuses from coming back at once.
func (q *Queue) postpone(e entry) {
	later := q.clock.now().Add(10 * time.Second)
	if s := q.sales[e.subject]; s != nil && e.sale != nil {
		s.NextAt = later
	}
	if f := q.refunds[e.subject]; f != nil && e.refund != nil {
		f.NextAt = later
	}
}

func unavailable(err error) *Error {
	return &Error{Code: JournalUnavailable, Detail: "the journal takes no entries (" + err.Error() +
		"): nothing was sent. Make room on its disk or make it writable; cpmd goes on by itself then"}
}

// hold runs a step whose event does not come again by itself, and keeps it while the journal is down.
func (q *Queue) hold(step func() error) {
	if len(q.held) > 0 {
		q.held = append(q.held, step)
		return
	}
	if err := step(); err != nil && !broken(err) && q.fatal == nil {
		q.held = append(q.held, step)
		if q.down == nil { // it failed before it came to writing
			q.down, q.retryAt = err, q.clock.now().Add(time.Second)
		}
	}
}

// flush tries what was held, in order, as far as the journal goes along.
func (q *Queue) flush() {
	for len(q.held) > 0 {
		if err := q.held[0](); err != nil && !broken(err) {
			return
		}
		q.held = q.held[1:]
	}
	if q.down != nil && q.fatal == nil {
		q.wrote(q.cfg.Journal.probe())
	}
}
