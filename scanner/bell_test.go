package scanner

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A watched handle tells when its owner begins to wait for as long as it takes.
type watched struct {
	*serialHandle
	resting chan bool
}

func (w *watched) Rest(b *bell, attentive bool) {
	w.resting <- true
	w.serialHandle.Rest(b, attentive)
}

// An owner whose device is silent sleeps, and is woken by what the device sends, by a command, and by the end.
func TestSilentDeviceIsWaitedFor(t *testing.T) {
	t.Parallel()
	line := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
	port, err := openSerial(line.link, Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := &watched{serialHandle: port, resting: make(chan bool, 100)}
	o := startOwner(h)
	soon := func(what string, c <-chan bool) {
		t.Helper()
		select {
		case <-c:
		case <-time.After(20 * time.Second):
			t.Fatal(what + ": not within 20 s")
		}
	}
	rested := func(after string) {
		t.Helper()
		for len(h.resting) > 0 { // a ring that was on its way
			<-h.resting
		}
		soon("sleep after "+after, h.resting)
	}
	soon("sleep", h.resting)

	o.order([]byte("beep"))
	heard := make(chan bool, 1)
	go func() {
		b := make([]byte, 4)
		if n, _ := line.Read(b); string(b[:n]) == "beep" {
			heard <- true
		}
	}()
	soon("the command", heard)
	soon("sleep after a command", h.resting)

	line.send(t, testCode)
	got := make(chan bool, 1)
	go func() {
		var all []byte
		for len(all) < len(testCode) {
			<-o.inbox.ready
			chunks, _ := o.inbox.take()
			for _, c := range chunks {
				all = append(all, c.data...)
			}
		}
		if bytes.Equal(all, []byte(testCode)) {
			got <- true
		}
	}()
	soon("the scan", got)
	rested("a scan")

	o.letGo()
	ended := make(chan bool, 1)
	go func() { <-o.done; ended <- true }()
	soon("the end", ended)
	o.order([]byte("late")) // to nobody; the descriptor is not another's by now
}

// A device that is unplugged ends the wait for it.
func TestUnpluggedDeviceEndsTheWait(t *testing.T) {
	t.Parallel()
	b := newBell()
	defer b.close()
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	began := time.Now()
	unix.Close(ends[1])
	b.rest(ends[0])
	if took := time.Since(began); took >= restMost {
		t.Errorf("woken after %v", took)
	}
}
