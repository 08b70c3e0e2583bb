package simtest

import (
	"context"
	"errors"
	"net"
	"sync"
)

// A pipes is a network of memory that a server listens to.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

var errRefused = errors.New("connection refused")

// dial connects; the far end is wrapped, so that the server knows who calls.
func (p *pipes) dial(ctx context.Context, wrap func(net.Conn) net.Conn) (net.Conn, error) {
	mine, theirs := net.Pipe()
	select {
	case p.conns <- wrap(theirs):
		return mine, nil
	case <-p.done:
		return nil, errRefused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A bundle of connections is cut all at once, as by the end of a process.
type bundle struct {
	mu  sync.Mutex
	all map[*tied]bool
	cut bool
}

type tied struct {
	net.Conn
	b *bundle
}

// tie puts a connection into the bundle; one that is cut already cuts it at once.
func (b *bundle) tie(c net.Conn) net.Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := &tied{c, b}
	if b.cut {
		_ = c.Close()
		return t
	}
	if b.all == nil {
		b.all = map[*tied]bool{}
	}
	b.all[t] = true
	return t
}

func (t *tied) Close() error {
	t.b.mu.Lock()
	delete(t.b.all, t)
	t.b.mu.Unlock()
	return t.Conn.Close()
}

func (b *bundle) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = true
	for t := range b.all {
		_ = t.Conn.Close()
	}
	b.all = nil
}
