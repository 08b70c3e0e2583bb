package payment

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each documented or captured answer, served over HTTP to the request that belongs to it. Requests are made from
// the answer where the docs pair it with another transaction.
func TestDocumentedAnswers(t *testing.T) {
	cases, _ := examples(t)
	byID := map[string]example{}
	for _, c := range cases {
		byID[c.ID] = c
	}
	pay := func(number string, amount int64, currency string) func(*Client) Answer {
		return func(c *Client) Answer {
			o := order
			o.OutTradeNo, o.Amount, o.Currency = number, amount, currency
			return c.Pay(t.Context(), o)
		}
	}
	find := func(number, sysSN string, amount int64, currency string, refund bool) func(*Client) Answer {
		return func(c *Client) Answer {
			q := question
			q.OutTradeNo, q.SysSN, q.Amount, q.Currency, q.Refund = number, sysSN, amount, currency, refund
			return c.Query(t.Context(), q).Answer
		}
	}
	giveBack := func(number, sysSN string, amount int64, currency string) func(*Client) Answer {
		return func(c *Client) Answer {
			o := refund
			o.OutTradeNo, o.SysSN, o.Amount, o.Currency = number, sysSN, amount, currency
			return c.Refund(t.Context(), o)
		}
	}
	cancel := func(number, sysSN, payType string, amount int64, currency string) func(*Client) Answer {
		return func(c *Client) Answer {
			u := undoing
			u.OutTradeNo, u.SysSN, u.PayType, u.Amount, u.Currency = number, sysSN, payType, amount, currency
			return c.Cancel(t.Context(), u)
		}
	}
	for _, tt := range []struct {
		id    string
		call  func(*Client) Answer
		want  Meaning
		alarm bool
	}{
		{"cpm_payment_doc", pay("201907221520536a25477909", 10, "EUR"), Paid, false},
		{"cpm_payment_doc", pay("Native201907221520536a25477909", 10, "HKD"), Unknown, true}, // the page's own pair
		{"signed_response_vector", pay("130145934788787530052", 1, "CNY"), Paid, false},
		{"signed_response_vector", pay("130145934788787530052", 100, "CNY"), Unknown, true},
		{"cpm_payment_jpn", pay("1301459478787530052", 1, "CNY"), Paid, false},
		{"cpm_payment_2017", pay("57003579", 10, "HKD"), Paid, false},
		{"filter_error_1104_2017", pay("T1", 10, "HKD"), Misconfigured, false},
		{"mpm_payment_mirror", pay("01234567890123", 10, "EUR"), Unknown, true},
		{"payme_mpm_2022", pay("16565588217444950016", 200, "HKD"), Unknown, true},
		{"response_format_page", pay("20231101000001", 100, "HKD"), Unknown, true},

		{"query_after_payment_2017", find("57003579", "", 10, "HKD", false), Paid, false},
		{"query_after_payment_2017", find("57003579", "", 11, "HKD", false), Unknown, true},
		{"query_after_reversal_2017", find("57003579", "", 10, "HKD", false), Undone, false},
		{"query_original_after_refund_2017", find("98654216", "", 10, "HKD", false), Undone, false},
		{"query_refund_item_2017", find("98654216", "", 10, "HKD", false), Unknown, false},
		{"query_refund_item_2017", find("98654216", "", 10, "HKD", true), Paid, false},
		{"query_pending_1145_2017", find("TEST001", "", 10, "HKD", false), Pending, false},
		{"query_pending_1143_jpn", find("923500563158", "", 1, "CNY", false), Pending, false},
		{"query_paid_mirror", find("CHZ7D61JN1ANJF2R2K1I7TXP2JTCEWBL", "", 10, "EUR", false), Paid, false},
		{"query_paid_2023", find("YOUR_ORDER_001", "", 100, "HKD", false), Paid, false},
		{"query_paid_2023", find("YOUR_ORDER_001", "", 100, "EUR", false), Unknown, true},
		{"query_paid_2023", find("MY_ORDER_001", "20230423000200020088888888", 100, "HKD", false), Unknown, true},
		{"query_paid_2023", find("MY_ORDER_001", "", 100, "HKD", false), NotFound, false},
		{"query_partly_refunded_2025", find("TG250729L00037", "", 41820, "HKD", false), Paid, false},

		{"refund_2017", giveBack("98654216", "201709060902990042326663", 10, "HKD"), Paid, false},
		{"refund_ok_void_2024", giveBack("0705Test", "20240705180500020000018229", 1000000, "HKD"), Paid, false},
		{"refund_doc", giveBack("12345678", "20191227000200020061752831", 10, "EUR"), Unknown, true}, // the page's own pair
		{"refund_doc", giveBack("RGNOEIVU9JZLNP9GGYXWXCW7OEMI720F", "20191227000200020061752831", 10, "EUR"), Paid, false},
		{"duplicate_number_1251", giveBack("T1", "20250515155400020058710384", 26910, "HKD"), Unknown, true},
		{"refund_1269_balance", giveBack("0704Test_2_biiei2eo2i_1", "20240704180500020000018223", 10, "HKD"), Refused, false},
		{"refund_1124_same_day_partial", giveBack("0705Test", "20240705180500020000018229", 10, "HKD"), Refused, false},
		{"refund_again_1264", giveBack("c", "20240703155300020040434464", 10, "HKD"), Refused, false},
		{"refund_pending_2999_2017", giveBack("qfpay_alipay999920170609191636", "201706090901990033885758", 1, "HKD"), Pending, false},

		{"reversal_2017", cancel("57003579", "201709060902990042326492", "800108", 10, "HKD"), Undone, false},
		{"reversal_doc", cancel("4MDGEJ7L496LAAU1V1HBY9HMOGWZWLXQ", "", "800108", 2500, "EUR"), Undone, false},
		{"close_jpn", cancel("T1", "20180112000100020001659801", "800208", 1, "CNY"), Undone, false},
		{"close_jpn", cancel("T1", "20180724000200020076667504", "800208", 1, "CNY"), Unknown, true}, // the page's own pair
	} {
		e, ok := byID[tt.id]
		if !ok {
			t.Errorf("no example %s", tt.id)
			continue
		}
		body, key := string(e.Response), Secret(testKey)
		if e.ResponseRaw != "" {
			body, key = e.ResponseRaw, Secret(e.ClientKey)
		}
		g := serve(t, func(w http.ResponseWriter, path string, _ url.Values) {
			if e.ResponseSign != "" {
				w.Header().Set("X-QF-SIGN", e.ResponseSign)
			}
			w.Write([]byte(body))
		})
		got := tt.call(newTestClient(t, g.url, func(c *Config) { c.ClientKey = key }))
		if got.Meaning != tt.want || (got.Alarm != "") != tt.alarm {
			t.Errorf("%s: %+v instead of %s, alarm %t", tt.id, got, tt.want, tt.alarm)
		}
	}
}

// What goes out, checked by a server that knows the rules and not our code.
func TestRequestsAsDocumented(t *testing.T) {
	type seen struct{ Path, Body, Sign, Code, Type string }
	var got []seen
	g := &gateway{}
	s := newRecorder(t, func(r *http.Request, body string) {
		got = append(got, seen{r.URL.Path, body, r.Header.Get("X-QF-SIGNTYPE"), r.Header.Get("X-QF-APPCODE"), r.Header.Get("Content-Type")})
		f, _ := url.ParseQuery(body)
		if want := (&signer{key: testKey, algorithm: "SHA256"}).sign(plain(f)); r.Header.Get("X-QF-SIGN") != want {
			t.Errorf("%s: signature %s instead of %s", r.URL.Path, r.Header.Get("X-QF-SIGN"), want)
		}
		if r.ContentLength != int64(len(body)) || len(r.TransferEncoding) != 0 || r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("%s: Content-Length %d, Transfer-Encoding %v, Accept-Encoding %q", r.URL.Path, r.ContentLength, r.TransferEncoding, r.Header.Get("Accept-Encoding"))
		}
	})
	g.url = s
	for _, mchID := range []string{"R1zQrTdJnn", ""} {
		got = nil
		c := newTestClient(t, g.url, func(c *Config) { c.Signature, c.MchID = "SHA256", mchID })
		c.Pay(t.Context(), order)
		c.Cancel(t.Context(), undoing)
		u := undoing
		u.PayType, u.SysSN = "800208", ""
		c.Cancel(t.Context(), u)
		c.Refund(t.Context(), refund)
		c.Query(t.Context(), question)
		m := ""
		if mchID != "" {
			m = "mchid=" + mchID + "&"
		}
		const form = "application/x-www-form-urlencoded; charset=UTF-8"
		want := []seen{
			{"/trade/v1/payment", "auth_code=134676275354204254&" + m + "out_trade_no=T20260101000001&pay_type=800008&txamt=100&txcurrcd=HKD&txdtm=2026-01-01+12%3A00%3A00&udid=till-01", "SHA256", testApp, form},
			{"/trade/v1/reversal", m + "out_trade_no=T20260101000001&syssn=20260101000100020000000001&txamt=100&txdtm=2026-01-01+12%3A00%3A00", "SHA256", testApp, form},
			{"/trade/v1/close", m + "out_trade_no=T20260101000001&txamt=100&txdtm=2026-01-01+12%3A00%3A00", "SHA256", testApp, form},
			{"/trade/v1/refund", m + "out_trade_no=R20260101000001&syssn=20260101000100020000000001&txamt=100&txdtm=2026-01-01+13%3A00%3A00", "SHA256", testApp, form},
			{"/trade/v1/query", m + "out_trade_no=T20260101000001&page=1&page_size=100", "SHA256", testApp, form},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("mchid %q: %s", mchID, diff)
		}
	}
}

func TestCancelAnswers(t *testing.T) {
	const sysSN = `"syssn":"20260101000100020000000002"`
	for _, tt := range []struct {
		body  string
		code  int
		want  Meaning
		alarm bool
	}{
		{`{"respcd":"0000",` + sysSN + `}`, 200, Undone, false},
		{`{"respcd":"0000",` + sysSN + `}`, 400, Unknown, true},
		{`{"respcd":"0000"}`, 200, Refused, false},
		{`{"respcd":"0000","txamt":"99",` + sysSN + `}`, 200, Unknown, true},
		{`{"respcd":"0000","out_trade_no":"T2",` + sysSN + `}`, 200, Unknown, true},
		{`{"respcd":"0000","orig_syssn":"2",` + sysSN + `}`, 200, Unknown, true},
		{`{"respcd":"1143"}`, 200, Pending, false},
		{`{"respcd":"1260"}`, 200, Refused, false},
		{`{"respcd":"1263"}`, 200, Undone, false},
		{`{"respcd":"1297"}`, 200, Refused, false},
		{`{"respcd":"1136"}`, 200, NotFound, false},
		{`{"respcd":"1205"}`, 200, Unknown, false},
		{`oops`, 200, Unknown, false},
	} {
		a := newTestClient(t, says(t, tt.code, tt.body).url).Cancel(t.Context(), undoing)
		if a.Meaning != tt.want || (a.Alarm != "") != tt.alarm || a.SysSN != "" {
			t.Errorf("HTTP %d %s: %+v instead of %s, alarm %t", tt.code, tt.body, a, tt.want, tt.alarm)
		}
	}
}

func TestCancelOfWhatCannotBeCancelled(t *testing.T) {
	g := says(t, 200, `{"respcd":"0000"}`)
	u := undoing
	u.PayType = "805808"
	a := newTestClient(t, g.url).Cancel(t.Context(), u)
	if a.Meaning != Refused || a.RespCD != "" || g.requests.Load() != 0 {
		t.Errorf("%+v after %s requests", a, strconv.Itoa(int(g.requests.Load())))
	}
}
