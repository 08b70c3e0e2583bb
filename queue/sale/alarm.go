package sale

import "time"

// An Alarm is something that a person must look at. It stands until somebody settles it.
type Alarm struct {
	Seq       int64
	At        time.Time
	Kind      string // of what it is about: "sale", "refund" or "day"
	Subject   string // its id
	Payment   string // out_trade_no; may be empty
	What      string
	SettledAt time.Time
	SettledBy string
	Note      string
}

// An AlarmView is an alarm as operators see it.
type AlarmView struct {
	Seq       int64      `json:"seq"`
	At        time.Time  `json:"at"`
	Kind      string     `json:"kind"` // of what it is about: "sale", "refund" or "day"
	ID        string     `json:"id"`
	Payment   string     `json:"out_trade_no,omitempty"`
	What      string     `json:"what"`
	Open      bool       `json:"open"`
	SettledAt *time.Time `json:"settled_at,omitempty"`
	SettledBy string     `json:"settled_by,omitempty"`
	Note      string     `json:"note,omitempty"`
}

// AlarmViewOf shows an alarm as operators see it.
func AlarmViewOf(a Alarm) AlarmView {
	v := AlarmView{Seq: a.Seq, At: Shown(a.At), Kind: a.Kind, ID: a.Subject, Payment: a.Payment, What: a.What,
		Open: a.SettledAt.IsZero(), SettledBy: a.SettledBy, Note: a.Note}
	if !v.Open {
		at := Shown(a.SettledAt)
		v.SettledAt = &at
	}
	return v
}
