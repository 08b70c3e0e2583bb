package till_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"cpmd/till"
	"cpmd/till/tilltest"
)

// startRetrying starts a server that tries closed endpoints often.
func startRetrying(t *testing.T, endpoints ...till.Endpoint) *till.Server {
	t.Helper()
	s := till.New(till.Config{Endpoints: endpoints}, tilltest.NewDesk(), zaptest.NewLogger(t))
	s.SetRetry(5 * time.Millisecond)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A port that another program has taken stops no other endpoint, is told of everywhere, and is opened as soon as
// it is free. What tills may have sent there is worth nothing then.
func TestTakenPort(t *testing.T) {
	for _, dialect := range []string{till.DialectHTTP, till.DialectLine} {
		t.Run(dialect, func(t *testing.T) {
			squatter, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer squatter.Close()
			e := tilltest.TCP(t, dialect)
			e.Listen = "tcp:" + squatter.Addr().String()
			s := startRetrying(t, e, till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + tilltest.SocketDir(t) + "/s"})
			unix := newCaller(t, s.Addrs()[1])
			if a := unix.do("PUT", "/v1/sales/a", coffee); a.status != 201 {
				t.Errorf("the other endpoint: %d %s", a.status, a.body)
			}
			for _, path := range []string{"/readyz", "/v1/diagnosis"} {
				if a := unix.do("GET", path, ""); a.status != 200 || !strings.Contains(string(a.body), e.Listen) || !strings.Contains(string(a.body), "another program has it") {
					t.Errorf("%s: %d %s", path, a.status, a.body)
				}
			}
			waitFor(t, "the token to be taken away", func() bool { _, err := os.Stat(e.TokenFile); return os.IsNotExist(err) })
			_ = squatter.Close()
			waitFor(t, "the endpoint to open", func() bool { return s.Closed() == nil })
			if a := unix.do("GET", "/readyz", ""); strings.Contains(string(a.body), "detail") {
				t.Errorf("/readyz still tells: %s", a.body)
			}
			token, err := os.ReadFile(e.TokenFile)
			if err != nil || strings.TrimSpace(string(token)) == tilltest.Token {
				t.Fatalf("the token that tills may have sent to the other program is still good: %q %v", token, err)
			}
			for _, try := range []struct {
				token string
				ok    bool
			}{{tilltest.Token, false}, {strings.TrimSpace(string(token)), true}} {
				if ok := knows(t, dialect, s.Addrs()[0], try.token); ok != try.ok {
					t.Errorf("token %.8s...: let in %v", try.token, ok)
				}
			}
		})
	}
}

// knows reports whether an endpoint lets a token in.
func knows(t *testing.T, dialect, addr, token string) bool {
	t.Helper()
	if dialect == till.DialectLine {
		return dialLine(t, addr).call("auth", `{"token":"`+token+`"}`).Error == nil
	}
	c := newCaller(t, addr)
	c.set = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	return c.do("GET", "/v1/lanes", "").status == 200
}

// The token of an endpoint that is open stays as long as it is.
func TestTakenPortBesideAnOpenOneWithTheSameToken(t *testing.T) {
	squatter, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer squatter.Close()
	open := tilltest.TCP(t, till.DialectHTTP)
	taken := open
	taken.Listen = "tcp:" + squatter.Addr().String()
	s := startRetrying(t, open, taken)
	if !knows(t, till.DialectHTTP, s.Addrs()[0], tilltest.Token) {
		t.Error("the token of the open endpoint was changed")
	}
	_ = squatter.Close()
	waitFor(t, "the endpoint to open", func() bool { return s.Closed() == nil })
	for _, addr := range s.Addrs() {
		if knows(t, till.DialectHTTP, addr, tilltest.Token) {
			t.Errorf("%s lets the old token in", addr)
		}
	}
}

// A file that somebody else may have put there is no token.
func TestForeignTokenFiles(t *testing.T) {
	for name, tc := range map[string]struct {
		put  func(path string) error
		says string
	}{
		"a link":                 {func(p string) error { return os.Symlink(planted(t, 0o600), p) }, "is a link"},
		"a link to nowhere":      {func(p string) error { return os.Symlink("nowhere", p) }, "is a link"},
		"a pipe":                 {func(p string) error { return syscall.Mkfifo(p, 0o600) }, "is not a regular file"},
		"a folder":               {func(p string) error { return os.Mkdir(p, 0o700) }, "is not a regular file"},
		"writable for everybody": {func(p string) error { return os.Rename(planted(t, 0o666), p) }, "may be changed by every user"},
		"a stranger's": {func(p string) error {
			if os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			f := planted(t, 0o600)
			if err := os.Chown(f, 65534, 65534); err != nil {
				return err
			}
			return os.Rename(f, p)
		}, "belongs to user 65534"},
	} {
		t.Run(name, func(t *testing.T) {
			e := till.Endpoint{Dialect: till.DialectHTTP, Listen: "tcp:127.0.0.1:0", TokenFile: filepath.Join(t.TempDir(), "token")}
			if err := tc.put(e.TokenFile); err != nil {
				t.Fatal(err)
			}
			if err := startOnce(t, e); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
		})
	}
}

// planted is a file with a token that whoever wrote it knows.
func planted(t *testing.T, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "planted")
	if err := os.WriteFile(path, []byte(tilltest.Token), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// The certificate outlives a restart, like the token; its key is nobody else's, or it is made anew.
func TestCertificateOverRestarts(t *testing.T) {
	e := tilltest.TCP(t, till.DialectHTTP)
	read := func() string {
		t.Helper()
		if err := startOnce(t, e); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(e.TokenFile + ".crt")
		if err != nil {
			t.Fatal(err)
		}
		if fi, err := os.Stat(e.TokenFile + ".key"); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("the key: %v %v", fi.Mode(), err)
		}
		return string(b)
	}
	first := read()
	if read() != first {
		t.Error("a restart made another certificate: every till has to read it again")
	}
	if err := os.Chmod(e.TokenFile+".key", 0o644); err != nil {
		t.Fatal(err)
	}
	second := read()
	if second == first {
		t.Error("a key that everybody could read is still used")
	}
	if err := os.WriteFile(e.TokenFile+".key", []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if read() == second {
		t.Error("a broken key is still used")
	}
}

// A socket that the service manager holds stays open while there is no daemon: nobody can take it, and whoever
// connects meanwhile is answered by the next one.
func TestInheritedSocketOverARestart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := tilltest.TCP(t, till.DialectHTTP)
	e.Listen = "tcp:" + l.Addr().String()
	desk := tilltest.NewDesk()
	start := func() *till.Server {
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if e.Inherited, err = net.FileListener(f); err != nil {
			t.Fatal(err)
		}
		s := till.New(till.Config{Endpoints: []till.Endpoint{e}}, desk, zaptest.NewLogger(t))
		if err := s.Start(t.Context()); err != nil || s.Closed() != nil {
			t.Fatal(err, s.Closed())
		}
		return s
	}
	s := start()
	if !knows(t, till.DialectHTTP, e.Listen, tilltest.Token) {
		t.Error("not let in")
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	answered := make(chan bool)
	go func() { answered <- knows(t, till.DialectHTTP, e.Listen, tilltest.Token) }()
	if squatter, err := net.Listen("tcp", l.Addr().String()); err == nil {
		_ = squatter.Close()
		t.Error("the port could be taken during the restart")
	}
	s = start()
	if !<-answered {
		t.Error("a till that asked during the restart was refused")
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}
