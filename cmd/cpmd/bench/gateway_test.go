package bench

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/payment/testca"
)

// A gateway is a simulated QFPay in this process, which notes when the first byte of a payment comes.
type gateway struct {
	url     string
	first   chan time.Time // of each payment
	paid    chan time.Time // when its answer left
	queries atomic.Int64
	ill     atomic.Bool // queries are answered 503
}

func newGateway(t *testing.T) *gateway {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{url: "http://" + l.Addr().String(), first: make(chan time.Time, 1000), paid: make(chan time.Time, 1000)}
	qfpay := sim.New(sim.Config{AppCode: appCode, ClientKey: clientKey})
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/query"):
			g.queries.Add(1)
			if g.ill.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
		case r.URL.Path == "/bare": // of the loops that cpmd is compared with
			return
		}
		qfpay.ServeHTTP(w, r)
	})}
	go func() { _ = srv.Serve(tap{l, g}) }()
	t.Cleanup(func() { qfpay.Close(); srv.Close() })
	return g
}

// A tap looks at what comes in.
type tap struct {
	net.Listener
	g *gateway
}

func (l tap) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return tapped{c, l.g}, err
}

type tapped struct {
	net.Conn
	g *gateway
}

func (c tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	now := time.Now()
	if line, _, _ := bytes.Cut(b[:n], []byte("\r\n")); bytes.HasPrefix(line, []byte("POST /trade/v1/payment ")) || bytes.HasPrefix(line, []byte("POST /bare ")) {
		c.g.first <- now
	}
	return n, err
}

// distant is the gateway behind TLS and a line on which each way takes half a trip. It returns its address, and a file
// with the authority that vouches for it.
func (g *gateway) distant(t *testing.T, trip time.Duration) (url, ca string) {
	authority := testca.New(t, "bench")
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	near, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	far, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{authority.Leaf(t, "127.0.0.1", -time.Hour, time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	go relay(near, far.Addr().String(), trip)
	go relay(far, strings.TrimPrefix(g.url, "http://"), 0)
	return "https://" + near.Addr().String(), ca
}

// relay passes connections on to an address. A connection of TCP is there after one trip.
func relay(l net.Listener, to string, trip time.Duration) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				return
			}
			go pass(in, out, trip/2, trip)
			pass(out, in, trip/2, 0)
		}()
	}
}

// pass copies bytes that take some time on the way; the first of them wait for the connection too.
func pass(from, to net.Conn, way, connect time.Duration) {
	type piece struct {
		at time.Time
		b  []byte
	}
	pieces := make(chan piece, 1000)
	go func() {
		defer close(pieces)
		ready := time.Now().Add(connect)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			at := time.Now()
			if at.Before(ready) {
				at = ready
			}
			if n > 0 {
				pieces <- piece{at.Add(way), b[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.at))
		if _, err := to.Write(p.b); err != nil {
			break
		}
	}
	to.Close()
	from.Close()
	for range pieces { // so that its reader ends
	}
}
