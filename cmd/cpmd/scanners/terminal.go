package scanners

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// settle is how long nothing more must come before what was typed into a terminal is taken to be all; most bounds it.
const (
	settle     = 300 * time.Millisecond
	settleMost = 3 * time.Second
)

// Hush keeps what a scanner types out of a terminal: it is not shown while the command runs, and thrown away at its
// end, for a shell would take a code for a command and run it. It returns how to end that. Where the file is no
// terminal nothing is done.
func Hush(terminal *os.File) (end func()) {
	fd := int(terminal.Fd())
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}
	}
	quiet := *was
	quiet.Lflag &^= unix.ECHO | unix.ICANON // Ctrl-C goes on working
	quiet.Cc[unix.VMIN], quiet.Cc[unix.VTIME] = 0, 0
	if unix.IoctlSetTermios(fd, unix.TCSETS, &quiet) != nil {
		return func() {}
	}
	return func() {
		drain(fd)
		unix.IoctlSetTermios(fd, unix.TCSETSF, was) // which throws away what came meanwhile
	}
}

// drain reads and forgets what comes until nothing more does: the kernel tells the command of a key before it tells
// the terminal.
func drain(fd int) {
	buf := make([]byte, 256)
	for begin := time.Now(); time.Since(begin) < settleMost; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(settle.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		if n, err := unix.Read(fd, buf); err != nil || n == 0 {
			return
		}
	}
}
