package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Fate is what becomes of the customer's money.
type Fate string

const (
	FatePaid     Fate = "paid"
	FatePending  Fate = "pending"  // the customer has yet to confirm
	FateDeclined Fate = "declined" // recorded, never charged
	FateAbsent   Fate = "absent"   // QFPay keeps no record of the call
	FateNever    Fate = "never"    // after pending: nothing more happens
)

// A Reply says how an answer travels and what is wrong with it. The zero value is the true answer at once.
type Reply struct {
	Code   string   `json:"code,omitempty"`   // respcd in place of the true one
	Fault  string   `json:"fault,omitempty"`  // one of Faults
	Status int      `json:"status,omitempty"` // HTTP status with a page of HTML, in place of an answer
	Delay  Duration `json:"delay,omitempty"`  // before the answer
}

// Faults are the ways in which an answer can go wrong.
var Faults = []struct{ Name, Means string }{
	{"lost", "the connection closes without a byte"},
	{"cut", "the connection closes after half of the answer"},
	{"hang", "no byte until the client leaves"},
	{"badsign", "X-QF-SIGN does not match the body"},
	{"nosign", "no X-QF-SIGN"},
	{"fieldsign", "X-QF-SIGN covers the sorted fields in place of the body"},
	{"amount", "another txamt than was sent"},
	{"number", "another out_trade_no than was sent"},
	{"currency", "another txcurrcd than was sent"},
	{"nosyssn", "no syssn"},
	{"garbage", "HTTP 200 with a page of HTML, signed"},
	{"truncated", "HTTP 200 with the first half of the JSON, signed"},
	{"nobody", "HTTP 200 with an empty body"},
	{"bare", "respcd as a bare JSON number"},
	{"nodata", "a query's list is empty"},
	{"nulldata", "a query's list is null"},
}

// A Plan says what happens to one payment, from its arrival on. The zero value pays at once.
type Plan struct {
	Reply           // to /payment
	Fate   Fate     `json:"fate,omitempty"` // default by code: none or 0000 paid, 1143 and 1145 pending, else declined or absent
	Course          // of a pending payment
	Late   Duration `json:"late,omitempty"`   // the call reaches QFPay that much later, whether or not the client still waits
	Hide   int      `json:"hide,omitempty"`   // queries that find nothing at first
	Also   string   `json:"also,omitempty"`   // "attempts": a query lists a failed attempt and a refund under the same number too
	Booked Duration `json:"booked,omitempty"` // answered at once, with a syssn, and entered into the books that much later
	Revive Duration `json:"revive,omitempty"` // declined or cancelled, it is paid that much later all the same

	List   *ListPlan   `json:"list,omitempty"`
	Query  *QueryPlan  `json:"query,omitempty"`
	Cancel *CancelPlan `json:"cancel,omitempty"`
	Refund *RefundPlan `json:"refund,omitempty"`

	name string
}

// A Course says how something pending ends: after that many queries have seen it pending and that much time
// has passed, both.
type Course struct {
	Polls    int      `json:"polls,omitempty"`
	After    Duration `json:"after,omitempty"`
	Then     Fate     `json:"then,omitempty"`      // paid (default), declined or never
	ThenCode string   `json:"then_code,omitempty"` // respcd of a declined one, default 1142

	from   time.Time
	polled bool // its end was seen by counting queries, not by the clock
}

// A QueryPlan spoils the first queries that ask for a payment.
type QueryPlan struct {
	Reply
	Times int `json:"times,omitempty"` // default 1, -1 all
}

// A CancelPlan says what a reversal or close of a payment does.
type CancelPlan struct {
	Reply
	Effect string   `json:"effect,omitempty"` // one of Effects
	Polls  int      `json:"polls,omitempty"`
	After  Duration `json:"after,omitempty"`
	Again  Duration `json:"again,omitempty"` // a copy of the call comes that much later, and does what the wallet does
	Times  int      `json:"times,omitempty"` // how many cancels, default all; later ones go by the wallet
}

// Effects are what a cancel can do.
var Effects = []struct{ Name, Means string }{
	{"", "as the wallet does: see the table of wallets"},
	{"race", "the customer pays just before it lands, then as the wallet does"},
	{"kept", "the customer pays just before it lands; 1260, the money stays taken"},
	{"returned", "the customer pays just before it lands; 0000, the money is given back"},
	{"unsupported", "1297 without syssn, nothing changes"},
	{"none", "nothing changes; the answer says 0000 unless code is set"},
	{"later", "1145; done after polls queries and after, both, also if it is paid by then"},
	{"overtaken", "0000, but the customer's confirmation was under way: paid after that time all the same"},
}

// A RefundPlan says what refunds of a payment do.
type RefundPlan struct {
	Reply
	Fate  Fate     `json:"fate,omitempty"` // paid (done; default), pending, declined or absent
	Polls int      `json:"polls,omitempty"`
	After Duration `json:"after,omitempty"`
	Then  Fate     `json:"then,omitempty"`
	Late  Duration `json:"late,omitempty"`  // it reaches the books that much later, whatever the answer says
	Times int      `json:"times,omitempty"` // how many refunds, default all

	PartialOnly bool      `json:"partial_only,omitempty"` // leaves refunds of the whole alone
	List        *ListPlan `json:"list,omitempty"`
}

// due reports whether what is pending has ended. asked counts a query that saw it pending.
func (c *Course) due(now time.Time) bool {
	return c.Then != FateNever && c.Polls <= 0 && !now.Before(c.from.Add(time.Duration(c.After)))
}

func (c *Course) asked() { c.Polls, c.polled = c.Polls-1, true }

// end is when it ended, given that it has by now.
func (c *Course) end(now time.Time) time.Time {
	if c.polled {
		return now
	}
	return c.from.Add(time.Duration(c.After))
}

// fate fills in what the code implies.
func (p Plan) fate() Fate {
	if p.Fate != "" {
		return p.Fate
	}
	return fateOf(p.Code)
}

func fateOf(code string) Fate {
	switch catOf(code) {
	case catOK:
		return FatePaid
	case catWait:
		return FatePending
	case catConfig, catDup, catNone:
		return FateAbsent
	}
	return FateDeclined
}

func (p Plan) clone() Plan {
	p.List, p.Query, p.Cancel, p.Refund = copied(p.List), copied(p.Query), copied(p.Cancel), copied(p.Refund)
	return p
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// check returns what is wrong with a plan, in words for the person who wrote it.
func (p Plan) check() error {
	replies := []Reply{p.Reply}
	effect, fates := "", []Fate{p.Fate, p.Then}
	var lists []*ListPlan
	lists = append(lists, p.List)
	if p.Query != nil {
		replies = append(replies, p.Query.Reply)
	}
	if p.Cancel != nil {
		replies, effect = append(replies, p.Cancel.Reply), p.Cancel.Effect
	}
	if p.Refund != nil {
		replies, fates = append(replies, p.Refund.Reply), append(fates, p.Refund.Fate, p.Refund.Then)
		lists = append(lists, p.Refund.List)
	}
	for _, l := range lists {
		if l != nil && l.check() != nil {
			return l.check()
		}
	}
	for _, r := range replies {
		if r.Code != "" && (len(r.Code) != 4 || strings.Trim(r.Code, "0123456789") != "") {
			return fmt.Errorf("code %q: four digits are needed", r.Code)
		}
		if err := r.check(); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(Effects, func(e struct{ Name, Means string }) bool { return e.Name == effect }) {
		return fmt.Errorf("effect %q is not known; GET /sim/help lists them", effect)
	}
	for _, f := range fates {
		if !slices.Contains([]Fate{"", FatePaid, FatePending, FateDeclined, FateAbsent, FateNever}, f) {
			return fmt.Errorf("fate %q is not known: paid, pending, declined, absent, never", f)
		}
	}
	if p.Also != "" && p.Also != "attempts" {
		return fmt.Errorf("also %q is not known: attempts", p.Also)
	}
	return nil
}

func (r Reply) check() error {
	if r.Fault != "" && !slices.ContainsFunc(Faults, func(f struct{ Name, Means string }) bool { return f.Name == r.Fault }) {
		return fmt.Errorf("fault %q is not known; GET /sim/help lists them", r.Fault)
	}
	if r.Status != 0 && (r.Status < 400 || r.Status > 599) {
		return fmt.Errorf("status %d: 400 to 599 are possible", r.Status)
	}
	return nil
}

// A Duration is a time.Duration that JSON spells as "1m30s".
type Duration time.Duration

// MarshalText and UnmarshalText spell it as package time does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err == nil && v < 0 {
		err = fmt.Errorf("a duration of %v is negative", v)
	}
	*d = Duration(v)
	return err
}
