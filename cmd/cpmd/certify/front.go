package certify

import (
	"context"
	"crypto/subtle"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"cpmd/till"
)

// A fate is what the world does to a request.
type fate int

const (
	passed      fate = iota
	lostRequest      // the connection breaks before cpmd gets it
	lostAnswer       // cpmd carries it out, and then the connection breaks
	trouble          // cpmd cannot do it just now
	grown            // the answer has fields that the till does not know
)

// A front stands between the till and cpmd: it has all the addresses that cpmd can have, writes down what the till
// asks, and loses what a case wants lost.
type front struct {
	dir        string // holds the sockets, the token and the certificate
	httpBehind string // cpmd's own sockets
	lineBehind string
	httpAddr   string // loopback ports
	lineAddr   string
	token      string
	began      time.Time

	server    *http.Server
	transport *http.Transport
	listeners []net.Listener
	work      sync.WaitGroup

	mu     sync.Mutex
	calls  []*call
	before int              // calls that were about an earlier bill
	decide func(*call) fate // nil: all pass
	conns  map[net.Conn]bool
}

func newFront(dir, httpBehind, lineBehind string) (*front, error) {
	f := &front{dir: dir, httpBehind: httpBehind, lineBehind: lineBehind, began: time.Now(), conns: map[net.Conn]bool{}}
	f.transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", httpBehind)
	}, DisableKeepAlives: true, DisableCompression: true}
	f.server = &http.Server{Handler: http.HandlerFunc(f.serveHTTP), ReadHeaderTimeout: 10 * time.Second, ConnContext: withLocal}
	for _, at := range []struct {
		network, addr string
		line          bool
	}{{"unix", f.Socket(), false}, {"unix", f.Line(), true}, {"tcp", "127.0.0.1:0", false}, {"tcp", "127.0.0.1:0", true}} {
		l, err := net.Listen(at.network, at.addr)
		if err == nil && at.network == "tcp" {
			addr := l.Addr().String()
			if at.line {
				f.lineAddr = addr
			} else {
				f.httpAddr = addr
			}
			l, f.token, err = till.StandIn(l, f.TokenFile())
		}
		if err != nil {
			f.close()
			return nil, err
		}
		f.listeners = append(f.listeners, l)
		if at.line {
			f.work.Go(func() { f.acceptLine(l) })
		} else {
			f.work.Go(func() { _ = f.server.Serve(l) })
		}
	}
	return f, nil
}

// Socket, Line and TokenFile are what the till is given.
func (f *front) Socket() string    { return filepath.Join(f.dir, "http") }
func (f *front) Line() string      { return filepath.Join(f.dir, "line") }
func (f *front) TokenFile() string { return filepath.Join(f.dir, "token") }

func (f *front) close() {
	_ = f.server.Close()
	for _, l := range f.listeners {
		_ = l.Close()
	}
	f.mu.Lock()
	for c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.work.Wait()
	f.transport.CloseIdleConnections()
}

// came writes a call down and tells its fate.
func (f *front) came(c *call) fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.at, c.said = time.Since(f.began), "no answer yet"
	f.calls = append(f.calls, c)
	if f.decide == nil {
		return passed
	}
	return f.decide(c)
}

func (f *front) answered(c *call, said string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.said = said
}

// Calls are copies of what the till asked so far.
func (f *front) Calls(op string) (all []call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls[f.before:] {
		if op == "" || c.op == op {
			all = append(all, *c)
		}
	}
	return all
}

// forget leaves the calls so far out of what Calls returns.
func (f *front) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = len(f.calls)
}

// IDs are the ids under which the till opened sales, in order.
func (f *front) IDs() (ids []string) {
	for _, c := range f.Calls(putSale) {
		if !slices.Contains(ids, c.id) {
			ids = append(ids, c.id)
		}
	}
	return ids
}

// plan says what becomes of the calls from now on.
func (f *front) plan(decide func(*call) fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.decide = decide
}

// first gives the first n calls of an operation a fate.
func first(n int, op string, then fate) func(*call) fate {
	return func(c *call) fate {
		if c.op == op && n > 0 {
			n--
			return then
		}
		return passed
	}
}

func (f *front) tokenFits(given string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(f.token)) == 1
}

type localKey struct{}

// withLocal marks connections that came over a Unix socket, where no token is needed.
func withLocal(ctx context.Context, c net.Conn) context.Context {
	_, local := c.(*net.UnixConn)
	return context.WithValue(ctx, localKey{}, local)
}
