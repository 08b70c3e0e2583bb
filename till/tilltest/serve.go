package tilltest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap/zaptest"

	"cpmd/till"
)

// Token is what the servers of [ServeTCP] want to see.
const Token = "0123456789abcdef0123456789abcdef"

// SocketDir makes a folder whose path is short enough for a socket.
func SocketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "till")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Serve answers for the desk on a Unix socket, until the test ends, and returns its address.
func Serve(t testing.TB, d till.Desk, dialect string) (addr string) {
	t.Helper()
	return Start(t, d, till.Endpoint{Dialect: dialect, Listen: "unix:" + filepath.Join(SocketDir(t), "till.sock")}).Addrs()[0]
}

// ServeTCP answers for the desk on a free loopback port with the [Token], and returns its address.
func ServeTCP(t testing.TB, d till.Desk, dialect string) (addr string) {
	t.Helper()
	addr, _ = ServeTCPFile(t, d, dialect)
	return addr
}

// ServeTCPFile is ServeTCP, and also returns the token file, which has the certificate beside it.
func ServeTCPFile(t testing.TB, d till.Desk, dialect string) (addr, tokenFile string) {
	t.Helper()
	e := TCP(t, dialect)
	return Start(t, d, e).Addrs()[0], e.TokenFile
}

// TCP makes an endpoint on a free loopback port with the [Token].
func TCP(t testing.TB, dialect string) till.Endpoint {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return till.Endpoint{Dialect: dialect, Listen: "tcp:127.0.0.1:0", TokenFile: file}
}

// Start starts a server that the end of the test shuts down.
func Start(t testing.TB, d till.Desk, endpoints ...till.Endpoint) *till.Server {
	t.Helper()
	reload := func(context.Context) ([]string, error) { return nil, nil } // nothing has changed
	s := till.New(till.Config{Endpoints: endpoints, Reload: reload}, d, zaptest.NewLogger(t))
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}
