package tilltest

import (
	"net"
	"sync/atomic"
)

// A Lossy listener can lose answers: the request is carried out, and then the connection breaks.
type Lossy struct {
	net.Listener
	left atomic.Int64
}

// Lose makes the next n answers get lost.
func (l *Lossy) Lose(n int64) { l.left.Store(n) }

// Accept implements net.Listener.
func (l *Lossy) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lossyConn{c, l}, nil
}

type lossyConn struct {
	net.Conn
	l *Lossy
}

func (c *lossyConn) Write(b []byte) (int, error) {
	if c.l.left.Add(-1) >= 0 {
		_ = c.Conn.Close()
	}
	return c.Conn.Write(b)
}
