package payment

import (
	"fmt"
	"strings"
	"testing"
)

// published are all codes of QFPay's status-codes page and its older lists, by what they say of a payment.
const published = `
OK 0000
WAIT 1143 1145 1261 2999
FAIL 1118 1119 1120 1121 1122 1123 1124 1142 1144 1147 1181 1201 1202 1212 1250 1294 2004 2005 2006 2007 2008
FAIL2 1204 1205
CFG 1103 1104 1105 1106 1107 1108 1109 1110 1113 1114 1115 1116 1117 1132 1133 1135 1138 1140 1141 1203 1241 1242 1243 2001 2002 2003 2012
DUP 1102 1251 1260 1266 1267 2011
NONE 1136 1268
UNK 1100 1111 1112 1127 1128 1131 1146 1148 1151 1152 1153 1154 1161 1170 1180 1252 1254 1295 1296 1297 1298 2009 2010
REF 1101 1125 1126 1150 1155 1262 1263 1264 1265 1269 1270 1271 1272
`

func codeSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, c := range strings.Fields(s) {
		m[c] = true
	}
	return m
}

// Every code from 0000 to 9999 in every kind of answer, against lists that are not the table.
func TestEveryCode(t *testing.T) {
	category := map[string]string{}
	for line := range strings.Lines(published) {
		f := strings.Fields(line)
		for i := 1; i < len(f); i++ {
			category[f[i]] = f[0]
		}
	}
	if len(category) != len(codes) {
		t.Errorf("%d codes are published, %d in the table", len(category), len(codes))
	}
	fresh := codeSet("1118 1119 1120 1121 1122 1123 1142 1144 1147 1181 1201 1202 1204 1205 1212 1294 2004 2005 2006 2007")
	soft := codeSet("1144 1147 1204 1205 1294 1295 1296 1297 1298 2007")
	alarms := codeSet("1108 1266 1267")
	undoneItem := codeSet("1142 1262 1263 1264")
	cancelled := codeSet("0000 1125 1142 1262 1263 1264")
	cancelRefused := codeSet("1101 1103 1104 1124 1126 1150 1155 1250 1260 1265 1266 1267 1297")
	refundRefused := codeSet("1103 1104 1124 1125 1126 1136 1142 1150 1155 1250 1261 1262 1263 1264 1265 1266 1267 1268 1269 1270 1271 1272")
	pending := codeSet("1143 1145 2999")
	for n := range 10000 {
		c := fmt.Sprintf("%04d", n)
		cat := category[c]
		pay := map[string]Answer{
			"OK": {Meaning: Paid}, "WAIT": {Meaning: Pending}, "DUP": {Meaning: Duplicate}, "NONE": {Meaning: NotFound},
			"FAIL":  {Meaning: Declined, Confirm: 1, FreshCode: fresh[c]},
			"FAIL2": {Meaning: Declined, Confirm: 2, FreshCode: fresh[c]},
			"CFG":   {Meaning: Misconfigured, Confirm: 1},
		}[cat]
		if pay.Meaning == "" {
			pay.Meaning = Unknown
		}
		pay.Soft = soft[c]
		item := pay
		switch {
		case undoneItem[c]:
			item = Answer{Meaning: Undone}
		case item.Meaning == Duplicate || item.Meaning == NotFound:
			item = Answer{Meaning: Unknown}
		}
		cancel, refund := Answer{Meaning: Unknown}, Answer{Meaning: Unknown}
		switch {
		case cancelled[c]:
			cancel.Meaning = Undone
		case cancelRefused[c]:
			cancel.Meaning, cancel.RetryLater = Refused, c == "1265"
		case pending[c]:
			cancel.Meaning = Pending
		case cat == "NONE":
			cancel.Meaning = NotFound
		case cat == "CFG":
			cancel = Answer{Meaning: Misconfigured, Confirm: 1}
		}
		switch {
		case cat == "OK":
			refund.Meaning = Paid
		case refundRefused[c]:
			refund.Meaning, refund.RetryLater = Refused, c == "1265" || c == "1269"
		case pending[c]:
			refund.Meaning = Pending
		case cat == "DUP" && c != "1260":
			refund.Meaning = Duplicate
		case cat == "CFG":
			refund = Answer{Meaning: Misconfigured, Confirm: 1}
		}
		listedRefund := refund // in a query: failed for certain where a payment would have
		switch {
		case refund.Meaning == Duplicate:
			listedRefund = Answer{Meaning: Unknown}
		case refund.Meaning == Unknown && item.Meaning == Declined:
			listedRefund = Answer{Meaning: Refused}
		}
		for _, tt := range []struct {
			name string
			in   column
			want Answer
		}{{"payment", payAnswer, pay}, {"item", payItem, item}, {"cancel", cancelAnswer, cancel}, {"refund", refundAnswer, refund}, {"refund item", refundItem, listedRefund}} {
			got := meaning(c, tt.in)
			if (got.Alarm != "") != alarms[c] {
				t.Errorf("%s in a %s answer: alarm %q", c, tt.name, got.Alarm)
			}
			got.Alarm = ""
			if got != tt.want {
				t.Errorf("%s in a %s answer: %+v instead of %+v", c, tt.name, got, tt.want)
			}
		}
		if m := item.Meaning; Failed(c) != (m == Declined || m == Misconfigured || m == Undone) {
			t.Errorf("%s, listed as %s: failed %t", c, m, Failed(c))
		}
		if (Explain(c) != "") != (cat != "") {
			t.Errorf("%s is explained as %q", c, Explain(c))
		}
	}
}

func TestCodesThatAreNone(t *testing.T) {
	for _, c := range []string{"", "0", "00", "00000", " 0000", "0000 ", "OK", "null", "０００0"} {
		for _, in := range []column{payAnswer, payItem, cancelAnswer, refundAnswer, refundItem} {
			if got := meaning(c, in); got != (Answer{Meaning: Unknown}) {
				t.Errorf("%q: %+v", c, got)
			}
		}
	}
}

// Whatever an item can mean has its place when several items of one number are weighed.
func TestEveryItemHasARank(t *testing.T) {
	for c := range codes {
		for _, in := range []column{payItem, refundItem} {
			if m := meaning(c, in).Meaning; rank[m] == 0 {
				t.Errorf("%s: an item that means %s is not ranked", c, m)
			}
		}
	}
}
