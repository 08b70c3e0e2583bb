package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A behaviour is a plan with a name, chosen by a script's "do" or by the last digits of an auth code.
type behaviour struct {
	Digits string // the last four of the auth code
	Name   string
	Means  string
	plan   Plan
}

const second = Duration(time.Second)

var (
	lost   = Reply{Fault: "lost"}
	hang   = Reply{Fault: "hang"}
	never  = Course{Then: FateNever}
	after2 = Course{Polls: 2}
)

func wait(c Course) Plan { return Plan{Fate: FatePending, Course: c} }
func faulty(fault string) Plan {
	return Plan{Reply: Reply{Fault: fault}}
}
func cancelled(c CancelPlan) Plan { return Plan{Fate: FatePending, Course: never, Cancel: &c} }
func refunded(r RefundPlan) Plan  { return Plan{Refund: &r} }
func coded(code string) Reply     { return Reply{Code: code} }

// behaviours are what four digits can ask for. Help and docs/qfpaysim.md print this table.
var behaviours = []behaviour{
	{"0000", "pay", "pays at once", Plan{}},

	{"0001", "pending-1143", "1143, two queries say 1143, then paid", wait(after2)},
	{"0002", "pending-1145", "1145, two queries say 1145, then paid", Plan{Reply: coded("1145"), Fate: FatePending, Course: after2}},
	{"0003", "pending-5s", "1143, paid after 5 s", wait(Course{After: 5 * second})},
	{"0004", "pending-declined", "1143, two queries say 1143, then 2007: the customer closed the password box",
		wait(Course{Polls: 2, Then: FateDeclined, ThenCode: "2007"})},
	{"0005", "never", "1143 until it is cancelled", wait(never)},
	{"0006", "pending-closed-45s", "1143, closed by the wallet after 45 s (1142)", wait(Course{After: 45 * second, Then: FateDeclined})},
	{"0007", "pending-30s", "1143, paid after 30 s", wait(Course{After: 30 * second})},
	{"0008", "pending-90s", "1143, paid after 90 s", wait(Course{After: 90 * second})},
	{"0009", "pending-10", "1143, ten queries say 1143, then paid", wait(Course{Polls: 10})},

	{"0010", "lost", "paid, the connection closes without a byte", Plan{Reply: lost}},
	{"0011", "cut", "paid, the connection closes after half of the answer", faulty("cut")},
	{"0012", "dropped", "never reaches QFPay, the connection closes without a byte", Plan{Reply: lost, Fate: FateAbsent}},
	{"0013", "hang", "paid, no answer until the client leaves", Plan{Reply: hang}},
	{"0014", "hang-dropped", "never reaches QFPay, no answer until the client leaves", Plan{Reply: hang, Fate: FateAbsent}},
	{"0015", "lost-pending", "1143 whose answer is lost, two queries say 1143, then paid", Plan{Reply: lost, Fate: FatePending, Course: after2}},
	{"0016", "lost-never", "1143 whose answer is lost, until it is cancelled", Plan{Reply: lost, Fate: FatePending, Course: never}},
	{"0017", "late", "no answer; the call reaches QFPay 50 s later and is paid then", Plan{Reply: hang, Late: 50 * second}},
	{"0018", "lost-declined", "declined (1202) and the answer is lost", Plan{Reply: lost, Fate: FateDeclined, Course: Course{ThenCode: "1202"}}},

	{"0020", "slow-5s", "paid, answered after 5 s", Plan{Reply: Reply{Delay: 5 * second}}},
	{"0021", "slow-35s", "paid, answered after 35 s", Plan{Reply: Reply{Delay: 35 * second}}},
	{"0022", "http-500", "paid, HTTP 500", Plan{Reply: Reply{Status: 500}}},
	{"0023", "http-500-dropped", "never booked, HTTP 500", Plan{Reply: Reply{Status: 500}, Fate: FateAbsent}},
	{"0024", "http-502", "paid, HTTP 502", Plan{Reply: Reply{Status: 502}}},
	{"0025", "http-503-dropped", "never booked, HTTP 503", Plan{Reply: Reply{Status: 503}, Fate: FateAbsent}},
	{"0026", "http-429", "never booked, HTTP 429", Plan{Reply: Reply{Status: 429}, Fate: FateAbsent}},
	{"0027", "http-504-30s", "paid, HTTP 504 after 30 s", Plan{Reply: Reply{Status: 504, Delay: 30 * second}}},

	{"0030", "bad-signature", "paid, X-QF-SIGN does not match", faulty("badsign")},
	{"0031", "no-signature", "paid, no X-QF-SIGN", faulty("nosign")},
	{"0032", "wrong-amount", "paid, the answer has another txamt", faulty("amount")},
	{"0033", "wrong-number", "paid, the answer has another out_trade_no", faulty("number")},
	{"0034", "garbage", "paid, the answer is a page of HTML", faulty("garbage")},
	{"0035", "truncated", "paid, the answer is half of its JSON", faulty("truncated")},
	{"0036", "forged", "declined (1202), but the answer says 0000 with a wrong signature",
		Plan{Reply: Reply{Code: "0000", Fault: "badsign"}, Fate: FateDeclined, Course: Course{ThenCode: "1202"}}},
	{"0037", "wrong-currency", "paid, the answer has another txcurrcd", faulty("currency")},
	{"0038", "empty", "paid, the answer has no body", faulty("nobody")},
	{"0039", "bare-code", "paid, respcd is the number 0", faulty("bare")},

	{"0040", "hidden", "paid and the answer lost; two queries find nothing, then paid", Plan{Reply: lost, Hide: 2}},
	{"0041", "hidden-pending", "1143; two queries find nothing, two say 1143, then paid", Plan{Fate: FatePending, Course: after2, Hide: 2}},
	{"0042", "query-500", "paid and the answer lost; three queries get HTTP 500",
		Plan{Reply: lost, Query: &QueryPlan{Reply{Status: 500}, 3}}},
	{"0043", "query-1100", "paid and the answer lost; three queries say 1100", Plan{Reply: lost, Query: &QueryPlan{coded("1100"), 3}}},
	{"0044", "query-lost", "paid and the answer lost; three queries are lost too", Plan{Reply: lost, Query: &QueryPlan{lost, 3}}},
	{"0045", "query-bad-signature", "paid and the answer lost; two queries are signed wrongly",
		Plan{Reply: lost, Query: &QueryPlan{Reply{Fault: "badsign"}, 2}}},
	{"0046", "attempts", "paid and the answer lost; queries list a failed attempt and a refund under the number too",
		Plan{Reply: lost, Also: "attempts"}},
	{"0047", "attempts-never", "1143 until it is cancelled; queries list a failed attempt and a refund under the number too",
		Plan{Fate: FatePending, Course: never, Also: "attempts"}},
	{"0048", "query-hang", "1143, then paid; the first query hangs until the client leaves",
		Plan{Fate: FatePending, Query: &QueryPlan{hang, 1}}},
	{"0049", "query-wrong-amount", "paid and the answer lost; queries show another amount",
		Plan{Reply: lost, Query: &QueryPlan{Reply{Fault: "amount"}, -1}}},

	{"0050", "cancel-race", "1143; the customer pays just before the cancel lands: WeChat gives it back, Alipay says 1260",
		cancelled(CancelPlan{Effect: "race"})},
	{"0051", "cancel-kept", "1143; the customer pays just before the cancel lands, which says 1260", cancelled(CancelPlan{Effect: "kept"})},
	{"0052", "cancel-returned", "1143; the customer pays just before the cancel lands, which gives it back", cancelled(CancelPlan{Effect: "returned"})},
	{"0053", "cancel-unsupported", "1143 for ever; the cancel says 1297 without syssn", cancelled(CancelPlan{Effect: "unsupported"})},
	{"0054", "cancel-1150", "1143 for ever; the cancel says 1150 (T0)", cancelled(CancelPlan{Effect: "unsupported", Reply: coded("1150")})},
	{"0055", "cancel-lost", "1143; the first cancel is done but its answer lost", cancelled(CancelPlan{Reply: lost, Times: 1})},
	{"0056", "cancel-dropped", "1143; the first cancel is not done and its answer lost", cancelled(CancelPlan{Reply: lost, Effect: "none", Times: 1})},
	{"0057", "cancel-later", "1143; the cancel says 1145 and is done after two queries", cancelled(CancelPlan{Effect: "later", Polls: 2})},
	{"0058", "cancel-500", "1143; the first cancel gets HTTP 500 and is not done", cancelled(CancelPlan{Reply: Reply{Status: 500}, Effect: "none", Times: 1})},
	{"0059", "cancel-overtaken", "1143; the cancel says 0000, yet the customer is charged 5 s later",
		cancelled(CancelPlan{Effect: "overtaken", After: 5 * second})},
	{"0060", "cancel-ignored", "1143 for ever; the cancel says 0000 and does nothing", cancelled(CancelPlan{Effect: "none"})},
	{"0061", "cancel-race-lost", "1143; the customer pays just before the cancel lands, whose answer is lost",
		cancelled(CancelPlan{Effect: "race", Reply: lost, Times: 1})},

	{"0070", "refund-pending", "paid; a refund says 1143, done after two queries", refunded(RefundPlan{Fate: FatePending, Polls: 2})},
	{"0071", "refund-2999", "paid; a refund says 2999, done after two queries", refunded(RefundPlan{Reply: coded("2999"), Polls: 2})},
	{"0072", "refund-denied", "paid; a refund says 1143, refused (1155) after two queries",
		refunded(RefundPlan{Fate: FatePending, Polls: 2, Then: FateDeclined})},
	{"0073", "refund-lost", "paid; the first refund is done but its answer lost", refunded(RefundPlan{Reply: lost, Times: 1})},
	{"0074", "refund-dropped", "paid; the first refund is not done and its answer lost", refunded(RefundPlan{Reply: lost, Fate: FateAbsent, Times: 1})},
	{"0075", "refund-1265", "paid; the first refund says 1265", refunded(RefundPlan{Reply: coded("1265"), Times: 1})},
	{"0076", "refund-1269", "paid; the first refund says 1269", refunded(RefundPlan{Reply: coded("1269"), Times: 1})},
	{"0077", "refund-1270", "paid; partial refunds say 1270", refunded(RefundPlan{Reply: coded("1270"), PartialOnly: true})},
	{"0078", "refund-1271", "paid; partial refunds say 1271", refunded(RefundPlan{Reply: coded("1271"), PartialOnly: true})},
	{"0079", "refund-1155", "paid; refunds say 1155", refunded(RefundPlan{Reply: coded("1155")})},
	{"0080", "refund-500", "paid; the first refund is done but answered HTTP 500", refunded(RefundPlan{Reply: Reply{Status: 500}, Times: 1})},
	{"0081", "refund-never", "paid; a refund says 1143 for ever", refunded(RefundPlan{Fate: FatePending, Then: FateNever})},
}

// Behaviour is the plan that a name stands for: one of the table, "code-NNNN", "charged-NNNN" or "absent-NNNN".
func Behaviour(name string) (Plan, error) {
	for _, b := range everything {
		if b.Name == name {
			return b.named(), nil
		}
	}
	for prefix, fate := range map[string]Fate{"code-": "", "charged-": FatePaid, "absent-": FateAbsent} {
		if code, ok := strings.CutPrefix(name, prefix); ok {
			p := Plan{Reply: coded(code), Fate: fate, name: name}
			if catOf(code) == catWait && fate == "" {
				p.Then = FateNever
			}
			return p, p.check()
		}
	}
	return Plan{}, fmt.Errorf("sim: no behaviour %q; GET /sim/help lists them", name)
}

// Behaviours are the names of the first table, in which QFPay keeps to some reading of its pages; Surprises are the others.
func Behaviours() []string { return names(behaviours) }

func names(table []behaviour) []string {
	all := make([]string, len(table))
	for i, b := range table {
		all[i] = b.Name
	}
	return all
}

// everything is both tables.
var everything = slices.Concat(behaviours, surprises)

func (b behaviour) named() Plan {
	p := b.plan.clone()
	p.name = b.Name
	return p
}

// byDigits reads what an auth code asks for: its last four digits are in the table, or are a response code
// (with a 9 before it: charged all the same; with an 8: QFPay keeps no record). All other codes pay at once.
func byDigits(code string) Plan {
	if len(code) < 5 {
		return Plan{name: "pay"}
	}
	last := code[len(code)-4:]
	for _, b := range everything {
		if b.Digits == last {
			return b.named()
		}
	}
	if _, ok := codeIndex[last]; ok {
		p, err := Behaviour(map[byte]string{'9': "charged-", '8': "absent-"}[code[len(code)-5]] + last)
		if err != nil {
			p, _ = Behaviour("code-" + last)
		}
		return p
	}
	return Plan{name: "pay"}
}

// AuthCode makes a code of a wallet ("alipay", "wechat", "unionpay", "payme") that asks for a behaviour; n makes
// it unique. It panics on names that are not there.
func AuthCode(wallet, name string, n int) string {
	p, err := Behaviour(name)
	if err != nil {
		panic(err)
	}
	digits := "0" + p.Code
	for _, b := range everything {
		if b.Name == name {
			digits = "0" + b.Digits
		}
	}
	switch {
	case strings.HasPrefix(name, "charged-"):
		digits = "9" + p.Code
	case strings.HasPrefix(name, "absent-"):
		digits = "8" + p.Code
	}
	for _, w := range Wallets {
		if w.Name == wallet {
			f := w.codes[0]
			size := max(f.min, 18)
			return fmt.Sprintf("%s%0*d%s", f.prefixes[len(f.prefixes)-2:], size-7, n, digits)
		}
	}
	panic("sim: no wallet " + wallet)
}
