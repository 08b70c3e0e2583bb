package app_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cpmd/cmd/cpmd/app"
	"cpmd/cmd/cpmd/config"
	"cpmd/queue/sale"
	"cpmd/till/client"
)

// A daemon runs in the test's own process, without a scanner and without QFPay.
type daemon struct {
	dir string
	log lockedBuffer
	end func() error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

// start runs the daemon with a Unix socket and whatever else is added to its configuration.
func start(t *testing.T, dir, more string) *daemon {
	t.Helper()
	quiet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // QFPay, where nothing is ever paid
		_, _ = io.WriteString(w, `{"respcd": "0000", "data": []}`)
	}))
	t.Cleanup(quiet.Close)
	return startAt(t, dir, quiet.URL, more)
}

func startAt(t *testing.T, dir, gateway, more string) *daemon {
	t.Helper()
	return startReloading(t, dir, gateway, more, nil)
}

// startReloading runs a daemon that reads its configuration again whenever something comes from reload.
func startReloading(t *testing.T, dir, gateway, more string, reload <-chan struct{}) *daemon {
	t.Helper()
	configure(t, dir, gateway, more)
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	cfg, err := config.Load(filepath.Join(dir, "cpmd.toml"))
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{dir: dir}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- app.RunReloading(ctx, cfg, "test", &d.log, reload) }()
	d.end = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := d.end(); err != nil {
			t.Error(err)
		}
	})
	d.until(t, `"msg":"ready"`)
	return d
}

// configure writes what the daemon reads: a virtual lane, a Unix socket, and whatever else is added.
func configure(t *testing.T, dir, gateway, more string) {
	t.Helper()
	for name, text := range map[string]string{"app_code": "A", "client_key": "K", "cpmd.toml": `[gateway]
url = "` + gateway + `"
[journal]
path = "journal.db"
[[lane]]
name = "1"
scanner = { driver = "virtual" }
[[till]]
dialect = "http"
listen = "unix:till.sock"
` + more} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// until waits for a line of the log.
func (d *daemon) until(t *testing.T, line string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(d.log.String(), line); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s in the log:\n%s", line, d.log.String())
		}
	}
}

func (d *daemon) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{Addr: "unix:" + filepath.Join(d.dir, "till.sock")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "app") // t.TempDir's name is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// The event stream of the real journal, as it comes off the socket: a client that leaves out what it has seen would
// hide an event that comes twice.
func TestEventsComeOnce(t *testing.T) {
	d := start(t, tempDir(t), "")
	c := d.client(t)
	for _, id := range []string{"a", "b", "c"} {
		if _, _, err := c.PutSale(t.Context(), sale.Request{ID: id, Amount: 1, Currency: "HKD"}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CancelSale(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	all := d.events(t, "")
	if len(all) < 6 {
		t.Fatalf("events %v", all)
	}
	for i, id := range all {
		if i > 0 && id <= all[i-1] {
			t.Errorf("%d after %d", id, all[i-1])
		}
		rest := all[i+1:]
		if len(rest) == 0 {
			break
		}
		for _, query := range []string{fmt.Sprintf("?after=%d", id), "?after=0"} {
			last := ""
			if query == "?after=0" {
				last = fmt.Sprint(id)
			}
			if got := d.eventsAfter(t, query, last, len(rest)); fmt.Sprint(got) != fmt.Sprint(rest) {
				t.Errorf("%s with Last-Event-ID %q: %v, want %v", query, last, got, rest)
			}
		}
	}
}

// events returns the ids of all events so far.
func (d *daemon) events(t *testing.T, query string) []int {
	t.Helper()
	diagnosis, err := d.client(t).Diagnosis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, id := range d.eventsAfter(t, query, "", 7) { // one of the scanner, two of each sale
		if int64(id) <= diagnosis.Journal.Seq {
			all = append(all, id)
		}
	}
	return all
}

// eventsAfter reads n ids from the socket itself.
func (d *daemon) eventsAfter(t *testing.T, query, last string, n int) (ids []int) {
	t.Helper()
	c, err := net.Dial("unix", filepath.Join(d.dir, "till.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	req, _ := http.NewRequest("GET", "http://localhost/v1/events"+query, nil)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	if err := req.Write(c); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(c); len(ids) < n && lines.Scan(); {
		var id int
		if _, err := fmt.Sscanf(lines.Text(), "id: %d", &id); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// Whatever the umask of whoever starts it, nobody else reads the journal or what lies beside it.
func TestFilesAreOursAlone(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := tempDir(t)
	d := start(t, dir, "[[till]]\ndialect = \"line\"\nlisten = \"tcp:127.0.0.1:"+freePort(t)+"\"\ntoken_file = \"token\"\n")
	if _, _, err := d.client(t).PutSale(t.Context(), sale.Request{ID: "a", Amount: 1, Currency: "HKD"}); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]os.FileMode{}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		seen[f.Name()] = info.Mode().Perm()
	}
	for name, mode := range map[string]os.FileMode{"journal.db": 0o600, "journal.db-wal": 0o600, "journal.db-shm": 0o600, "journal.db.lock": 0o600,
		"journal.db.seq": 0o600, "token": 0o640, "token.key": 0o600, "token.crt": 0o644, "till.sock": 0o660} {
		if seen[name] != mode {
			t.Errorf("%s has mode %04o, want %04o (%v)", name, seen[name], mode, seen)
		}
		delete(seen, name)
	}
	for name, mode := range seen {
		if mode&0o077 != 0 {
			t.Errorf("%s has mode %04o", name, mode)
		}
	}
}

// Who opened a sale stands in the journal: a till without "read" finds its own after a restart, and no others; and the
// story names who asked for what.
func TestWhoAskedIsKept(t *testing.T) {
	dir := tempDir(t)
	const more = "name = \"all\"\n[[till]]\nname = \"front\"\ndialect = \"http\"\nlisten = \"unix:front.sock\"\nallow = [\"sell\"]\n"
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for restart := range 2 {
		d := start(t, dir, more)
		all := d.client(t)
		front, err := client.New(client.Config{Addr: "unix:" + filepath.Join(dir, "front.sock")})
		if err != nil {
			t.Fatal(err)
		}
		if restart == 0 {
			for id, c := range map[string]*client.Client{"mine": front, "theirs": all} {
				if _, _, err := c.PutSale(t.Context(), sale.Request{ID: id, Amount: 1, Currency: "HKD"}); err != nil {
					t.Fatal(err)
				}
				if _, err := c.CancelSale(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
		}
		if v, err := front.Sale(t.Context(), "mine"); err != nil || v.By != "front, user "+u.Username {
			t.Errorf("its own: by %q, %v", v.By, err)
		}
		if _, err := front.Sale(t.Context(), "theirs"); err == nil || !strings.Contains(err.Error(), "not_allowed") {
			t.Errorf("another endpoint's: %v", err)
		}
		if list, err := front.Sales(t.Context(), sale.Filter{}); err != nil || len(list) != 1 {
			t.Errorf("its list: %v %v", list, err)
		}
		story, err := all.Story(t.Context(), "mine")
		if text := fmt.Sprint(story.Lines); err != nil || strings.Count(text, "front, user "+u.Username) < 2 {
			t.Errorf("the story does not name who opened and who cancelled it: %s %v", text, err)
		}
		front.Close()
		all.Close()
		if err := d.end(); err != nil {
			t.Fatal(err)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// A port that somebody else has stops neither the other endpoints nor the following of payments, and everything tells
// of it.
func TestTakenPortStopsNothing(t *testing.T) {
	squatter, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer squatter.Close()
	addr := squatter.Addr().String()
	d := start(t, tempDir(t), "[[till]]\nname = \"port\"\ndialect = \"http\"\nlisten = \"tcp:"+addr+"\"\ntoken_file = \"token\"\nallow = [\"sell\"]\n")
	c := d.client(t)
	if _, _, err := c.PutSale(t.Context(), sale.Request{ID: "a", Amount: 1, Currency: "HKD"}); err != nil {
		t.Error(err)
	}
	diagnosis, err := c.Diagnosis(t.Context())
	if err != nil || !diagnosis.Ready || len(diagnosis.Advice) == 0 || !strings.Contains(diagnosis.Advice[0], addr) {
		t.Errorf("%+v %v", diagnosis.Advice, err)
	}
	d.until(t, "endpoint not open; trying again")
	_ = squatter.Close()
	d.until(t, `"name":"port"`)
	port, err := client.New(client.Config{Addr: "tcp:" + addr, TokenFile: filepath.Join(d.dir, "token"), Patience: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if _, err := port.Lanes(t.Context()); err != nil {
		t.Error(err)
	}
}
