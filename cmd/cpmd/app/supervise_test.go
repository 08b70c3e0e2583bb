package app_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cpmd/cmd/cpmd/app"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// A manager is what a service manager hears from the daemon.
type manager struct{ socket *net.UnixConn }

func newManager(t *testing.T, dir string, watchdog time.Duration) *manager {
	t.Helper()
	path := filepath.Join(dir, "notify.sock")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	t.Setenv("WATCHDOG_USEC", fmt.Sprint(watchdog.Microseconds()))
	return &manager{l}
}

// hears waits for a message that begins so; it reports false if none comes within a time.
func (m *manager) hears(prefix string, within time.Duration) bool {
	_ = m.socket.SetReadDeadline(time.Now().Add(within))
	b := make([]byte, 4096)
	for {
		n, err := m.socket.Read(b)
		if err != nil {
			return false
		}
		if strings.HasPrefix(string(b[:n]), prefix) {
			return true
		}
	}
}

// The service manager hears in words what is wrong, is fed while the journal is full, because a restart makes no
// room, and is not fed while the main loop stands still.
func TestServiceManagerHearsTheTruth(t *testing.T) {
	var full, stuck atomic.Bool
	release := make(chan struct{})
	defer app.WithJournalHooks(journal.Hooks{Before: func(journal.Write) error {
		if stuck.Load() {
			<-release
		}
		if full.Load() {
			return errors.New("no space left on device")
		}
		return nil
	}})()
	dir := tempDir(t)
	m := newManager(t, dir, 600*time.Millisecond)
	d := start(t, dir, "[[lane]]\nname = \"2\"\nscanner = { driver = \"virtual\" }\n")
	const long = 10 * time.Second
	if !m.hears("READY=1", long) || !m.hears("WATCHDOG=1", long) || !m.hears("STATUS=ready; lanes: 2", long) {
		t.Fatal("the service manager was not told that cpmd is ready")
	}
	till := d.client(t)
	open := func(id, lane string) { // outcomes are not looked at
		ctx, cancel := context.WithTimeout(context.Background(), long)
		defer cancel()
		_, _, _ = till.PutSale(ctx, sale.Request{ID: id, Amount: 100, Currency: "HKD", Lane: lane})
	}
	full.Store(true)
	go open("a", "1")
	if !m.hears("STATUS=no sales: the journal is not writable", long) || !m.hears("WATCHDOG=1", long) {
		t.Error("a full journal: not said, or not fed")
	}
	full.Store(false)
	if !m.hears("STATUS=ready", long) {
		t.Error("not said that the journal is back")
	}

	stuck.Store(true)
	go open("b", "2")
	if !m.hears("STATUS=not responding", long) {
		t.Error("a standing loop is not said")
	}
	if m.hears("WATCHDOG=1", 2*time.Second) {
		t.Error("the watchdog is fed although the main loop stands still")
	}
	stuck.Store(false)
	close(release)
	if !m.hears("WATCHDOG=1", long) {
		t.Error("the watchdog is not fed although the main loop moves again")
	}
}
