package payment

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// newRecorder shows each request and answers with pending.
func newRecorder(t *testing.T, see func(r *http.Request, body string)) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		see(r, string(b))
		io.WriteString(w, `{"respcd":"1143","data":[]}`)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// plain is the text that a form's signature is over.
func plain(f url.Values) string {
	var b []string
	for _, k := range slices.Sorted(maps.Keys(f)) {
		b = append(b, k+"="+f.Get(k))
	}
	return strings.Join(b, "&")
}

func TestConfiguration(t *testing.T) {
	good := Config{URL: "https://openapi-hk.qfapi.com", AppCode: testApp, ClientKey: testKey}
	change := func(f func(*Config)) Config { c := good; f(&c); return c }
	at := func(url string) Config { return change(func(c *Config) { c.URL = url }) }
	for name, tt := range map[string]struct {
		Config
		want string // part of the error; empty: none
	}{
		"good":               {good, ""},
		"slash":              {at("https://openapi-hk.qfapi.com/"), ""},
		"loopback":           {at("http://127.0.0.1:9000"), ""},
		"loopback by name":   {at("http://localhost:9000"), ""},
		"loopback, IPv6":     {at("http://[::1]:9000"), ""},
		"SHA256":             {change(func(c *Config) { c.Signature = "SHA256" }), ""},
		"no url":             {at(""), "empty"},
		"no scheme":          {at("openapi-hk.qfapi.com"), "https://"},
		"not an address":     {at("https://:::"), "not an address"},
		"http":               {at("http://openapi-hk.qfapi.com"), "loopback"},
		"http, looks like":   {at("http://127.0.0.1.example.com"), "loopback"},
		"ftp":                {at("ftp://127.0.0.1"), "https://"},
		"user":               {at("https://user:CANARY@openapi-hk.qfapi.com"), "user name"},
		"broken with a user": {at("https://user:CANARY@openapi-hk.qfapi.com:x"), "not an address"},
		"path":               {at("https://openapi-hk.qfapi.com/trade/v1/payment"), "only the host"},
		"query":              {at("https://openapi-hk.qfapi.com?key=CANARY"), "only the host"},
		"no app code":        {change(func(c *Config) { c.AppCode = "" }), "app code"},
		"no key":             {change(func(c *Config) { c.ClientKey = "" }), "client key"},
		"key with a newline": {change(func(c *Config) { c.ClientKey = "CANARY\n" }), "client key"},
		"key with a ~":       {change(func(c *Config) { c.ClientKey = "~!" }), ""},
		"mchid with a space": {change(func(c *Config) { c.MchID = " 1" }), "mchid"},
		"mchid with a field": {change(func(c *Config) { c.MchID = "M1&txamt=1" }), "mchid"},
		"signature":          {change(func(c *Config) { c.Signature = "sha1" }), "SHA256"},
		"negative":           {change(func(c *Config) { c.Answer = -1 }), "negative"},
	} {
		c, err := New(tt.Config)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.want == "":
			c.Close()
		case err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "more than the host", "only the host"), tt.want):
			t.Errorf("%s: error %v does not say %q", name, err, tt.want)
		case strings.Contains(err.Error(), "CANARY"):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is wrong by our own rules costs no request.
// What is left out is what docs/configuration.md says.
func TestDefaultLimits(t *testing.T) {
	c, err := New(Config{URL: "https://openapi-hk.qfapi.com", AppCode: testApp, ClientKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.answer != 40*time.Second || c.query != 10*time.Second || c.location.String() != "+08:00" {
		t.Errorf("answer within %s, a query's within %s, in %s", c.answer, c.query, c.location)
	}
}

func TestWrongRequestsAreNotSent(t *testing.T) {
	g := says(t, 200, paidBody)
	c := newTestClient(t, g.url)
	for name, f := range map[string]func(*PaymentRequest){
		"no number":             func(o *PaymentRequest) { o.OutTradeNo = "" },
		"a comma in the number": func(o *PaymentRequest) { o.OutTradeNo = "T1,T2" },
		"a long number":         func(o *PaymentRequest) { o.OutTradeNo = strings.Repeat("1", 33) },
		"nothing to pay":        func(o *PaymentRequest) { o.Amount = 0 },
		"less":                  func(o *PaymentRequest) { o.Amount = -1 },
		"too much":              func(o *PaymentRequest) { o.Amount = MaxAmount + 1 },
		"small letters":         func(o *PaymentRequest) { o.Currency = "hkd" },
		"no code":               func(o *PaymentRequest) { o.AuthCode = "" },
		"a code with a newline": func(o *PaymentRequest) { o.AuthCode += "\n" },
		"a long code":           func(o *PaymentRequest) { o.AuthCode = AuthCode(strings.Repeat("1", 129)) },
		"no time":               func(o *PaymentRequest) { o.TxDTM = "" },
		"a day without time":    func(o *PaymentRequest) { o.TxDTM = "2026-01-01" },
		"Octopus":               func(o *PaymentRequest) { o.PayType = "803701" },
		"FPS":                   func(o *PaymentRequest) { o.PayType = "802001" },
		"shown by the shop":     func(o *PaymentRequest) { o.PayType = "800101" },
		"a line break as udid":  func(o *PaymentRequest) { o.UDID = "a\nb" },
		"a field as udid":       func(o *PaymentRequest) { o.UDID = "till&txamt=1" },
		"an = in the udid":      func(o *PaymentRequest) { o.UDID = "till=1" },
		"a long udid":           func(o *PaymentRequest) { o.UDID = strings.Repeat("1", 41) },
		"a field as code":       func(o *PaymentRequest) { o.AuthCode = "280438849930815813&txamt=1" },
		"a script as code":      func(o *PaymentRequest) { o.AuthCode = "<script>alert(1)</script>" },
	} {
		o := order
		f(&o)
		if a := c.Pay(t.Context(), o); a.Meaning != NotSent || a.Err == nil || a.Alarm == "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	o := refund
	o.SysSN = ""
	if a := c.Refund(t.Context(), o); a.Meaning != NotSent || a.Err == nil {
		t.Errorf("refund of nothing: %+v", a)
	}
	o.SysSN = "1&txamt=1"
	if a := c.Refund(t.Context(), o); a.Meaning != NotSent || a.Err == nil {
		t.Errorf("refund of more than one: %+v", a)
	}
	u := undoing
	u.TxDTM = ""
	if a := c.Cancel(t.Context(), u); a.Meaning != NotSent || a.Err == nil {
		t.Errorf("cancel without a time: %+v", a)
	}
	if n := g.requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestPayTypes(t *testing.T) {
	for code, tt := range map[string]struct {
		known, cancel bool
		wallet        string
	}{
		"800008": {true, true, ""}, "800108": {true, true, "alipay"}, "800208": {true, true, "wechat"},
		"801008": {true, true, "wechat"}, "805808": {true, false, "payme"}, "800708": {true, false, "unionpay"},
		"804208": {true, false, "grabpay"}, "800101": {false, false, "alipay"}, "805814": {false, false, "payme"},
		"803701": {false, false, ""}, "802001": {false, false, ""}, "801801": {false, false, ""}, "802808": {false, false, ""},
		"": {false, false, ""}, "8001": {false, false, ""}, "8001080": {false, false, ""},
	} {
		if KnownPayType(code) != tt.known || CanCancel(code) != tt.cancel || Wallet(code) != tt.wallet {
			t.Errorf("%q: known %t, can cancel %t, wallet %q", code, KnownPayType(code), CanCancel(code), Wallet(code))
		}
	}
}

// A pay type that cannot take a code at the counter is refused with the reason.
func TestPayTypesSayWhyNot(t *testing.T) {
	for code, want := range map[string]string{"803701": "Octopus", "801801": "pre-authorisation", "802808": "card terminals",
		"800101": "show a code for the customer to scan", "800102": "not in QFPay's table", "8001001": "not in QFPay's table", "": "not in QFPay's table"} {
		if err := CheckPayType(code); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "800008") {
			t.Errorf("%q: %v", code, err)
		}
	}
}

// The smallest and the largest of what QFPay takes is sent.
func TestRequestsAtTheLimitsAreSent(t *testing.T) {
	for _, f := range []func(*PaymentRequest){
		func(o *PaymentRequest) { o.Amount = 1 }, func(o *PaymentRequest) { o.Amount = MaxAmount },
		func(o *PaymentRequest) { o.OutTradeNo = strings.Repeat("1", 32) }, func(o *PaymentRequest) { o.UDID = strings.Repeat("1", 40) },
		func(o *PaymentRequest) { o.AuthCode = AuthCode(strings.Repeat("1", MaxAuthCode)) },
	} {
		o := order
		f(&o)
		g := says(t, 200, `{"respcd":"1143"}`)
		if a := newTestClient(t, g.url).Pay(t.Context(), o); a.Meaning != Pending || g.requests.Load() != 1 {
			t.Errorf("%+v: %+v", o, a)
		}
	}
}

// Which endpoint cancels what, for the whole table: the wrong one leaves a payment standing that is thought to be
// closed, or gives back one that should stand.
func TestCancelGoesWhereItsPayTypeSays(t *testing.T) {
	want := map[string]string{"800008": "close", "800108": "reversal", "800208": "close", "801008": "close"}
	for _, code := range strings.Fields("805808 800708 801208 801408 801908 803008 803108 803208 803308 803808 804008 804108 804208 805208") {
		want[code] = ""
	}
	for _, p := range PayTypes {
		endpoint, ok := want[p.Code]
		if !ok {
			t.Errorf("%s is in the table, and not in the test", p.Code)
		}
		delete(want, p.Code)
		var went string
		g := serve(t, func(w http.ResponseWriter, path string, _ url.Values) {
			went = path
			io.WriteString(w, `{"respcd":"0000","syssn":"9"}`)
		})
		u := undoing
		u.PayType = p.Code
		a := newTestClient(t, g.url).Cancel(t.Context(), u)
		if went != endpoint || (a.Meaning == Undone) != (endpoint != "") || CanCancel(p.Code) != (endpoint != "") {
			t.Errorf("%s is cancelled by %q instead of %q: %+v", p.Code, went, endpoint, a)
		}
	}
	if len(want) != 0 {
		t.Errorf("not in the table: %v", want)
	}
}

func TestFormatTime(t *testing.T) {
	at := time.Date(2026, 1, 1, 20, 30, 5, 9, time.UTC)
	if got := FormatTime(at, nil); got != "2026-01-02 04:30:05" {
		t.Errorf("by default %s", got)
	}
	if got := FormatTime(at, time.UTC); got != "2026-01-01 20:30:05" {
		t.Errorf("in UTC %s", got)
	}
}

// Codes as wallets show them, and what they never show. Whether a text that could be a code is one is for QFPay to say.
func TestAuthCodes(t *testing.T) {
	for _, code := range []AuthCode{
		"134676275354204254", "120061098828009406", "160123456789012345", // WeChat Pay
		"280438849930815813", "283854702356157409", "2830123456789012345", "281234567890123456789012", // Alipay, Alipay+
		"6212345678901234567",                  // UnionPay
		"hQVDUFYwMWETTwegAAAAVVVVVwhgFZABIwEZ", // EMVCo, base64
		"hQVDUFYwMWETTwegAAAAVVU+/w==", "hQVDUFYwMWETTwegAAAAVVU-_w",
		"APTH7309962819735668", // AirPay
		AuthCode(strings.Repeat("1", MaxAuthCode)),
	} {
		if err := CheckAuthCode(code); err != nil {
			t.Errorf("%q: %v", code.Reveal(), err)
		}
	}
	for _, code := range []AuthCode{"", "280438849930815813&txamt=1", "280438849930815813=1", "28043884993081===", "=", "a=b",
		"<script>alert(1)</script>", "28043884993081581\n", " 280438849930815813", "280438849930815813 ", "https://qr.alipay.com/bax0", "付款码",
		"2804;3884", `2804"3884`, "2804%26txamt", "2804\x003884", AuthCode(strings.Repeat("1", MaxAuthCode+1)),
	} {
		err := CheckAuthCode(code)
		if err == nil {
			t.Errorf("%q is taken", code.Reveal())
		}
		if err != nil && len(code) > 8 && strings.Contains(err.Error(), code.Reveal()) {
			t.Errorf("the error holds the code: %v", err)
		}
	}
}

// Promise: no value makes another request of the one that is signed. Whatever passes the checks, the text that is
// signed reads in one way only.
func TestSignedTextsAreUnambiguous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9a-z&=+/_ %-]{0,12}`)
		o := order
		o.AuthCode, o.UDID = AuthCode(text.Draw(t, "code")), text.Draw(t, "udid")
		if o.check() != nil {
			return
		}
		f := newForm(field{"auth_code", o.AuthCode.Reveal()}, field{"txamt", "100"}, field{"udid", o.UDID})
		var again []field
		for pair := range strings.SplitSeq(f.raw(), "&") {
			name, value, _ := strings.Cut(pair, "=")
			again = append(again, field{name, value})
		}
		if !slices.Equal(f, form(again)) {
			t.Fatalf("%q reads as %v", f.raw(), again)
		}
	})
}
