package scanner

import (
	"encoding/binary"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A bell wakes an owner that waits for its device for as long as it takes. A nil bell cannot be heard.
type bell struct {
	mu sync.Mutex
	fd int // -1: put away
}

// newBell returns nil where the machine has no descriptor left: then no wait is long.
func newBell() *bell {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil
	}
	return &bell{fd: fd}
}

func (b *bell) ring() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fd >= 0 {
		_, _ = unix.Write(b.fd, binary.NativeEndian.AppendUint64(nil, 1)) // full: it rings already
	}
}

func (b *bell) close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	unix.Close(b.fd)
	b.fd = -1
}

// restMost bounds a rest, should a device die in a way that wakes nobody.
const restMost = 30 * time.Second

// rest waits until one of the descriptors has something or is gone, the bell rings, or restMost is over. Only the owner,
// who closes the bell, may call it.
func (b *bell) rest(fds ...int) {
	if b == nil {
		return
	}
	polled := []unix.PollFd{{Fd: int32(b.fd), Events: unix.POLLIN}}
	for _, fd := range fds {
		polled = append(polled, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	if n, _ := unix.Poll(polled, int(restMost.Milliseconds())); n > 0 && polled[0].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(b.fd, count[:])
	}
}
