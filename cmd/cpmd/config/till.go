package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

func tills(root *table) (all []Till) {
	taken := map[string]int{} // line, by address
	for _, t := range root.tables("till") {
		var l Till
		l.Dialect = need(t, "dialect", "http", oneOf("http", "line"))
		at := need(t, "listen", "unix:/run/cpmd/till.sock", t.address)
		l.Network, l.Address = at.network, at.address
		l.TokenFile = tokenFile(t, at.network)
		t.done()
		if line, ok := taken[l.Address]; ok && l.Address != "" {
			t.fault("listen", "is the address of line %d already; give each [[till]] its own", line)
		}
		taken[l.Address] = t.lineOf("listen")
		all = append(all, l)
	}
	return all
}

// tokenFile is for tcp alone: any program of any user can connect there, and a web page can have a browser do
// it. A unix socket has an owner and a mode.
func tokenFile(t *table, network string) string {
	t.knows("token_file", "required for tcp")
	if _, given := t.values["token_file"]; !given {
		if network == "tcp" {
			t.fault("token_file", `is missing; add token_file = "/run/cpmd/token" (tcp is open to every program on this machine)`)
		}
		return ""
	}
	name := read(t, "token_file", "/run/cpmd/token", func(s string) (string, error) {
		if s == "" || strings.HasSuffix(s, "/") || strings.ContainsRune(s, 0) {
			return "", todo("%q is no file; write a path such as /run/cpmd/token", s)
		}
		return t.path(s), nil
	})
	t.known["till.token_file"] = "required for tcp"
	if network == "unix" {
		t.fault("token_file", "is not used on a unix socket, whose owner and mode say who may connect; take it out")
	}
	return name
}

type address struct{ network, address string }

// A unix socket's path has to fit into sockaddr_un with its closing zero (man 7 unix).
const maxSocketPath = 107

// address takes "unix:/path" and "tcp:loopback:port", and makes localhost a number so that no resolver has a
// say in where it listens.
func (s *source) address(text string) (address, error) {
	network, rest, _ := strings.Cut(text, ":")
	switch network {
	case "unix":
		if rest == "" || rest[0] == '@' || strings.HasSuffix(rest, "/") || strings.ContainsRune(rest, 0) {
			return address{}, todo("%q has no socket file; write unix: and a path, such as unix:/run/cpmd/till.sock", text)
		}
		path := s.path(rest)
		if len(path) > maxSocketPath {
			return address{}, todo("%s is %d bytes long, and a socket's path may have %d; choose a shorter one", path, len(path), maxSocketPath)
		}
		return address{"unix", path}, nil
	case "tcp":
		host, port, err := net.SplitHostPort(rest)
		n, perr := strconv.ParseUint(port, 10, 16)
		if err != nil || perr != nil || n == 0 {
			return address{}, todo("%q has no usable port; write an address such as tcp:127.0.0.1:8460", text)
		}
		if host == "localhost" {
			host = "127.0.0.1"
		}
		ip, err := netip.ParseAddr(host)
		if err != nil || !loopback(host) {
			return address{}, todo("%q can be reached from other machines; write tcp:127.0.0.1:%d (tills run on this machine)", text, n)
		}
		return address{"tcp", netip.AddrPortFrom(ip.Unmap(), uint16(n)).String()}, nil
	}
	return address{}, todo("%q is not an address; write one such as unix:/run/cpmd/till.sock or tcp:127.0.0.1:8460", text)
}
