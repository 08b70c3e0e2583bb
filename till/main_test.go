package till_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A caller sends HTTP requests as a till would, without help of the client package.
type caller struct {
	t    testing.TB
	base string
	http *http.Client
	set  func(*http.Request) // for headers
}

func newCaller(t testing.TB, addr string) *caller {
	network, rest, _ := strings.Cut(addr, ":")
	c := &caller{t: t, base: "http://" + rest, set: func(*http.Request) {}}
	if network == "unix" {
		c.base = "http://localhost"
	}
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, rest)
	}}
	c.http = &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(tr.CloseIdleConnections)
	return c
}

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (c *caller) do(method, path, body string) answer {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	c.set(req)
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, b}
}

func (a answer) sale(t testing.TB) (v sale.View) {
	t.Helper()
	decodeInto(t, a.body, &v)
	return v
}

// refused checks that the answer is a problem document, and returns it.
func (a answer) refused(t testing.TB, status int, code sale.Code) till.Problem {
	t.Helper()
	var p till.Problem
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type %q, want a problem; body %s", ct, a.body)
	}
	decodeInto(t, a.body, &p)
	if a.status != status || p.Status != status || p.Code != code || p.Detail == "" || p.Title == "" || p.Type == "" {
		t.Errorf("got %d %+v, want %d %s", a.status, p, status, code)
	}
	return p
}

func decodeInto(t testing.TB, data []byte, v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
}

// httpTill serves a desk over HTTP on a Unix socket.
func httpTill(t testing.TB) (*tilltest.Desk, *caller) {
	d := tilltest.NewDesk()
	return d, newCaller(t, tilltest.Serve(t, d, till.DialectHTTP))
}

// serveWith serves with other limits than the usual ones.
func serveWith(t testing.TB, d till.Desk, dialect string, limit func(*till.Server)) (*till.Server, string) {
	t.Helper()
	s := till.New(till.Config{Endpoints: []till.Endpoint{{Dialect: dialect,
		Listen: "unix:" + filepath.Join(tilltest.SocketDir(t), "s")}}}, d, zaptest.NewLogger(t))
	limit(s)
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, s.Addrs()[0]
}

const coffee = `{"amount":12850,"currency":"HKD","ticket":"88211"}`
