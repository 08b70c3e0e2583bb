package till

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
)

// socketMode lets the daemon's user and group talk to a Unix socket: that is its access control.
const socketMode = 0o660

func (e Endpoint) isTCP() bool { return strings.HasPrefix(e.Listen, "tcp:") }

// Check reports what is wrong with an endpoint, without opening it.
func (e Endpoint) Check() error {
	if e.Dialect != DialectHTTP && e.Dialect != DialectLine {
		return fmt.Errorf("dialect %q is not known; write %q or %q", e.Dialect, DialectHTTP, DialectLine)
	}
	scheme, rest, _ := strings.Cut(e.Listen, ":")
	switch {
	case scheme == "unix" && rest != "":
		// The kernel's limit, less the final zero byte.
		if len(rest) > 107 {
			return fmt.Errorf("listen: a socket path has at most 107 bytes, this one has %d", len(rest))
		}
		return nil
	case scheme == "tcp":
		ap, err := netip.ParseAddrPort(rest)
		if err != nil {
			return fmt.Errorf("listen: %q is not an address and port; write one such as tcp:127.0.0.1:8460", e.Listen)
		}
		if !ap.Addr().IsLoopback() {
			return fmt.Errorf("listen: %s can be reached from other machines; only loopback addresses are allowed, "+
				"such as tcp:127.0.0.1:%d", ap, ap.Port())
		}
		if e.TokenFile == "" {
			return errors.New("token_file is missing; any program on this machine can reach a tcp port, so tills must send a token")
		}
		return nil
	}
	return fmt.Errorf("listen: %q is not understood; write unix:/path or tcp:127.0.0.1:8460", e.Listen)
}

// errTaken marks the error for an address at which another program listens.
var errTaken = errors.New("taken")

type takenError struct{ error }

func (takenError) Is(target error) bool { return target == errTaken }

func taken(err error) error { return takenError{err} }

// listen opens a checked address.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	network, rest, _ := strings.Cut(addr, ":")
	if network == "tcp" {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", rest)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, taken(fmt.Errorf("%w: another program has it; ss -ltnp shows which", err))
		}
		return l, err
	}
	if err := clearSocket(ctx, rest); err != nil {
		return nil, err
	}
	// The mode is set on the socket before bind gives it a name, so nobody else can slip in between.
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		return errors.Join(c.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), socketMode) }), err)
	}}
	l, err := lc.Listen(ctx, "unix", rest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; create the folder of the socket first", err)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(rest, socketMode); err != nil { // whatever the umask left of it
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// clearSocket removes a socket that a dead process left. Between the look and the removal another daemon
// could start; that there is one daemon is the service manager's business and the journal's lock.
func clearSocket(ctx context.Context, path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if fi.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s exists and is not a socket; move it away or choose another path", path)
	}
	dialer := net.Dialer{Timeout: time.Second}
	c, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close()
		return taken(fmt.Errorf("another program answers on %s; stop it", path))
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("cannot tell whether another daemon uses the socket: %w", err)
	}
	return os.Remove(path)
}
