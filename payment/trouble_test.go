package payment

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cpmd/payment/testca"
)

const emptyList = `{"respcd": "0000", "resperr": "", "data": [], "page": 1, "page_size": 10}`

// answers serves one answer to whatever is asked.
func answers(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s.URL
}

func replies(status int, body, key string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if key != "" {
			w.Header().Set(headerSign, fmt.Sprintf("%X", md5.Sum([]byte(body+key))))
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func coded(c string) string { return `{"respcd": "` + c + `", "resperr": "no", "respmsg": ""}` }

// TestTroublesAreToldApart: what stands in the way has a name of its own and says what to do; and nothing that is said
// holds a credential or a number that changes.
func TestTroublesAreToldApart(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   Kind
		word   string // in what is said
	}{
		{"all is well", replies(200, emptyList, testKey), "", ""},
		{"all is well, unsigned", replies(200, emptyList, ""), "", ""},
		{"no such transaction", replies(200, coded("1136"), testKey), "", ""},
		{"wrong client key", replies(200, coded("1108"), "another"), WrongKey, "client_key_file"},
		{"wrong app code", replies(200, coded("1108"), ""), WrongAppCode, "gateway.url"},
		{"wrong algorithm", replies(200, coded("1108"), testKey), WrongAlgorithm, "MD5"},
		{"answer's signature is wrong", replies(200, emptyList, "another"), ForgedAnswer, "changes answers"},
		{"merchant is disabled", replies(200, coded("1116"), testKey), Account, "1116"},
		{"mchid is missing", replies(200, coded("1104"), testKey), WrongMchID, "mchid"},
		{"maintenance", replies(200, coded("1100"), testKey), OutOfOrder, "1100"},
		{"rate limit", replies(429, "<html>slow down</html>", ""), RateLimited, "rate_per_minute"},
		{"bad gateway", replies(502, "<html>bad gateway</html>", ""), OutOfOrder, "502"},
		{"a web page", replies(200, "<html>Welcome to Hotel Wi-Fi</html>", ""), NotQFPay, "web page"},
		{"a redirect", replies(302, "", ""), NotQFPay, "login"},
		{"nothing there", replies(404, "404 page not found", ""), NotQFPay, "gateway.url"},
		{"half an answer", replies(200, emptyList[:20], ""), NotQFPay, "not as QFPay does"},
		{"proxy wants a password", replies(407, "", ""), ProxyFails, "HTTPS_PROXY"},
		{"clock is behind", at(time.Hour), ClockOff, "60 minutes behind"},
		{"clock is ahead", at(-72 * time.Hour), ClockOff, "3 days ahead"},
		{"clock is off a little", at(time.Minute), "", ""},
		{"breaks off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ConnBroken, "break off"},
		{"breaks off in the answer", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
			panic(http.ErrAbortHandler)
		}, ConnBroken, "break off"},
		{"no answer in time", func(w http.ResponseWriter, r *http.Request) { _ = r.ParseForm(); <-r.Context().Done() }, NoAnswer, "in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := newTestClient(t, answers(t, c.answer), func(cfg *Config) { cfg.QueryTimeout = 500 * time.Millisecond })
			expect(t, client, c.want, c.word)
		})
	}
}

// What QFPay refuses of a payment may be for that payment alone; a wrong key is not.
func TestTroublesOfAPayment(t *testing.T) {
	for respCD, want := range map[string]Kind{"0000": "", "1202": "", "1116": "", "1104": "", "1100": "", "1108": WrongAlgorithm} {
		c := newTestClient(t, says(t, 200, with(t, paidBody, map[string]any{"respcd": respCD})).url)
		c.Pay(t.Context(), order)
		got := c.Troubles()
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || got[0].Kind != want) {
			t.Errorf("%s: %q", respCD, got)
		}
	}
}

// A clock that is off is told beyond ten minutes, in words that stay the same while it stands.
func TestClockOff(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	c := newTestClient(t, "http://127.0.0.1")
	for _, tt := range []struct {
		off  time.Duration
		want string
	}{
		{10 * time.Minute, ""}, {-10 * time.Minute, ""},
		{10*time.Minute + time.Second, "10 minutes behind"}, {-10*time.Minute - time.Second, "10 minutes ahead of"},
		{12 * time.Minute, "10 minutes behind"}, {13 * time.Minute, "15 minutes behind"}, {119 * time.Minute, "120 minutes behind"},
		{2 * time.Hour, "2 hours behind"}, {2*time.Hour + 29*time.Minute, "2 hours behind"}, {2*time.Hour + 31*time.Minute, "3 hours behind"},
		{48*time.Hour - 1, "48 hours behind"}, {48 * time.Hour, "2 days behind"}, {-61 * time.Hour, "3 days ahead of"},
	} {
		got := c.troubles(endPayment, reply{sent: true, status: 200, date: now.Add(tt.off), at: now})
		if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0].What, "is "+tt.want+" QFPay's")) {
			t.Errorf("%v: %q, want %q", tt.off, got, tt.want)
		}
	}
}

// at answers with a clock that differs.
func at(off time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(off+time.Second).UTC().Format(http.TimeFormat))
		replies(200, emptyList, testKey)(w, r)
	}
}

func expect(t *testing.T, c *Client, want Kind, word string) {
	t.Helper()
	got := c.Try(t.Context())
	switch {
	case want == "" && len(got) > 0:
		t.Fatalf("all is well, and it says %q", got)
	case want == "":
		return
	case len(got) != 1 || got[0].Kind != want || !strings.Contains(got[0].String(), word):
		t.Fatalf("got %q, want %s with %q", got, want, word)
	case got[0].What == "" || got[0].ToDo == "":
		t.Errorf("not said what is wrong or what to do: %+v", got[0])
	}
	if last := c.Troubles(); len(last) != 1 || last[0] != got[0] {
		t.Errorf("what stands is %q", last)
	}
	if text := got[0].String(); strings.Contains(text, "://") {
		t.Errorf("more than the host is shown: %s", text)
	}
	if text := got[0].String(); strings.Contains(text, testKey) || strings.Contains(text, testApp) {
		t.Errorf("a credential is shown: %s", text)
	}
}

func TestTroublesOfTheNetwork(t *testing.T) {
	dialing := func(err error) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: err}
		}
	}
	slow := &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	for _, c := range []struct {
		name string
		dial func(context.Context, string, string) (net.Conn, error)
		want Kind
	}{
		{"refused", dialing(syscall.ECONNREFUSED), ConnRefused},
		{"no route", dialing(syscall.EHOSTUNREACH), NoNetwork},
		{"no network", dialing(syscall.ENETUNREACH), NoNetwork},
		{"forbidden", dialing(syscall.EPERM), Forbidden},
		{"nothing answers", dialing(slow), NoConnection},
		{"reset", dialing(syscall.ECONNRESET), ConnBroken},
		{"no such host", resolving(t, 3), NoSuchHost},
		{"name server fails", resolving(t, 2), NoDNS},
		{"no name server", resolving(t, -1), NoDNS},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := newTestClient(t, "https://gateway.example")
			client.ask.(*http.Transport).DialContext = c.dial
			client.ask.(*http.Transport).Proxy = nil
			expect(t, client, c.want, "gateway.example")
		})
	}
	t.Run("proxy", func(t *testing.T) {
		client := newTestClient(t, "https://gateway.example")
		client.ask.(*http.Transport).Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: closedPort(t)})
		expect(t, client, ProxyFails, "HTTPS_PROXY")
	})
	t.Run("given up", func(t *testing.T) {
		client := newTestClient(t, "http://"+closedPort(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := client.Try(ctx); len(got) > 0 {
			t.Errorf("who gave up hears %q", got)
		}
	})
}

func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// resolving dials by a name server of our own, which gives every name this answer (RFC 1035, RCODE); -1: there is none.
func resolving(t *testing.T, rcode int) func(context.Context, string, string) (net.Conn, error) {
	addr := closedPort(t)
	if rcode >= 0 {
		server, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		addr = server.LocalAddr().String()
		go func() {
			for b := make([]byte, 512); ; {
				n, from, err := server.ReadFrom(b)
				if err != nil {
					return
				}
				b[2], b[3] = b[2]|0x80, byte(0x80|rcode)
				b[11] = 0 // no additional records
				_, _ = server.WriteTo(b[:n], from)
			}
		}()
	}
	d := net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}}
	return d.DialContext
}

func TestTroublesOfTLS(t *testing.T) {
	ours, theirs := testca.New(t, "Our CA"), testca.New(t, "Corporate Filter CA")
	trusted := x509.NewCertPool()
	trusted.AddCert(ours.Cert)
	day := 24 * time.Hour
	for _, c := range []struct {
		name string
		cert tls.Certificate
		want Kind
		word string
	}{
		{"good", ours.Leaf(t, "127.0.0.1", -day, day), "", ""},
		{"intercepted", theirs.Leaf(t, "127.0.0.1", -day, day), UnknownCA, "Corporate Filter CA"},
		{"expired", ours.Leaf(t, "127.0.0.1", -3*day, -day), CertExpired, "clock"},
		{"not yet valid", ours.Leaf(t, "127.0.0.1", day, 3*day), CertExpired, "clock"},
		{"another host", ours.Leaf(t, "login.example", -day, day), CertName, "another host"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewUnstartedServer(replies(200, emptyList, testKey))
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.TLS = &tls.Config{Certificates: []tls.Certificate{c.cert}}
			s.StartTLS()
			defer s.Close()
			client := newTestClient(t, s.URL)
			client.ask.(*http.Transport).TLSClientConfig.RootCAs = trusted
			expect(t, client, c.want, c.word)
		})
	}
	t.Run("no TLS", func(t *testing.T) {
		client := newTestClient(t, strings.Replace(answers(t, replies(200, emptyList, testKey)), "http:", "https:", 1))
		expect(t, client, NotTLS, "TLS")
	})
}

// TestTryWaitsBehindCustomers: where requests are short, the question is asked last.
func TestTryWaitsBehindCustomers(t *testing.T) {
	order := make(chan string, 100)
	client := newTestClient(t, answers(t, func(w http.ResponseWriter, r *http.Request) {
		order <- r.FormValue("out_trade_no")
		replies(200, emptyList, testKey)(w, r)
	}), func(c *Config) { c.RatePerMinute = 60 })
	client.pace.from = time.Now() // nothing is saved up: one turn a second
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	asking.Go(func() { client.Try(ctx) })
	for client.waiting(lineWithoutCustomer) == 0 {
		time.Sleep(time.Millisecond)
	}
	asking.Go(func() { client.Query(ctx, question) })
	if first := <-order; first != question.OutTradeNo {
		t.Errorf("%s went first", first)
	}
}

func (c *Client) waiting(line int) int {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	return c.pace.lines[line].len()
}
