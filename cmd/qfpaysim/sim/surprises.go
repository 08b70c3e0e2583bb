package sim

import "time"

const minute = Duration(time.Minute)

func listed(p Plan, l ListPlan) Plan { p.List = &l; return p }

func showing(name, value string) Plan {
	return listed(Plan{Reply: lost}, ListPlan{Show: map[string]string{name: value}})
}

// late is a reversal or close that is accepted and takes effect after some time, whatever happens meanwhile.
func late(code string, after Duration) *CancelPlan {
	return &CancelPlan{Reply: coded(code), Effect: "later", After: after}
}

// surprises are behaviours against every reading of QFPay's pages: what they call final is not, and what they list is
// not all. No client can see through them at once; what it can do is look again.
var surprises = []behaviour{
	{"0100", "revived", "declined (2007) and listed so; the customer completes it 90 s later", Plan{Reply: coded("2007"), Revive: 90 * second}},
	{"0101", "revived-unlisted", "declined (1205) and not listed until the customer completes it 90 s later",
		listed(Plan{Reply: coded("1205"), Revive: 90 * second}, ListPlan{PaidOnly: true})},
	{"0102", "revived-10m", "declined (1147) and listed so; the customer completes it 10 minutes later", Plan{Reply: coded("1147"), Revive: 10 * minute}},
	{"0103", "revived-1201", "declined (1201) and not listed until the customer completes it 3 minutes later",
		listed(Plan{Reply: coded("1201"), Revive: 3 * minute}, ListPlan{PaidOnly: true})},
	{"0104", "revived-closed", "1143; once cancelled it is listed closed (1142); the customer completes it 2 minutes after that",
		Plan{Fate: FatePending, Course: never, Revive: 2 * minute}},

	{"0110", "unsure-1298", "1298 with a syssn; booked and paid 2 minutes later", Plan{Reply: coded("1298"), Fate: FatePaid, Booked: 2 * minute}},
	{"0111", "unsure-1161", "1161 with a syssn; booked and paid 6 minutes later", Plan{Reply: coded("1161"), Fate: FatePaid, Booked: 6 * minute}},
	{"0112", "unsure-1252", "1252 with a syssn; booked 70 s later and paid 30 s after that",
		Plan{Reply: coded("1252"), Fate: FatePending, Course: Course{After: 30 * second}, Booked: 70 * second}},
	{"0113", "late-4m", "no answer; the call reaches QFPay 4 minutes later and is paid then", Plan{Reply: hang, Late: 4 * minute}},
	{"0114", "late-lost-20m", "the connection closes without a byte; the call reaches QFPay 20 minutes later and is paid then", Plan{Reply: lost, Late: 20 * minute}},

	{"0120", "list-lag", "paid and the answer lost; lists show everything 20 s late", listed(Plan{Reply: lost}, ListPlan{Lag: 20 * second})},
	{"0121", "list-lag-3m", "paid and the answer lost; lists show everything 3 minutes late", listed(Plan{Reply: lost}, ListPlan{Lag: 3 * minute})},
	{"0122", "list-flap", "paid and the answer lost; in two lists, out of two, and so on", listed(Plan{Reply: lost}, ListPlan{Flap: 2})},
	{"0123", "list-flap-pending", "1143, paid after 5 s; in one list, out of one, and so on",
		listed(wait(Course{After: 5 * second}), ListPlan{Flap: 1})},
	{"0124", "list-miss", "paid and the answer lost; no list ever has it", listed(Plan{Reply: lost}, ListPlan{Miss: true})},
	{"0125", "list-twice", "paid and the answer lost; lists have it twice", listed(Plan{Reply: lost}, ListPlan{Copies: 1})},

	{"0130", "cancel-none", "paid and the answer lost; listed without cancel", showing("cancel", noField)},
	{"0131", "cancel-null", "paid and the answer lost; listed with cancel null", showing("cancel", nullField)},
	{"0132", "cancel-empty", "paid and the answer lost; listed with an empty cancel", showing("cancel", "")},
	{"0133", "cancel-4", "paid and the answer lost; listed with cancel 4", showing("cancel", "4")},
	{"0134", "cancel-6", "paid and the answer lost; listed with cancel 6", showing("cancel", "6")},
	{"0135", "type-none", "paid and the answer lost; listed without order_type", showing("order_type", noField)},
	{"0136", "type-odd", "paid and the answer lost; listed with order_type pay", showing("order_type", "pay")},
	{"0137", "code-odd", "paid and the answer lost; listed with respcd 8888", showing("respcd", "8888")},
	{"0138", "answer-odd", "paid, answered 8888", Plan{Reply: coded("8888"), Fate: FatePaid}},

	{"0140", "reversal-late", "1143, paid after 8 s; a cancel says 0000 and takes effect 90 s later, paid or not",
		Plan{Fate: FatePending, Course: Course{After: 8 * second}, Cancel: late("0000", 90*second)}},
	{"0141", "reversal-late-10m", "1143, paid after 90 s; a cancel says 1145 and takes effect 10 minutes later, paid or not",
		Plan{Fate: FatePending, Course: Course{After: 90 * second}, Cancel: late("", 10*minute)}},
	{"0142", "cancel-copy", "1143, paid after 90 s; the first cancel is refused (1101) and does nothing, a copy of it comes 5 minutes later",
		Plan{Fate: FatePending, Course: Course{After: 90 * second}, Cancel: &CancelPlan{Effect: "none", Reply: coded("1101"), Again: 5 * minute, Times: 1}}},

	{"0150", "refund-late", "paid; the first refund's answer is lost, and it is done 2 minutes later",
		refunded(RefundPlan{Reply: lost, Late: 2 * minute, Times: 1})},
	{"0151", "refund-late-20m", "paid; the first refund is answered 1296, and done 20 minutes later",
		refunded(RefundPlan{Reply: coded("1296"), Late: 20 * minute, Times: 1})},
	{"0152", "refund-booked-late", "paid; refunds are answered 0000 and booked 90 s later", refunded(RefundPlan{Reply: coded("0000"), Late: 90 * second})},
	{"0153", "refund-1251", "paid; the first refund is answered 1251, not done and never listed", refunded(RefundPlan{Reply: coded("1251"), Times: 1})},
	{"0154", "refund-1251-done", "paid; the first refund is answered 1251, done and never listed",
		refunded(RefundPlan{Reply: coded("1251"), Fate: FatePaid, Times: 1, List: &ListPlan{Miss: true}})},
	{"0155", "refund-unlisted", "paid; refunds are done, answered 0000 and never listed", refunded(RefundPlan{List: &ListPlan{Miss: true}})},
	{"0156", "refund-denied-done", "paid; the first refund is answered 1155, and done 30 s later",
		refunded(RefundPlan{Reply: coded("1155"), Late: 30 * second, Times: 1})},

	{"0160", "fields-signed", "paid; the answer is signed by its sorted fields", faulty("fieldsign")},
}

// Surprises are their names.
func Surprises() []string { return names(surprises) }
