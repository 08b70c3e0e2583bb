package payment

import (
	"io"
	"net"
	"syscall"
)

// A probe is a TCP connection that can be read without waiting. Only who owns the connection sets probing.
type probe struct {
	*net.TCPConn
	probing bool
}

// nothing is what a probing read returns if there is nothing to read now. It counts as a timeout, so that TLS goes on
// afterwards.
type nothing struct{}

func (nothing) Error() string   { return "nothing to read" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

var errNothing net.Error = nothing{}

func (p *probe) Read(b []byte) (int, error) {
	if !p.probing {
		return p.TCPConn.Read(b)
	}
	raw, err := p.SyscallConn()
	if err != nil {
		return 0, err
	}
	n, failed := 0, error(nil)
	err = raw.Read(func(fd uintptr) bool {
		n, failed = syscall.Read(int(fd), b)
		return true // do not wait
	})
	switch {
	case err != nil:
		return 0, err
	case failed == syscall.EAGAIN || failed == syscall.EINTR:
		return 0, errNothing
	case failed != nil:
		return 0, failed
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
