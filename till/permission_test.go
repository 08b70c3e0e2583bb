package till_test

import (
	"fmt"
	"net/http"
	"os/user"
	"slices"
	"strings"
	"testing"
	"time"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

// A try is one operation in both dialects, and who may do it: with any one of these permissions on everybody's
// sales, and with own, on those of the same endpoint.
type try struct {
	method, params     string // of the line dialect
	verb, path, body   string // of the http dialect
	all, own           []till.Permission
	ownPath, ownParams string // the same about a sale or refund of the endpoint's own
}

// tries has every operation. "theirs" and "rtheirs" were opened at another endpoint, "mine" and "rmine" at this.
var tries = []try{
	{"sale.put", `{"id":"new","amount":1,"currency":"HKD","lane":"3"}`, "PUT", "/v1/sales/new", `{"amount":1,"currency":"HKD","lane":"3"}`,
		[]till.Permission{till.Sell}, nil, "", ""},
	{"sale.get", `{"id":"theirs"}`, "GET", "/v1/sales/theirs", "",
		[]till.Permission{till.Read}, []till.Permission{till.Sell, till.Read}, "/v1/sales/mine", `{"id":"mine"}`},
	{"sale.cancel", `{"id":"theirs"}`, "POST", "/v1/sales/theirs/cancel", "",
		nil, []till.Permission{till.Sell}, "/v1/sales/mine/cancel", `{"id":"mine"}`},
	{"sale.list", `{}`, "GET", "/v1/sales", "", []till.Permission{till.Sell, till.Read}, nil, "", ""},
	{"sale.delivered", `{"id":"theirs"}`, "POST", "/v1/sales/theirs/delivered", "",
		nil, []till.Permission{till.Sell}, "/v1/sales/mine/delivered", `{"id":"mine"}`},
	{"sale.resolve", `{"id":"theirs","outcome":"paid","note":"seen"}`, "POST", "/v1/sales/theirs/resolve", `{"outcome":"paid","note":"seen"}`,
		[]till.Permission{till.Resolve}, nil, "", ""},
	{"sale.ask", `{"id":"theirs"}`, "POST", "/v1/sales/theirs/ask", "",
		[]till.Permission{till.Resolve}, []till.Permission{till.Sell, till.Resolve}, "/v1/sales/mine/ask", `{"id":"mine"}`},
	{"sale.story", `{"id":"theirs"}`, "GET", "/v1/sales/theirs/story", "",
		[]till.Permission{till.Read}, []till.Permission{till.Sell, till.Read}, "/v1/sales/mine/story", `{"id":"mine"}`},
	{"sale.receipt", `{"id":"theirs"}`, "GET", "/v1/sales/theirs/receipt", "",
		[]till.Permission{till.Read}, []till.Permission{till.Sell, till.Read}, "/v1/sales/mine/receipt", `{"id":"mine"}`},
	{"refund.put", `{"id":"rnew","sale":"old","amount":1}`, "PUT", "/v1/refunds/rnew", `{"sale":"old","amount":1}`,
		[]till.Permission{till.Refund}, nil, "", ""},
	{"refund.get", `{"id":"rtheirs"}`, "GET", "/v1/refunds/rtheirs", "",
		[]till.Permission{till.Read}, []till.Permission{till.Refund, till.Read}, "/v1/refunds/rmine", `{"id":"rmine"}`},
	{"refund.resolve", `{"id":"rtheirs","outcome":"refunded","note":"seen"}`, "POST", "/v1/refunds/rtheirs/resolve", `{"outcome":"refunded","note":"seen"}`,
		[]till.Permission{till.Resolve}, nil, "", ""},
	{"alarms", `{}`, "GET", "/v1/alarms", "", []till.Permission{till.Read}, nil, "", ""},
	{"alarm.settle", `{"seq":1,"note":"seen"}`, "POST", "/v1/alarms/1/settle", `{"note":"seen"}`, []till.Permission{till.Resolve}, nil, "", ""},
	{"totals", `{}`, "GET", "/v1/totals", "", []till.Permission{till.Read}, nil, "", ""},
	{"reconcile", `{}`, "GET", "/v1/reconciliation", "", []till.Permission{till.Read}, nil, "", ""},
	{"lanes", `{}`, "GET", "/v1/lanes", "", []till.Permission{till.Sell, till.Read}, nil, "", ""},
	{"lane.scan", `{"lane":"3","code":"1"}`, "POST", "/v1/lanes/3/scan", `{"code":"1"}`, []till.Permission{till.Sell}, nil, "", ""},
	{"displays", `{}`, "GET", "/v1/displays", "", []till.Permission{till.Display, till.Read}, nil, "", ""},
	{"display", `{"lane":"3"}`, "GET", "/v1/lanes/3/display", "", []till.Permission{till.Display, till.Read}, nil, "", ""},
	{"day", `{}`, "GET", "/v1/day", "", []till.Permission{till.Read}, nil, "", ""},
	{"access", `{}`, "GET", "/v1/access", "", till.Permissions, nil, "", ""},
	{"page.link", `{"operator":"Mei"}`, "POST", "/v1/page/links", `{"operator":"Mei"}`, []till.Permission{till.Read}, nil, "", ""},
	{"reload", `{}`, "POST", "/v1/reload", "", []till.Permission{till.Resolve}, nil, "", ""},
	{"diagnosis", `{}`, "GET", "/v1/diagnosis", "", []till.Permission{till.Read}, nil, "", ""},
	{"events.subscribe", `{}`, "GET", "/v1/events", "", []till.Permission{till.Sell, till.Refund, till.Read}, nil, "", ""},
}

// Every operation × every permission and some pairs × both dialects × Unix and TCP.
func TestPermissionMatrix(t *testing.T) {
	_, methods, _, _ := till.Offered()
	if len(methods) != len(tries) {
		t.Errorf("%d operations, %d of them tried", len(methods), len(tries))
	}
	sets := [][]till.Permission{nil, {}, {till.Sell, till.Read}, {till.Refund, till.Read}, till.Permissions}
	for _, p := range till.Permissions {
		sets = append(sets, []till.Permission{p})
	}
	for _, allow := range sets {
		for _, network := range []string{"unix", "tcp"} {
			for _, dialect := range []string{till.DialectHTTP, till.DialectLine} {
				t.Run(fmt.Sprintf("%v/%s/%s", allow, network, dialect), func(t *testing.T) {
					granted := allow
					if allow == nil {
						granted = []till.Permission{till.Sell, till.Refund, till.Resolve, till.Read}
					}
					has := func(any []till.Permission) bool {
						return slices.ContainsFunc(any, func(p till.Permission) bool { return slices.Contains(granted, p) })
					}
					for _, tr := range tries {
						// With "read", whoever may do it to sales of its own may do it to all.
						may := has(tr.all) || has(tr.own) && slices.Contains(granted, till.Read)
						check(t, allow, network, dialect, tr.method, tr.params, tr.verb, tr.path, tr.body, may)
						if tr.ownPath != "" {
							check(t, allow, network, dialect, tr.method, tr.ownParams, tr.verb, tr.ownPath, tr.body, has(tr.own))
						}
					}
				})
			}
		}
	}
}

// check tries one operation at a fresh counter.
func check(t *testing.T, allow []till.Permission, network, dialect, method, params, verb, path, body string, may bool) {
	t.Helper()
	e := till.Endpoint{Dialect: dialect, Listen: "unix:" + tilltest.SocketDir(t) + "/s"}
	if network == "tcp" {
		e = tilltest.TCP(t, dialect)
	}
	e.Name, e.Allow = "front", allow
	page := tilltest.TCP(t, till.DialectHTTP) // where links of the page lead
	addr := tilltest.Start(t, sold(t), e, page).Addrs()[0]
	var status int
	var code sale.Code
	var detail string
	if dialect == till.DialectHTTP {
		c := newCaller(t, addr)
		c.set = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+tilltest.Token) }
		if method == "events.subscribe" && may {
			c.stream(t.Context(), "", "")
			return
		}
		a := c.do(verb, path, body)
		if status = a.status; status >= 400 {
			var p till.Problem
			decodeInto(t, a.body, &p)
			code, detail = p.Code, p.Detail
		}
	} else {
		l := dialLine(t, addr)
		if network == "tcp" {
			l.call("auth", `{"token":"`+tilltest.Token+`"}`)
		}
		if r := l.call(method, params); r.Error != nil {
			status, code, detail = r.Error.Data.Status, r.Error.Data.Code, r.Error.Message
		}
	}
	if may && status >= 400 {
		t.Errorf("%s %s: %d %s %s, but it is allowed", method, params, status, code, detail)
	}
	if !may && (status != 403 || code != till.NotAllowed || !strings.Contains(detail, "permission")) {
		t.Errorf("%s %s: %d %s %q, want 403 not_allowed with the name of the permission", method, params, status, code, detail)
	}
}

// sold is a desk with sales and refunds of two endpoints.
func sold(t testing.TB) *tilltest.Desk {
	t.Helper()
	d := tilltest.NewDesk("1", "2", "3", "4")
	for id, by := range map[string]string{"mine": "front, user alice", "theirs": "back, user bob", "old": "back"} {
		lane := map[string]string{"mine": "1", "theirs": "2", "old": "4"}[id]
		if _, _, err := d.PutSale(t.Context(), sale.Request{ID: id, Amount: 100, Currency: "HKD", Lane: lane, By: by}); err != nil {
			t.Fatal(err)
		}
		d.SetState(id, sale.Paid, "")
	}
	for id, by := range map[string]string{"rmine": "front, user alice", "rtheirs": "back, user bob"} {
		if _, _, err := d.PutRefund(t.Context(), sale.RefundRequest{ID: id, Sale: "old", Amount: 1, By: by}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// Without "read", lists, lanes and events have but what was opened at the same endpoint.
func TestOnlyItsOwn(t *testing.T) {
	d := sold(t)
	dir := tilltest.SocketDir(t)
	s := tilltest.Start(t, d,
		till.Endpoint{Name: "front", Dialect: "http", Listen: "unix:" + dir + "/h", Allow: []till.Permission{till.Sell}},
		till.Endpoint{Name: "back", Dialect: "http", Listen: "unix:" + dir + "/b"})
	front, back := newCaller(t, s.Addrs()[0]), newCaller(t, s.Addrs()[1])
	front.do("PUT", "/v1/sales/f", `{"amount":5,"currency":"HKD","lane":"1"}`)
	back.do("PUT", "/v1/sales/b", `{"amount":6,"currency":"HKD","lane":"2"}`)
	if v := front.do("GET", "/v1/sales/f", "").sale(t); v.By != "front, user "+me(t) {
		t.Errorf("opened by %q", v.By)
	}

	var list struct{ Sales []sale.View }
	decodeInto(t, front.do("GET", "/v1/sales?limit=5", "").body, &list)
	if len(list.Sales) != 2 || list.Sales[0].ID != "f" || list.Sales[1].ID != "mine" {
		t.Errorf("the list has %+v", list.Sales)
	}
	decodeInto(t, front.do("GET", "/v1/sales?limit=1", "").body, &list)
	if len(list.Sales) != 1 {
		t.Errorf("the list of one has %+v", list.Sales)
	}
	var lanes struct{ Lanes []sale.LaneView }
	decodeInto(t, front.do("GET", "/v1/lanes", "").body, &lanes)
	if len(lanes.Lanes) != 4 || lanes.Lanes[0].Sale == nil || lanes.Lanes[0].Sale.ID != "f" || lanes.Lanes[1].Sale != nil {
		t.Errorf("the lanes are %+v", lanes.Lanes)
	}
	events, _ := front.stream(t.Context(), "", "")
	d.Scan(sale.ScanView{Lane: "2", Text: "goods"})
	for {
		e := next(t, events)
		if strings.Contains(e, `"id":"b"`) || strings.Contains(e, "theirs") || strings.Contains(e, `"id":"old"`) {
			t.Errorf("an event of another endpoint: %s", e)
		}
		if strings.Contains(e, "goods") {
			break
		}
	}
	// The same request with the id of another endpoint's sale tells nothing of that sale.
	p := front.do("PUT", "/v1/sales/b", `{"amount":6,"currency":"HKD","lane":"2"}`).refused(t, 403, till.NotAllowed)
	if p.Sale != "b" {
		t.Errorf("%+v", p)
	}
	if got := d.CancelsAsked(); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func TestLanesOfAnEndpoint(t *testing.T) {
	d := sold(t)
	dir := tilltest.SocketDir(t)
	s := tilltest.Start(t, d,
		till.Endpoint{Name: "one", Dialect: "http", Listen: "unix:" + dir + "/1", Lanes: []string{"3"}},
		till.Endpoint{Name: "two", Dialect: "http", Listen: "unix:" + dir + "/2", Lanes: []string{"1", "3"}})
	one, two := newCaller(t, s.Addrs()[0]), newCaller(t, s.Addrs()[1])
	if v := one.do("PUT", "/v1/sales/a", `{"amount":5,"currency":"HKD"}`).sale(t); v.Lane != "3" {
		t.Errorf("an endpoint of one lane sells on lane %s", v.Lane)
	}
	for _, r := range []struct{ verb, path, body string }{
		{"PUT", "/v1/sales/x", `{"amount":5,"currency":"HKD","lane":"1"}`},
		{"GET", "/v1/sales/theirs", ""},
		{"GET", "/v1/sales?lane=2", ""},
		{"GET", "/v1/sales/theirs/story", ""},
		{"POST", "/v1/sales/theirs/cancel", ""},
		{"POST", "/v1/sales/theirs/delivered", ""},
		{"POST", "/v1/sales/theirs/resolve", `{"outcome":"paid","note":"x"}`},
		{"PUT", "/v1/refunds/x", `{"sale":"old","amount":1}`},
		{"GET", "/v1/refunds/rmine", ""},
		{"POST", "/v1/lanes/2/scan", `{"code":"1"}`},
	} {
		if p := one.do(r.verb, r.path, r.body).refused(t, 403, till.NotAllowed); !strings.Contains(p.Detail, "lane 3 only") {
			t.Errorf("%s %s: %s", r.verb, r.path, p.Detail)
		}
	}
	var list struct{ Sales []sale.View }
	decodeInto(t, two.do("GET", "/v1/sales", "").body, &list)
	var lanes struct{ Lanes []sale.LaneView }
	decodeInto(t, two.do("GET", "/v1/lanes", "").body, &lanes)
	if len(list.Sales) != 2 || len(lanes.Lanes) != 2 {
		t.Errorf("sales %+v, lanes %+v", list.Sales, lanes.Lanes)
	}
	events, _ := two.stream(t.Context(), "", "")
	d.Scan(sale.ScanView{Lane: "2", Text: "elsewhere"})
	d.Scan(sale.ScanView{Lane: "3", Text: "here"})
	for e := next(t, events); !strings.Contains(e, "here"); e = next(t, events) {
		if strings.Contains(e, "elsewhere") || strings.Contains(e, "theirs") {
			t.Errorf("an event of another lane: %s", e)
		}
	}
}

// A permission for some users and groups alone.
func TestPeers(t *testing.T) {
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		t.Skip(err)
	}
	for _, tc := range []struct {
		peers []string
		ok    bool
	}{
		{[]string{u.Username}, true}, {[]string{"nobody-has-this", g.Name}, true}, {[]string{"nobody"}, u.Username == "nobody"},
		{[]string{"nobody-has-this"}, false}, {[]string{}, false},
	} {
		d := sold(t)
		s := tilltest.Start(t, d, till.Endpoint{Dialect: "http", Listen: "unix:" + tilltest.SocketDir(t) + "/s",
			Peers: map[till.Permission][]string{till.Refund: tc.peers}})
		c := newCaller(t, s.Addrs()[0])
		if a := c.do("PUT", "/v1/refunds/x", `{"sale":"old","amount":1}`); (a.status == 201) != tc.ok {
			t.Errorf("%q: %d %s", tc.peers, a.status, a.body)
		}
		if a := c.do("GET", "/v1/sales/old", ""); a.status != 200 {
			t.Errorf("%q: a permission without peers: %d %s", tc.peers, a.status, a.body)
		}
	}
}

// An event that is hidden must not cut the stream, nor be sent as an empty one.
func TestHiddenEventsAreSilent(t *testing.T) {
	d := tilltest.NewDesk("1", "2")
	s := tilltest.Start(t, d, till.Endpoint{Name: "two", Dialect: "line", Listen: "unix:" + tilltest.SocketDir(t) + "/s", Lanes: []string{"2"}})
	l := dialLine(t, s.Addrs()[0])
	l.call("events.subscribe", `{}`)
	for range 250 { // more than one batch
		d.Scan(sale.ScanView{Lane: "1", Text: "hidden"})
	}
	d.Scan(sale.ScanView{Lane: "2", Text: "seen"})
	_ = l.c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if r := l.read(); r.Params.Seq != 251 || !strings.Contains(string(r.Params.Data), "seen") {
		t.Errorf("%+v", r)
	}
}
