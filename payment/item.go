package payment

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
)

// An Item is one transaction in a query's answer, as QFPay keeps it.
type Item struct {
	OutTradeNo string
	SysSN      string // may be missing from refunds
	OrigSysSN  string // of a refund: the payment's syssn, where QFPay tells it
	OrigNumber string // of a refund: the payment's out_trade_no, where QFPay tells it
	OrderType  string // "payment" or "refund"; others are not documented any more
	PayType    string
	Amount     int64 // minor units; -1 where it cannot be read
	Currency   string
	TxDTM      string // ours
	SysDTM     string // QFPay's clock, which decides the settlement day
	RespCD     string // 0000 stays even if the payment was reversed or refunded: see Cancel
	Text       string
	Cancel     string // see QueryResult
	ChnlSN     string
}

// readItem reads one item. What has no name of any kind is no item that we understand.
func readItem(o object) (Item, error) {
	i := Item{
		OutTradeNo: o.text("out_trade_no"), SysSN: o.id("syssn"), OrigSysSN: cmp.Or(o.id("origssn"), o.id("orig_syssn")), OrigNumber: o.text("orig_out_trade_no"),
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

// answer returns what the item tells of the transaction that was asked for (QFPay docs, transaction-enquiry page).
func (i Item) answer(q Query) Answer {
	in := payItem
	if q.Refund {
		in = refundItem
	}
	a := meaning(i.RespCD, in)
	a.RespCD, a.Text, a.SysSN, a.ChnlSN, a.PayType = i.RespCD, i.Text, i.SysSN, i.ChnlSN, i.PayType
	unknown := func(alarm string) Answer {
		return Answer{Meaning: Unknown, RespCD: i.RespCD, Text: i.Text, Alarm: alarm}
	}
	switch {
	case i.OrderType != q.orderType():
		return unknown(i.oddity("order_type", i.OrderType))
	case i.Amount != q.Amount || i.Currency != "" && q.Currency != "" && i.Currency != q.Currency:
		return unknown(fmt.Sprintf("QFPay lists %s with %s instead of %d minor units of %s; look it up in QFPay's portal", q.OutTradeNo, i.Sum(), q.Amount, q.Currency))
	case Explain(i.RespCD) == "":
		return unknown(i.oddity("respcd", i.RespCD))
	case a.Meaning != Paid:
		return a
	}
	switch i.Cancel {
	case "0", "5": // 5 is refunded in part
	case "1", "2", "3":
		a.Meaning = Undone
	default:
		return unknown(i.oddity("cancel", i.Cancel))
	}
	return a
}

// Sum is the amount in words.
func (i Item) Sum() string {
	switch {
	case i.Amount < 0:
		return "an amount that is not understood"
	case i.Currency == "":
		return fmt.Sprintf("%d minor units", i.Amount)
	}
	return fmt.Sprintf("%d minor units of %s", i.Amount, words(i.Currency, 10))
}

// oddity is an alarm about a value that no page of QFPay explains. It is the same each time, so that it can be
// said once.
func (i Item) oddity(name, value string) string {
	return fmt.Sprintf("QFPay lists %s with %s %q, which is not understood; look it up in QFPay's portal", words(i.OutTradeNo, 40), name, words(value, 40))
}

// orderType is what the item that answers the question is called.
func (q Query) orderType() string {
	if q.Refund {
		return "refund"
	}
	return "payment"
}

// otherType reports whether an item of ours is certainly not what is asked for.
func (q Query) otherType(t string) bool {
	return t != q.orderType() && (t == "payment" || t == "refund" || t == "close")
}
