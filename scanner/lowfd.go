package scanner

import (
	"sync"

	"golang.org/x/sys/unix"
)

// The serial library waits with select(2), which cannot take descriptors from 1024 on. So that a scanner plugged
// into a daemon with many sockets can still be read, some low descriptors are kept in reserve.
const (
	selectMost  = 1024
	reserveEach = 3 // a port takes one, and two for its pipe
)

var lowFDs reserve

// A reserve holds low descriptors.
type reserve struct {
	mu   sync.Mutex
	want int
	fds  []int
}

// add asks for room for one more port; remove gives it up.
func (r *reserve) add() { r.resize(reserveEach) }

func (r *reserve) remove() { r.resize(-reserveEach) }

func (r *reserve) resize(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.want += n
	r.fill()
}

// fill opens or closes until as many are held as wanted.
func (r *reserve) fill() {
	for len(r.fds) > r.want {
		unix.Close(r.fds[len(r.fds)-1])
		r.fds = r.fds[:len(r.fds)-1]
	}
	for len(r.fds) < r.want {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		if fd >= selectMost {
			unix.Close(fd)
			return
		}
		r.fds = append(r.fds, fd)
	}
}

// lend frees descriptors while open runs.
func (r *reserve) lend(open func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	want := r.want
	r.want = max(0, len(r.fds)-reserveEach)
	r.fill()
	open()
	r.want = want - reserveEach
	r.fill()
	r.want = want
}
