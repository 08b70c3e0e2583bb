package payment

import (
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// A wire watches whether a request may have touched the network. It is the request's body as well.
type wire struct {
	body                 *strings.Reader
	wanted, given, begun atomic.Bool
}

// trace hears net/http ask for a connection, and get one. TCP and TLS are up by then, and nothing of the request
// is written yet.
func (w *wire) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { w.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { w.given.Store(true) },
	}
}

// mayHaveSent is false only where it is proved: a connection was asked for, none came, and nobody read the body.
// A transport that does not tell proves nothing.
func (w *wire) mayHaveSent() bool {
	return !w.wanted.Load() || w.given.Load() || w.begun.Load()
}

func (w *wire) Read(p []byte) (int, error) {
	w.begun.Store(true)
	return w.body.Read(p)
}

func (w *wire) Close() error { return nil }
