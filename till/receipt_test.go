package till_test

import (
	"net/http"
	"strings"
	"testing"

	"cpmd/queue/sale"
)

func TestReceipt(t *testing.T) {
	desk, c := httpTill(t)
	c.do("PUT", "/v1/sales/a", coffee)
	if p := c.do("GET", "/v1/sales/a/receipt", "").refused(t, 409, sale.NoReceipt); p.Sale != "a" || !strings.Contains(p.Detail, "waiting") {
		t.Errorf("%+v", p)
	}
	c.do("GET", "/v1/sales/b/receipt", "").refused(t, 404, sale.UnknownSale)
	desk.Set("a", func(v *sale.View) { v.State, v.Wallet = sale.Paid, "alipay" })
	for _, width := range []string{"31", "33", "41", "80", "-32", "x"} {
		if p := c.do("GET", "/v1/sales/a/receipt?width="+width, "").refused(t, 400, sale.InvalidRequest); !strings.Contains(p.Detail, "32 or 42") {
			t.Errorf("width %s: %+v", width, p)
		}
	}
	var r sale.Receipt
	a := c.do("GET", "/v1/sales/a/receipt?width=32", "")
	decodeInto(t, a.body, &r)
	if a.status != 200 || r.AmountText != "HKD 128.50" || r.Ticket != "88211" || r.Refunds == nil || !strings.Contains(r.Text, strings.Repeat("-", 32)+"\n") {
		t.Errorf("%d %s", a.status, a.body)
	}

	c.set = func(r *http.Request) { r.Header.Set("Accept", "text/plain") }
	a = c.do("GET", "/v1/sales/a/receipt", "")
	text := string(a.body)
	if a.status != 200 || a.header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(text, strings.Repeat("-", 42)+"\n") ||
		!strings.Contains(text, "HKD 128.50\n") {
		t.Errorf("%d %s %s", a.status, a.header, text)
	}
}

func TestReceiptOverLine(t *testing.T) {
	desk, l := newLineTill(t)
	l.call("sale.put", `{"id":"a","amount":12850,"currency":"HKD"}`)
	l.call("sale.receipt", `{"id":"a"}`).refused(t, -32000, sale.NoReceipt)
	desk.SetState("a", sale.Paid, "")
	var r sale.Receipt
	decodeInto(t, l.call("sale.receipt", `{"id":"a","width":32}`).Result, &r)
	if !strings.Contains(r.Text, "\n"+strings.Repeat("-", 32)+"\n") || r.KeptText != "HKD 128.50" {
		t.Errorf("%+v", r)
	}
}
