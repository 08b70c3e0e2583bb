package till_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os/user"
	"strings"
	"testing"
	"time"

	"cpmd/queue/sale"
	"cpmd/till/tilltest"
)

func TestSaleOverHTTP(t *testing.T) {
	desk, c := httpTill(t)

	a := c.do("PUT", "/v1/sales/T1-000123", coffee)
	if v := a.sale(t); a.status != 201 || v.ID != "T1-000123" || v.Amount != 12850 || v.Currency != "HKD" ||
		v.Ticket != "88211" || v.Lane != "1" || v.State != sale.Waiting || v.Final {
		t.Fatalf("opened: %d %+v", a.status, v)
	}
	if !strings.Contains(string(a.body), `"payments":[]`) {
		t.Errorf("a sale without payments must have an empty list: %s", a.body)
	}
	if a := c.do("PUT", "/v1/sales/T1-000123", coffee); a.status != 200 || a.sale(t).State != sale.Waiting {
		t.Errorf("the same again: %d %s", a.status, a.body)
	}
	c.do("PUT", "/v1/sales/T1-000123", `{"amount":99,"currency":"HKD"}`).refused(t, 409, sale.IDReused)
	if p := c.do("PUT", "/v1/sales/T1-000124", `{"amount":99,"currency":"HKD"}`).refused(t, 409, sale.LaneBusy); p.Sale != "T1-000123" {
		t.Errorf("lane_busy names %q", p.Sale)
	}

	desk.SetState("T1-000123", sale.Unresolved, "")
	if p := c.do("PUT", "/v1/sales/T1-000124", coffee).refused(t, 409, sale.TicketUnresolved); p.Sale != "T1-000123" {
		t.Errorf("ticket_unresolved names %q", p.Sale)
	}
	desk.Set("T1-000123", func(v *sale.View) { v.State, v.Wallet = sale.Paid, "alipay" })
	if v := c.do("GET", "/v1/sales/T1-000123", "").sale(t); v.State != sale.Paid || !v.Final || v.Wallet != "alipay" {
		t.Errorf("paid: %+v", v)
	}
	c.do("GET", "/v1/sales/other", "").refused(t, 404, sale.UnknownSale)
}

func TestCancelIsAWish(t *testing.T) {
	desk, c := httpTill(t)
	c.do("PUT", "/v1/sales/a", coffee)
	desk.SetState("a", sale.Confirming, "")
	if a := c.do("POST", "/v1/sales/a/cancel", ""); a.status != 202 || a.sale(t).State != sale.Confirming {
		t.Errorf("while confirming: %d %s", a.status, a.body)
	}
	desk.SetState("a", sale.Waiting, "")
	if a := c.do("POST", "/v1/sales/a/cancel", "{}"); a.status != 202 || a.sale(t).Reason != sale.Cancelled {
		t.Errorf("while waiting: %d %s", a.status, a.body)
	}
	c.do("POST", "/v1/sales/b/cancel", "").refused(t, 404, sale.UnknownSale)
	if asked := desk.CancelsAsked(); len(asked) != 2 || !strings.HasPrefix(asked[0], "a by unix:/") || !strings.HasSuffix(asked[0], ", user "+me(t)) {
		t.Errorf("the journal must learn who asked: %q", asked)
	}
}

func me(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

func TestList(t *testing.T) {
	desk, c := httpTill(t)
	for _, id := range []string{"a", "b", "c"} {
		c.do("PUT", "/v1/sales/"+id, `{"amount":1,"currency":"HKD","ticket":"`+id+`"}`)
		desk.SetState(id, sale.Paid, "")
	}
	c.do("PUT", "/v1/sales/d", coffee)
	today := time.Now().UTC().Format(time.DateOnly)
	for query, want := range map[string]string{
		"": "d c b a", "?state=paid": "c b a", "?state=paid&limit=2": "c b", "?ticket=b": "b", "?lane=2": "",
		"?day=" + today: "d c b a", "?day=2001-01-01": "", "?state=&lane=&day=&ticket=&limit=": "d c b a", "?lane=1&ticket=c": "c",
	} {
		var v struct{ Sales []sale.View }
		a := c.do("GET", "/v1/sales"+query, "")
		decodeInto(t, a.body, &v)
		var ids []string
		for _, s := range v.Sales {
			ids = append(ids, s.ID)
		}
		if got := strings.Join(ids, " "); got != want || v.Sales == nil {
			t.Errorf("%s: got %q (%d %s), want %q", query, got, a.status, a.body, want)
		}
	}
}

func TestRefundOverHTTP(t *testing.T) {
	desk, c := httpTill(t)
	c.do("PUT", "/v1/sales/a", coffee)
	c.do("PUT", "/v1/refunds/r1", `{"sale":"a","amount":50}`).refused(t, 409, sale.NotRefundable)
	desk.SetState("a", sale.Paid, "")
	var v sale.RefundView
	a := c.do("PUT", "/v1/refunds/r1", `{"sale":"a","amount":50}`)
	decodeInto(t, a.body, &v)
	if a.status != 201 || v.ID != "r1" || v.Sale != "a" || v.Amount != 50 || v.State != sale.Refunding {
		t.Fatalf("refund: %d %+v", a.status, v)
	}
	if a := c.do("PUT", "/v1/refunds/r1", `{"sale":"a","amount":50}`); a.status != 200 {
		t.Errorf("the same again: %d", a.status)
	}
	waited := make(chan answer)
	go func() { waited <- c.do("GET", "/v1/refunds/r1?wait=30s", "") }()
	desk.SetRefund("r1", sale.Refunded)
	a = <-waited
	if decodeInto(t, a.body, &v); v.State != sale.Refunded {
		t.Errorf("waited: %s", a.body)
	}
	c.do("GET", "/v1/refunds/r2", "").refused(t, 404, sale.UnknownRefund)
}

func TestLanesTotalsDiagnosis(t *testing.T) {
	desk, c := httpTill(t)
	c.do("PUT", "/v1/sales/a", coffee)
	if a := c.do("GET", "/v1/lanes", ""); a.status != 200 || !strings.Contains(string(a.body), `{"lanes":[{"name":"1"`) {
		t.Errorf("lanes: %d %s", a.status, a.body)
	}
	if a := c.do("POST", "/v1/lanes/1/scan", `{"code":"280412345678905813"}`); a.status != 202 {
		t.Errorf("scan: %d %s", a.status, a.body)
	}
	c.do("POST", "/v1/lanes/2/scan", `{"code":"280412345678905813"}`).refused(t, 404, sale.UnknownLane)
	if fed := desk.Fed(); len(fed) != 1 || fed[0] != "1 280412345678905813" {
		t.Errorf("fed %q", fed)
	}
	if a := c.do("GET", "/v1/totals?day=2001-01-01", ""); a.status != 200 || string(a.body) != `{"day":"2001-01-01","rows":[],"unfinished":0}`+"\n" {
		t.Errorf("totals: %d %s", a.status, a.body)
	}
	var diag sale.Diagnosis
	if a := c.do("GET", "/v1/diagnosis", ""); json.Unmarshal(a.body, &diag) != nil || !diag.Ready || diag.Version != "test" {
		t.Errorf("diagnosis: %d %s", a.status, a.body)
	}
}

func TestAuthCodeReachesTheDeskOnly(t *testing.T) {
	desk, c := httpTill(t)
	const code = "280412345678905813"
	a := c.do("PUT", "/v1/sales/a", `{"amount":1,"currency":"HKD","auth_code":"`+code+`"}`)
	if a.status != 201 || strings.Contains(string(a.body), code) || desk.CodeOf("a").Reveal() != code {
		t.Errorf("%d %s", a.status, a.body)
	}
	a = c.do("PUT", "/v1/sales/b", `{"amount":1,"currency":"HKD","auth_code":"`+code+` "}`)
	a.refused(t, 400, sale.InvalidRequest)
	if strings.Contains(string(a.body), code) {
		t.Errorf("a refusal shows the code: %s", a.body)
	}
}

func TestHealth(t *testing.T) {
	desk, c := httpTill(t)
	if a := c.do("GET", "/healthz", ""); a.status != 200 {
		t.Errorf("healthz %d", a.status)
	}
	if a := c.do("GET", "/readyz", ""); a.status != 200 {
		t.Errorf("readyz %d", a.status)
	}
	desk.SetReady(&sale.Error{Code: sale.JournalUnavailable, Detail: "The disk is full."})
	if p := c.do("GET", "/readyz", "").refused(t, 503, sale.JournalUnavailable); p.Detail != "The disk is full." {
		t.Errorf("readyz: %+v", p)
	}
	desk.SetReady(errors.New("secret"))
	if p := c.do("GET", "/readyz", "").refused(t, 503, "not_ready"); strings.Contains(p.Detail, "secret") {
		t.Errorf("readyz tells too much: %+v", p)
	}
	desk.Fail(errors.New("all is broken"))
	if a := c.do("GET", "/healthz", ""); a.status != 200 {
		t.Errorf("healthz while broken: %d", a.status)
	}
}

func TestErrorsInside(t *testing.T) {
	desk, c := httpTill(t)
	desk.Fail(errors.New("secret of the database"))
	if p := c.do("PUT", "/v1/sales/a", coffee).refused(t, 500, "internal"); strings.Contains(p.Detail, "secret") {
		t.Errorf("an internal error tells too much: %+v", p)
	}
	desk.Fail(&sale.Error{Code: sale.JournalUnavailable, Detail: "The journal cannot be written; free some disk space."})
	if a := c.do("PUT", "/v1/sales/a", coffee); a.refused(t, 503, sale.JournalUnavailable).Code != "" && a.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	for _, code := range []sale.Code{sale.CodeUsed, sale.NotVirtual, sale.LaneBusy} {
		desk.Fail(&sale.Error{Code: code, Detail: "no"})
		c.do("POST", "/v1/lanes/1/scan", `{"code":"1"}`).refused(t, http.StatusConflict, code)
	}
	desk.Fail(tilltest.Panic("280412345678905813"))
	if p := c.do("PUT", "/v1/sales/a", coffee).refused(t, 500, "internal"); strings.Contains(p.Detail, "2804") {
		t.Errorf("a panic tells too much: %+v", p)
	}
	desk.Fail(nil)
	if a := c.do("PUT", "/v1/sales/a", coffee); a.status != 201 {
		t.Errorf("after the panic: %d %s", a.status, a.body)
	}
}
