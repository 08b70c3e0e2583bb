package sale

import (
	"cmp"
	"reflect"
	"time"

	"cpmd/payment"
)

// visible says whether a till would see a difference.
func VisiblyDiffer(a, b Sale, r Rules) bool {
	va, vb := ViewOf(a, r), ViewOf(b, r)
	va.UpdatedAt, vb.UpdatedAt = time.Time{}, time.Time{}
	return !reflect.DeepEqual(va, vb)
}

// A SaleView is a sale as a till sees it.
type View struct {
	ID        string        `json:"id"`
	Lane      string        `json:"lane"`
	Ticket    string        `json:"ticket"`
	Amount    int64         `json:"amount"` // minor units
	Currency  string        `json:"currency"`
	State     State         `json:"state"`
	Final     bool          `json:"final"`
	Reason    Reason        `json:"reason"`
	Message   string        `json:"message"`
	DecideBy  *time.Time    `json:"decide_by,omitempty"` // while it is neither final nor unresolved
	Wallet    string        `json:"wallet"`
	Refunded  int64         `json:"refunded"` // minor units given back so far
	Settle    Settle        `json:"settle,omitempty"`
	Delivery  Delivery      `json:"delivery,omitempty"`
	DeliverBy *time.Time    `json:"deliver_by,omitempty"` // while delivery is awaited
	By        string        `json:"by,omitempty"`         // who opened it: an endpoint and, where known, a user
	Seq       int64         `json:"seq"`                  // of the event that brought it to this form
	CreatedAt time.Time     `json:"created_at"`
	UpdatedAt time.Time     `json:"updated_at"`
	Payments  []PaymentView `json:"payments"`
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
	OutTradeNo string      `json:"out_trade_no"`
	SysSN      string      `json:"syssn"`
	RespCD     string      `json:"respcd"`
	By         string      `json:"by,omitempty"` // who asked for it, as a sale's
	Seq        int64       `json:"seq"`
	CreatedAt  time.Time   `json:"created_at"`
	UpdatedAt  time.Time   `json:"updated_at"`
}

// saleView shows a sale as tills see it.
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
	v.Settle, v.Delivery = s.Settle, s.Delivery
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

// shown is a time as tills see it: UTC, whole seconds, which every date parser takes.
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

func RefundViewOf(f Refund) RefundView {
	v := RefundView{ID: f.ID, Sale: f.Sale, Amount: f.Amount, Currency: f.Currency, State: f.State, Final: f.State.Final(),
		OutTradeNo: f.OutTradeNo, SysSN: f.SysSN, RespCD: f.RespCD, Seq: f.Seq, CreatedAt: Shown(f.CreatedAt), UpdatedAt: Shown(f.UpdatedAt)}
	switch f.State {
	case Refunding:
		v.Message = "The refund is under way. Do not refund again."
	case Refunded:
		v.Message = "Refunded."
	case NotRefunded:
		v.Message = "Not refunded. " + f.Why
	}
	return v
}
