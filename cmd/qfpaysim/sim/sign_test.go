package sim

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The worked example of an answer's signature (QFPay API reference Japan, 3.4): the very bytes and hash.
func TestDocumentedAnswer(t *testing.T) {
	body := dumps(object{
		{"pay_type", "800108"}, {"sysdtm", "2018-01-12 19:31:16"}, {"cardcd", "2088802362210279"}, {"txdtm", "2018-01-12 19:31:22"},
		{"resperr", "交易成功"}, {"txcurrcd", "CNY"}, {"txamt", "1"}, {"respmsg", ""}, {"out_trade_no", "130145934788787530052"},
		{"syssn", "20180112000100020001662134"}, {"respcd", "0000"},
	})
	if len(body) != 302 {
		t.Errorf("%d bytes, 302 are documented: %s", len(body), body)
	}
	if got := sum("MD5", body, "615ED178BA524459976CE40FAB78000F"); got != "1E2CE7C2A7F8F581C354A857182B7A31" {
		t.Errorf("signature %s", got)
	}
}

func TestRequestSignatureVectors(t *testing.T) {
	for _, v := range []struct{ body, plain, key, md5, sha256 string }{
		{ // QFPAY_Global 0_Request_method.md: raw spaces and @, a trailing space, a field sent empty
			"username=peter@test.com&address=TST&bankaccount=168477081838&bankaddr=TST&bankcity=Hong+Kong&bankcode=123&bankcountry=Hong%20Kong&bankname=HSBC&" +
				"bankswiftcode=HSBCHKHHHKH&bankuser=Peter&channel_type=&city=Hong Kong&country=Hong Kong&email=peter%40test.com&idnumber=172845391795&" +
				"legalperson=Peter&licenseactive_date=20160810&licensenumber=123456&mcc_id=21002&mobile=123456&name=Peter+&shopname=PeterShopR",
			"", "001c49ce1d444994b419934286eb07b40f2", "3A7A3BBA647FB6FBC28F6687D78212E2", "",
		},
		{ // QFPay docs, signature-generation page: inputs; hashes recomputed
			"txcurrcd=HKD&txamt=100&mchid=ZaMVg12345", "mchid=ZaMVg12345&txamt=100&txcurrcd=HKD", "abcd1234",
			"3CB3AA9C21D818AB4CAFAA8FA3FEACF4", "99D9F7174823928B74C74B1C7A7E1538DF733774DD21C9606A202CB8BB3D74E8",
		},
		{ // likewise
			"abc=value1&bcd=value2&bad=value3", "abc=value1&bad=value3&bcd=value2", "Key",
			"FE90E1859AF37371A06415CF19F6614F", "55BED8288586B02E3836BF0C4BAEC24C002B1C87E1C355F356A3547AB97A64B4",
		},
		{ // values are signed raw whatever the body's escapes
			"goods_name=%E5%92%96%E5%95%A1+%26+%E5%A5%B6%E8%8C%B6%2B1&out_trade_no=T1&txamt=100&txcurrcd=HKD",
			"goods_name=咖啡 & 奶茶+1&out_trade_no=T1&txamt=100&txcurrcd=HKD", "abcd1234",
			"7E5055FD4DEFE112B5A506659458679D", "81C95CDE2B5B6BC601999E2074578C6AA9B865D90FDDA8BF245D0AC5E3599890",
		},
	} {
		form, err := parseForm(v.body)
		if err != nil {
			t.Fatal(err)
		}
		plain := signed(form)
		if v.plain != "" && plain != v.plain {
			t.Errorf("signed string %q, want %q", plain, v.plain)
		}
		if got := sum("MD5", plain, v.key); got != v.md5 {
			t.Errorf("MD5 of %q: %s, want %s", plain, got, v.md5)
		}
		if got := sum("SHA256", plain, v.key); v.sha256 != "" && got != v.sha256 {
			t.Errorf("SHA256 of %q: %s, want %s", plain, got, v.sha256)
		}
	}
}

func TestWhoMayCall(t *testing.T) {
	body, sign := signedBody(order1("T1", AuthCode("alipay", "pay", 1), sampleTime), testKey)
	_, foreign := signedBody(order1("T1", AuthCode("alipay", "pay", 1), sampleTime), "another key")
	form, _ := parseForm(body)
	sha := fmt.Sprintf("%x", sha256.Sum256([]byte(signed(form)+testKey)))
	for name, c := range map[string]struct {
		sign, body string
		header     map[string]string
		want       string
	}{
		"upper case":       {sign, body, nil, "0000"},
		"lower case":       {strings.ToLower(sign), body, nil, "0000"},
		"MD5 named":        {sign, body, map[string]string{"X-QF-SIGNTYPE": "MD5"}, "0000"},
		"SHA256":           {sha, body, map[string]string{"X-QF-SIGNTYPE": "SHA256"}, "0000"},
		"raw spaces":       {sign, strings.ReplaceAll(body, "+", " "), nil, "0000"},
		"SHA256 not named": {sha, body, nil, "1108"},
		"MD5 called SHA":   {sign, body, map[string]string{"X-QF-SIGNTYPE": "SHA256"}, "1108"},
		"unknown type":     {sign, body, map[string]string{"X-QF-SIGNTYPE": "SHA1"}, "1108"},
		"another key":      {foreign, body, nil, "1108"},
		"no signature":     {"", body, nil, "1108"},
		"no app code":      {sign, body, map[string]string{"X-QF-APPCODE": ""}, "unsigned 1108"},
		"unknown app code": {sign, body, map[string]string{"X-QF-APPCODE": "OTHER"}, "unsigned 1108"},
		"changed amount":   {sign, strings.Replace(body, "txamt=1000", "txamt=10000", 1), nil, "1108"},
		"field added":      {sign, body + "&udid=x", nil, "1108"},
		"field twice":      {sign, body + "&txamt=1000", nil, "1103"},
		"broken escape":    {sign, body + "&udid=%zz", nil, "1103"},
		"JSON body":        {sign, body, map[string]string{"Content-Type": "application/json"}, "1103"},
	} {
		bubble(t, Config{}, func(s *shop) {
			s.header = c.header
			s.want(name, s.send("payment", c.body, c.sign).what, c.want)
			if want := c.want == "0000"; s.gw.Ledger().Totals.Charges == 1 != want {
				t.Errorf("%s: charged %v", name, !want)
			}
		})
	}
}

func TestAnswersSignedAsAsked(t *testing.T) {
	g := New(Config{AppCode: testApp, ClientKey: testKey, AnswerSign: "same"})
	r := httptest.NewRequest("POST", "/trade/v1/query", strings.NewReader("out_trade_no=T1"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-QF-APPCODE", testApp)
	r.Header.Set("X-QF-SIGNTYPE", "SHA256")
	r.Header.Set("X-QF-SIGN", fmt.Sprintf("%x", sha256.Sum256([]byte("out_trade_no=T1"+testKey))))
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	want := fmt.Sprintf("%X", sha256.Sum256([]byte(w.Body.String()+testKey)))
	if got := w.Header(); got.Get("X-QF-SIGN") != want || got.Get("X-QF-SIGNTYPE") != "SHA256" || !strings.Contains(w.Body.String(), `"0000"`) {
		t.Errorf("%v %s", got, w.Body)
	}
}

func TestConfigMistakes(t *testing.T) {
	for says, c := range map[string]Config{
		"client key": {AppCode: "A"},
		"2030":       {AppCode: "A", ClientKey: "K", Shape: "2030"},
		"RSA":        {AppCode: "A", ClientKey: "K", AnswerSign: "RSA"},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not name %s", err, says)
		}
	}
}

// What dumps writes any JSON reader reads back.
func TestDumpsIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		raw := dumps(object{{"a", text}, {"b", []object{{{"n", int64(len(text))}, {"z", nil}}}}})
		var back struct {
			A string
			B []struct {
				N int
				Z any
			}
		}
		if err := json.Unmarshal([]byte(raw), &back); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if back.A != text || back.B[0].N != len(text) || back.B[0].Z != nil {
			t.Fatalf("%q came back as %+v", text, back)
		}
		for _, c := range []byte(raw) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q has byte %d", raw, c)
			}
		}
	})
}
