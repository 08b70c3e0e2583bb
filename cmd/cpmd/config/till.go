package config

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cpmd/till"
)

func tills(root *table, lanes []Lane) (all []Till) {
	taken := map[string]int{} // line, by address
	for _, t := range root.tables("till") {
		var l Till
		l.Dialect = need(t, "dialect", "http", oneOf(till.DialectHTTP, till.DialectLine))
		at := need(t, "listen", "unix:/run/cpmd/till.sock", t.address)
		l.Network, l.Address = at.network, at.address
		l.TokenFile = tokenFile(t, at.network)
		l.Name = read(t, "name", "", func(s string) (string, error) {
			if s == "" {
				return l.Listen(), nil
			}
			return letters(32, "._-")(s)
		})
		l.Allow = read(t, "allow", words(till.DefaultPermissions), permissions)
		l.Peers = peers(t, at.network, l.Allow)
		l.Lanes = tillLanes(t, lanes)
		l.Origins = origins(t, l.Dialect)
		l.Connections = read(t, "connections", int64(till.DefaultConnections), between(1, 4096))
		t.done()
		if line, ok := taken[l.Address]; ok && l.Address != "" {
			t.fault("listen", "is the address of line %d already; give each [[till]] its own", line)
		}
		taken[l.Address] = t.lineOf("listen")
		all = append(all, l)
	}
	return all
}

func words[S ~string](list []S) (all []any) {
	for _, s := range list {
		all = append(all, string(s))
	}
	return all
}

// texts reads a list of texts, each of which keeps the rule and is there once.
func texts(list []any, keeps func(string) (string, error)) (all []string, err error) {
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, todo(`holds %s; write each one in quotes`, kind(e))
		}
		if s, err = keeps(s); err != nil {
			return nil, err
		}
		if slices.Contains(all, s) {
			return nil, todo("has %q twice; write it once", s)
		}
		all = append(all, s)
	}
	return all, nil
}

func permissions(list []any) (all []till.Permission, err error) {
	names, err := texts(list, isPermission)
	if err == nil && len(names) == 0 {
		err = todo("is empty, so this endpoint would allow nothing; name at least one of %q", till.Permissions)
	}
	for _, s := range names {
		all = append(all, till.Permission(s))
	}
	return all, err
}

func isPermission(s string) (string, error) {
	if !slices.Contains(till.Permissions, till.Permission(s)) {
		return "", todo("%q is not one of %q", s, till.Permissions)
	}
	return s, nil
}

// peers reads who may use a permission. Over tcp nobody can tell who connects.
func peers(t *table, network string, allowed []till.Permission) map[till.Permission][]string {
	t.knows("peers", "{}")
	if t.values["peers"] == nil {
		return nil
	}
	sub := t.table("peers")
	if network == "tcp" {
		t.fault("peers", "is for unix sockets: over tcp cpmd cannot tell which user connects; remove it, or listen on unix:")
	}
	all := map[till.Permission][]string{}
	for _, key := range slices.Sorted(maps.Keys(sub.values)) {
		p := till.Permission(key)
		list, ok := sub.values[key].([]any)
		names, err := texts(list, letters(32, "._-$"))
		switch {
		case !slices.Contains(till.Permissions, p):
			sub.fault(key, "is not one of %q", till.Permissions)
		case allowed != nil && !slices.Contains(allowed, p):
			sub.fault(key, "is not in allow of this [[till]], so nobody has it here; add it there or remove it")
		case !ok || err == nil && len(names) == 0:
			sub.fault(key, `must be a list of users and groups, such as ["supervisors"]`)
		case err != nil:
			sub.fault(key, "%v", err)
		default:
			all[p] = names
		}
	}
	return all
}

func tillLanes(t *table, lanes []Lane) []string {
	return read(t, "lanes", []any{}, func(list []any) ([]string, error) {
		return texts(list, func(s string) (string, error) {
			for _, l := range lanes {
				if l.Name == s {
					return s, nil
				}
			}
			return "", todo("%q is not the name of a [[lane]]", s)
		})
	})
}

// origins reads which web pages may use an endpoint, as browsers name them (RFC 6454, section 7).
func origins(t *table, dialect string) []string {
	all := read(t, "origins", []any{}, func(list []any) ([]string, error) {
		return texts(list, func(s string) (string, error) {
			u, err := url.Parse(s)
			if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != s || s != strings.ToLower(s) || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
				return "", todo(`%q is not the origin of a web page; write one such as "https://till.example", without a path; http:// for this machine only`, s)
			}
			return s, nil
		})
	})
	if len(all) > 0 && dialect == till.DialectLine {
		t.fault("origins", `is for the dialect "http"; web pages cannot use the line dialect`)
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
			return "", todo("%q is not a file name; write a path such as /run/cpmd/token", s)
		}
		return t.path(s), nil
	})
	t.known["till.token_file"] = "required for tcp"
	if network == "unix" {
		t.fault("token_file", "is not used on a unix socket, whose owner and mode decide who may connect; remove it")
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

// String tells in one line what an endpoint allows, and to whom.
func (t Till) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "till %s (%s", t.Listen(), t.Dialect)
	if t.Name != t.Listen() {
		fmt.Fprintf(&b, ", %s", t.Name)
	}
	b.WriteString("): ")
	for i, p := range t.Allow {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(p))
		if who, limited := t.Peers[p]; limited {
			fmt.Fprintf(&b, " (for %s)", strings.Join(who, ", "))
		}
	}
	if !slices.Contains(t.Allow, till.Read) && slices.Contains(t.Allow, till.Sell) {
		b.WriteString("; sees its own sales only")
	}
	if len(t.Lanes) > 0 {
		fmt.Fprintf(&b, "; lanes %s", strings.Join(t.Lanes, ", "))
	}
	if len(t.Origins) > 0 {
		fmt.Fprintf(&b, "; web pages of %s", strings.Join(t.Origins, ", "))
	}
	return b.String()
}
