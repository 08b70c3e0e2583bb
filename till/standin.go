package till

import (
	"net"
	"net/netip"

	"go.uber.org/zap"
)

// StandIn makes a loopback listener speak as cpmd's own ports do, plain or TLS, for a program that stands between
// tills and cpmd. It writes a token and a certificate where they are missing; requests are checked by the caller.
func StandIn(l net.Listener, tokenFile string) (_ net.Listener, token string, err error) {
	if token, err = readToken(tokenFile, zap.NewNop()); err != nil {
		return nil, "", err
	}
	at, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		return nil, "", err
	}
	config, err := readCertificate(tokenFile, at.Addr())
	if err != nil {
		return nil, "", err
	}
	return eitherListener{l, func(c net.Conn) net.Conn { return &eitherConn{Conn: c, config: config} }}, token, nil
}

type eitherListener struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

// Accept implements net.Listener.
func (l eitherListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.wrap(c), nil
}
