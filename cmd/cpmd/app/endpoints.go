package app

import (
	"net"

	"github.com/coreos/go-systemd/v22/activation"
	"go.uber.org/zap"

	"cpmd/cmd/cpmd/config"
	"cpmd/till"
)

// endpoints makes the tills' endpoints, on the sockets that the service manager holds for them where there are some.
func endpoints(tills []config.Till, held map[string]net.Listener) (all []till.Endpoint) {
	for _, t := range tills {
		e := till.Endpoint{Name: t.Name, Dialect: t.Dialect, Listen: t.Listen(), TokenFile: t.TokenFile,
			Allow: t.Allow, Peers: t.Peers, Lanes: t.Lanes, Origins: t.Origins, Connections: t.Connections}
		if l, ok := held[e.Listen]; ok {
			e.Inherited = l
			delete(held, e.Listen)
		}
		all = append(all, e)
	}
	return all
}

// heldSockets takes over the sockets of cpmd.socket (sd_listen_fds(3)), by address: it is the address that the
// configuration was checked for, whatever the socket's name is.
func heldSockets(log *zap.Logger) map[string]net.Listener {
	named, err := activation.ListenersWithNames()
	if err != nil {
		log.Warn("the sockets of the service manager cannot be used", zap.Error(err))
	}
	held := map[string]net.Listener{}
	for _, listeners := range named {
		for _, l := range listeners {
			held[l.Addr().Network()+":"+l.Addr().String()] = l
		}
	}
	return held
}

// release closes sockets that no [[till]] is for, and returns their addresses. The service manager goes on listening there,
// and nobody answers.
func release(held map[string]net.Listener, log *zap.Logger) map[string]bool {
	released := map[string]bool{}
	for addr, l := range held {
		log.Warn("the service manager holds a socket for which there is no [[till]]: programs that connect there get no answer; "+
			"remove it with systemctl edit cpmd.socket, or add a [[till]]", zap.String("listen", addr))
		_ = l.Close()
		released[addr] = true
	}
	return released
}
