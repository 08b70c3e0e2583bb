package payment

import "strings"

// The table of response codes: what each says of the money, by where it stands. Codes and their wording are from
// QFPay's status-codes page and, for those it no longer lists, the appendix of its 2017 and Japan (2018) references.
//
// QFPay says that every code but 0000, 1143 and 1145 means "failed". The wording of several contradicts that
// ("if paid, do not pay again", "result unknown"), and some are used for more than one thing (1251 is a store that
// is set up wrongly, and also a number that was used before). So a code is taken for final only where no reading
// of it leaves money moved, and even then a query has to agree ([Answer.Confirm]).
//
// The columns: the answer to a payment; a payment item in a query; the answer to a reversal or close; the answer
// to a refund. A refund item in a query reads the refund column, see refundItem. What is not listed is Unknown.
type code struct {
	pay, item, cancel, refund Meaning
	flags                     flag
	says                      string
}

type flag uint8

const (
	fresh flag = 1 << iota // the same customer may try again with another code
	twice                  // two queries have to agree
	later                  // the refund may be accepted at another time
	alarm                  // a person has to look
	soft                   // the customer may still complete the order, see below
)

// Soft are the codes whose wording leaves the order open at the wallet, so that the customer may pay it minutes after
// the shop was told "failed", and a second time with the next code: the password box was closed or the password was
// wrong (2007, 1147), a failure without a reason or that may pass by itself (1144, 1204, 1205), the customer's bank
// refused, and the wallet lets another card be chosen (1294), the network or the bank was slow (1295, 1296, 1297, 1298:
// "if it was paid, do not pay again"). Not soft are those that say that no order was made or that it is closed: a code
// that is wrong, expired or another wallet's, a balance or limit that does not allow it, an order that has expired.

type row struct {
	codes string
	code
}

var codes = table([]row{
	{"0000", code{Paid, Paid, Undone, Paid, 0, "success"}},

	// In progress.
	{"1143", code{Pending, Pending, Pending, Pending, 0, "not paid yet, or the customer is typing the password"}},
	{"1145", code{Pending, Pending, Pending, Pending, 0, "being processed"}},
	{"1261", code{Pending, Pending, Unknown, Refused, 0, "not paid"}},
	{"2999", code{Pending, Pending, Pending, Pending, 0, "pending"}},

	// This code or wallet cannot pay.
	{"1118 1119 1120 1121 1122 1123", code{Declined, Declined, Unknown, Unknown, fresh, "risk control or a limit of the wallet"}},
	{"1124", code{Declined, Declined, Refused, Refused, 0, "invalid transaction, or a refund on the same day that is not full"}},
	{"1142", code{Declined, Undone, Undone, Refused, fresh, "the order is closed"}},
	{"1144", code{Declined, Declined, Unknown, Unknown, fresh | soft, "request failed, or the code of another wallet"}},
	{"1147", code{Declined, Declined, Unknown, Unknown, fresh | soft, "WeChat transaction error, such as a wallet that is not supported"}},
	{"1181", code{Declined, Declined, Unknown, Unknown, fresh, "the order expired"}},
	{"1201 2004", code{Declined, Declined, Unknown, Unknown, fresh, "insufficient balance"}},
	{"1202 2005", code{Declined, Declined, Unknown, Unknown, fresh, "the customer's code is wrong or expired"}},
	{"1204", code{Declined, Declined, Unknown, Unknown, fresh | twice | soft, "bank error"}},
	{"1205", code{Declined, Declined, Unknown, Unknown, fresh | twice | soft, "failed, try again later"}},
	{"1212", code{Declined, Declined, Unknown, Unknown, fresh, "an overseas UnionPay code is needed"}},
	{"1250", code{Declined, Declined, Refused, Refused, 0, "forbidden"}},
	{"1294", code{Declined, Declined, Unknown, Unknown, fresh | soft, "prohibited by the bank"}},
	{"2006", code{Declined, Declined, Unknown, Unknown, fresh, "illegal code, or the code of another wallet"}},
	{"2007", code{Declined, Declined, Unknown, Unknown, fresh | soft, "the customer closed the password box"}},
	{"2008", code{Declined, Declined, Unknown, Unknown, 0, "bad parameter to the wallet"}},

	// Somebody has to mend the setup.
	{"1103 1104", code{Misconfigured, Misconfigured, Refused, Refused, 0, "format or parameter error, or the pay_type is not enabled for the merchant"}},
	{"1105 1106 1107", code{Misconfigured, Misconfigured, Misconfigured, Misconfigured, 0, "the device is not activated, invalid or not allowed"}},
	{"1108", code{Misconfigured, Misconfigured, Misconfigured, Misconfigured, alarm, "signature error: check url, app code, client key and signature"}},
	{"1109 1110 1132 1133 1135 1138 1140 1141", code{Misconfigured, Misconfigured, Misconfigured, Misconfigured, 0, "setup or key error"}},
	{"1113 1114 1115 1116 1117", code{Misconfigured, Misconfigured, Misconfigured, Misconfigured, 0, "the user or merchant is not in a state to trade"}},
	{"1203", code{Misconfigured, Misconfigured, Misconfigured, Misconfigured, 0, "merchant account error"}},
	{"1241 1242 1243", code{Misconfigured, Misconfigured, Misconfigured, Misconfigured, 0, "the store is missing, set up wrongly or disabled"}},
	{"2001 2002 2003", code{Misconfigured, Misconfigured, Misconfigured, Misconfigured, 0, "organisation, binding or signature error"}},
	{"2012", code{Misconfigured, Misconfigured, Misconfigured, Misconfigured, 0, "certificate of the wallet's channel is set up wrongly"}},

	// The number was used before. It may be paid.
	{"1102", code{Duplicate, Unknown, Unknown, Duplicate, 0, "duplicate request"}},
	{"1251", code{Duplicate, Unknown, Unknown, Duplicate, 0, "out_trade_no was used before, or the store is set up wrongly"}},
	{"1260", code{Duplicate, Unknown, Refused, Unknown, 0, "already paid"}},
	{"1266 1267", code{Duplicate, Unknown, Refused, Refused, alarm, "the amount or other data does not match the order"}},
	{"2011", code{Duplicate, Unknown, Unknown, Duplicate, 0, "serial number was used before"}},

	// No such order, yet. In an item, which is one, that is nonsense.
	{"1136", code{NotFound, Unknown, NotFound, Refused, 0, "the transaction does not exist or cannot be operated on"}},
	{"1268", code{NotFound, Unknown, NotFound, Refused, 0, "the order does not exist"}},

	// Of cancels and refunds.
	{"1101", code{Unknown, Unknown, Refused, Unknown, 0, "reversal error"}},
	{"1125", code{Unknown, Unknown, Undone, Refused, 0, "already refunded"}},
	{"1126", code{Unknown, Unknown, Refused, Refused, 0, "the original does not match"}},
	{"1150", code{Unknown, Unknown, Refused, Refused, 0, "cancelling is not supported (T0)"}},
	{"1155", code{Unknown, Unknown, Refused, Refused, 0, "refund or cancel denied"}},
	{"1262", code{Unknown, Undone, Undone, Refused, 0, "the order is refunded"}},
	{"1263", code{Unknown, Undone, Undone, Refused, 0, "the order is cancelled"}},
	{"1264", code{Unknown, Undone, Undone, Refused, 0, "the order is closed"}},
	{"1265", code{Unknown, Unknown, Refused, Refused, later, "refunds are not possible between 23:30 and 00:30, during a promotion or after the time limit"}},
	{"1269", code{Unknown, Unknown, Unknown, Refused, later, "not enough unsettled funds to refund"}},
	{"1270 1271", code{Unknown, Unknown, Unknown, Refused, 0, "part of this cannot be refunded, only the whole"}},
	{"1272", code{Unknown, Unknown, Unknown, Refused, 0, "more than is left to refund"}},

	// The money may be anywhere.
	{"1100", code{Unknown, Unknown, Unknown, Unknown, 0, "maintenance"}},
	{"1111 1112 1127 1128", code{Unknown, Unknown, Unknown, Unknown, 0, "service error at QFPay"}},
	{"1131", code{Unknown, Unknown, Unknown, Unknown, 0, "channel error"}},
	{"1146", code{Unknown, Unknown, Unknown, Unknown, 0, "error while the order was handled"}},
	{"1148", code{Unknown, Unknown, Unknown, Unknown, 0, "undocumented"}},
	{"1151 1152 1153 1154", code{Unknown, Unknown, Unknown, Unknown, 0, "pre-authorisation"}},
	{"1161", code{Unknown, Unknown, Unknown, Unknown, 0, "result unknown"}},
	{"1170 1180", code{Unknown, Unknown, Unknown, Unknown, 0, "channel unavailable"}},
	{"1252 1254", code{Unknown, Unknown, Unknown, Unknown, 0, "system error at QFPay"}},
	{"1295 1298", code{Unknown, Unknown, Unknown, Unknown, soft, "slow network; if it was paid, do not pay again"}},
	{"1296", code{Unknown, Unknown, Unknown, Unknown, soft, "slow network, try later or another way"}},
	{"1297", code{Unknown, Unknown, Refused, Unknown, soft, "the bank is busy, or cancelling is not supported"}},
	{"2009 2010", code{Unknown, Unknown, Unknown, Unknown, 0, "connection failure or unknown error at the wallet"}},
})

// AlreadyPaid is the code of a refused Cancel whose payment QFPay calls paid: a query will say so.
const AlreadyPaid = "1260"

func table(rows []row) map[string]code {
	m := make(map[string]code)
	for _, r := range rows {
		for _, c := range strings.Fields(r.codes) {
			if _, ok := m[c]; ok {
				panic("payment: code " + c + " is in the table twice")
			}
			m[c] = r.code
		}
	}
	return m
}

// Failed reports whether a payment that is listed with the code took no money and will take none, as far as the code
// tells.
func Failed(respCD string) bool {
	m := codes[respCD].item
	return m == Declined || m == Misconfigured || m == Undone
}

// Explain returns in English what a response code means, for people; "" for a code that is not documented.
func Explain(respCD string) string { return codes[respCD].says }

// A column is one kind of answer: a code does not mean the same in all of them.
type column int

const (
	payAnswer column = iota
	payItem
	cancelAnswer
	refundAnswer
	refundItem
)

// in reads the table. A refund item of a query failed for certain where a payment item would have.
func (c code) in(kind column) Meaning {
	switch kind {
	case payAnswer:
		return c.pay
	case payItem:
		return c.item
	case cancelAnswer:
		return c.cancel
	case refundItem:
		switch {
		case c.refund == Unknown && c.item == Declined:
			return Refused
		case c.refund == Duplicate:
			return Unknown
		}
	}
	return c.refund
}

// meaning gives what a response code says: the Meaning and what belongs to it. The caller has yet to compare the
// echo before it believes Paid.
func meaning(respCD string, in column) Answer {
	c, ok := codes[respCD]
	if !ok {
		return Answer{Meaning: Unknown}
	}
	a := Answer{Meaning: c.in(in), Soft: c.flags&soft != 0 && (in == payAnswer || in == payItem)}
	switch a.Meaning {
	case Declined, Misconfigured:
		a.Confirm = 1
		if c.flags&twice != 0 {
			a.Confirm = 2
		}
		a.FreshCode = c.flags&fresh != 0
	case Refused:
		a.RetryLater = c.flags&later != 0
	}
	if c.flags&alarm != 0 {
		a.Alarm = "QFPay answers " + respCD + ": " + c.says
	}
	return a
}
