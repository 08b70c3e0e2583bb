package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cpmd/queue/sale"
	"cpmd/till/client"
)

// Users that no system has by name: the daemon's, a till's, and somebody's.
const (
	daemonUser   = 61001
	tillGroup    = 61002
	strangerUser = 61003
)

// strangerEnv makes the test's own program a stranger's: see TestMain.
const strangerEnv = "CPMD_TEST_STRANGER"

// playStranger tries to read each file that it is given, and tells of those that it could.
func playStranger(paths []string) int {
	exit := 0
	for _, p := range paths {
		if data, err := os.ReadFile(p); err == nil {
			fmt.Printf("%s can be read: %d bytes\n", p, len(data))
			exit = 1
		} else if !errors.Is(err, fs.ErrPermission) {
			fmt.Printf("%s: %v\n", p, err)
			exit = 1
		}
	}
	return exit
}

// as runs this program as another user, to read files.
func as(t *testing.T, uid, gid uint32, paths ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test's program lies where only root may look.
	copied := filepath.Join(openDir(t), "stranger")
	text, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(copied, text, 0o755)
	}
	if err == nil {
		err = os.Chmod(copied, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copied, paths...)
	cmd.Env = append(os.Environ(), strangerEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// openDir makes a folder that everybody may look into.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "stranger")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// A shop is a daemon under a user of its own, in folders as the package makes them.
type shop struct {
	dir, port string
	cmd       *exec.Cmd
	log       lockedBuffer
}

func newShop(t *testing.T) *shop {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be other users")
	}
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{dir: openDir(t)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().String()
	_ = l.Close()
	text, err := os.ReadFile(filepath.Join(bin, "cpmd"))
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "cpmd"), text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"etc": 0o700, "lib": 0o700, "run": 0o750} {
		folder := filepath.Join(s.dir, name)
		if err := errors.Join(os.Mkdir(folder, mode), os.Chmod(folder, mode), os.Chown(folder, daemonUser, tillGroup)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"app_code": "A", "client_key": "K", "cpmd.toml": fmt.Sprintf(`[gateway]
url = "http://127.0.0.1:9"
[journal]
path = "../lib/journal.db"
[[lane]]
name = "1"
scanner = { driver = "virtual" }
[[till]]
dialect = "http"
listen = "unix:../run/till.sock"
[[till]]
dialect = "http"
listen = "tcp:%s"
token_file = "../run/token"
`, s.port)} {
		path := filepath.Join(s.dir, "etc", name)
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chown(path, daemonUser, tillGroup)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *shop) start(t *testing.T, more ...*os.File) {
	t.Helper()
	s.cmd = exec.Command(filepath.Join(s.dir, "cpmd"), "-config", filepath.Join(s.dir, "etc", "cpmd.toml"))
	if len(more) > 0 { // as systemd does it (sd_listen_fds(3))
		s.cmd = exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, s.cmd.Args[0], s.cmd.Args[1], s.cmd.Args[2])
		s.cmd.ExtraFiles = more
		s.cmd.Env = append(os.Environ(), fmt.Sprintf("LISTEN_FDS=%d", len(more)), "LISTEN_FDNAMES=till:till")
	}
	s.cmd.Stderr = &s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: daemonUser, Gid: tillGroup}}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// A lockedBuffer is written by a process that runs, and read meanwhile.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (s *shop) stop(t *testing.T) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, s.log.String())
	}
	s.cmd = nil
}

// client is a till over the Unix socket, or over the port.
func (s *shop) client(t *testing.T, overPort bool) *client.Client {
	t.Helper()
	cfg := client.Config{Addr: "unix:" + filepath.Join(s.dir, "run/till.sock"), Patience: 20 * time.Second}
	if overPort {
		cfg.Addr, cfg.TokenFile = "tcp:"+s.port, filepath.Join(s.dir, "run/token")
	}
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Another user of the machine reads nothing: no journal, no token, no key, and nothing of the process. Nor does a
// process of the daemon's own user look into its memory.
func TestStrangersReadNothing(t *testing.T) {
	s := newShop(t)
	s.start(t)
	if _, _, err := s.client(t, false).PutSale(t.Context(), sale.Request{ID: "a", Amount: 1, Currency: "HKD"}); err != nil {
		t.Fatal(err, s.log.String())
	}
	proc := func(name string) string { return fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, name) }
	var files []string
	for _, folder := range []string{"etc", "lib", "run"} {
		entries, err := os.ReadDir(filepath.Join(s.dir, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			files = append(files, filepath.Join(s.dir, folder, e.Name()))
		}
	}
	if len(files) < 10 {
		t.Errorf("only %v", files)
	}
	if out := as(t, strangerUser, strangerUser, append(files, proc("environ"), proc("mem"), proc("maps"), proc("auxv"))...); out != "" {
		t.Errorf("a stranger:\n%s", out)
	}
	// The group of the tills reads the token, and the certificate by which it knows cpmd; nothing else.
	for _, f := range files {
		name := filepath.Base(f)
		got := as(t, strangerUser, tillGroup, f)
		if may := name == "token" || name == "token.crt"; may != strings.Contains(got, "can be read") && name != "till.sock" {
			t.Errorf("a till with %s: %q", name, got)
		}
	}
	// The daemon's own user, as somebody who broke into something of it.
	if out := as(t, daemonUser, tillGroup, proc("environ"), proc("mem"), proc("maps")); out != "" {
		t.Errorf("the daemon's user:\n%s", out)
	}
	s.coreless(t)
}

// coreless kills the daemon as a crash does: nothing of its memory is left in a file.
func (s *shop) coreless(t *testing.T) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGABRT)
	state, err := s.cmd.Process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if status := state.Sys().(syscall.WaitStatus); status.CoreDump() {
		t.Error("a core was written")
	}
	s.cmd = nil
}

// Somebody who has a port before cpmd starts, or takes it during a restart, is sent nothing by cpmd's own programs and
// stops nothing; what tills showed to it is worth nothing afterwards.
func TestSquattersGetNothing(t *testing.T) {
	s := newShop(t)
	squat := func() (leave func() string) {
		l, err := net.Listen("tcp", s.port)
		if err != nil {
			t.Fatal(err)
		}
		heard := make(chan string)
		go func() {
			var all strings.Builder
			for {
				c, err := l.Accept()
				if err != nil {
					heard <- all.String()
					return
				}
				_ = c.SetDeadline(time.Now().Add(time.Second))
				b := make([]byte, 4096)
				n, _ := c.Read(b)
				all.Write(b[:n])
				_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"state\":\"paid\"}"))
				_ = c.Close()
			}
		}()
		return func() string { _ = l.Close(); return <-heard }
	}
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(s.dir, "run/token")
	ctl := func() string {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		out, _ := exec.CommandContext(ctx, filepath.Join(bin, "cpmctl"), "-addr", "tcp:"+s.port, "-token-file", token, "lanes").CombinedOutput()
		return string(out)
	}

	// Before the first start.
	leave := squat()
	s.start(t)
	if _, _, err := s.client(t, false).PutSale(t.Context(), sale.Request{ID: "a", Amount: 1, Currency: "HKD"}); err != nil {
		t.Fatalf("a taken port stops the others: %v\n%s", err, s.log.String())
	}
	if out := ctl(); !strings.Contains(out, "token") {
		t.Errorf("cpmctl: %s", out)
	}
	leave()
	eventually(t, "the port to be opened", func() bool { return strings.Contains(ctl(), "virtual") })
	first, err := os.ReadFile(token)
	if err != nil {
		t.Fatal(err)
	}

	// During a restart. Nobody holds the port here; where systemd does, see TestHeldSockets.
	s.stop(t)
	leave = squat()
	if out := ctl(); !strings.Contains(out, "is not the cpmd of") {
		t.Errorf("cpmctl: %s", out)
	}
	s.start(t)
	eventually(t, "the token to be taken away", func() bool { _, err := os.Stat(token); return os.IsNotExist(err) })
	if heard := leave(); strings.Contains(heard, strings.TrimSpace(string(first))) || strings.Contains(heard, "HTTP") {
		t.Errorf("the squatter was told %q", heard)
	}
	eventually(t, "the port to be opened", func() bool { return strings.Contains(ctl(), "virtual") })
	if second, err := os.ReadFile(token); err != nil || bytes.Equal(first, second) {
		t.Errorf("the token is still the one that tills may have shown to somebody else: %v", err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Sockets that the service manager holds: nobody else gets them while the daemon is away, and a till that asks
// meanwhile is answered by the next daemon.
func TestHeldSockets(t *testing.T) {
	s := newShop(t)
	tcp, err := net.Listen("tcp", s.port)
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	path := filepath.Join(s.dir, "run/till.sock")
	unix, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close()
	if err := errors.Join(os.Chmod(path, 0o660), os.Chown(path, daemonUser, tillGroup)); err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	for _, l := range []interface{ File() (*os.File, error) }{tcp.(*net.TCPListener), unix.(*net.UnixListener)} {
		f, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	s.start(t, files...)
	if _, _, err := s.client(t, false).PutSale(t.Context(), sale.Request{ID: "a", Amount: 1, Currency: "HKD"}); err != nil {
		t.Fatal(err, s.log.String())
	}
	over := s.client(t, false)
	if _, err := over.Sale(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the token", func() bool { _, err := os.Stat(filepath.Join(s.dir, "run/token.crt")); return err == nil })
	port := s.client(t, true)
	for restart := range 3 {
		s.stop(t)
		if l, err := net.Listen("tcp", s.port); err == nil {
			_ = l.Close()
			t.Error("the port could be taken during a restart")
		}
		answers := make(chan error, 2)
		go func() { _, err := over.Sale(context.WithoutCancel(t.Context()), "a"); answers <- err }()
		go func() { _, err := port.Sale(context.WithoutCancel(t.Context()), "a"); answers <- err }()
		s.start(t, files...)
		for range 2 {
			if err := <-answers; err != nil {
				t.Errorf("restart %d: %v", restart, err)
			}
		}
	}
	if strings.Contains(s.log.String(), "not open") || strings.Contains(s.log.String(), "writing a new token") && strings.Count(s.log.String(), "writing a new token") > 1 {
		t.Errorf("the log:\n%s", s.log.String())
	}
}
