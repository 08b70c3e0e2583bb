package till

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// peerName names who is at the other end of a connection, for the journal: over a Unix socket the kernel
// vouches for it (SO_PEERCRED, unix(7)), over TCP only the port is known.
func peerName(c net.Conn) string {
	if s, ok := c.(*slotted); ok {
		c = s.Conn
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return "tcp " + c.RemoteAddr().String()
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return "unix"
	}
	var cred *syscall.Ucred
	if errors.Join(raw.Control(func(fd uintptr) {
		cred, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}), err) != nil {
		return "unix"
	}
	return fmt.Sprintf("uid=%d pid=%d", cred.Uid, cred.Pid)
}
