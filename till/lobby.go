package till

import (
	"net"
	"slices"
	"sync"
	"time"
)

// A lobby bounds the connections of an endpoint. One that has not been welcomed yet is a stranger: it may be a
// port scan, something silent or slow, or somebody with a wrong token. Strangers are counted apart, and the one
// that has been there longest makes room for the next, so no number of them keeps a till out. Each has a little
// time for its request: while all of them are younger, new ones wait in the kernel's queue.
type lobby struct {
	net.Listener
	wrap    func(net.Conn) net.Conn
	most    int           // welcomed connections
	waiting int           // strangers
	grace   time.Duration // that a stranger has at least

	mu        sync.Mutex
	strangers []*guest // oldest first
	welcomed  int

	left   chan struct{} // holds one where a stranger has left
	closed chan struct{}
	close  func() error
}

func newLobby(l net.Listener, most, waiting int, grace time.Duration, wrap func(net.Conn) net.Conn) *lobby {
	b := &lobby{Listener: l, wrap: wrap, most: most, waiting: waiting, grace: grace,
		left: make(chan struct{}, 1), closed: make(chan struct{})}
	b.close = sync.OnceValue(func() error { close(b.closed); return l.Close() })
	return b
}

// Close implements net.Listener.
func (l *lobby) Close() error { return l.close() }

// A guest is a connection in a lobby.
type guest struct {
	net.Conn // plain or encrypted, over raw
	raw      net.Conn
	peer     func() peer // looked up once, when it is needed
	lobby    *lobby
	came     time.Time

	known bool // guarded by lobby.mu
}

// Accept implements net.Listener.
func (l *lobby) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &guest{Conn: l.wrap(c), raw: c, peer: sync.OnceValue(func() peer { return peerOf(c) }), lobby: l}
	for {
		wait, oldest := l.seat(g)
		if wait <= 0 {
			if oldest != nil {
				_ = oldest.raw.Close() // ends its reads and writes; who serves it closes it properly
			}
			return g, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-l.left:
		case <-l.closed:
			_ = c.Close()
			err = net.ErrClosed
		}
		if timer.Stop(); err != nil {
			return nil, err
		}
	}
}

// seat makes a connection a stranger, in the place of the oldest one where it must. It returns how long to wait
// where even that one is too young to go.
func (l *lobby) seat(g *guest) (wait time.Duration, oldest *guest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if len(l.strangers) >= l.waiting {
		oldest = l.strangers[0]
		if age := now.Sub(oldest.came); age < l.grace {
			return l.grace - age, nil
		}
		l.strangers = l.strangers[1:]
	}
	g.came = now
	l.strangers = append(l.strangers, g)
	return 0, oldest
}

// welcome counts the connection among the tills'. It reports false if there are too many of those, or if the
// connection had to make room already: then nothing that it asks may be done.
func (g *guest) welcome() bool {
	l := g.lobby
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.known {
		return true
	}
	if l.welcomed >= l.most || !l.forget(g) {
		return false
	}
	g.known = true
	l.welcomed++
	return true
}

// access is what a door lets the connection do.
func (g *guest) access(d *door) access { return accessOf(d.endpoint, g.peer()) }

// forget takes a guest off the strangers and reports whether it was one of them.
func (l *lobby) forget(g *guest) bool {
	i := slices.Index(l.strangers, g)
	if i < 0 {
		return false
	}
	l.strangers = slices.Delete(l.strangers, i, i+1)
	select {
	case l.left <- struct{}{}:
	default:
	}
	return true
}

// encrypted reports whether the connection speaks TLS.
func (g *guest) encrypted() bool {
	c, ok := g.Conn.(*eitherConn)
	return ok && c.encrypted()
}

// Close implements net.Conn.
func (g *guest) Close() error {
	l := g.lobby
	l.mu.Lock()
	if !l.forget(g) && g.known {
		g.known = false
		l.welcomed--
	}
	l.mu.Unlock()
	return g.Conn.Close()
}

// CloseWrite lets net/http end a connection so that the other side still reads the last answer.
func (g *guest) CloseWrite() error {
	if w, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
