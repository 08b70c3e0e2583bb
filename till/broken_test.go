package till_test

import (
	"encoding/json"
	"strings"
	"testing"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

// brokenSales are bodies of PUT /v1/sales/{id} and, with the id put in, params of sale.put.
var brokenSales = []struct{ name, body, says string }{
	{"amount is a float", `{"amount":128.50,"currency":"HKD"}`, "amount must be a whole number of minor units, such as 12850 for 128.50"},
	{"amount is a whole float", `{"amount":12850.0,"currency":"HKD"}`, "amount must be a whole number"},
	{"amount has an exponent", `{"amount":1285e1,"currency":"HKD"}`, "amount must be a whole number"},
	{"amount has a big exponent", `{"amount":1E400,"currency":"HKD"}`, "amount must be a whole number"},
	{"amount is negative", `{"amount":-12850,"currency":"HKD"}`, "amount must be a whole number"},
	{"amount is minus zero", `{"amount":-0,"currency":"HKD"}`, "amount must be a whole number"},
	{"amount is zero", `{"amount":0,"currency":"HKD"}`, "from 1 to"},
	{"amount has 12 digits", `{"amount":100000000000,"currency":"HKD"}`, "to 99999999999"},
	{"amount is over int64", `{"amount":9223372036854775808,"currency":"HKD"}`, "to 99999999999"},
	{"amount wraps uint64", `{"amount":18446744073709551617,"currency":"HKD"}`, "to 99999999999"},
	{"amount is a text", `{"amount":"12850","currency":"HKD"}`, "amount must be a whole number"},
	{"amount is true", `{"amount":true,"currency":"HKD"}`, "amount must be a whole number"},
	{"amount is null", `{"amount":null,"currency":"HKD"}`, "amount must be a whole number"},
	{"amount is a list", `{"amount":[12850],"currency":"HKD"}`, "amount must be a whole number"},
	{"amount is an object", `{"amount":{"value":12850},"currency":"HKD"}`, "amount must be a whole number"},
	{"amount is missing", `{"currency":"HKD"}`, "amount is missing; it must be a whole number"},
	{"amount has a leading zero", `{"amount":012850,"currency":"HKD"}`, "not JSON"},
	{"amount has a plus", `{"amount":+12850,"currency":"HKD"}`, "not JSON"},
	{"amount is hexadecimal", `{"amount":0x10,"currency":"HKD"}`, "not JSON"},
	{"amount is NaN", `{"amount":NaN,"currency":"HKD"}`, "not JSON"},
	{"amount twice", `{"amount":12850,"amount":1,"currency":"HKD"}`, `"amount" is given twice`},
	{"amount twice, once escaped", `{"amount":12850,"\u0061mount":1,"currency":"HKD"}`, `"amount" is given twice`},
	{"amount twice, in other case", `{"amount":12850,"Amount":1,"currency":"HKD"}`, `"Amount" is not known`},
	{"amount in other case", `{"AMOUNT":12850,"currency":"HKD"}`, "write amount"},
	{"amount with a Kelvin-like letter", `{"amount":12850,"currency":"HKD","tic\u212aet":"1"}`, "is not known"},
	{"currency is missing", `{"amount":12850}`, "currency is missing; it must be a currency"},
	{"currency is lower case", `{"amount":12850,"currency":"hkd"}`, "currency must be a currency in three capital letters"},
	{"currency is a number", `{"amount":12850,"currency":344}`, "currency must be a currency"},
	{"currency is empty", `{"amount":12850,"currency":""}`, "currency must be a currency"},
	{"currency is null", `{"amount":12850,"currency":null}`, "currency must be a currency"},
	{"unknown field", `{"amount":12850,"currency":"HKD","tip":100}`, `"tip" is not known`},
	{"empty field name", `{"amount":12850,"currency":"HKD","":1}`, `"" is not known`},
	{"lane is a number", `{"amount":12850,"currency":"HKD","lane":1}`, "lane must be a string in quotes"},
	{"lane is null", `{"amount":12850,"currency":"HKD","lane":null}`, "omit it where there is none"},
	{"ticket is null", `{"amount":12850,"currency":"HKD","ticket":null}`, "omit it where there is none"},
	{"ticket is too long", `{"amount":12850,"currency":"HKD","ticket":"` + strings.Repeat("1", 65) + `"}`, "ticket must be a string of 1 to 64"},
	{"ticket has a line break", `{"amount":12850,"currency":"HKD","ticket":"1\n2"}`, "printable"},
	{"ticket has a zero byte", `{"amount":12850,"currency":"HKD","ticket":"1\u0000"}`, "printable"},
	{"ticket has half a surrogate pair", `{"amount":12850,"currency":"HKD","ticket":"\ud800"}`, "printable"},
	{"ticket is not UTF-8", `{"amount":12850,"currency":"HKD","ticket":"` + "\xff\xfe" + `"}`, "not UTF-8"},
	{"confirm_delivery is a text", `{"amount":12850,"currency":"HKD","confirm_delivery":"true"}`, "confirm_delivery must be true or false"},
	{"confirm_delivery is null", `{"amount":12850,"currency":"HKD","confirm_delivery":null}`, "confirm_delivery must be true or false"},
	{"settle is true", `{"amount":12850,"currency":"HKD","settle":true}`, "settle must be \"till\""},
	{"auth code is a number", `{"amount":12850,"currency":"HKD","auth_code":280412345678905813}`, "auth_code must be a string in quotes"},
	{"auth code has a blank", `{"amount":12850,"currency":"HKD","auth_code":"2804 1234"}`, "auth_code must be the scanned code"},
	{"auth code is too long", `{"amount":12850,"currency":"HKD","auth_code":"` + strings.Repeat("1", 513) + `"}`, "auth_code must be the scanned code"},
	{"deep nesting", `{"amount":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "broken"},
	{"nested objects", `{"amount":12850,"currency":"HKD","ticket":{"a":{"b":{}}}}`, "ticket must be a string"},
	{"trailing comma", `{"amount":12850,"currency":"HKD",}`, "not JSON"},
	{"two objects", `{"amount":12850,"currency":"HKD"}{"amount":1,"currency":"HKD"}`, "JSON"},
	{"trailing text", `{"amount":12850,"currency":"HKD"} x`, "JSON"},
	{"a comment", `{"amount":12850,/* HKD */"currency":"HKD"}`, "not JSON"},
	{"single quotes", `{'amount':12850,'currency':'HKD'}`, "not JSON"},
	{"cut short", `{"amount":12850,"currency":"HK`, "JSON"},
	{"a name without quotes", `{amount:12850,"currency":"HKD"}`, "not JSON"},
	{"a missing colon", `{"amount" 12850,"currency":"HKD"}`, "not JSON"},
	{"a byte order mark", "\ufeff" + `{"amount":12850,"currency":"HKD"}`, "JSON"},
	{"a list", `[{"amount":12850,"currency":"HKD"}]`, "object"},
	{"a text", `"amount=12850"`, "object"},
	{"a number", `12850`, "object"},
	{"null", `null`, "object"},
}

func TestBrokenSalesOverHTTP(t *testing.T) {
	desk, c := httpTill(t)
	for _, b := range append(brokenSales[:len(brokenSales):len(brokenSales)],
		struct{ name, body, says string }{"an id in the body", `{"id":"a","amount":12850,"currency":"HKD"}`, `"id" is not known`},
		struct{ name, body, says string }{"form data", `amount=12850&currency=HKD`, "not JSON"},
		struct{ name, body, says string }{"nothing", ` `, "not JSON"},
	) {
		t.Run(b.name, func(t *testing.T) {
			c.t = t
			p := c.do("PUT", "/v1/sales/T1", b.body).refused(t, 400, sale.InvalidRequest)
			if !strings.Contains(p.Detail, b.says) {
				t.Errorf("says %q, want %q", p.Detail, b.says)
			}
		})
	}
	nothingOpened(t, desk)
}

func TestBrokenSalesOverLine(t *testing.T) {
	desk, l := newLineTill(t)
	for _, b := range brokenSales {
		t.Run(b.name, func(t *testing.T) {
			l.t = t
			params := b.body
			if rest, ok := strings.CutPrefix(params, "{"); ok {
				params = `{"id":"T1",` + rest
			}
			l.send(`{"jsonrpc":"2.0","id":7,"method":"sale.put","params":` + params + `}`)
			r := l.read()
			if r.Error == nil || r.Error.Data.Code != sale.InvalidRequest || r.Error.Code != -32602 && r.Error.Code != -32700 {
				t.Fatalf("%+v %s", r.Error, r.Result)
			}
			if r.Error.Code == -32602 && (r.ID != 7.0 || !strings.Contains(r.Error.Message, b.says)) {
				t.Errorf("id %v, says %q, want %q", r.ID, r.Error.Message, b.says)
			}
		})
	}
	nothingOpened(t, desk)
}

func nothingOpened(t *testing.T, desk *tilltest.Desk) {
	t.Helper()
	if all, err := desk.Sales(t.Context(), sale.Filter{}); err != nil || len(all) != 0 {
		t.Errorf("a broken request opened %+v, %v", all, err)
	}
}

func TestBrokenCalls(t *testing.T) {
	_, l := newLineTill(t)
	for _, b := range []struct {
		line string
		code int
		id   any
	}{
		{`hello`, -32700, nil},
		{`[]`, -32600, nil},
		{`[{"jsonrpc":"2.0","id":1,"method":"lanes"}]`, -32600, nil},
		{`{"jsonrpc":"2.0","method":"lanes"}`, -32600, nil},
		{`{"jsonrpc":"2.0","id":null,"method":"lanes"}`, -32600, nil},
		{`{"jsonrpc":"2.0","id":[1],"method":"lanes"}`, -32600, nil},
		{`{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 65) + `","method":"lanes"}`, -32600, nil},
		{`{"id":1,"method":"lanes"}`, -32600, 1.0},
		{`{"jsonrpc":2.0,"id":1,"method":"lanes"}`, -32600, 1.0},
		{`{"jsonrpc":"1.0","id":1,"method":"lanes"}`, -32600, 1.0},
		{`{"jsonrpc":"2.0","id":1}`, -32600, 1.0},
		{`{"jsonrpc":"2.0","id":1,"method":5}`, -32600, 1.0},
		{`{"jsonrpc":"2.0","id":1,"method":"lanes","extra":1}`, -32600, 1.0},
		{`{"jsonrpc":"2.0","id":1,"id":2,"method":"lanes"}`, -32700, nil},
		{`{"jsonrpc":"2.0","id":1,"method":"sale.pay"}`, -32601, 1.0},
		{`{"jsonrpc":"2.0","id":1,"method":"lanes","params":[]}`, -32602, 1.0},
		{`{"jsonrpc":"2.0","id":1,"method":"lanes","params":null}`, -32602, 1.0},
		{`{"jsonrpc":"2.0","id":1,"method":"lanes","params":{"x":1}}`, -32602, 1.0},
		{`{"jsonrpc":"2.0","id":1,"method":"sale.get","params":{"id":7}}`, -32602, 1.0},
		{`{"jsonrpc":"2.0","id":1,"method":"sale.get"}`, -32602, 1.0},
		{`{"jsonrpc":"2.0","id":1,"method":"sale.get","params":{"id":"a","wait":-1}}`, -32602, 1.0},
		{`{"jsonrpc":"2.0","id":1,"method":"events.subscribe","params":{"after":"x"}}`, -32602, 1.0},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"lanes\xff\"}", -32700, nil},
	} {
		l.send(b.line)
		r := l.read()
		if r.Error == nil || r.Error.Code != b.code || r.ID != b.id || r.Error.Data.Code != sale.InvalidRequest {
			t.Errorf("%s: id %v %+v", b.line, r.ID, r.Error)
		}
	}
	l.send("\r\n")
	if r := l.call("lanes", "{}"); r.Error != nil {
		t.Errorf("an empty line must be passed over: %+v", r.Error)
	}
}

func TestBrokenURLs(t *testing.T) {
	_, c := httpTill(t)
	c.do("PUT", "/v1/sales/T1", coffee)
	for _, b := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"PUT", "/v1/sales/" + strings.Repeat("a", 65), coffee, 400, "id must be a string of 1 to 64"},
		{"GET", "/v1/sales/", "", 400, "id must be"},
		{"GET", "/v1/sales/a%2Fcancel", "", 400, "id must be"},
		{"GET", "/v1/sales/%00", "", 400, "id must be"},
		{"GET", "/v1/sales/a%20b", "", 400, "id must be"},
		{"GET", "/v1/sales/%2541", "", 400, "id must be"},
		{"GET", "/v1/sales/%C3%A9", "", 400, "id must be"},
		{"PUT", "/v1/sales/.", coffee, 400, `and not "." or ".."`},
		{"PUT", "/v1/sales/..", coffee, 400, `and not "." or ".."`},
		{"PUT", "/v1/sales/%2e%2E", coffee, 400, `and not "." or ".."`},
		{"PUT", "/v1/refunds/..", `{"sale":"a","amount":1}`, 400, `and not "." or ".."`},
		{"GET", "/v1/sales/T1?Wait=5s", "", 400, "write wait"},
		{"GET", "/v1/sales/T1?x=1", "", 400, `"x" is not known in the query; known are wait, after`},
		{"GET", "/v1/sales/T1?wait=1s&wait=2s", "", 400, "wait is given twice"},
		{"GET", "/v1/sales/T1?wait=-5s", "", 400, "wait must be a time"},
		{"GET", "/v1/sales/T1?wait=soon", "", 400, "wait must be a time"},
		{"GET", "/v1/sales/T1?wait=99999999999999999999", "", 400, "wait must be a time"},
		{"GET", "/v1/sales/T1?after=-1", "", 400, "after must be a whole number"},
		{"GET", "/v1/sales/T1?wait=%zz", "", 400, "percent-encoded"},
		{"GET", "/v1/sales/T1?wait=1s;after=2", "", 400, "percent-encoded"},
		{"GET", "/v1/sales?state=done", "", 400, "state must be one of waiting paying"},
		{"GET", "/v1/sales?limit=0", "", 400, "limit must be a whole number from 1 to 1000"},
		{"GET", "/v1/sales?limit=1001", "", 400, "limit must be"},
		{"GET", "/v1/sales?day=2026-02-30", "", 400, "day must be a day"},
		{"GET", "/v1/sales?day=22.11.2026", "", 400, "day must be a day"},
		{"GET", "/v1/totals?day=today", "", 400, "day must be a day"},
		{"GET", "/v1/lanes?x", "", 400, "no fields are accepted there"},
		{"GET", "/v1/sales/T1", `{"amount":1}`, 400, `"amount" is not known in the body`},
		{"POST", "/v1/sales/T1/cancel", `{"reason":"x"}`, 400, "is not known"},
		{"POST", "/v1/sales/T1/cancel?x=1", ``, 400, "is not known"},
		{"POST", "/v1/lanes/1/scan", `{"code":""}`, 400, "code must be"},
		{"POST", "/v1/lanes/1/scan", `{}`, 400, "code is missing"},
		{"PUT", "/v1/refunds/r", `{"sale":"../a","amount":1}`, 400, "sale must be"},
		{"PUT", "/v1/refunds/r", `{"sale":"a","amount":0.5}`, 400, "amount must be"},
		{"GET", "/v1/events?after=x", "", 400, "after must be"},
		{"GET", "/", "", 404, "no such path"},
		{"GET", "/v1", "", 404, "no such path"},
		{"GET", "/v2/sales/T1", "", 404, "no such path"},
		{"GET", "/v1//sales", "", 404, "no such path"},
		{"GET", "//v1/sales", "", 404, "no such path"},
		{"GET", "/v1/sales/T1/", "", 404, "no such path"},
		{"GET", "/v1/sales/../sales/T1", "", 404, "no such path"},
		{"GET", "/v1/%73ales/T1", "", 404, "no such path"},
		{"GET", "/metrics", "", 404, "no metrics"},
		{"POST", "/v1/sales/T1", coffee, 405, "it takes GET, PUT"},
		{"DELETE", "/v1/sales/T1", "", 405, "it takes GET, PUT"},
		{"GET", "/v1/sales/T1/cancel", "", 405, "it takes POST"},
		{"OPTIONS", "/v1/sales", "", 405, "it takes GET"},
	} {
		p := c.do(b.method, b.path, b.body).refused(t, b.status, sale.InvalidRequest)
		if !strings.Contains(p.Detail, b.says) {
			t.Errorf("%s %s says %q, want %q", b.method, b.path, p.Detail, b.says)
		}
	}
	if a := c.do("DELETE", "/v1/sales/T1", ""); a.header.Get("Allow") != "GET, PUT" {
		t.Errorf("Allow: %q", a.header.Get("Allow"))
	}
	if a := c.do("GET", "/v1/sales/T%31", ""); a.status != 200 {
		t.Errorf("a plain letter may be escaped: %d %s", a.status, a.body)
	}
	if a := c.do("PUT", "/v1/sales/"+strings.Repeat("a", 64), coffee); a.status != 409 {
		t.Errorf("an id of 64 characters: %d %s", a.status, a.body)
	}
}

// FuzzDecode: whatever is taken is JSON with exactly one positive amount that the sender's own JSON library
// reads as the same number.
func FuzzDecode(f *testing.F) {
	for _, b := range brokenSales {
		f.Add([]byte(b.body))
	}
	f.Add([]byte(coffee))
	f.Fuzz(func(t *testing.T, body []byte) {
		amount, err := till.DecodeSale(body)
		if err != nil {
			return
		}
		var v struct {
			Amount   int64
			Currency string
			Lane     string
			Ticket   string
			AuthCode string `json:"auth_code"`
		}
		if err := json.Unmarshal(body, &v); err != nil || v.Amount != amount || amount < 1 || amount > 99999999999 {
			t.Errorf("took %d, encoding/json %+v %v: %q", amount, v, err, body)
		}
	})
}

// FuzzLine: whatever comes, the answer is one line of JSON with an id, and no call is taken that is not JSON.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"method":"sale.put","params":{"id":"a"}}`))
	f.Add([]byte(`[{"jsonrpc":"2.0"}]`))
	f.Fuzz(func(t *testing.T, line []byte) {
		answer, err := till.ReadCall(line)
		if err == nil && !json.Valid(line) {
			t.Errorf("took %q", line)
		}
		if !json.Valid(answer) || strings.Count(string(answer), "\n") != 1 {
			t.Errorf("answered %q to %q", answer, line)
		}
	})
}
