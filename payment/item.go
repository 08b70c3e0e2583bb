package payment

import (
	"errors"
	"strconv"
)

// An Item is one transaction in a query's answer, as QFPay keeps it.
type Item struct {
	OutTradeNo string
	SysSN      string
	OrigSysSN  string // of a refund: the payment's syssn
	OrderType  string // "payment" or "refund"; others are not documented any more
	PayType    string
	Amount     int64 // minor units; -1 where it cannot be read
	Currency   string
	TxDTM      string // ours
	SysDTM     string // QFPay's clock, which decides the settlement day
	RespCD     string // 0000 stays even if the payment was reversed or refunded: see Cancel
	Text       string
	Cancel     string // see Finding
	ChnlSN     string
}

// readItem reads one item. What has no name of any kind is no item that we understand.
func readItem(o object) (Item, error) {
	i := Item{
		OutTradeNo: o.text("out_trade_no"), SysSN: o.id("syssn"), OrigSysSN: o.id("origssn"),
		OrderType: o.id("order_type"), PayType: o.id("pay_type"), Currency: o.text("txcurrcd"),
		TxDTM: o.says("txdtm"), SysDTM: o.says("sysdtm"), RespCD: o.code("respcd"), Text: o.says("errmsg"),
		Cancel: o.id("cancel"), ChnlSN: o.id("chnlsn"),
	}
	if i.OutTradeNo == "" && i.SysSN == "" {
		return Item{}, errors.New("an item has no out_trade_no and no syssn")
	}
	var err error
	if i.Amount, err = strconv.ParseInt(o.text("txamt"), 10, 64); err != nil || i.Amount < 0 {
		i.Amount = -1
	}
	return i, nil
}

// answer says what the item tells of the transaction that was asked for (QFPay docs, transaction-enquiry page).
func (i Item) answer(q Query) Answer {
	in := payItem
	if q.Refund {
		in = refundItem
	}
	a := meaning(i.RespCD, in)
	a.RespCD, a.Text, a.SysSN, a.ChnlSN, a.PayType = i.RespCD, i.Text, i.SysSN, i.ChnlSN, i.PayType
	if i.Amount != q.Amount || i.Currency != "" && q.Currency != "" && i.Currency != q.Currency {
		return Answer{Meaning: Unknown, RespCD: i.RespCD, Text: i.Text,
			Alarm: "QFPay has " + strconv.FormatInt(i.Amount, 10) + " " + words(i.Currency, 10) + " under " + q.OutTradeNo +
				" instead of " + strconv.FormatInt(q.Amount, 10) + " " + q.Currency}
	}
	if a.Meaning == Paid {
		switch i.Cancel {
		case "0", "5": // 5 is refunded in part
		case "1", "2", "3":
			a.Meaning = Undone
		default:
			a.Meaning = Unknown
		}
	}
	return a
}

// orderType is what the item that answers the question is called.
func (q Query) orderType() string {
	if q.Refund {
		return "refund"
	}
	return "payment"
}

// otherType says that an item of ours is certainly not what is asked for.
func (q Query) otherType(t string) bool {
	return t != q.orderType() && (t == "payment" || t == "refund" || t == "close")
}

// rank orders what several items of one number say together: money that was taken is a fact, and "not paid" is
// one only if all of them say so.
var rank = map[Meaning]int{Declined: 1, Refused: 1, Misconfigured: 2, Undone: 3, Pending: 4, Unknown: 5, Paid: 6}

// judge finds the question's transaction among the items and says what became of it; false if it is not there.
func (q Query) judge(items []Item) (QueryResult, bool) {
	var f QueryResult
	var alarm string
	seen, paid := false, map[string]bool{}
	for n, i := range items {
		switch {
		case i.OutTradeNo == q.OutTradeNo:
		case q.SysSN != "" && i.SysSN == q.SysSN:
			i.OrderType = "" // whatever it says, it is not understood
			alarm = "QFPay has " + q.SysSN + " under another out_trade_no than " + q.OutTradeNo
		case i.OutTradeNo == "":
			i.OrderType = "" // it may be ours
		default:
			continue
		}
		seen = true
		if q.otherType(i.OrderType) {
			continue
		}
		a := Answer{Meaning: Unknown, RespCD: i.RespCD}
		if i.OrderType == q.orderType() {
			a = i.answer(q)
		}
		if a.Meaning == Paid {
			key := i.SysSN
			if key == "" {
				key = strconv.Itoa(n)
			}
			paid[key] = true
		}
		if alarm == "" {
			alarm = a.Alarm
		}
		if rank[a.Meaning] > rank[f.Meaning] {
			f.Answer, f.Cancel = a, i.Cancel
		}
	}
	if !seen {
		return QueryResult{}, false
	}
	if f.Meaning == "" { // the number is there, but not for what was asked
		f.Meaning = Unknown
		f.Err = errors.New("QFPay knows the number, but not as a " + q.orderType())
	}
	if len(paid) > 1 {
		alarm = "QFPay took " + strconv.Itoa(len(paid)) + " times the money for " + q.OutTradeNo + ": give back what is too much"
	}
	f.Alarm = alarm
	return f, true
}
