package till_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

const formType = "application/x-www-form-urlencoded"

// plainTill is a till that knows no JSON.
func plainTill(t *testing.T) (*tilltest.Desk, *caller) {
	desk, c := httpTill(t)
	c.set = func(r *http.Request) {
		r.Header.Set("Content-Type", formType)
		r.Header.Set("Accept", "text/plain")
	}
	return desk, c
}

// lines reads an answer as the manual says.
func (a answer) lines(t *testing.T) (all map[string]string, order []string) {
	t.Helper()
	if ct := a.header.Get("Content-Type"); ct != "text/plain; charset=utf-8" {
		t.Errorf("Content-Type %q: %s", ct, a.body)
	}
	all = map[string]string{}
	for _, line := range strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n") {
		name, v, ok := strings.Cut(line, "=")
		if _, twice := all[name]; !ok || twice {
			t.Errorf("line %q of %s", line, a.body)
		}
		all[name], order = v, append(order, name)
	}
	return all, order
}

func TestPlainSale(t *testing.T) {
	desk, c := plainTill(t)
	a := c.do("PUT", "/v1/sales/a", "amount=12850&currency=HKD&ticket=88211&auth_code=280412345678905813&again=false&metadata.table=7+%26+8&operator=\r\n")
	v, order := a.lines(t)
	if a.status != 201 || v["id"] != "a" || v["amount"] != "12850" || v["final"] != "false" || v["payments.count"] != "1" ||
		v["payments.1.out_trade_no"] != "Oa" || strings.Contains(string(a.body), "280412345678905813") {
		t.Errorf("%d %s", a.status, a.body)
	}
	want := []string{"id", "lane", "ticket", "amount", "currency", "state", "final", "reason", "message", "decide_by", "wallet", "refunded", "by",
		"seq", "created_at", "updated_at", "payments.count", "payments.1.out_trade_no", "payments.1.pay_type", "payments.1.syssn",
		"payments.1.chnlsn", "payments.1.respcd", "payments.1.auth_code", "payments.1.state"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	// The same content is the same request, whichever way it is written.
	c.set = func(r *http.Request) { r.Header.Set("Content-Type", formType) }
	same := `{"amount":12850,"currency":"HKD","ticket":"88211","auth_code":"280412345678905813","metadata":{"table":"7 & 8"}}`
	if a := c.do("PUT", "/v1/sales/a", same); a.status != 200 || a.sale(t).ID != "a" {
		t.Errorf("JSON under a form's name: %d %s", a.status, a.body)
	}
	desk.SetState("a", sale.Paid, "")
}

func TestPlainList(t *testing.T) {
	desk, c := plainTill(t)
	if v, order := c.do("GET", "/v1/sales", "").lines(t); v["count"] != "0" || len(order) != 1 {
		t.Errorf("an empty list: %v", v)
	}
	for _, id := range []string{"a", "b"} {
		c.do("PUT", "/v1/sales/"+id, "amount=1&currency=HKD&ticket="+id)
		desk.SetState(id, sale.Paid, "")
	}
	if v, order := c.do("GET", "/v1/sales", "").lines(t); v["count"] != "2" || order[0] != "count" || v["sales.1.id"] != "b" || v["sales.2.id"] != "a" {
		t.Errorf("%v", v)
	}
	if v, _ := c.do("GET", "/v1/lanes", "").lines(t); v["count"] != "1" || v["lanes.1.scanner.state"] != "open" || v["lanes.1.sale"] != "" {
		t.Errorf("%v", v)
	}
	if v, _ := c.do("GET", "/v1/totals", "").lines(t); v["rows.count"] != "1" || v["rows.1.sales"] != "2" {
		t.Errorf("%v", v)
	}
}

// A form is read as strictly as JSON.
func TestPlainRefusals(t *testing.T) {
	desk, c := plainTill(t)
	for body, says := range map[string]string{
		"":                                       "amount is missing",
		"amount=1":                               "currency is missing",
		"amount=1&amount=2&currency=HKD":         "given twice",
		"amount=1&ticket=&ticket=x&currency=HKD": "given twice",
		"Amount=1&currency=HKD":                  "write amount",
		"amount=1&currency=HKD&tickt=1":          "not known",
		"amount=1.5&currency=HKD":                "minor units",
		"amount=+1&currency=HKD":                 "minor units",
		"amount=-1&currency=HKD":                 "minor units",
		"amount=1&currency=HKD&again=yes":        "true or false",
		"amount=1&currency=HKD&metadata=x":       "metadata.NAME",
		"amount=1&currency=HKD&metadata.=x":      "flat object",
		"amount=1&currency=HKD&ticket=%zz":       "percent-encoded",
		"amount=1&currency=HKD&ticket=%ff":       "UTF-8",
		"amount=1&currency=HKD&ticket":           "name=value",
		"amount=1;currency=HKD":                  "minor units",
	} {
		a := c.do("PUT", "/v1/sales/a", body)
		v, order := a.lines(t)
		if a.status != 400 || v["code"] != "invalid_request" || v["status"] != "400" || !strings.Contains(v["detail"], says) ||
			strings.Join(order, " ") != "code detail status" {
			t.Errorf("%q: %d %s, want %q", body, a.status, a.body, says)
		}
	}
	if all, _ := desk.Sales(t.Context(), sale.Filter{}); len(all) != 0 {
		t.Errorf("%d sales were opened", len(all))
	}
	c.do("PUT", "/v1/sales/a", "amount=1&currency=HKD")
	v, order := c.do("PUT", "/v1/sales/b", "amount=1&currency=HKD").lines(t)
	if v["code"] != "lane_busy" || strings.Join(order, " ") != "code detail status sale" || v["sale"] != "a" {
		t.Errorf("%v", v)
	}
}

// Who asks for both, or for anything, gets what it named first, or JSON.
func TestAccept(t *testing.T) {
	_, c := httpTill(t)
	for accept, plain := range map[string]bool{"": false, "*/*": false, "text/*": false, "application/json, text/plain, */*": false,
		"text/plain": true, "Text/Plain; charset=utf-8": true, "text/plain, application/json": true, "text/html, text/plain;q=0.9": true} {
		c.set = func(r *http.Request) { r.Header.Set("Accept", accept) }
		if ct := c.do("GET", "/v1/sales", "").header.Get("Content-Type"); strings.HasPrefix(ct, "text/plain") != plain {
			t.Errorf("Accept %q gets %s", accept, ct)
		}
	}
}

// No text that a till or a customer chose can pass for a line of its own.
func FuzzPlain(f *testing.F) {
	f.Add("amount=1&currency=HKD&metadata.a=b", "state=paid\nfinal=true", "k=v\n")
	f.Add("amount=1&currency=HKD&ticket=%0A", "\\n\r\u2028\u0085\x00", "a.b")
	f.Fuzz(func(t *testing.T, body, message, key string) {
		r, err := till.DecodeForm([]byte(body))
		if err == nil {
			if want, _ := url.ParseQuery(strings.Trim(body, "\r\n")); r.Amount < 1 || r.Amount > 99999999999 || want.Get("currency") != r.Currency ||
				len(want["amount"]) != 1 {
				t.Errorf("took %+v of %q", r, body)
			}
		}
		out, err := till.PlainText(sale.View{Message: message, Metadata: map[string]string{key: message}})
		if err != nil {
			t.Fatal(err)
		}
		states := 0
		for _, line := range strings.FieldsFunc(string(out), func(c rune) bool { return strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", c) }) {
			name, _, ok := strings.Cut(line, "=")
			if !ok {
				t.Errorf("line %q in %q", line, out)
			}
			if name == "state" {
				states++
			}
		}
		if states != 1 {
			t.Errorf("%d states in %q", states, out)
		}
	})
}
