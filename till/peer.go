package till

import (
	"net"
	"os/user"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A peer is who is at the other end of a connection. Over a Unix socket the kernel vouches for it (SO_PEERCRED
// and SO_PEERGROUPS, unix(7)): it is as of connect, and nobody can make it up. Over TCP nothing is known.
type peer struct {
	known bool
	uid   uint32
	gids  []uint32 // the group and the supplementary groups
}

func peerOf(c net.Conn) (p peer) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return p
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return p
	}
	_ = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			return
		}
		p = peer{known: true, uid: cred.Uid, gids: append(peerGroups(fd), cred.Gid)}
	})
	return p
}

// peerGroups reads the supplementary groups; kernels before 4.13 do not tell.
func peerGroups(fd uintptr) []uint32 {
	groups := make([]uint32, 64)
	for {
		size := uint32(len(groups) * 4)
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&groups[0])), uintptr(unsafe.Pointer(&size)), 0)
		switch {
		case errno == 0:
			return groups[:size/4]
		case errno == syscall.ERANGE && int(size/4) > len(groups):
			groups = make([]uint32, size/4)
		default:
			return nil
		}
	}
}

// isOneOf reports whether the peer is one of these users or in one of these groups.
func (p peer) isOneOf(names []string) bool {
	return p.known && slices.ContainsFunc(names, func(name string) bool {
		if u, err := user.Lookup(name); err == nil && u.Uid == strconv.Itoa(int(p.uid)) {
			return true
		}
		g, err := user.LookupGroup(name)
		return err == nil && slices.ContainsFunc(p.gids, func(gid uint32) bool { return g.Gid == strconv.Itoa(int(gid)) })
	})
}

// userNames remembers names: looking one up may ask a network.
var userNames sync.Map

// userName is "" where the peer is not known, and the number of a user without a name.
func (p peer) userName() string {
	if !p.known {
		return ""
	}
	if name, ok := userNames.Load(p.uid); ok {
		return name.(string)
	}
	id := strconv.Itoa(int(p.uid))
	u, err := user.LookupId(id)
	if err != nil {
		return id // it may have a name by the next time
	}
	userNames.Store(p.uid, u.Username)
	return u.Username
}
