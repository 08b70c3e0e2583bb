package payment

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// secretly runs a server as listen does, behind TLS.
func secretly(t testing.TB, serve func(c *conn)) (*gateway, *x509.CertPool) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.StartTLS() // for its certificate
	s.Close()
	s.TLS.ClientAuth = tls.RequestClientCert // session tickets then come after the handshake, as OpenSSL's do
	g := accept(t, func(raw *net.TCPConn, c *conn) {
		secure := tls.Server(raw, s.TLS)
		if secure.Handshake() != nil {
			return
		}
		c.secure, c.r = secure, bufio.NewReader(secure)
		serve(c)
		secure.Close()
	})
	g.url = "https" + g.url[len("http"):]
	return g, s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
}

// onReady makes a client for a server that serves each connection as it likes, plain or behind TLS.
func onReady(t testing.TB, secure bool, serve func(c *conn)) (*Client, *gateway) {
	if !secure {
		g := listen(t, serve)
		return newTestClient(t, g.url), g
	}
	g, roots := secretly(t, serve)
	c := newTestClient(t, g.url)
	trust(c, roots)
	return c, g
}

func trust(c *Client, roots *x509.CertPool) {
	for _, t := range []http.RoundTripper{c.pay, c.move, c.ask} {
		t.(*http.Transport).TLSClientConfig.RootCAs = roots
	}
}

func (r *ready) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.kept)
}

// eventually polls: connections end when the other side gets to it.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func plainAndTLS(t *testing.T, test func(t *testing.T, secure bool)) {
	t.Run("plain", func(t *testing.T) { test(t, false) })
	t.Run("TLS", func(t *testing.T) { test(t, true) })
}

// A payment takes the connection that was made ready, the next one makes its own.
func TestPreparedConnectionIsUsedOnce(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, secure bool) {
		var opened atomic.Int64
		c, g := onReady(t, secure, func(c *conn) {
			opened.Add(1)
			for c.request() {
				c.answer("", paidBody)
			}
		})
		if err := c.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "no connection was made ready", func() bool { return opened.Load() == 1 })
		for n := range int64(3) {
			if a := c.Pay(t.Context(), order); a.Meaning != Paid {
				t.Fatalf("%+v", a)
			}
			if opened.Load() != n+1 || g.requests.Load() != n+1 {
				t.Errorf("payment %d: %d connections, %d requests", n+1, opened.Load(), g.requests.Load())
			}
		}
		c.Cancel(t.Context(), undoing)
		if n := opened.Load(); n != 4 {
			t.Errorf("%d connections after a cancel", n)
		}
	})
}

// Promise: whatever became of a connection that was made ready, the payment is sent once at the most, and what had
// died before is no reason to fail.
func TestPreparedConnectionThatDied(t *testing.T) {
	pay := func(c *conn) {
		for c.request() {
			c.answer("", paidBody)
		}
	}
	for name, first := range map[string]func(c *conn){
		"closed":           func(c *conn) {},
		"reset":            func(c *conn) { c.SetLinger(0) },
		"speaks unasked":   func(c *conn) { c.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"); c.hold() },
		"no HTTP, unasked": func(c *conn) { c.write(strings.Repeat("x", 100)); c.hold() },
	} {
		t.Run(name, func(t *testing.T) {
			plainAndTLS(t, func(t *testing.T, secure bool) {
				var opened atomic.Int64
				c, g := onReady(t, secure, func(c *conn) {
					if opened.Add(1) == 1 {
						first(c)
						return
					}
					pay(c)
				})
				if err := c.Prepare(t.Context()); err == nil { // a reset may come before it is ready
					c.ready.mu.Lock()
					spare := c.ready.kept[0]
					eventually(t, "the connection lives on", func() bool { return !alive(spare.Conn) })
					c.ready.mu.Unlock()
				}
				if a := c.Pay(t.Context(), order); a.Meaning != Paid || g.requests.Load() != 1 || opened.Load() != 2 {
					t.Errorf("%+v after %d requests on %d connections", a, g.requests.Load(), opened.Load())
				}
			})
		})
	}
}

// The server goes while the payment is on its way over a prepared connection, at any point: it is unknown, and is not
// sent again.
func TestPreparedConnectionLostUnderAPayment(t *testing.T) {
	for name, first := range map[string]func(c *conn){
		"closed after the first byte": func(c *conn) { c.r.ReadByte() },
		"reset after the first byte":  func(c *conn) { c.r.ReadByte(); c.SetLinger(0) },
		"closed after the header":     func(c *conn) { http.ReadRequest(c.r) },
		"closed after the request":    func(c *conn) { c.request() },
		"reset after the request":     func(c *conn) { c.request(); c.SetLinger(0) },
		"closed in the answer":        func(c *conn) { c.request(); c.write("HTTP/1.1 200 OK\r\nContent-Le") },
		"reset in the body":           func(c *conn) { c.request(); c.write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"); c.SetLinger(0) },
	} {
		t.Run(name, func(t *testing.T) {
			plainAndTLS(t, func(t *testing.T, secure bool) {
				var opened atomic.Int64
				c, _ := onReady(t, secure, func(c *conn) {
					if opened.Add(1) == 1 {
						first(c)
						return
					}
					t.Error("a second connection was made")
				})
				if err := c.Prepare(t.Context()); err != nil {
					t.Fatal(err)
				}
				if a := c.Pay(t.Context(), order); a.Meaning != Unknown || a.Err == nil {
					t.Errorf("%+v", a)
				}
			})
		})
	}
}

// A race that cannot be won: the server closes just as the payment leaves. However it comes out, it arrives once at
// most, and "not sent" is only said of what never arrives.
func TestPreparedConnectionClosedAtAnyTime(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, secure bool) {
		var mu sync.Mutex
		arrived := map[string]int{}
		close := make(chan struct{})
		c, _ := onReady(t, secure, func(c *conn) {
			go func() {
				select {
				case <-close:
				case <-c.done:
				}
				c.SetLinger(0)
				c.TCPConn.Close()
			}()
			for {
				r, err := http.ReadRequest(c.r)
				if err != nil {
					return
				}
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				arrived[number(string(body))]++
				mu.Unlock()
				c.answer("", strings.ReplaceAll(paidBody, order.OutTradeNo, number(string(body))))
			}
		})
		said := map[string]Meaning{}
		for n := range 100 {
			if err := c.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			o := order
			o.OutTradeNo = fmt.Sprint("T", n)
			var racing sync.WaitGroup
			racing.Go(func() {
				for range n {
					runtime.Gosched()
				}
				close <- struct{}{}
			})
			said[o.OutTradeNo] = c.Pay(t.Context(), o).Meaning
			racing.Wait()
		}
		c.Close()
		mu.Lock()
		defer mu.Unlock()
		for number, meaning := range said {
			if n := arrived[number]; n > 1 || meaning == Paid && n != 1 || meaning == NotSent && n != 0 {
				t.Errorf("%s is %s and arrived %d times", number, meaning, n)
			}
		}
	})
}

// As many are kept as sales wait, four at most, and none when they have ended or the client is closed.
func TestPreparedConnectionsAreFewAndGo(t *testing.T) {
	var opened, open atomic.Int64
	c, _ := onReady(t, false, func(c *conn) { opened.Add(1); open.Add(1); c.hold(); open.Add(-1) })
	var sales []context.CancelFunc
	for range 10 {
		ctx, end := context.WithCancel(t.Context())
		sales = append(sales, end)
		if err := c.Prepare(ctx); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "not four", func() bool { return open.Load() == mostReady && c.ready.len() == mostReady })
	for n, end := range sales {
		end()
		want := min(int64(len(sales)-1-n), mostReady)
		eventually(t, "connections that nobody wants are kept", func() bool { return open.Load() == want })
	}
	if err := c.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "none for the next sale", func() bool { return open.Load() == 1 })
	if n := opened.Load(); n != mostReady+1 {
		t.Errorf("%d connections were made, for %d that were kept", n, mostReady+1)
	}
	c.Close()
	eventually(t, "a closed client keeps a connection", func() bool { return open.Load() == 0 })
	if err := c.Prepare(t.Context()); err != nil || c.ready.len() != 0 {
		t.Errorf("a closed client makes ready %d: %v", c.ready.len(), err)
	}
}

// However many sales begin at one time, no more are kept.
func TestPreparedAtOnce(t *testing.T) {
	c, _ := onReady(t, false, func(c *conn) { c.hold() })
	dial := c.ready.dial
	var dialing, all sync.WaitGroup
	dialing.Add(10)
	c.ready.dial = func(ctx context.Context) (net.Conn, error) {
		dialing.Done()
		dialing.Wait() // for the others
		return dial(ctx)
	}
	for range 10 {
		all.Go(func() {
			if err := c.Prepare(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := c.ready.len(); n != mostReady {
		t.Errorf("%d are kept", n)
	}
}

// A connection is renewed before it is old, as long as somebody wants it.
func TestPreparedConnectionIsRenewed(t *testing.T) {
	var opened, open atomic.Int64
	c, _ := onReady(t, false, func(c *conn) { opened.Add(1); open.Add(1); c.hold(); open.Add(-1) })
	ctx, end := context.WithCancel(t.Context())
	defer end()
	if err := c.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	old := c.ready.kept[0]
	old.old.Reset(0) // it is 45 s old
	eventually(t, "not renewed", func() bool { return opened.Load() == 2 && open.Load() == 1 && c.ready.len() == 1 })
	end()
	eventually(t, "kept for nobody", func() bool { return open.Load() == 0 && c.ready.len() == 0 })
}

// Where it cannot be made ready the error says so, and the payment says it again.
func TestPrepareFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := newTestClient(t, "http://"+l.Addr().String())
	if err := c.Prepare(t.Context()); err == nil {
		t.Error("no error for what refuses connections")
	}
	if a := c.Pay(t.Context(), order); a.Meaning != NotSent {
		t.Errorf("%+v", a)
	}
	stranger, _ := onReady(t, true, func(c *conn) { c.hold() })
	trust(stranger, x509.NewCertPool())
	if err := stranger.Prepare(t.Context()); err == nil {
		t.Error("no error for a certificate of a wrong issuer")
	}
	if a := stranger.Pay(t.Context(), order); a.Meaning != NotSent {
		t.Errorf("%+v", a)
	}
}

// Behind a proxy nothing is made ready, and the payment goes its ordinary way.
func TestPrepareBehindAProxy(t *testing.T) {
	for _, secure := range []bool{false, true} {
		var opened atomic.Int64
		c, g := onReady(t, secure, func(c *conn) {
			opened.Add(1)
			for c.request() {
				c.answer("", paidBody)
			}
		})
		var asked atomic.Int64
		proxy := listen(t, func(down *conn) {
			r, err := http.ReadRequest(down.r)
			if err != nil {
				return
			}
			asked.Add(1)
			up, err := net.Dial("tcp", r.URL.Host)
			if err != nil {
				t.Error(err)
				return
			}
			defer up.Close()
			if r.Method == http.MethodConnect {
				down.write("HTTP/1.1 200 OK\r\n\r\n")
			} else {
				r.Write(up)
			}
			go func() { io.Copy(up, down.r); up.(*net.TCPConn).CloseWrite() }()
			io.Copy(down.TCPConn, up)
		})
		at, _ := url.Parse(proxy.url)
		c.pay.(*http.Transport).Proxy = http.ProxyURL(at)
		if err := c.Prepare(t.Context()); err != nil || opened.Load() != 0 || asked.Load() != 0 {
			t.Errorf("prepared %d, %d: %v", opened.Load(), asked.Load(), err)
		}
		if a := c.Pay(t.Context(), order); a.Meaning != Paid || asked.Load() != 1 || g.requests.Load() != 1 {
			t.Errorf("%+v, by the proxy %d, arrived %d", a, asked.Load(), g.requests.Load())
		}
	}
}

// far is a way to a server that takes half of roundTrip in each direction.
func far(b *testing.B, to string, roundTrip time.Duration) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	carry := func(from, to net.Conn) {
		type parcel struct {
			data []byte
			due  time.Time
		}
		way := make(chan parcel, 64)
		go func() {
			defer to.Close()
			for p := range way {
				time.Sleep(time.Until(p.due))
				to.Write(p.data)
			}
		}()
		defer close(way)
		for buf := make([]byte, 64<<10); ; {
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			way <- parcel{slices.Clone(buf[:n]), time.Now().Add(roundTrip / 2)}
		}
	}
	go func() {
		for {
			down, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				time.Sleep(roundTrip) // as TCP does
				up, err := net.Dial("tcp", to)
				if err != nil {
					down.Close()
					return
				}
				go carry(down, up)
				carry(up, down)
			}()
		}
	}()
	return l.Addr().String()
}

// From the scan to the answer, with a gateway behind TLS that is 50 ms away, in round trips: those of a bare request on
// a connection that is open, in the same run. The limit is 1.1 where the connection was made ready.
func BenchmarkScanToAnswer(b *testing.B) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, paidBody) }))
	defer s.Close()
	u, _ := url.Parse(s.URL)
	base := "https://" + far(b, u.Host, 50*time.Millisecond)
	bare, c := s.Client(), newTestClient(b, base)
	trust(c, bare.Transport.(*http.Transport).TLSClientConfig.RootCAs)
	call := func(b *testing.B) {
		resp, err := bare.Post(base+"/trade/v1/payment", "", strings.NewReader(paidBody))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	call(b) // opens the connection
	for _, prepared := range []bool{true, false} {
		b.Run(map[bool]string{true: "prepared", false: "unprepared"}[prepared], func(b *testing.B) {
			var took, roundTrips time.Duration
			for b.Loop() {
				began := time.Now()
				call(b)
				roundTrips += time.Since(began)
				ctx, end := context.WithCancel(b.Context())
				if prepared {
					if err := c.Prepare(ctx); err != nil {
						b.Fatal(err)
					}
				}
				began = time.Now()
				if a := c.Pay(b.Context(), order); a.Meaning != Paid {
					b.Fatalf("%+v", a)
				}
				took += time.Since(began)
				end()
			}
			b.ReportMetric(float64(took)/float64(roundTrips), "roundtrips")
		})
	}
}
