package payment

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// rank orders what several items of one number say together: money that was taken is a fact, and "not paid" is
// one only if all of them say so.
var rank = map[Meaning]int{Declined: 1, Refused: 1, Misconfigured: 2, Undone: 3, Pending: 4, Unknown: 5, Paid: 6}

// judge finds the query's transaction among the items and says what became of it; false if it is not there.
func (q Query) judge(items []Item) (QueryResult, bool) {
	var f QueryResult
	alarms, paid := map[string]bool{}, map[string]bool{}
	back := q.refunds(items)
	for n, i := range items {
		strange := false
		switch {
		case i.OutTradeNo == q.OutTradeNo:
		case q.SysSN != "" && i.SysSN == q.SysSN:
			strange = true
			alarms["QFPay has "+q.SysSN+" under another out_trade_no than "+q.OutTradeNo] = true
		case i.OutTradeNo == "":
			strange = true // it may be ours
		default:
			continue
		}
		f.Listed = true
		f.Success = f.Success || i.RespCD == "0000"
		if !strange && q.otherType(i.OrderType) {
			continue
		}
		a := Answer{Meaning: Unknown, RespCD: i.RespCD}
		if !strange {
			a = i.answer(q)
		}
		if a.Meaning == Paid {
			paid[cmp.Or(i.SysSN, strconv.Itoa(n))] = true
		}
		if a.Alarm != "" {
			alarms[a.Alarm] = true
		}
		if rank[a.Meaning] > rank[f.Meaning] {
			f.Answer, f.Cancel = a, i.Cancel
		}
	}
	for _, amount := range back {
		f.Listed = true
		f.Refunded += amount
	}
	if !f.Listed {
		return QueryResult{}, false
	}
	if f.Meaning == "" { // the number is there, but not for what was asked
		f.Meaning = Unknown
		f.Err = errors.New("QFPay knows the number, but not as a " + q.orderType())
	}
	if len(paid) > 1 {
		alarms["QFPay took "+strconv.Itoa(len(paid))+" times the money for "+q.OutTradeNo+": give back what is too much"] = true
	}
	f.Alarm = strings.Join(slices.Sorted(maps.Keys(alarms)), "; ")
	return f, true
}

// refunds are what the refunds that point to the payment in question gave back: 0 where they did not succeed, yet.
func (q Query) refunds(items []Item) map[string]int64 {
	if q.Refund {
		return nil
	}
	ours := map[string]bool{q.SysSN: true}
	for _, i := range items {
		if i.OutTradeNo == q.OutTradeNo && i.OrderType == "payment" && i.RespCD == "0000" {
			ours[i.SysSN] = true
		}
	}
	back := map[string]int64{}
	for n, i := range items {
		if i.OrderType != "refund" || i.OrigNumber != q.OutTradeNo && (i.OrigSysSN == "" || !ours[i.OrigSysSN]) {
			continue
		}
		key := cmp.Or(i.SysSN, i.OutTradeNo, strconv.Itoa(n))
		back[key] = 0
		if i.RespCD == "0000" {
			back[key] = max(i.Amount, 0)
		}
	}
	return back
}
