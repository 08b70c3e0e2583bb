package payment

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"
)

// newTransport makes an HTTP/1.1 transport, which is the protocol whose repeating of requests is well known: none
// on a fresh connection. So a request that moves money gets a connection of its own, which also cannot be one that
// some router forgot an hour ago. Queries keep theirs.
func newTransport(keep bool) *http.Transport {
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(4)},
		TLSHandshakeTimeout:    connectTimeout,
		DisableKeepAlives:      !keep,
		DisableCompression:     true,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConnsPerHost:    4,
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              http1,
	}
}

const connectTimeout = 5 * time.Second

// newReady makes the payments' transport take connections that are ready where there are any. It asks for one each
// time, since it keeps none itself, and it asks elsewhere where a proxy is between.
func newReady(base string, t *http.Transport) *ready {
	u, _ := url.Parse(base) // New has checked it
	secure := u.Scheme == "https"
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), map[bool]string{true: "443", false: "80"}[secure])
	}
	tcp := t.DialContext
	r := &ready{base: base}
	r.proxy = func(req *http.Request) bool {
		p, err := t.Proxy(req)
		return p != nil || err != nil
	}
	r.dial = func(ctx context.Context) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*connectTimeout)
		defer cancel()
		conn, err := tcp(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		if c, ok := conn.(*net.TCPConn); ok {
			conn = &probe{TCPConn: c}
		}
		if !secure {
			return conn, nil
		}
		config := t.TLSClientConfig.Clone()
		config.ServerName = u.Hostname()
		hello, done := context.WithTimeout(ctx, connectTimeout)
		defer done()
		s := tls.Client(conn, config)
		if err := s.HandshakeContext(hello); err != nil {
			conn.Close()
			return nil, err
		}
		return s, nil
	}
	if secure {
		t.DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return r.connect(ctx, r.dial) }
	} else {
		t.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
			if to != addr { // the proxy
				return tcp(ctx, network, to)
			}
			return r.connect(ctx, r.dial)
		}
	}
	return r
}
