package simtest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// A diskError is an error as SQLite's driver makes them.
type diskError int

const (
	full        diskError = 13        // SQLITE_FULL
	writeFailed diskError = 10 | 3<<8 // SQLITE_IOERR_WRITE
	fsyncFailed diskError = 10 | 4<<8 // SQLITE_IOERR_FSYNC
)

func (e diskError) Code() int     { return int(e) }
func (e diskError) Error() string { return fmt.Sprintf("simulated disk error (%d)", int(e)) }

var errDead = errors.New("the process is dead")

// A disk may be full for a while.
type disk struct {
	mu   sync.Mutex
	full time.Time // until then
	nth  map[string]int
}

func (d *disk) heal() { d.mu.Lock(); d.full = time.Time{}; d.mu.Unlock() }

// name gives each write a name that stays the same when other faults are left out.
func (d *disk) name(wr journal.Write) string {
	what := fmt.Sprintf("%s %s %s", wr.Kind, wr.Subject, wr.Event)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.nth == nil {
		d.nth = map[string]int{}
	}
	d.nth[what]++
	return fmt.Sprintf("write %s#%d", what, d.nth[what])
}

// before and after are the journal's faults in one life of the daemon.
func (d *daemon) before(wr journal.Write) error {
	w := d.w
	if d.dead.Load() {
		return errDead
	}
	name := w.disk.name(wr)
	d.writing = name
	if d.untrusted {
		w.wrong("%s: the journal is written to after an fsync failed", name)
	}
	n := int(w.writes.Add(1))
	if nth := w.o.Nth; n == nth.Write && !nth.After {
		w.note("%s is number %d, and fails", name, n)
		if nth.Crash {
			return d.die("before " + name)
		}
		return writeFailed
	}
	kind := string(wr.Event)
	if kind == "" {
		kind = wr.Kind
	}
	if w.catchUp > 0 && wr.Event == sale.Restarted && !w.calm.Load() {
		time.Sleep(between(w.luck.of("restarts slowly", name), 20*time.Millisecond, 300*time.Millisecond))
		if d.dead.Load() {
			return errDead
		}
	}
	w.disk.mu.Lock()
	isFull := time.Now().Before(w.disk.full)
	w.disk.mu.Unlock()
	switch {
	case isFull:
		w.note("%s: the disk is full", name)
		return full
	case w.chance(name+" finds the disk full", w.mix.DiskFull):
		w.disk.mu.Lock()
		w.disk.full = time.Now().Add(between(w.luck.of("full", name), time.Second, 3*time.Minute))
		w.disk.mu.Unlock()
		w.note("%s: the disk is full from now on", name)
		w.saw("disk full")
		return full
	case w.chance(name+" fails", w.mix.WriteFails):
		w.note("%s fails", name)
		w.saw("a write fails")
		return writeFailed
	case w.chance(name+" fails to sync", w.mix.FsyncFails):
		w.note("%s: fsync fails, and the write is lost", name)
		w.saw("fsync fails")
		d.untrusted = true
		return fsyncFailed
	case wr.Kind != "scan" && wr.Kind != "scanner" && w.chance(name+" crashes before", w.mix.CrashBefore):
		w.saw("crash before the write of " + kind)
		return d.die("before " + name)
	}
	return nil
}

func (d *daemon) after(wr journal.Write) error {
	w := d.w
	if d.dead.Load() {
		return errDead
	}
	name := d.writing
	w.note("%s", name)
	if nth := w.o.Nth; int(w.writes.Load()) == nth.Write && nth.After {
		w.note("%s is number %d, and the last", name, nth.Write)
		return d.die("after " + name)
	}
	kind := string(wr.Event)
	if kind == "" {
		kind = wr.Kind
	}
	switch {
	case w.chance(name+" fails to sync and stays", w.mix.FsyncFails):
		w.note("%s: fsync fails, yet the write is kept", name)
		w.saw("fsync fails though the write is kept")
		d.untrusted = true
		return fsyncFailed
	case wr.Kind != "scan" && wr.Kind != "scanner" && w.chance(name+" crashes after", w.mix.CrashAfter):
		w.saw("crash after the write of " + kind)
		return d.die("after " + name)
	}
	return nil
}
