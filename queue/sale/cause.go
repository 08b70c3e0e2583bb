package sale

import "cpmd/payment"

// A Cause is how an event stands in the journal, for whoever asks later what happened and why.
type Cause struct {
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

// CauseOf is an event as the journal keeps it.
func CauseOf(ev Event, from, to string, effects []Effect) Cause {
	c := Cause{Event: ev.Kind, Payment: ev.Payment, From: from, To: to, By: ev.By, Outcome: ev.Outcome, Note: ev.Note,
		Amount: ev.Amount, Refund: ev.Refund}
	answer := ev.Answer
	if ev.Query != nil {
		answer = &ev.Query.Answer
		c.Cancel = ev.Query.Cancel
		if answer.Meaning == payment.NotFound {
			c.Empty = "not everywhere searched"
			if ev.Query.Searched {
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
		if e.Kind == RaiseAlarm {
			c.Alarm = e.Text
		}
	}
	return c
}
