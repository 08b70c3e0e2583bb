package till

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// A door is an endpoint that is open, or will be: one that cannot be opened now is tried again and again, and
// stops neither the others nor the daemon.
type door struct {
	endpoint Endpoint
	secret   *secret       // nil for Unix
	replaced chan struct{} // closed when it is no longer one of the server's doors

	// Guarded by the server's mu.
	addr     string // where it listens
	err      error  // why it is not open
	taken    bool   // another program has had the port: what tills sent there is known to it
	shutdown func(context.Context) error
	socket   net.Listener // nil until it is open
	kept     net.Listener // the socket of a door that this one takes the place of
}

// newDoor makes a door. It shares its token with those that have the same file. The server's mu is held.
func (s *Server) newDoor(e Endpoint, others []*door) *door {
	d := &door{endpoint: e, addr: e.Listen, replaced: make(chan struct{})}
	if !e.isTCP() {
		return d
	}
	d.secret = &secret{}
	for _, o := range others {
		if o.secret != nil && o.endpoint.TokenFile == e.TokenFile {
			d.secret = o.secret
		}
	}
	return d
}

// openOrTry opens a door now or as soon as that is possible.
func (s *Server) openOrTry(ctx context.Context, d *door) {
	if err := s.open(ctx, d); err != nil {
		s.refused(d, err)
		s.trying.Go(func() { s.keepTrying(d) })
	}
}

func (d *door) isTCP() bool { return d.endpoint.isTCP() }

func (d *door) token() string { return *d.secret.token.Load() }

// open opens a door; a second call is made only if the first one failed.
func (s *Server) open(ctx context.Context, d *door) error {
	l, err := s.listener(ctx, d)
	if err != nil {
		return err
	}
	if err := s.share(d); err != nil {
		if d.endpoint.Inherited == nil && d.kept == nil {
			_ = l.Close()
		}
		return err
	}
	addr := l.Addr().Network() + ":" + l.Addr().String()
	wrap := func(c net.Conn) net.Conn { return c }
	if d.isTCP() {
		// The certificate is looked up by connection: it may be replaced while the door is open.
		config := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return d.secret.tls.Load(), nil }}
		wrap = func(c net.Conn) net.Conn { return &eitherConn{Conn: c, config: config} }
	}
	inside := newLobby(l, cmp.Or(d.endpoint.Connections, s.limits.connections), s.limits.strangers, s.limits.grace, wrap)
	serve := s.serveHTTP
	if d.endpoint.Dialect == DialectLine {
		serve = s.serveLine
	}
	shutdown := serve(inside, d)
	s.mu.Lock()
	d.addr, d.err, d.shutdown, d.socket = addr, nil, shutdown, l
	s.mu.Unlock()
	s.log.Info("endpoint open", zap.String("dialect", d.endpoint.Dialect), zap.String("name", d.endpoint.name()), zap.String("listen", addr))
	return nil
}

func (s *Server) listener(ctx context.Context, d *door) (net.Listener, error) {
	switch {
	case d.kept != nil:
		return d.kept, nil
	case d.endpoint.Inherited != nil:
		return d.endpoint.Inherited, nil
	}
	l, err := listen(ctx, d.endpoint.Listen)
	if d.isTCP() && errors.Is(err, errTaken) {
		s.mu.Lock()
		first, shared := !d.taken, d.secret.users > 0
		d.taken = true
		s.mu.Unlock()
		if first && !shared {
			// Nobody must send it to whoever has the port; a new one is written when the port is ours.
			if rm := os.Remove(d.endpoint.TokenFile); rm != nil && !os.IsNotExist(rm) {
				err = errors.Join(err, fmt.Errorf("token_file: %w", rm))
			}
		}
	}
	return l, err
}

// share reads or writes what the door and its tills share.
func (s *Server) share(d *door) error {
	if !d.isTCP() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	file := d.endpoint.TokenFile
	var token string
	var err error
	if d.taken {
		s.log.Warn("another program had the port: writing a new token", zap.String("token_file", file))
		token, err = writeToken(file)
	} else {
		token, err = readToken(file, s.log)
	}
	if err != nil {
		return err
	}
	where, _ := netip.ParseAddrPort(strings.TrimPrefix(d.endpoint.Listen, "tcp:"))
	config, err := readCertificate(file, where.Addr())
	if err != nil {
		return err
	}
	d.secret.token.Store(&token)
	d.secret.tls.Store(config)
	d.secret.users++
	d.taken = false
	return nil
}

// refused keeps and tells why a door is not open, once for each reason.
func (s *Server) refused(d *door, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.err == nil || d.err.Error() != err.Error() {
		s.log.Error("endpoint not open; trying again", zap.String("listen", d.endpoint.Listen), zap.Error(err))
	}
	d.err = err
}

// keepTrying opens a door as soon as that is possible.
func (s *Server) keepTrying(d *door) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for pause := s.limits.retry; ; pause = min(2*pause, s.limits.retryMost) {
		select {
		case <-s.ending:
			return
		case <-time.After(pause):
		}
		if !s.has(d) { // the configuration has changed
			return
		}
		err := s.open(ctx, d)
		if err == nil {
			if !s.has(d) {
				s.close(d)
			}
			return
		}
		s.refused(d, err)
	}
}

func (s *Server) has(d *door) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.doors, d)
}

// standing is the door that stands where one was opened: after a change of the configuration, what it says now holds on
// connections of before, too. It is nil where there is none any more.
func (s *Server) standing(d *door) *door {
	select {
	case <-d.replaced:
	default:
		return d
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.doors, func(o *door) bool {
		known := o.secret == nil || o.secret.token.Load() != nil
		return known && o.endpoint.Listen == d.endpoint.Listen && o.endpoint.Dialect == d.endpoint.Dialect
	}); i >= 0 {
		return s.doors[i]
	}
	return nil
}

// Closed tells which endpoints are not open and why; nil: all are.
func (s *Server) Closed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []error
	for _, d := range s.doors {
		if d.err != nil {
			all = append(all, fmt.Errorf("endpoint %s: %w", d.endpoint.Listen, d.err))
		}
	}
	return errors.Join(all...)
}
