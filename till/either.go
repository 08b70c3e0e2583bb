package till

import (
	"crypto/tls"
	"net"
	"sync/atomic"
)

// An eitherConn speaks TLS if the other side does, and plain text otherwise: one port serves both. A TLS
// connection begins with a record of type handshake (RFC 8446, section 5.1), a byte that no request begins with.
type eitherConn struct {
	net.Conn // the connection itself, which deadlines go to
	config   *tls.Config
	spoken   atomic.Pointer[net.Conn] // nil before the first byte
}

const tlsHandshake = 22

// Read implements net.Conn.
func (c *eitherConn) Read(b []byte) (int, error) {
	if in := c.spoken.Load(); in != nil {
		return (*in).Read(b)
	}
	first := make([]byte, 1)
	if n, err := c.Conn.Read(first); n == 0 {
		return 0, err
	}
	var in net.Conn = &resumedConn{c.Conn, first}
	if first[0] == tlsHandshake {
		in = tls.Server(in, c.config)
	}
	c.spoken.Store(&in)
	return in.Read(b)
}

// Write implements net.Conn.
func (c *eitherConn) Write(b []byte) (int, error) {
	if in := c.spoken.Load(); in != nil {
		return (*in).Write(b)
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *eitherConn) Close() error {
	if in := c.spoken.Load(); in != nil {
		return (*in).Close()
	}
	return c.Conn.Close()
}

// CloseWrite ends the sending side.
func (c *eitherConn) CloseWrite() error {
	out := c.Conn
	if in := c.spoken.Load(); in != nil && c.encrypted() {
		out = *in
	}
	if w, ok := out.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

func (c *eitherConn) encrypted() bool {
	in := c.spoken.Load()
	if in == nil {
		return false
	}
	_, ok := (*in).(*tls.Conn)
	return ok
}

// A resumedConn gives back the bytes that were read to look at them.
type resumedConn struct {
	net.Conn
	first []byte
}

// Read implements net.Conn.
func (c *resumedConn) Read(b []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.first)
	c.first = c.first[n:]
	return n, nil
}
