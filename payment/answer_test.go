package payment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func wantOrder() echo {
	return echo{outTradeNo: order.OutTradeNo, amount: order.Amount, currency: order.Currency}
}

// Promise: "paid" is believed only with everything that belongs to it.
func TestPaidNeedsItsWholeEcho(t *testing.T) {
	change := func(name string, v any) string { return with(t, paidBody, map[string]any{name: v}) }
	for name, tt := range map[string]struct {
		body  string
		want  Meaning
		alarm bool
	}{
		"as it should be":           {paidBody, Paid, false},
		"amount as a number":        {change("txamt", 100), Paid, false},
		"no currency":               {change("txcurrcd", nil), Paid, false},
		"empty currency":            {change("txcurrcd", ""), Paid, false},
		"unknown fields":            {change("surcharge", map[string]any{"fee": []int{1}}), Paid, false},
		"odd text fields":           {with(t, paidBody, map[string]any{"resperr": 7, "respmsg": true, "chnlsn": []int{}, "syssn": nil}), Paid, false},
		"empty code_url":            {change("code_url", ""), Paid, false},
		"other amount":              {change("txamt", "101"), Unknown, true},
		"other amount, number":      {change("txamt", 10), Unknown, true},
		"amount not an integer":     {strings.Replace(paidBody, `"100"`, `100.0`, 1), Unknown, true},
		"amount with a zero before": {change("txamt", "0100"), Unknown, true},
		"other number":              {change("out_trade_no", "T20260101000002"), Unknown, true},
		"number in other case":      {change("out_trade_no", "t20260101000001"), Unknown, true},
		"other currency":            {change("txcurrcd", "EUR"), Unknown, true},
		"odd currency":              {change("txcurrcd", []string{"HKD"}), Unknown, true},
		"no amount":                 {change("txamt", nil), Unknown, true},
		"no number":                 {change("out_trade_no", ""), Unknown, true},
		"a code to scan":            {change("qrcode", "https://qr.alipay.com/bax0"), Unknown, true},
		"a page to pay at":          {change("pay_url", "https://pay"), Unknown, true},
		"an MPM pay type":           {change("pay_type", "800101"), Unknown, true},
		"everything in data":        {`{"respcd":"0000","respmsg":"success","data":` + paidBody + `}`, Unknown, true},
		"respcd 0":                  {change("respcd", 0), Unknown, false},
		"respcd padded":             {change("respcd", " 0000"), Unknown, false},
		"respcd a list":             {change("respcd", []string{"0000"}), Unknown, false},
		"respcd true":               {change("respcd", true), Unknown, false},
		"no respcd":                 {change("respcd", nil), Unknown, false},
		"respcd in capitals":        {strings.Replace(paidBody, `"respcd"`, `"RESPCD"`, 1), Unknown, false},
		"respcd 1143 as a number":   {change("respcd", 1143), Pending, false},
		"declined, other number":    {with(t, paidBody, map[string]any{"respcd": "1202", "out_trade_no": "T9"}), Unknown, true},
		"declined, bare":            {`{"respcd":"1202","resperr":"expired"}`, Declined, false},
		"bare 0000":                 {strings.Replace(paidBody, `"0000"`, `0000`, 1), Unknown, false},
		"a field twice":             {strings.Replace(paidBody, `{`, `{"respcd":"1143",`, 1), Unknown, false},
		"a field twice, escaped":    {strings.Replace(paidBody, `{`, `{"resp\u0063d":"1143",`, 1), Unknown, false},
		"byte order mark":           {"\ufeff" + paidBody, Unknown, false},
		"not UTF-8":                 {strings.Replace(paidBody, "success", "\xbd\xbb", 1), Unknown, false},
		"two objects":               {paidBody + paidBody, Unknown, false},
		"half":                      {paidBody[:len(paidBody)/2], Unknown, false},
		"a list":                    {"[" + paidBody + "]", Unknown, false},
		"a string":                  {`"0000"`, Unknown, false},
		"null":                      {"null", Unknown, false},
		"HTML":                      {"<html>502 Bad Gateway</html>", Unknown, false},
		"nothing":                   {"", Unknown, false},
		"deep":                      {strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000), Unknown, false},
	} {
		a := replied(200, tt.body).answer(payAnswer, wantOrder())
		if a.Meaning != tt.want || (a.Alarm != "") != tt.alarm {
			t.Errorf("%s: %+v instead of %s, alarm %t", name, a, tt.want, tt.alarm)
		}
	}
}

func TestHTTPStatusDecidesWhatIsBelieved(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		want   Meaning
		alarm  bool
	}{
		{200, paidBody, Paid, false},
		{201, paidBody, Paid, false},
		{302, paidBody, Unknown, false},
		{400, paidBody, Unknown, true},
		{429, paidBody, Unknown, false},
		{500, paidBody, Unknown, false},
		{503, `{"respcd":"1202"}`, Unknown, false},
		{429, `{"respcd":"1202"}`, Unknown, false},
		{400, `{"respcd":"1202"}`, Declined, false},
		{401, `{"respcd":"1108"}`, Misconfigured, true},
		{400, `{"respcd":"1143"}`, Pending, false},
		{429, "<html>slow down</html>", Unknown, false},
		{502, "<html>bad gateway</html>", Unknown, false},
	} {
		a := replied(tt.status, tt.body).answer(payAnswer, wantOrder())
		if a.Throttled != (tt.status == 429) {
			t.Errorf("HTTP %d, %.20s: refused at the door: %t", tt.status, tt.body, a.Throttled)
		}
		if a.Meaning != tt.want || (a.Alarm != "") != tt.alarm {
			t.Errorf("HTTP %d, %.20s: %+v instead of %s, alarm %t", tt.status, tt.body, a, tt.want, tt.alarm)
		}
	}
}

func TestForgedAnswersAreNeverBelieved(t *testing.T) {
	for _, c := range []string{"0000", "1143", "1202", "1108", "1251"} {
		r := reply{sent: true, status: 200}
		r.read(&signer{key: testKey}, http.Header{"X-Qf-Sign": {seal5("another")}}, []byte(with(t, paidBody, map[string]any{"respcd": c})), scrubber(nil))
		a := r.answer(payAnswer, wantOrder())
		if a.Meaning != Unknown || a.Alarm == "" || a.SysSN != "" {
			t.Errorf("%s with a wrong signature: %+v", c, a)
		}
		if p := r.page(); len(p.items) != 0 || p.top.Meaning != Unknown || p.top.Alarm == "" {
			t.Errorf("query answered %s with a wrong signature: %+v", c, p)
		}
	}
}

// An answer that cannot be read and has a wrong signature is an alarm as one that can be.
func TestForgedAndUnreadable(t *testing.T) {
	for body, want := range map[string]string{"<html>": "", `{"respcd":"1202","resperr":"expired"}`: `"1202"`} {
		r := reply{sent: true, status: 200}
		r.read(&signer{key: testKey}, http.Header{"X-Qf-Sign": {seal5("another")}}, []byte(body), scrubber(nil))
		a := r.answer(payAnswer, wantOrder())
		if a.Meaning != Unknown || !strings.HasPrefix(a.Alarm, wrongSignature) || !strings.Contains(a.Alarm, want) || (a.Err == nil) == (want == "") {
			t.Errorf("%s: %+v", body, a)
		}
	}
}

// A refund is believed with its own number or with the payment's syssn; a payment with its number alone.
func TestWhatNamesARefund(t *testing.T) {
	sale, back := wantOrder(), wantOrder()
	back.origSysSN = undoing.SysSN
	for _, tt := range []struct {
		name   string
		in     column
		want   echo
		change map[string]any
		means  Meaning
	}{
		{"refund, both", refundAnswer, back, map[string]any{"orig_syssn": undoing.SysSN}, Paid},
		{"refund, its number", refundAnswer, back, nil, Paid},
		{"refund, the payment's syssn", refundAnswer, back, map[string]any{"out_trade_no": nil, "orig_syssn": undoing.SysSN}, Paid},
		{"refund, another's syssn", refundAnswer, back, map[string]any{"orig_syssn": "9"}, Unknown},
		{"refund, neither", refundAnswer, back, map[string]any{"out_trade_no": nil}, Unknown},
		{"refund, no amount", refundAnswer, back, map[string]any{"orig_syssn": undoing.SysSN, "txamt": nil}, Unknown},
		{"payment, a syssn of something", payAnswer, sale, map[string]any{"out_trade_no": nil, "orig_syssn": undoing.SysSN}, Unknown},
	} {
		a := replied(200, with(t, paidBody, tt.change)).answer(tt.in, tt.want)
		if a.Meaning != tt.means || (a.Alarm != "") != (tt.means == Unknown) {
			t.Errorf("%s: %+v", tt.name, a)
		}
	}
}

func TestAnswersKeepWhatIsNeededLater(t *testing.T) {
	a := replied(200, with(t, paidBody, map[string]any{"respcd": "1143", "resperr": "处理中\n processing\u0007", "respmsg": "wait"})).answer(payAnswer, wantOrder())
	want := Answer{Meaning: Pending, RespCD: "1143", Text: "处理中 processing; wait", SysSN: "20260101000100020000000001",
		ChnlSN: "4200000384201907223585006133", PayType: "800108"}
	if a != want {
		t.Errorf("%+v instead of %+v", a, want)
	}
}

// An answer that does not say what became of the payment, but carries a number that QFPay gave it: QFPay has it, and no
// empty list may say otherwise later.
func TestUnclearAnswerWithANumber(t *testing.T) {
	for _, code := range []string{"1298", "1161", "1252", "1296", "1254"} {
		body := with(t, paidBody, map[string]any{"respcd": code})
		if a := replied(200, body).answer(payAnswer, wantOrder()); a.Meaning != Unknown || a.SysSN == "" {
			t.Errorf("%s: %+v", code, a)
		}
	}
}

// What names something is kept as it is, and what cannot be a name is left out; words for people are cut, and say so.
func TestWhatIsKeptOfAnswers(t *testing.T) {
	long := strings.Repeat("9", 128)
	for got, want := range map[string]string{long: long, long + "9": "", "a~b": "a~b", "a b": "", "a\x7f": "", "付": ""} {
		if a := replied(200, with(t, paidBody, map[string]any{"syssn": got})).answer(payAnswer, wantOrder()); a.SysSN != want || a.Meaning != Paid {
			t.Errorf("syssn %q is kept as %q", got, a.SysSN)
		}
	}
	said := strings.Repeat("付", 200)
	for got, want := range map[string]string{said: said, said + "款": said + "..."} {
		if a := replied(200, with(t, paidBody, map[string]any{"resperr": got})).answer(payAnswer, wantOrder()); a.Text != want {
			t.Errorf("%d characters are kept as %q", len([]rune(got)), a.Text)
		}
	}
}

// FuzzAnswer: no body makes a payment paid unless an independent reading agrees, and none makes it panic.
func FuzzAnswer(f *testing.F) {
	cases, _ := examples(f)
	for _, c := range cases {
		f.Add(200, []byte(c.Response))
	}
	for _, s := range []string{paidBody, paidBody[:60], `{"respcd":0000}`, `{"respcd":"0000","respcd":"1143"}`, `{"respcd":"1202"}`, "\ufeff{}", "[]"} {
		f.Add(200, []byte(s))
		f.Add(500, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := replied(status, string(body))
		a := r.answer(payAnswer, wantOrder())
		switch a.Meaning {
		case Paid:
			mustBePaid(t, status, body)
		case Declined, Misconfigured:
			if a.Confirm < 1 {
				t.Errorf("%s without a query that agrees", a.Meaning)
			}
		case Pending, Unknown, Duplicate, NotFound:
		default:
			t.Errorf("a payment cannot mean %q", a.Meaning)
		}
		if a.Meaning != Declined && a.Meaning != Misconfigured && (a.Confirm != 0 || a.FreshCode) {
			t.Errorf("odd %+v", a)
		}
		for _, in := range []column{cancelAnswer, refundAnswer} {
			if m := r.answer(in, wantOrder()).Meaning; m == "" || m == NotSent {
				t.Errorf("meaning %q", m)
			}
		}
	})
}

func mustBePaid(t *testing.T, status int, body []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil || !utf8.Valid(body) || status < 200 || status > 299 {
		t.Fatalf("paid by HTTP %d %q", status, body)
	}
	currency := fmt.Sprint(o["txcurrcd"])
	if o["respcd"] != "0000" || o["out_trade_no"] != order.OutTradeNo || fmt.Sprint(o["txamt"]) != "100" ||
		currency != "HKD" && currency != "" && currency != "<nil>" || o["qrcode"] != nil && o["qrcode"] != "" {
		t.Fatalf("paid by %q", body)
	}
}
