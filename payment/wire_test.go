package payment

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// listen runs a server on loopback that does as it likes with each connection, and counts the requests it read.
func listen(t testing.TB, serve func(c *conn)) *gateway {
	return accept(t, func(_ *net.TCPConn, c *conn) { serve(c) })
}

func accept(t testing.TB, serve func(raw *net.TCPConn, c *conn)) *gateway {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{url: "http://" + l.Addr().String()}
	var all sync.WaitGroup
	done := make(chan struct{})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				tcp := c.(*net.TCPConn)
				serve(tcp, &conn{TCPConn: tcp, r: bufio.NewReader(c), count: &g.requests, done: done})
			})
		}
	})
	t.Cleanup(func() { l.Close(); close(done); all.Wait() })
	return g
}

type conn struct {
	*net.TCPConn
	r     *bufio.Reader
	count *atomic.Int64
	done  chan struct{} // the test is over

	secure *tls.Conn // over it; nil where it is plain

	silent func() // called when nothing more will be said; may be nil
}

// request reads a whole request; false if there is none.
func (c *conn) request() bool {
	r, err := http.ReadRequest(c.r)
	if err != nil {
		return false
	}
	c.count.Add(1)
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil
}

func (c *conn) write(s string) {
	if c.secure != nil {
		io.WriteString(c.secure, s)
		return
	}
	io.WriteString(c.TCPConn, s)
}

func (c *conn) answer(header, body string) {
	c.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sX-QF-SIGN: %s\r\nContent-Length: %d\r\n\r\n%s", header, seal5(body), len(body), body))
}

// hold keeps the connection open until the client closes it or the test is over.
func (c *conn) hold() {
	if c.silent != nil {
		c.silent()
	}
	go func() { <-c.done; c.Close() }()
	io.Copy(io.Discard, c.r)
}

// Promise: whatever the network does, at most one request arrives, and only what is proved is said.
func TestWhateverTheNetworkDoes(t *testing.T) {
	zipped := func(body string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, body)
		z.Close()
		return b.String()
	}
	chunks := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n", 20, paidBody[:20], len(paidBody)-20, paidBody[20:])
	redirect := func(status int) func(*conn) {
		return func(c *conn) {
			for c.request() {
				fmt.Fprintf(c, "HTTP/1.1 %d Moved\r\nLocation: /trade/v1/payment\r\nContent-Length: 0\r\n\r\n", status)
			}
		}
	}
	for name, tt := range map[string]struct {
		serve func(*conn)
		want  Meaning
		alarm bool
	}{
		"paid":                       {func(c *conn) { c.request(); c.answer("", paidBody) }, Paid, false},
		"closed at once":             {func(c *conn) { c.Close() }, Unknown, false},
		"reset at once":              {func(c *conn) { c.SetLinger(0); c.Close() }, Unknown, false},
		"reset while reading":        {func(c *conn) { c.r.ReadByte(); c.SetLinger(0) }, Unknown, false},
		"reset after reading":        {func(c *conn) { c.request(); c.SetLinger(0) }, Unknown, false},
		"closed after reading":       {func(c *conn) { c.request() }, Unknown, false},
		"no answer":                  {func(c *conn) { c.request(); c.hold() }, Unknown, false},
		"half a header":              {func(c *conn) { c.request(); io.WriteString(c, "HTTP/1.1 200") }, Unknown, false},
		"half a header, and no more": {func(c *conn) { c.request(); io.WriteString(c, "HTTP/1.1 200"); c.hold() }, Unknown, false},
		"no HTTP":                    {func(c *conn) { c.request(); io.WriteString(c, "SSH-2.0-OpenSSH\r\n") }, Unknown, false},
		"half a body": {func(c *conn) {
			c.request()
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(paidBody), paidBody[:len(paidBody)/2])
		}, Unknown, false},
		"all of a body but its last byte": {func(c *conn) {
			c.request()
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(paidBody)+1, paidBody)
		}, Unknown, false},
		"half a body, and no more": {func(c *conn) {
			c.request()
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(paidBody), paidBody[:len(paidBody)/2])
			c.hold()
		}, Unknown, false},
		"chunked":                  {func(c *conn) { c.request(); io.WriteString(c, chunks+"0\r\n\r\n") }, Paid, false},
		"chunked, without its end": {func(c *conn) { c.request(); io.WriteString(c, chunks) }, Unknown, false},
		"gzip": {func(c *conn) {
			c.request()
			z := zipped(paidBody)
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX-QF-SIGN: %s\r\nContent-Length: %d\r\n\r\n%s", seal5(paidBody), len(z), z)
		}, Paid, false},
		"gzip, broken": {func(c *conn) { c.request(); c.answer("Content-Encoding: gzip\r\n", zipped(paidBody)[:40]) }, Unknown, false},
		"gzip, huge": {func(c *conn) {
			c.request()
			c.answer("Content-Encoding: gzip\r\n", zipped(paidBody+strings.Repeat(" ", 64<<20)))
		}, Unknown, false},
		"1 MiB":            {func(c *conn) { c.request(); c.answer("", paidBody+strings.Repeat(" ", 1<<20-len(paidBody))) }, Paid, false},
		"1 MiB and a byte": {func(c *conn) { c.request(); c.answer("", paidBody+strings.Repeat(" ", 1<<20-len(paidBody)+1)) }, Unknown, false},
		"1 GB": {func(c *conn) {
			c.request()
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 1<<30, paidBody)
			block, sent := bytes.Repeat([]byte(" "), 64<<10), 0
			for err := error(nil); err == nil && sent < 1<<30; {
				var n int
				n, err = c.Write(block)
				sent += n
			}
			if sent > 64<<20 {
				t.Errorf("1 GB: the client let %d bytes come", sent)
			}
		}, Unknown, false},
		"endless header": {func(c *conn) {
			c.request()
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for err := error(nil); err == nil; {
				_, err = io.WriteString(c, "X-A: "+strings.Repeat("a", 1000)+"\r\n")
			}
		}, Unknown, false},
		"moved, 301":      {redirect(301), Unknown, false},
		"moved, 307":      {redirect(307), Unknown, false},
		"moved, 308":      {redirect(308), Unknown, false},
		"wrong signature": {func(c *conn) { c.request(); c.answer("X-QF-SIGN: "+seal5("")+"\r\n", paidBody) }, Unknown, true},
		"wrong amount":    {func(c *conn) { c.request(); c.answer("", strings.Replace(paidBody, `"100"`, `"1000"`, 1)) }, Unknown, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			g := listen(t, func(c *conn) {
				c.silent = giveUp // so that nobody has to wait for what does not come
				tt.serve(c)
			})
			a := newTestClient(t, g.url, func(c *Config) { c.Answer = time.Minute }).Pay(ctx, order)
			early := a.Meaning == NotSent && strings.HasSuffix(name, "at once") // while the connection was made
			if a.Meaning != tt.want && !early || (a.Alarm != "") != tt.alarm {
				t.Errorf("%+v instead of %s, alarm %t", a, tt.want, tt.alarm)
			}
			if a.Meaning == Unknown && a.Alarm == "" && a.Err == nil {
				t.Error("nothing says why")
			}
			if n := g.requests.Load(); n > 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// The server closes a kept connection just when the next request comes. It arrives once or not at all; net/http
// sends none again, whosever the transport.
func TestKeptConnectionClosedUnderARequest(t *testing.T) {
	var mu sync.Mutex
	arrived := map[string]int{}
	g := listen(t, func(c *conn) {
		for n := 0; ; n++ {
			r, err := http.ReadRequest(c.r)
			if err != nil {
				return
			}
			b, _ := io.ReadAll(r.Body)
			mu.Lock()
			arrived[string(b)]++
			mu.Unlock()
			if n == 1 {
				c.SetLinger(0) // the second request of each connection is read and never answered
				return
			}
			c.answer("", strings.ReplaceAll(paidBody, order.OutTradeNo, number(string(b))))
		}
	})
	keep := &http.Transport{}
	defer keep.CloseIdleConnections()
	for name, c := range map[string]*Client{"own": newTestClient(t, g.url), "kept": newTestClient(t, g.url, func(c *Config) { c.HTTP = keep })} {
		lost := 0
		for n := range 100 {
			o := order
			o.OutTradeNo = fmt.Sprintf("%s%d", name, n)
			switch a := c.Pay(t.Context(), o); a.Meaning {
			case Paid:
			case Unknown:
				lost++
			default:
				t.Errorf("%s: %+v", name, a)
			}
		}
		if name == "own" && lost != 0 || name == "kept" && lost == 0 {
			t.Errorf("%s: %d answers were lost", name, lost)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for body, n := range arrived {
		if n > 1 {
			t.Errorf("%s arrived %d times", body, n)
		}
	}
}

// A connection that the server closes while it is idle, so that the client may notice before, while or after it
// writes: the payment is paid once or unknown, and arrives once at the most.
func TestKeptConnectionClosedWhileIdle(t *testing.T) {
	g := listen(t, func(c *conn) {
		if c.request() {
			c.answer("", paidBody) // and closes without having said so
		}
	})
	keep := &http.Transport{}
	defer keep.CloseIdleConnections()
	c := newTestClient(t, g.url, func(c *Config) { c.HTTP = keep })
	for range 200 {
		before := g.requests.Load()
		a := c.Pay(t.Context(), order)
		if n := g.requests.Load() - before; n > 1 || a.Meaning == Paid && n != 1 || a.Meaning == NotSent && n != 0 {
			t.Fatalf("%+v after %d requests", a, n)
		}
	}
}

func number(body string) string {
	_, s, _ := strings.Cut(body, "out_trade_no=")
	s, _, _ = strings.Cut(s, "&")
	return s
}

// Each payment has a connection of its own; queries share theirs.
func TestConnections(t *testing.T) {
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"respcd":"1143"}`) }))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := newTestClient(t, s.URL)
	for range 5 {
		c.Query(t.Context(), question)
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("5 queries took %d connections", n)
	}
	for range 5 {
		c.Pay(t.Context(), order)
	}
	if n := opened.Load(); n != 6 {
		t.Errorf("5 payments took %d connections", n-1)
	}
}

// A connection of queries is let go after half a minute without one: a router may have forgotten it.
func TestIdleConnectionOfQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, "http://127.0.0.1")
		opened := 0
		var serving sync.WaitGroup
		c.ask.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			opened++
			ours, theirs := net.Pipe()
			serving.Go(func() {
				defer theirs.Close()
				for r := bufio.NewReader(theirs); ; {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"respcd\":\"1143\"}")
				}
			})
			return ours, nil
		}
		for _, tt := range []struct {
			pause time.Duration
			want  int
		}{{0, 1}, {29 * time.Second, 1}, {31 * time.Second, 2}} {
			time.Sleep(tt.pause)
			if f := c.Query(t.Context(), question); f.RespCD != "1143" || opened != tt.want {
				t.Errorf("after %v: %+v over connection %d", tt.pause, f, opened)
			}
		}
		c.Close()
		serving.Wait()
	})
}

// What surely was not sent is said to be: it may be sent again with the same number.
func TestNotSent(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	quiet := log.New(io.Discard, "", 0)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	defer secure.Close()
	old := httptest.NewUnstartedServer(secure.Config.Handler)
	old.Config.ErrorLog = quiet
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	defer old.Close()
	silent := listen(t, func(c *conn) { c.hold() })
	noDNS := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "openapi-hk.qfapi.com", IsNotFound: true}
	}}
	blocked := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx context.Context
		url string
		rt  http.RoundTripper
	}{
		"refused":                       {t.Context(), "http://" + closed.Addr().String(), nil},
		"certificate of a wrong issuer": {t.Context(), secure.URL, nil},
		"TLS too old":                   {t.Context(), old.URL, nil},
		"no TLS at all":                 {t.Context(), "https" + strings.TrimPrefix(silent.url, "http"), nil},
		"no such host":                  {t.Context(), "https://openapi-hk.qfapi.com", noDNS},
		"no way there":                  {t.Context(), "https://openapi-hk.qfapi.com", blocked},
		"given up before":               {gone, silent.url, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, tt.url, func(c *Config) { c.HTTP, c.Answer, c.QueryTimeout = tt.rt, 300*time.Millisecond, 300*time.Millisecond })
			if a := c.Pay(tt.ctx, order); a.Meaning != NotSent || a.Err == nil || a.Alarm != "" {
				t.Errorf("payment: %+v", a)
			}
			if a := c.Refund(tt.ctx, refund); a.Meaning != NotSent {
				t.Errorf("refund: %+v", a)
			}
			if a := c.Cancel(tt.ctx, undoing); a.Meaning != NotSent {
				t.Errorf("cancel: %+v", a)
			}
			if f := c.Query(tt.ctx, question); f.Meaning != Unknown || f.Searched || f.Err == nil {
				t.Errorf("a query that was not sent says %+v of the payment", f)
			}
		})
	}
	if n := silent.requests.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

// The payment is given up while it waits for the answer: nobody knows what became of it.
func TestGivenUpWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g := listen(t, func(c *conn) { c.request(); cancel(); c.hold() })
	if a := newTestClient(t, g.url).Pay(ctx, order); a.Meaning != Unknown || !strings.Contains(a.Err.Error(), "canceled") {
		t.Errorf("%+v", a)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A transport that does not tell what it did proves nothing.
func TestForeignTransportProvesNothing(t *testing.T) {
	rt := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
	if a := newTestClient(t, "http://127.0.0.1:1", func(c *Config) { c.HTTP = rt }).Pay(t.Context(), order); a.Meaning != Unknown {
		t.Errorf("%+v", a)
	}
}

// Over TLS as in the shop: verified, HTTP/1.1, and the session is resumed although the connection is new.
func TestOwnTransportOverTLS(t *testing.T) {
	var resumed atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume {
			resumed.Add(1)
		}
		if r.ProtoMajor != 1 || r.TLS.Version < tls.VersionTLS12 {
			t.Errorf("%s over TLS %x", r.Proto, r.TLS.Version)
		}
		io.WriteString(w, paidBody)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	c := newTestClient(t, s.URL)
	c.pay.(*http.Transport).TLSClientConfig.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for range 3 {
		if a := c.Pay(t.Context(), order); a.Meaning != Paid {
			t.Fatalf("%+v", a)
		}
	}
	if resumed.Load() == 0 {
		t.Error("no session was resumed")
	}
}
