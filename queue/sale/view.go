package sale

import (
	"cmp"
	"reflect"
	"time"

	"cpmd/payment"
)

// VisiblyDiffer reports whether a till would see a difference.
func VisiblyDiffer(a, b Sale, r Rules) bool {
	va, vb := ViewOf(a, r), ViewOf(b, r)
	va.UpdatedAt, vb.UpdatedAt = time.Time{}, time.Time{}
	return !reflect.DeepEqual(va, vb)
}

// The views are what tills see, in every dialect. Their JSON form is the contract with till programmers: fields are
// added, never changed.

// A View is a sale as a till sees it.
type View struct {
	ID              string            `json:"id"`
	Lane            string            `json:"lane"`
	Ticket          string            `json:"ticket"`
	Amount          int64             `json:"amount"` // minor units
	Currency        string            `json:"currency"`
	State           State             `json:"state"`
	Final           bool              `json:"final"`
	Reason          Reason            `json:"reason"`
	Message         string            `json:"message"`
	ScanBy          *time.Time        `json:"scan_by,omitempty"`   // while it waits: a code must be shown by then
	DecideBy        *time.Time        `json:"decide_by,omitempty"` // while it is neither final nor unresolved
	Wallet          string            `json:"wallet"`
	Refunded        int64             `json:"refunded"` // minor units given back so far
	ConfirmDelivery bool              `json:"confirm_delivery,omitempty"`
	Delivery        Delivery          `json:"delivery,omitempty"`
	DeliverBy       *time.Time        `json:"deliver_by,omitempty"` // while delivery is awaited
	Operator        string            `json:"operator,omitempty"`
	Shift           string            `json:"shift,omitempty"`
	Metadata        map[string]string `json:"metadata,omitempty"`
	By              string            `json:"by,omitempty"` // who opened it
	// OpenedDaysAgo is in the answer to a request that repeats a sale of an earlier day: the till may have begun its
	// numbering anew.
	OpenedDaysAgo int           `json:"opened_days_ago,omitempty"`
	Seq           int64         `json:"seq"` // of the event that brought it to this form
	CreatedAt     time.Time     `json:"created_at"`
	UpdatedAt     time.Time     `json:"updated_at"`
	Payments      []PaymentView `json:"payments"`
}

// A PaymentView is one submission of a sale to QFPay.
type PaymentView struct {
	OutTradeNo string `json:"out_trade_no"`
	PayType    string `json:"pay_type"`
	SysSN      string `json:"syssn"`
	ChnlSN     string `json:"chnlsn"`
	RespCD     string `json:"respcd"`
	AuthCode   string `json:"auth_code"` // masked
	State      string `json:"state"`
}

// A RefundView is a refund as a till sees it.
type RefundView struct {
	ID         string      `json:"id"`
	Sale       string      `json:"sale"`
	Amount     int64       `json:"amount"` // minor units
	Currency   string      `json:"currency"`
	State      RefundState `json:"state"`
	Final      bool        `json:"final"`
	Message    string      `json:"message"`
	By         string      `json:"by,omitempty"` // who asked for it
	OutTradeNo string      `json:"out_trade_no"`
	SysSN      string      `json:"syssn"`
	RespCD     string      `json:"respcd"`
	Seq        int64       `json:"seq"`
	CreatedAt  time.Time   `json:"created_at"`
	UpdatedAt  time.Time   `json:"updated_at"`
}

// ViewOf shows a sale as tills see it.
func ViewOf(s Sale, r Rules) View {
	v := View{ID: s.ID, Lane: s.Lane, Ticket: s.Ticket, Amount: s.Amount, Currency: s.Currency, State: s.State, Final: s.State.Final(),
		Reason: s.Reason, Message: message(s), Refunded: s.Refunded, Seq: s.Seq, CreatedAt: Shown(s.CreatedAt), UpdatedAt: Shown(s.UpdatedAt),
		Payments: make([]PaymentView, 0, len(s.Payments))}
	for _, p := range s.Payments {
		pv := PaymentView{OutTradeNo: p.OutTradeNo, PayType: cmp.Or(p.Resolved, p.PayType), SysSN: p.SysSN, ChnlSN: p.ChnlSN, RespCD: p.RespCD,
			AuthCode: p.Code.Mask, State: string(p.Outcome)}
		if p.Outcome == Alive {
			pv.State = string(s.State)
		}
		v.Payments = append(v.Payments, pv)
		v.Wallet = payment.Wallet(cmp.Or(p.Resolved, p.PayType))
	}
	v.Delivery, v.ConfirmDelivery = s.Delivery, s.ConfirmDelivery
	v.Operator, v.Shift, v.Metadata, v.By = s.Operator, s.Shift, s.Metadata, s.By
	if s.State == Waiting {
		by := Shown(s.ScanBy)
		v.ScanBy = &by
	}
	if s.Delivery == Awaited {
		by := Shown(s.NextAt)
		v.DeliverBy = &by
	}
	if by := decideBy(s, r); !by.IsZero() {
		by = Shown(by.Add(time.Second - 1)) // not before it is true
		v.DecideBy = &by
	}
	return v
}

// Shown is a time as tills see it: UTC, whole seconds, which every date parser takes.
func Shown(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// decideBy is until when the sale will be final or unresolved.
func decideBy(s Sale, r Rules) time.Time {
	switch s.State {
	case Waiting:
		return s.ScanBy.Add(r.GiveUp)
	case Paying, Confirming, Reversing:
		if p := s.Alive(); p != nil {
			return p.GiveUpBy
		}
	}
	return time.Time{}
}

// DoneAfterAll reports whether QFPay shows a refund as done that the books have as not refunded.
func (f *Refund) DoneAfterAll() bool {
	return f.State == NotRefunded && !f.Progress.Audit.Found.IsZero()
}

// RefundViewOf shows a refund as tills see it.
func RefundViewOf(f Refund) RefundView {
	v := RefundView{ID: f.ID, Sale: f.Sale, Amount: f.Amount, Currency: f.Currency, By: f.By, State: f.State, Final: f.State.Final(),
		OutTradeNo: f.OutTradeNo, SysSN: f.SysSN, RespCD: f.RespCD, Seq: f.Seq, CreatedAt: Shown(f.CreatedAt), UpdatedAt: Shown(f.UpdatedAt)}
	switch f.State {
	case Refunding:
		v.Message = "The refund is under way. Do not refund again."
	case Refunded:
		v.Message = "Refunded."
		if f.Progress.Decided {
			v.Message = "Refunded, as an operator decided."
		}
	case RefundUnresolved:
		v.Message = "Not confirmed. Do not refund again; cpmd keeps asking QFPay, and an operator may decide it (cpmctl resolve)."
	case NotRefunded:
		v.Message = "Not refunded. " + f.Why
		if f.DoneAfterAll() {
			v.Message = "QFPay shows this refund as done after all. Do not refund again; correct the books."
		}
	}
	return v
}
