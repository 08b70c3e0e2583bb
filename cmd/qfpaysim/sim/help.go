package sim

import (
	"fmt"
	"strings"
)

// Help is all that the gateway can be told, in plain text.
func Help() string {
	var b strings.Builder
	b.WriteString("The last four digits of the auth code say what happens, unless a script does:\n\n")
	for _, x := range behaviours {
		fmt.Fprintf(&b, "  %s  %-20s %s\n", x.Digits, x.Name, x.Means)
	}
	b.WriteString("  NNNN  code-NNNN            a response code below: answered, nothing charged, queries show it\n")
	b.WriteString(" 9NNNN  charged-NNNN         the same, but the customer is charged and queries show 0000\n")
	b.WriteString(" 8NNNN  absent-NNNN          the same, but queries find nothing\n")
	b.WriteString("  else  pay\n")
	b.WriteString("\nSurprises, against every reading of QFPay's pages:\n\n")
	for _, x := range surprises {
		fmt.Fprintf(&b, "  %s  %-20s %s\n", x.Digits, x.Name, x.Means)
	}
	b.WriteString("\nThe first digits say whose the code is:\n\n")
	for _, w := range Wallets {
		for _, f := range w.codes {
			fmt.Fprintf(&b, "  %-9s %s  cancelled by %-9s %s\n", w.Name, w.PayType, w.Cancels, f)
		}
	}
	b.WriteString("\nControl, JSON without signature:\n\n")
	for _, c := range Controls {
		fmt.Fprintf(&b, "  %-17s %s\n", c.Call, c.Means)
	}
	b.WriteString("\nA script has one of auth_code, out_trade_no or \"next\": true to match by, and\n\n")
	for _, f := range ScriptFields {
		fmt.Fprintf(&b, "  %-13s %s\n", f.Name, f.Means)
	}
	b.WriteString("\nA list, and what it is named in (payment, refund, portal), says how queries list a payment or refund:\n\n")
	for _, f := range ListFields {
		fmt.Fprintf(&b, "  %-13s %s\n", f.Name, f.Means)
	}
	b.WriteString("\nHabits:\n\n")
	for _, f := range HabitFields {
		fmt.Fprintf(&b, "  %-13s %s\n", f.Name, f.Means)
	}
	b.WriteString("\nAnswers are signed:\n\n")
	for _, s := range AnswerSigns {
		fmt.Fprintf(&b, "  %-13s %s\n", s.Name, s.Means)
	}
	b.WriteString("\nDeeds of people outside, of which a call to the portal names one:\n\n")
	for _, f := range DeedFields {
		fmt.Fprintf(&b, "  %-13s %s\n", f.Name, f.Means)
	}
	b.WriteString("\nFaults of an answer:\n\n")
	for _, f := range Faults {
		fmt.Fprintf(&b, "  %-10s %s\n", f.Name, f.Means)
	}
	b.WriteString("\nEffects of a cancel:\n\n")
	for _, e := range Effects {
		fmt.Fprintf(&b, "  %-12s %s\n", or(e.Name, "(none given)"), e.Means)
	}
	b.WriteString("\nResponse codes, and what becomes of a payment that a script or the digits answer with one:\n\n")
	for _, c := range Codes {
		fmt.Fprintf(&b, "  %s  %-8s  %s\n", c.Code, fateOf(c.Code), c.Text)
	}
	return b.String()
}

func (f codeForm) String() string {
	p := strings.Fields(f.prefixes)
	prefix := p[0]
	if len(p) > 1 {
		prefix += "-" + p[len(p)-1]
	}
	if f.min == f.max {
		return fmt.Sprintf("%s, %d digits", prefix, f.min)
	}
	return fmt.Sprintf("%s, %d-%d digits", prefix, f.min, f.max)
}

// Controls are the calls of the control panel.
var Controls = []struct{ Call, Means string }{
	{"GET /sim/ledger", "every payment, refund and customer: state, charges, money kept, calls received"},
	{"POST /sim/script", "adds a script, or a list of them"},
	{"GET /sim/script", "the scripts not used up"},
	{"DELETE /sim/script", "drops them"},
	{"POST /sim/portal", "what people do to the books from outside, see below"},
	{"GET /sim/habits", "what is done to every caller alike"},
	{"POST /sim/habits", "changes what is named: {\"busy\": \"2m\"}"},
	{"POST /sim/reset", "forgets everything"},
	{"GET /sim/clock", "QFPay's time, which answers carry as Date"},
	{"POST /sim/clock", `{"skew": "-8m"}, {"advance": "1h"} or {"now": "2026-01-31T23:59:58+08:00"}`},
	{"GET /sim/help", "this"},
}

// ScriptFields are the fields of a script beside those it matches by.
var ScriptFields = []struct{ Name, Means string }{
	{"do", "the name of a behaviour; the fields below change it"},
	{"on", "payment (default), query, cancel or refund: which call it is about"},
	{"times", "how many calls it is for, default 1, -1 all"},
	{"code", "respcd in place of the true one"},
	{"fault", "what is wrong with the answer"},
	{"status", "HTTP status with a page of HTML in place of an answer"},
	{"delay", `before the answer, like "1m30s"`},
	{"fate", "what becomes of the payment: paid, pending, declined, absent; default by code"},
	{"polls", "queries that see a pending payment pending"},
	{"after", "and the time it stays pending"},
	{"then", "how it ends: paid (default), declined, never"},
	{"then_code", "respcd of a declined one"},
	{"late", "the call reaches QFPay that much later"},
	{"hide", "queries that find nothing at first"},
	{"booked", "answered at once, with a syssn, and in the books that much later"},
	{"revive", "declined or cancelled, it is paid that much later all the same"},
	{"list", `{"lag", "paid_only", "flap", "miss", "copies", "twins", "show"}: how queries list it`},
	{"also", `"attempts": queries list a failed attempt and a refund under the number too`},
	{"query", `{"code", "fault", "status", "delay", "times"}: spoils the first queries for it`},
	{"cancel", `{"effect", "polls", "after", "again", "times", "code", "fault", "status", "delay"}: what reversal and close do`},
	{"refund", `{"fate", "polls", "after", "then", "late", "times", "partial_only", "list", "code", "fault", "status", "delay"}: what refunds do`},
}

// ListFields are the fields of a list.
var ListFields = []struct{ Name, Means string }{
	{"lag", "lists show it as it was that long ago"},
	{"paid_only", "true: no list has it before it is paid; of a refund: done"},
	{"flap", "it is in so many lists, then out of as many, and so on"},
	{"miss", "true: no list ever has it"},
	{"copies", "it is that many times more in the same list"},
	{"twins", "likewise, each with a syssn of its own"},
	{"show", `{"cancel": "4"}: values in place of the true ones; "(none)" leaves a field out, "(null)" is null`},
}

// HabitFields are the fields of habits.
var HabitFields = []struct{ Name, Means string }{
	{"answer_sign", "how answers are signed, see below"},
	{"page_size", "items a page holds, whatever was asked; 0: as asked"},
	{"page_repeats", "true: every page after the last one is the last one again"},
	{"list_lag", "lists show everything as it was that long ago"},
	{"list_misses", "every nth item is left out of lists; 0: none"},
	{"list_empty", "true: lists are empty"},
	{"busy", "for that long from now every call gets HTTP 429 and is not booked"},
	{"status", "every call gets this HTTP status with a web page, and is not booked; 0: none does"},
	{"respcd", "every call gets this code, and is not booked; empty: none does"},
	{"fault", "every answer has this fault, see below; empty: none has"},
}

// DeedFields are the fields of a deed.
var DeedFields = []struct{ Name, Means string }{
	{"refund", "out_trade_no of a payment: give amount of it back, all that is left without one; at any hour, on any day"},
	{"reverse", "out_trade_no: undo it; what was paid goes back, what was not is closed"},
	{"complete", "out_trade_no: the customer pays it after all, declined or closed as it may be"},
	{"sell", "a free out_trade_no: another till is paid amount of currency (HKD) under it"},
	{"relist", "out_trade_no of a payment or refund: queries list it as list says from now on"},
	{"amount", "of the refund or sale, in minor units"},
	{"currency", "of the sale"},
	{"number", "out_trade_no of the refund; without it one is made up"},
	{"quiet", "true: the refund is in no list, only the payment's cancel tells of it"},
	{"list", "see above"},
}
