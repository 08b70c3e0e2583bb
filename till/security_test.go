package till_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

func TestTCPNeedsTheToken(t *testing.T) {
	c := newCaller(t, tilltest.ServeTCP(t, tilltest.NewDesk(), till.DialectHTTP))
	for name, header := range map[string][]string{
		"none": nil, "wrong": {"Bearer 0123456789abcdef0123456789abcdee"}, "empty": {"Bearer "}, "other scheme": {"Basic " + tilltest.Token},
		"bare": {tilltest.Token}, "part": {"Bearer " + tilltest.Token[:31]}, "twice": {"Bearer " + tilltest.Token, "Bearer x"},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			c.set = func(r *http.Request) { r.Header["Authorization"] = header }
			for _, path := range []string{"/v1/lanes", "/v1/events", "/healthz", "/readyz", "/metrics", "/nowhere"} {
				a := c.do("GET", path, "")
				if a.refused(t, 401, "unauthorized"); a.header.Get("WWW-Authenticate") != "Bearer" {
					t.Error("no WWW-Authenticate")
				}
			}
			c.do("PUT", "/v1/sales/a", coffee).refused(t, 401, "unauthorized")
		})
	}
	c.t = t
	c.set = func(r *http.Request) { r.Header.Set("Authorization", "bearer "+tilltest.Token) }
	if a := c.do("PUT", "/v1/sales/a", coffee); a.status != 201 {
		t.Errorf("with the token: %d %s", a.status, a.body)
	}
	if a := c.do("GET", "/healthz", ""); a.status != 200 {
		t.Errorf("with the token: %d %s", a.status, a.body)
	}
}

// A web page that points its own name at 127.0.0.1, or posts to the port, must not get through even if it
// somehow knows the token.
func TestWebPagesAreKeptOut(t *testing.T) {
	c := newCaller(t, tilltest.ServeTCP(t, tilltest.NewDesk(), till.DialectHTTP))
	addr := strings.TrimPrefix(c.base, "http://")
	_, port, _ := net.SplitHostPort(addr)
	for _, h := range []struct {
		host, origin string
		ok           bool
	}{
		{addr, "", true},
		{"localhost:" + port, "", true},
		{"LOCALHOST", "", true},
		{"[::1]:" + port, "", true},
		{"127.0.0.1", "", true},
		{addr, "http://" + addr, true},
		{"evil.example:" + port, "", false},
		{"127.0.0.1.evil.example:" + port, "", false},
		{"localhost.evil.example", "", false},
		{"192.168.1.5:" + port, "", false},
		{"0.0.0.0:" + port, "", false},
		{addr, "http://evil.example", false},
		{addr, "null", false},
		{addr, "https://" + addr, false},
		{addr, "http://127.0.0.1:1", false},
		{addr, "http://" + addr + ".evil.example", false},
		{addr, "file://", false},
		{"evil.example", "http://evil.example", false},
		{"::1", "", false},
		{"[127.0.0.1]", "", false},
		{"localhost.", "", false},
		{"localhost:", "", false},
		{"localhost:x", "", false},
		{"127.1", "", false},
		{"0177.0.0.1", "", false},
		{"2130706433", "", false},
		{"localhost,evil.example", "", false},
		{"evil@localhost", "", false},
	} {
		c.set = func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+tilltest.Token)
			r.Host = h.host
			if h.origin != "" {
				r.Header.Set("Origin", h.origin)
			}
		}
		a := c.do("GET", "/v1/lanes", "")
		if h.ok != (a.status == 200) {
			t.Errorf("Host %q Origin %q: %d %s", h.host, h.origin, a.status, a.body)
		}
		if !h.ok && a.status != 400 { // which net/http says of what is no host at all
			a.refused(t, 403, "unauthorized")
		}
	}
	_, unix := httpTill(t)
	unix.set = func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }
	unix.do("GET", "/v1/lanes", "").refused(t, 403, "unauthorized")
}

func TestTokenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	endpoint := till.Endpoint{Dialect: till.DialectHTTP, Listen: "tcp:127.0.0.1:0", TokenFile: file}
	tilltest.Start(t, tilltest.NewDesk(), endpoint)
	token, err := os.ReadFile(file)
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{64}\n$`).Match(token) {
		t.Fatalf("%q %v", token, err)
	}
	if fi, _ := os.Stat(file); fi.Mode().Perm() != 0o640 {
		t.Errorf("mode %v", fi.Mode())
	}
	if names, _ := os.ReadDir(filepath.Dir(file)); len(names) != 3 { // with the certificate and its key
		t.Errorf("left behind: %v", names)
	}
	c := newCaller(t, tilltest.Start(t, tilltest.NewDesk(), endpoint).Addrs()[0])
	c.set = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token))) }
	if a := c.do("GET", "/healthz", ""); a.status != 200 {
		t.Errorf("a second start must keep the token: %d", a.status)
	}
	for _, bad := range []string{"", "short\n", "two words that are long enough"} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := startOnce(t, endpoint); err == nil || !strings.Contains(err.Error(), "remove it and a new one is written") {
			t.Errorf("token %q: %v", bad, err)
		}
	}
}

// Hosts that no HTTP library sends, and that name this machine in some odd way.
func TestOddHosts(t *testing.T) {
	addr := tilltest.ServeTCP(t, tilltest.NewDesk(), till.DialectHTTP)
	ask := func(target, host string) string {
		c, err := net.Dial("tcp", strings.TrimPrefix(addr, "tcp:"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\n%sAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", target, host, tilltest.Token)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		b, _ := io.ReadAll(c)
		return string(b)
	}
	if got := ask("/v1/lanes", "Host: localhost\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Fatal(got)
	}
	for _, h := range []struct{ target, host string }{
		{"/v1/lanes", "Host: [::1%25x]\r\n"}, {"/v1/lanes", "Host: [::1%x]:8460\r\n"}, {"/v1/lanes", "Host: [::1\r\n"},
		{"http://[::1%25x]/v1/lanes", "Host: localhost\r\n"}, {"http://localhost%09/v1/lanes", "Host: localhost\r\n"},
		{"/v1/lanes", "Host: local\thost\r\n"}, {"/v1/lanes", "Host: localhost\t.evil.example\r\n"}, {"/v1/lanes", "Host: localhost\v\r\n"},
		{"/v1/lanes", "Host: [::ffff:127.0.0.1%x]\r\n"}, {"/v1/lanes", "Host: localhost\r\nHost: localhost\r\n"}, {"/v1/lanes", "Host:\r\n"},
	} {
		if got := ask(h.target, h.host); !strings.HasPrefix(got, "HTTP/1.1 403") && !strings.HasPrefix(got, "HTTP/1.1 400") {
			t.Errorf("%s %q: %s", h.target, h.host, got)
		}
	}
}

// startOnce starts a server, tells which endpoints it cannot open, and leaves nothing running.
func startOnce(t *testing.T, endpoints ...till.Endpoint) error {
	t.Helper()
	s := till.New(till.Config{Endpoints: endpoints}, tilltest.NewDesk(), zaptest.NewLogger(t))
	err := s.Start(t.Context())
	return errors.Join(err, s.Closed(), s.Shutdown(context.Background()))
}

func TestSocket(t *testing.T) {
	path := filepath.Join(tilltest.SocketDir(t), "s")
	endpoint := till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + path}

	first := till.New(till.Config{Endpoints: []till.Endpoint{endpoint}}, tilltest.NewDesk(), zaptest.NewLogger(t))
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o660 {
		t.Errorf("mode %v %v", fi.Mode(), err)
	}
	if err := startOnce(t, endpoint); err == nil || !strings.Contains(err.Error(), "another program answers on "+path) {
		t.Errorf("a second daemon: %v", err)
	}
	if a := newCaller(t, "unix:"+path).do("GET", "/healthz", ""); a.status != 200 {
		t.Errorf("the first daemon was disturbed: %d", a.status)
	}
	if err := first.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}

	// What a killed daemon leaves behind.
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
	if err := startOnce(t, endpoint); err != nil {
		t.Errorf("over a stale socket: %v", err)
	}

	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := startOnce(t, endpoint); err == nil || !strings.Contains(err.Error(), "is not a socket; move it away") {
		t.Errorf("over a file: %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Error("the file was touched")
	}
}

func TestCheck(t *testing.T) {
	for _, e := range []struct{ dialect, listen, token, says string }{
		{"http", "unix:/run/cpmd/till.sock", "", ""},
		{"line", "tcp:127.0.0.1:8461", "t", ""},
		{"line", "tcp:[::1]:8461", "t", ""},
		{"nexo", "unix:/x", "", "dialect"},
		{"http", "unix:", "", "not understood"},
		{"http", "/run/x", "", "not understood"},
		{"http", "unix:/" + strings.Repeat("x", 107), "", "at most 107"},
		{"http", "tcp:0.0.0.0:8460", "t", "only loopback"},
		{"http", "tcp::8460", "t", "not an address"},
		{"http", "tcp:192.168.1.5:8460", "t", "only loopback"},
		{"http", "tcp:127.0.0.1", "t", "not an address"},
		{"http", "tcp:127.0.0.1:8460", "", "token_file is missing"},
	} {
		err := till.Endpoint{Dialect: e.dialect, Listen: e.listen, TokenFile: e.token}.Check()
		if (err == nil) != (e.says == "") || err != nil && !strings.Contains(err.Error(), e.says) {
			t.Errorf("%+v: %v", e, err)
		}
	}
}

func TestBodies(t *testing.T) {
	_, c := httpTill(t)
	p := c.do("PUT", "/v1/sales/a", `{"amount":1,"currency":"HKD","ticket":"`+strings.Repeat("x", 1<<20)+`"}`).refused(t, 413, sale.InvalidRequest)
	if !strings.Contains(p.Detail, "65536 bytes") {
		t.Errorf("%q", p.Detail)
	}
	if a := c.do("PUT", "/v1/sales/a", coffee); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, ct := range []string{"application/x-www-form-urlencoded", "text/plain", ";", "application/json; charset=utf-8", ""} {
		c.set = func(r *http.Request) {
			if r.Header.Set("Content-Type", ct); ct == "" {
				r.Header.Del("Content-Type")
			}
		}
		a := c.do("PUT", "/v1/sales/a", coffee)
		if a.status != 200 {
			t.Errorf("Content-Type %q: %d %s", ct, a.status, a.body)
		}
	}
}

func TestTooManyConnections(t *testing.T) {
	for _, dialect := range []string{till.DialectHTTP, till.DialectLine} {
		t.Run(dialect, func(t *testing.T) {
			_, addr := serveWith(t, tilltest.NewDesk(), dialect, func(s *till.Server) {
				s.SetLimits(2, 10, time.Minute, time.Minute, time.Minute)
			})
			dial := func() net.Conn {
				c, err := net.Dial("unix", strings.TrimPrefix(addr, "unix:"))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = c.Close() })
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				return c
			}
			ask := func() (c net.Conn, told string) {
				c = dial()
				if dialect == till.DialectHTTP {
					fmt.Fprint(c, "GET /v1/lanes HTTP/1.1\r\nHost: localhost\r\n\r\n")
				} else {
					fmt.Fprintln(c, `{"jsonrpc":"2.0","id":1,"method":"lanes"}`)
				}
				b := make([]byte, 2000)
				n, _ := c.Read(b)
				return c, string(b[:n])
			}
			first, told := ask()
			if _, also := ask(); !strings.Contains(told, `"lanes":[`) || !strings.Contains(also, `"lanes":[`) {
				t.Fatalf("the first two were told %q, %q", told, also)
			}
			third, told := ask()
			if !strings.Contains(told, "Too many connections") {
				t.Errorf("the third was told %q", told)
			}
			if _, err := io.ReadAll(third); err != nil {
				t.Errorf("the third is still connected: %v", err)
			}
			_ = first.Close()
			waitFor(t, "the slot to be free again", func() bool {
				c, told := ask()
				_ = c.Close()
				return strings.Contains(told, `"lanes":[`)
			})
		})
	}
}

// Somebody who sends a request a byte at a time must not keep a connection for ever.
func TestSlowSender(t *testing.T) {
	for dialect, begin := range map[string]string{
		till.DialectHTTP: "PUT /v1/sales/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
		till.DialectLine: `{"jsonrpc":`,
	} {
		t.Run(dialect, func(t *testing.T) {
			_, addr := serveWith(t, tilltest.NewDesk(), dialect, func(s *till.Server) {
				s.SetLimits(10, 10, 50*time.Millisecond, time.Minute, time.Minute)
			})
			c, err := net.Dial("unix", strings.TrimPrefix(addr, "unix:"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprint(c, begin)
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.ReadAll(c); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return // reset: cut off as well
			} else if err != nil {
				t.Error("still connected")
			}
		})
	}
}
