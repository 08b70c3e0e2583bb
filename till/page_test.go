package till_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/page"
	"cpmd/till/tilltest"
)

// pages serves an endpoint that has both pages, beside a Unix socket.
func pages(t testing.TB, d *tilltest.Desk, change func(unix, tcp *till.Endpoint)) (unix, tcp *caller) {
	t.Helper()
	u := till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + tilltest.SocketDir(t) + "/s", Name: "front"}
	p := tilltest.TCP(t, till.DialectHTTP)
	p.Name, p.Allow = "desk", till.Permissions
	change(&u, &p)
	addrs := tilltest.Start(t, d, u, p).Addrs()
	return newCaller(t, addrs[0]), newCaller(t, addrs[1])
}

func as(c *caller, token string) *caller {
	c.set = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	return c
}

// links asks for the links, and signs in with the page's.
func links(t testing.TB, unix, tcp *caller, operator string) (session, display string) {
	t.Helper()
	var l till.LinkView
	decodeInto(t, unix.do("POST", "/v1/page/links", `{"operator":"`+operator+`"}`).body, &l)
	_, code, _ := strings.Cut(l.URL, "#login=")
	_, display, _ = strings.Cut(l.Display, "#token=")
	var in struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires_at"`
	}
	tcp.set = func(*http.Request) {}
	decodeInto(t, tcp.do("POST", "/page/login", `{"code":"`+code+`"}`).body, &in)
	if until := time.Until(in.Expires); until < 11*time.Hour || until > 13*time.Hour {
		t.Errorf("the session lasts %v", until)
	}
	tcp.do("POST", "/page/login", `{"code":"`+code+`"}`).refused(t, 403, "unauthorized") // once
	return in.Token, display
}

// The pages are where the permissions fit, over loopback TCP; their files need no token, and all else does.
func TestPagesAreServed(t *testing.T) {
	for _, c := range []struct {
		allow             []till.Permission
		operator, display bool
	}{
		{nil, true, false}, {[]till.Permission{till.Display}, false, true}, {[]till.Permission{till.Sell}, false, false}, {till.Permissions, true, true},
	} {
		unix, tcp := pages(t, tilltest.NewDesk(), func(_, p *till.Endpoint) { p.Allow = c.allow })
		for path, served := range map[string]bool{"/": c.operator, "/display?lane=1": c.display, "/page/api.js": c.operator || c.display} {
			a := tcp.do("GET", path, "")
			if served && (a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Security-Policy"), "default-src 'none'") || a.header.Get("X-Frame-Options") != "DENY") {
				t.Errorf("%v %s: %d %v", c.allow, path, a.status, a.header)
			}
			if !served {
				a.refused(t, 401, "unauthorized")
			}
			unix.do("GET", path, "").refused(t, 404, sale.InvalidRequest)
		}
		for _, path := range []string{"/page/none.js", "/page/operator.html", "/page/../page.go", "/v1/access"} {
			tcp.do("GET", path, "").refused(t, 401, "unauthorized")
		}
	}
	_, tcp := pages(t, tilltest.NewDesk(), func(_, _ *till.Endpoint) {})
	tcp.set = func(r *http.Request) { r.Host = "evil.example" }
	tcp.do("GET", "/", "").refused(t, 403, "unauthorized")
}

// An operator signs in by a link, and what is done is done in that name, with what whoever made the link may do.
func TestSession(t *testing.T) {
	d := sold(t)
	unix, tcp := pages(t, d, func(u, _ *till.Endpoint) { u.Allow = []till.Permission{till.Sell, till.Read, till.Refund} })
	session, _ := links(t, unix, tcp, "Mei Wong")
	as(tcp, session)
	var who till.AccessView
	decodeInto(t, tcp.do("GET", "/v1/access", "").body, &who)
	if want := "desk, user " + me(t) + ", operator Mei Wong"; who.By != want || len(who.May) != 3 {
		t.Errorf("%+v, want by %q", who, want)
	}
	if a := tcp.do("POST", "/v1/sales/mine/cancel", ""); a.status != 202 || !strings.Contains(strings.Join(d.CancelsAsked(), "\n"), "mine by "+who.By) {
		t.Errorf("%d %s %v", a.status, a.body, d.CancelsAsked())
	}
	tcp.do("POST", "/v1/sales/mine/resolve", `{"outcome":"paid","note":"seen"}`).refused(t, 403, till.NotAllowed)
	tcp.do("POST", "/v1/page/links", "{}").refused(t, 403, till.NotAllowed) // a session makes no other
	for _, wrong := range []string{session + "0", session[:len(session)-1], "page.", "page.e30.", strings.Replace(session, "page.", "display.", 1)} {
		as(tcp, wrong).do("GET", "/v1/access", "").refused(t, 401, "unauthorized")
	}
	as(tcp, tilltest.Token).do("GET", "/v1/access", "")
	unix.do("POST", "/v1/page/links", `{"operator":"Mei, user root"}`).refused(t, 400, sale.InvalidRequest)

	// Another endpoint does not know the session, nor does the same one with another token.
	_, other := pages(t, d, func(_, p *till.Endpoint) { p.Name = "other" })
	as(other, session).do("GET", "/v1/access", "").refused(t, 401, "unauthorized")

	// No endpoint has the page.
	none := newCaller(t, tilltest.Serve(t, d, till.DialectHTTP))
	none.do("POST", "/v1/page/links", "{}").refused(t, 409, till.NoPage)
}

// The display's token shows, and does nothing else: every operation but what a display needs is refused.
func TestDisplayTokenOnlyShows(t *testing.T) {
	d := sold(t)
	unix, tcp := pages(t, d, func(_, _ *till.Endpoint) {})
	_, token := links(t, unix, tcp, "")
	as(tcp, token)
	may := map[string]bool{"display": true, "displays": true, "access": true}
	for _, tr := range tries {
		a := tcp.do(tr.verb, tr.path, tr.body)
		if may[tr.method] {
			if a.status != 200 {
				t.Errorf("%s: %d %s", tr.method, a.status, a.body)
			}
			continue
		}
		a.refused(t, 403, till.NotAllowed)
	}
	for _, path := range []string{"/metrics"} {
		tcp.do("GET", path, "").refused(t, 403, till.NotAllowed)
	}
	if v, err := d.Sale(t.Context(), "mine"); err != nil || v.State != sale.Paid {
		t.Errorf("%+v %v", v, err)
	}
}

// The display's events tell each change, and that an outcome gives way.
func TestDisplayEvents(t *testing.T) {
	d := tilltest.NewDesk()
	_, tcp := pages(t, d, func(_, _ *till.Endpoint) {})
	req, err := http.NewRequestWithContext(t.Context(), "GET", tcp.base+"/v1/lanes/1/display?lang=zh-TW", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tilltest.Token)
	req.Header.Set("Accept", "text/event-stream")
	resp, err := tcp.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() (v page.DisplayView) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &v); err != nil {
					t.Fatal(err)
				}
				return v
			}
		}
		t.Fatal(lines.Err())
		return v
	}
	if v := next(); v.Show != page.Idle || v.Texts[0].Lang != "zh-Hant" {
		t.Errorf("%+v", v)
	}
	if _, _, err := d.PutSale(t.Context(), sale.Request{ID: "a", Amount: 12850, Currency: "HKD", Lane: "1"}); err != nil {
		t.Fatal(err)
	}
	if v := next(); v.Show != page.Scan || v.AmountText != "HKD 128.50" {
		t.Errorf("%+v", v)
	}
	d.SetState("a", sale.Paid, "")
	if v := next(); v.Show != page.Paid || v.Clear == nil {
		t.Errorf("%+v", v)
	}
	if v := next(); v.Show != page.Idle || v.Amount != 0 {
		t.Errorf("%+v", v)
	}
	as(tcp, tilltest.Token).do("GET", "/v1/lanes/7/display", "").refused(t, 404, sale.UnknownLane)
}

// A day as a table has no text that a spreadsheet would calculate.
func TestDayTable(t *testing.T) {
	d := sold(t)
	if _, _, err := d.PutSale(t.Context(), sale.Request{ID: "x", Amount: 12850, Currency: "HKD", Lane: "3", Ticket: "=cmd()", Operator: "Ann, \"B\""}); err != nil {
		t.Fatal(err)
	}
	d.SetState("x", sale.Paying, "")
	d.SetState("x", sale.Paid, "")
	unix, _ := pages(t, d, func(_, _ *till.Endpoint) {})
	var v till.DayView
	a := unix.do("GET", "/v1/day", "")
	if err := json.Unmarshal(a.body, &v); err != nil || len(v.Sales) != 4 || len(v.Refunds) != 2 || v.Sales[3].PaidMS == nil {
		t.Fatalf("%v %s", err, a.body)
	}
	unix.set = func(r *http.Request) { r.Header.Set("Accept", "text/csv") }
	a = unix.do("GET", "/v1/day", "")
	if a.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(string(a.body), "sale,x,,3,'=cmd(),128.50,HKD,paid,") ||
		strings.Count(string(a.body), "\r\n") != 7 {
		t.Errorf("%v\n%s", a.header, a.body)
	}
	unix.set = func(*http.Request) {}
	if a := unix.do("GET", "/v1/day?day=2001-01-01", ""); !strings.Contains(string(a.body), `"sales":[],"refunds":[]`) {
		t.Errorf("%s", a.body)
	}
	var found struct{ Sales []sale.View }
	decodeInto(t, unix.do("GET", "/v1/sales?find=x", "").body, &found)
	if len(found.Sales) != 1 {
		t.Errorf("%+v", found)
	}
	decodeInto(t, unix.do("GET", "/v1/sales?find=%3Dcmd()", "").body, &found)
	if len(found.Sales) != 1 {
		t.Errorf("%+v", found)
	}
}
