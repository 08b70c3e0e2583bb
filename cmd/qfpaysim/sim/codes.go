package sim

// A category says what kind of answer a response code is.
type category string

const (
	catOK     category = "done"
	catWait   category = "pending"
	catFail   category = "declined"
	catUnsure category = "unsure"  // the text says or implies that nobody knows
	catDup    category = "used"    // the number was used before
	catConfig category = "set-up"  // merchant, store, key or request are wrong
	catBack   category = "refund"  // said of refunds and cancels
	catNone   category = "missing" // no such transaction
)

// Codes are the response codes of QFPay's status-codes page, of its 2017 and 2018 references, and those seen in
// captured answers. Text is ours; QFPay's own wording differs by age, language and channel.
var Codes = []struct {
	Code string
	Cat  category
	Text string
}{
	{"0000", catOK, "success"},
	{"1100", catUnsure, "system under maintenance"},
	{"1101", catBack, "reversal error"},
	{"1102", catDup, "duplicate request"},
	{"1103", catConfig, "request format error"},
	{"1104", catConfig, "request parameter error"},
	{"1105", catConfig, "device not activated"},
	{"1106", catConfig, "invalid device"},
	{"1107", catConfig, "device not allowed"},
	{"1108", catConfig, "signature error"},
	{"1109", catConfig, "encryption error"},
	{"1110", catConfig, "request refused"},
	{"1111", catUnsure, "external service error"},
	{"1112", catUnsure, "internal service error"},
	{"1113", catConfig, "user does not exist"},
	{"1114", catConfig, "user state error"},
	{"1115", catConfig, "merchant does not exist"},
	{"1116", catConfig, "merchant state error"},
	{"1117", catConfig, "merchant not allowed"},
	{"1118", catFail, "transaction type limited"},
	{"1119", catFail, "transaction time limited"},
	{"1120", catFail, "card limited"},
	{"1121", catFail, "currency limited"},
	{"1122", catFail, "amount over the limit"},
	{"1123", catFail, "refused by risk control"},
	{"1124", catFail, "invalid transaction"},
	{"1125", catBack, "already refunded"},
	{"1126", catBack, "original transaction does not match"},
	{"1127", catUnsure, "database error"},
	{"1128", catUnsure, "file system error"},
	{"1131", catUnsure, "channel error"},
	{"1132", catConfig, "key error"},
	{"1133", catConfig, "certificate error"},
	{"1135", catConfig, "terminal key error"},
	{"1136", catNone, "transaction does not exist or cannot be operated"},
	{"1138", catConfig, "session error"},
	{"1140", catConfig, "encryption not supported"},
	{"1141", catConfig, "MAC error"},
	{"1142", catFail, "order closed"},
	{"1143", catWait, "not paid yet, or the password is being entered"},
	{"1144", catFail, "request failed"},
	{"1145", catWait, "processing, please wait"},
	{"1146", catUnsure, "order handling error"},
	{"1147", catFail, "WeChat transaction error"},
	{"1148", catUnsure, "transaction error"},
	{"1150", catBack, "T0 settlement, cancel not supported"},
	{"1151", catFail, "pre-authorisation error"},
	{"1152", catFail, "pre-authorisation not found"},
	{"1153", catFail, "pre-authorisation finished"},
	{"1154", catFail, "pre-authorisation amount error"},
	{"1155", catBack, "refund or revoke denied"},
	{"1161", catUnsure, "result unknown, query it"},
	{"1170", catUnsure, "channel not available"},
	{"1180", catUnsure, "route reset, try again"},
	{"1181", catFail, "order expired"},
	{"1201", catFail, "insufficient balance"},
	{"1202", catFail, "payment code wrong or expired"},
	{"1203", catConfig, "merchant account error"},
	{"1204", catFail, "bank error"},
	{"1205", catFail, "failed, try later"},
	{"1212", catFail, "use an overseas UnionPay code"},
	{"1241", catConfig, "store does not exist or is not active"},
	{"1242", catConfig, "store is not set up"},
	{"1243", catConfig, "store is disabled"},
	{"1250", catConfig, "transaction forbidden"},
	{"1251", catDup, "do not use a duplicate out_trade_no"},
	{"1252", catUnsure, "system error while placing the order"},
	{"1254", catUnsure, "a problem occurred and is being mended"},
	{"1260", catDup, "order is paid already"},
	{"1261", catBack, "order is not paid"},
	{"1262", catBack, "order is refunded"},
	{"1263", catBack, "order is cancelled"},
	{"1264", catBack, "order is closed"},
	{"1265", catBack, "no refunds from 23:30 to 00:30"},
	{"1266", catDup, "amount does not match the order"},
	{"1267", catDup, "data does not match the order"},
	{"1268", catNone, "order does not exist"},
	{"1269", catBack, "not enough unsettled funds to refund"},
	{"1270", catBack, "this currency has no partial refund"},
	{"1271", catBack, "this transaction has no partial refund"},
	{"1272", catBack, "refund is more than is left"},
	{"1294", catFail, "prohibited by the bank"},
	{"1295", catUnsure, "network is slow, waiting for the result"},
	{"1296", catUnsure, "network is slow, try later or another way"},
	{"1297", catUnsure, "bank is busy, try again"},
	{"1298", catUnsure, "network is slow; if paid do not pay again"},
	{"2001", catConfig, "organisation error"},
	{"2002", catConfig, "binding error"},
	{"2003", catConfig, "channel signature error"},
	{"2004", catFail, "insufficient balance"},
	{"2005", catFail, "payment code wrong or expired"},
	{"2006", catFail, "payment code illegal or of another wallet"},
	{"2007", catFail, "customer closed the password box"},
	{"2008", catFail, "bad parameter to the channel"},
	{"2009", catUnsure, "channel connection failed"},
	{"2010", catUnsure, "unknown channel error"},
	{"2011", catDup, "serial number repeats"},
	{"2012", catConfig, "channel certificate error"},
	{"2999", catWait, "refund pending"},
}

var codeIndex = func() map[string]int {
	m := make(map[string]int, len(Codes))
	for i, c := range Codes {
		m[c.Code] = i
	}
	return m
}()

func catOf(code string) category {
	if code == "" {
		return catOK
	}
	if i, ok := codeIndex[code]; ok {
		return Codes[i].Cat
	}
	return catUnsure
}

// textOf is resperr for a code: the Chinese that captures show for the three codes everybody meets, else
// English with the code behind it, as newer answers have.
func textOf(code string) string {
	switch code {
	case "0000":
		return "交易成功"
	case "1143":
		return "订单还未支付，或者正在输入密码中"
	case "1145":
		return "處理中，請稍等(1145)"
	}
	if i, ok := codeIndex[code]; ok {
		return Codes[i].Text + "(" + code + ")"
	}
	return "unknown error(" + code + ")"
}
