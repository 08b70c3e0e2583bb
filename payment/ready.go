package payment

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	readyAge  = 45 * time.Second // routers may forget a connection without traffic after a minute
	readyFor  = 5 * time.Minute  // how long one Prepare is heeded at most
	mostReady = 4
)

// Prepare makes a connection to QFPay ready, so that the next payment takes one round trip: name, TCP and TLS are done
// with. Until the context ends, for five minutes at most, it is kept ready, and made anew before routers forget it; give
// it the context of a sale that waits for its code, and end that when the sale has left. A few are kept at most, one for
// each context, and each payment uses up one. The error says why there is none now; the payment then makes its own.
//
// Nothing was ever sent over such a connection, so nothing can be repeated on it, and what proves that a request was not
// sent holds as without it: one that died meanwhile is noticed before it is used, and put away.
//
// Behind a proxy (HTTPS_PROXY) and with a Config.HTTP of its own, a Client has none ready, and Prepare does nothing.
func (c *Client) Prepare(ctx context.Context) error {
	if c.ready == nil {
		return nil
	}
	return c.ready.prepare(ctx)
}

// A ready keeps connections on which nothing was sent yet. What runs is one timer for each.
type ready struct {
	base  string // scheme and host
	dial  func(ctx context.Context) (net.Conn, error)
	proxy func(*http.Request) bool

	mu     sync.Mutex
	wanted int // contexts of Prepare that have not ended
	kept   []*spare
	closed bool
}

// A spare is a connection on which nothing was sent; it is used once.
type spare struct {
	net.Conn
	old *time.Timer
}

func (r *ready) prepare(ctx context.Context) error {
	if req, err := http.NewRequest(http.MethodPost, r.base, nil); err != nil || r.proxy(req) {
		return err
	}
	wish, cancel := context.WithTimeout(ctx, readyFor)
	r.mu.Lock()
	r.wanted++
	enough := len(r.kept) >= min(r.wanted, mostReady)
	r.mu.Unlock()
	context.AfterFunc(wish, func() { cancel(); r.unwish() })
	if enough {
		return nil
	}
	return r.add(wish)
}

// add makes one more connection, for as long as somebody wants it.
func (r *ready) add(ctx context.Context) error {
	conn, err := r.dial(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || len(r.kept) >= min(r.wanted, mostReady) {
		conn.Close()
		return nil
	}
	f := &spare{Conn: conn}
	f.old = time.AfterFunc(readyAge, func() { r.renew(f) })
	r.kept = append(r.kept, f)
	return nil
}

// renew puts a connection away that nobody used, and makes another: what is kept is wanted.
func (r *ready) renew(f *spare) {
	r.mu.Lock()
	kept := r.drop(f)
	r.mu.Unlock()
	if kept {
		ctx, cancel := context.WithTimeout(context.Background(), 2*connectTimeout)
		defer cancel()
		_ = r.add(ctx) // the payment makes its own then
	}
}

// unwish ends one wish, and puts away what nobody wants any more.
func (r *ready) unwish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted--
	for len(r.kept) > r.wanted {
		r.drop(r.kept[0])
	}
}

// drop puts a connection away, if it is still there.
func (r *ready) drop(f *spare) bool {
	for i := range r.kept {
		if r.kept[i] == f {
			r.kept = append(r.kept[:i], r.kept[i+1:]...)
			f.old.Stop()
			f.Close()
			return true
		}
	}
	return false
}

// take gives a connection away, the youngest that is alive; nil if there is none.
func (r *ready) take() net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.kept) > 0 {
		last := len(r.kept) - 1
		f := r.kept[last]
		r.kept = r.kept[:last]
		f.old.Stop()
		if alive(f.Conn) {
			return f.Conn
		}
		f.Close()
	}
	return nil
}

func (r *ready) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for len(r.kept) > 0 {
		r.drop(r.kept[0])
	}
}

// connect is how a payment's transport gets its connection where no proxy is between.
func (r *ready) connect(ctx context.Context, otherwise func(context.Context) (net.Conn, error)) (net.Conn, error) {
	if conn := r.take(); conn != nil {
		return conn, nil
	}
	return otherwise(ctx)
}

// alive reports whether the other end has neither closed the connection nor said anything: there is nothing to say
// before a request. What TLS itself says (session tickets) is read on the way.
func alive(conn net.Conn) bool {
	raw := conn
	if t, ok := conn.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	p, ok := raw.(*probe)
	if !ok {
		return false
	}
	p.probing = true
	defer func() { p.probing = false }()
	_, err := conn.Read(make([]byte, 1))
	return errors.Is(err, errNothing)
}
