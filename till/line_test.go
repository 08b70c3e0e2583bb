package till_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

// A lineTill is one connection in the line dialect.
type lineTill struct {
	t  testing.TB
	c  net.Conn
	in *bufio.Reader
	n  int
}

type reply struct {
	Version string          `json:"jsonrpc"`
	ID      any             `json:"id"`
	Method  string          `json:"method"`
	Params  sale.Notice     `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Code    int          `json:"code"`
		Message string       `json:"message"`
		Data    till.Problem `json:"data"`
	} `json:"error"`
}

func dialLine(t testing.TB, addr string) *lineTill {
	t.Helper()
	network, rest, _ := strings.Cut(addr, ":")
	c, err := net.Dial(network, rest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return &lineTill{t: t, c: c, in: bufio.NewReader(c)}
}

func newLineTill(t testing.TB) (*tilltest.Desk, *lineTill) {
	d := tilltest.NewDesk()
	return d, dialLine(t, tilltest.Serve(t, d, till.DialectLine))
}

func (l *lineTill) send(line string) {
	l.t.Helper()
	if _, err := fmt.Fprintln(l.c, line); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lineTill) read() (r reply) {
	l.t.Helper()
	line, err := l.in.ReadBytes('\n')
	if err != nil {
		l.t.Fatalf("no line: %v", err)
	}
	decodeInto(l.t, line, &r)
	if r.Version != "2.0" {
		l.t.Errorf("jsonrpc is missing: %s", line)
	}
	return r
}

// call does one call and returns its answer.
func (l *lineTill) call(method, params string) reply {
	l.t.Helper()
	l.n++
	l.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, l.n, method, params))
	r := l.read()
	if r.ID != float64(l.n) {
		l.t.Fatalf("answer to %v, want %d", r.ID, l.n)
	}
	return r
}

func (r reply) sale(t testing.TB) (v sale.View) {
	t.Helper()
	if r.Error != nil {
		t.Fatalf("error %+v", r.Error)
	}
	decodeInto(t, r.Result, &v)
	return v
}

func (r reply) refused(t testing.TB, rpc int, code sale.Code) till.Problem {
	t.Helper()
	if r.Error == nil {
		t.Fatalf("no error but %s", r.Result)
	}
	if r.Error.Code != rpc || r.Error.Data.Code != code || r.Error.Message == "" || r.Error.Message != r.Error.Data.Detail {
		t.Errorf("got %+v, want %d %s", r.Error, rpc, code)
	}
	return r.Error.Data
}

func TestSaleOverLine(t *testing.T) {
	desk, l := newLineTill(t)
	const put = `{"id":"a","amount":12850,"currency":"HKD","ticket":"88211"}`
	if v := l.call("sale.put", put).sale(t); v.ID != "a" || v.State != sale.Waiting || v.Amount != 12850 {
		t.Fatalf("%+v", v)
	}
	if v := l.call("sale.put", put).sale(t); v.State != sale.Waiting {
		t.Errorf("again: %+v", v)
	}
	if p := l.call("sale.put", `{"id":"b","amount":1,"currency":"HKD"}`).refused(t, -32000, sale.LaneBusy); p.Sale != "a" || p.Status != 409 {
		t.Errorf("%+v", p)
	}
	l.call("sale.get", `{"id":"b"}`).refused(t, -32000, sale.UnknownSale)
	if r := l.call("lane.scan", `{"lane":"1","code":"280412345678905813"}`); r.Error != nil {
		t.Errorf("%+v", r.Error)
	}
	if v := l.call("sale.get", `{"id":"a","wait":1,"after":1}`).sale(t); v.State != sale.Paying {
		t.Errorf("%+v", v)
	}
	if v := l.call("sale.cancel", `{"id":"a"}`).sale(t); v.State != sale.Paying {
		t.Errorf("%+v", v)
	}
	if asked := desk.CancelsAsked(); len(asked) != 1 || !strings.HasSuffix(asked[0], ", user "+me(t)) {
		t.Errorf("%q", asked)
	}
	desk.SetState("a", sale.Paid, "")
	if r := l.call("sale.list", `{"state":"paid","limit":5}`); !strings.HasPrefix(string(r.Result), `{"sales":[{"id":"a"`) {
		t.Errorf("%s", r.Result)
	}
	if r := l.call("refund.put", `{"id":"r","sale":"a","amount":850}`); !strings.HasPrefix(string(r.Result), `{"id":"r","sale":"a","amount":850`) {
		t.Errorf("%s", r.Result)
	}
	l.call("refund.put", `{"id":"r2","sale":"a","amount":99999}`).refused(t, -32000, sale.NotRefundable)
	if r := l.call("refund.get", `{"id":"r"}`); r.Error != nil {
		t.Errorf("%+v", r.Error)
	}
	for method, want := range map[string]string{"totals": `{"day":`, "lanes": `{"lanes":[`, "diagnosis": `{"version":`} {
		if r := l.call(method, `{}`); !strings.HasPrefix(string(r.Result), want) {
			t.Errorf("%s: %s", method, r.Result)
		}
	}
	l.send(`{"jsonrpc":"2.0","id":"text","method":"lanes"}`)
	if r := l.read(); r.ID != "text" || r.Error != nil {
		t.Errorf("without params, with a text as id: %+v", r)
	}
	if r := l.call("auth", `{"token":"anything"}`); r.Error != nil {
		t.Errorf("auth over a Unix socket: %+v", r.Error)
	}
	desk.Fail(tilltest.Panic("secret"))
	l.call("sale.put", put).refused(t, -32603, "internal")
	desk.Fail(errors.New("secret"))
	if p := l.call("sale.put", put).refused(t, -32603, "internal"); strings.Contains(p.Detail, "secret") {
		t.Errorf("tells too much: %+v", p)
	}
}

func TestWaitingCallHoldsUpNoOther(t *testing.T) {
	_, l := newLineTill(t)
	l.call("sale.put", `{"id":"a","amount":1,"currency":"HKD"}`)
	l.send(`{"jsonrpc":"2.0","id":"w","method":"sale.get","params":{"id":"a","wait":"30s"}}`)
	l.send(`{"jsonrpc":"2.0","id":"c","method":"sale.cancel","params":{"id":"a"}}`)
	seen := map[any]sale.State{}
	for range 2 {
		r := l.read()
		seen[r.ID] = r.sale(t).State
	}
	if seen["w"] != sale.NotPaid || seen["c"] != sale.NotPaid {
		t.Errorf("%v", seen)
	}
}

func TestTooManyCallsOnOneConnection(t *testing.T) {
	_, addr := serveWith(t, tilltest.NewDesk(), till.DialectLine, func(s *till.Server) {
		s.SetLimits(10, 2, time.Minute, time.Minute, time.Minute)
	})
	l := dialLine(t, addr)
	l.call("sale.put", `{"id":"a","amount":1,"currency":"HKD"}`)
	for id := range 3 {
		l.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":"w%d","method":"sale.get","params":{"id":"a","wait":"30s"}}`, id))
	}
	r := l.read()
	if r.ID != "w2" {
		t.Errorf("answer to %v", r.ID)
	}
	r.refused(t, -32600, sale.InvalidRequest)
}

func TestHalfClosedConnectionGetsItsAnswers(t *testing.T) {
	_, l := newLineTill(t)
	l.send(`{"jsonrpc":"2.0","id":1,"method":"sale.put","params":{"id":"a","amount":1,"currency":"HKD"}}`)
	l.read()
	l.send(`{"jsonrpc":"2.0","id":2,"method":"sale.get","params":{"id":"a","wait":"30s"}}`)
	fmt.Fprint(l.c, `{"jsonrpc":"2.0","id":3,"method":"lanes"}`) // no line end
	if err := l.c.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	seen := map[any]bool{l.read().ID: true, l.read().ID: true}
	if !seen[2.0] || !seen[3.0] {
		t.Errorf("%v", seen)
	}
	if _, err := l.in.ReadByte(); err == nil {
		t.Error("the connection goes on")
	}
}

func TestLineOverTCPNeedsTheToken(t *testing.T) {
	addr := tilltest.ServeTCP(t, tilltest.NewDesk(), till.DialectLine)
	l := dialLine(t, addr)
	if r := l.call("auth", `{"token":"`+tilltest.Token+`"}`); r.Error != nil {
		t.Fatalf("%+v", r.Error)
	}
	if r := l.call("lanes", `{}`); r.Error != nil {
		t.Errorf("%+v", r.Error)
	}
	for name, line := range map[string]string{
		"no auth":     `{"jsonrpc":"2.0","id":1,"method":"lanes"}`,
		"wrong token": `{"jsonrpc":"2.0","id":1,"method":"auth","params":{"token":"0123456789abcdef0123456789abcdee"}}`,
		"no token":    `{"jsonrpc":"2.0","id":1,"method":"auth"}`,
		"a web page":  "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + `{"jsonrpc":"2.0","id":1,"method":"auth","params":{"token":"` + tilltest.Token + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			l := dialLine(t, addr)
			l.send(line)
			if r := l.read(); r.Error == nil || (r.Error.Data.Code != "unauthorized" && r.Error.Data.Code != sale.InvalidRequest) {
				t.Errorf("%+v", r)
			}
			if b, err := l.in.ReadByte(); err == nil {
				t.Errorf("the connection goes on with %q", b)
			}
		})
	}
}

func TestLongLine(t *testing.T) {
	_, l := newLineTill(t)
	go fmt.Fprintln(l.c, `{"jsonrpc":"2.0","id":1,"method":"lanes","params":{"x":"`+strings.Repeat("x", 1<<20)+`"}}`)
	l.read().refused(t, -32700, sale.InvalidRequest)
	if r := l.call("lanes", `{}`); r.Error != nil {
		t.Errorf("after the long line: %+v", r.Error)
	}
}

// Calls are answered in the order that they were sent in, but for those that wait: who asks about a sale right
// behind opening it must never hear that there is none.
func TestLineCallsKeepTheirOrder(t *testing.T) {
	l := dialLine(t, tilltest.Serve(t, tilltest.NewDesk(), till.DialectLine))
	for i := range 50 {
		id := fmt.Sprintf("o%d", i)
		l.send(`{"jsonrpc":"2.0","id":"put","method":"sale.put","params":{"id":"` + id + `","amount":1,"currency":"HKD"}}`)
		l.send(`{"jsonrpc":"2.0","id":"get","method":"sale.get","params":{"id":"` + id + `","wait":1,"after":0}}`)
		l.send(`{"jsonrpc":"2.0","id":"cancel","method":"sale.cancel","params":{"id":"` + id + `"}}`)
		for range 3 {
			if r := l.read(); r.Error != nil {
				t.Fatalf("%+v", r.Error)
			}
		}
	}
}
