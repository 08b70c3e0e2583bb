package scanner

import (
	"bytes"
	"context"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// How often a device that is not there is looked for.
const (
	lookAgain = 100 * time.Millisecond // just after it went, or after the kernel told of some device; a look costs a few file reads
	lookBusy  = 5 * time.Second        // so long after that, since udev and the kernel's drivers take their time
	lookBlind = time.Second            // later, where the kernel does not tell
	lookTold  = 30 * time.Second       // later, where it does
)

// An announced driver is one of whose device the kernel tells when it comes.
type announced interface{ announced() bool }

// A plugWatch hears from the kernel and from udev of devices that come and go, so that nothing has to be looked for while
// nothing happens.
type plugWatch struct {
	told *os.File  // nil: nobody tells
	busy time.Time // until when to look often
}

// The multicast groups of NETLINK_KOBJECT_UEVENT: the kernel's own, and what udev tells when it is done with a device.
const kernelAndUdev = 1 | 2

func newPlugWatch(d driver) *plugWatch {
	w := &plugWatch{busy: time.Now().Add(lookBusy)}
	if a, ok := d.(announced); !ok || !a.announced() {
		return w
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return w
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: kernelAndUdev}); err != nil {
		unix.Close(fd)
		return w
	}
	w.told = os.NewFile(uintptr(fd), "uevents")
	return w
}

func (w *plugWatch) close() {
	if w != nil && w.told != nil {
		w.told.Close()
	}
}

// wait waits until it is worth to look again.
func (w *plugWatch) wait(ctx context.Context) {
	if time.Now().Before(w.busy) {
		sleep(ctx, lookAgain)
		return
	}
	if w.told == nil {
		sleep(ctx, lookBlind)
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = w.told.SetReadDeadline(time.Now()) })
	defer stop()
	_ = w.told.SetReadDeadline(time.Now().Add(lookTold))
	if ctx.Err() != nil {
		return
	}
	for buf := make([]byte, 8<<10); ; {
		n, err := w.told.Read(buf)
		switch {
		case err == nil && !aboutScanners(buf[:n]):
		case err == nil, isOverrun(err): // many came at once
			w.busy = time.Now().Add(lookBusy)
			return
		case os.IsTimeout(err):
			return
		default: // it will tell no more
			w.told.Close()
			w.told = nil
			return
		}
	}
}

func isOverrun(err error) bool { return strings.Contains(err.Error(), unix.ENOBUFS.Error()) }

// aboutScanners reports whether the kernel tells of a device of a kind that scanners are.
func aboutScanners(event []byte) bool {
	for _, kind := range []string{"usb", "tty", "hid", "input", "bluetooth"} {
		if bytes.Contains(event, []byte("SUBSYSTEM="+kind)) {
			return true
		}
	}
	return false
}
