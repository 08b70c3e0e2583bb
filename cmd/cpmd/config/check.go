package config

import (
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"cpmd/till"
)

// Check does what [Load] does and then looks at the machine as it is now: are the folders there, the scanners
// plugged in, is the gateway one of QFPay's? What it finds is no fault of the file, and may be mended by the
// time that cpmd starts, so it comes back apart, as warnings.
func Check(path string) (c *Config, warnings Faults, err error) {
	c, s := load(path)
	if len(s.faults) > 0 {
		return nil, nil, s.sorted()
	}
	s.faults = append(s.faults, s.old...)
	s.folder("journal.path", "journal.path", c.Journal.Path)
	for i, l := range c.Tills {
		place := element("till", i)
		if l.Network == "unix" {
			s.folder("till.listen", place+".listen", l.Address)
		} else {
			s.folder("till.token_file", place+".token_file", l.TokenFile)
			s.sharedToken(c.Tills, i)
		}
		s.strangers(place, l.Peers)
	}
	if loopbackURL(c.Gateway.URL) { // with a real gateway these are faults
		c.Timing.checkOrder(func(key, format string, args ...any) { s.warn("timing."+key, "timing."+key, format, args...) })
	}
	s.plugged(c.Lanes)
	s.qfpay(c.Gateway)
	s.pace(c)
	s.callable(c.Alarm)
	return c, s.sorted(), nil
}

// warn records what it found at place, or at the nearest table around it that the file has.
func (s *source) warn(key, place, format string, args ...any) {
	line := 0
	for line == 0 && place != "" {
		line = s.lines[place]
		place = place[:max(strings.LastIndexByte(place, '.'), 0)]
	}
	s.add(line, key, format, args...)
}

// pace compares what may be asked with what QFPay lets through: each lane may have a pending payment, which
// asks once per poll, and a quarter of the rate is kept for payments.
func (s *source) pace(c *Config) {
	asks := float64(len(c.Lanes)) * float64(time.Minute) / float64(c.Timing.Poll)
	if may := float64(c.Gateway.RatePerMinute) * 3 / 4; asks > may {
		s.warn("timing.poll", "timing.poll", "may lead to %.0f queries a minute (%d lanes, one each %s), but gateway.rate_per_minute leaves only %.0f for them: queries will wait; write a longer time",
			asks, len(c.Lanes), short(c.Timing.Poll), may)
	}
}

// folder looks at the folder in which a file will be made.
func (s *source) folder(key, place, file string) {
	dir := filepath.Dir(file)
	info, err := os.Stat(dir)
	switch {
	case os.IsNotExist(err):
		s.warn(key, place, "the folder %s does not exist; create it, owned by the user that runs cpmd", dir)
	case err != nil:
		s.warn(key, place, "this user cannot look into %s; run the check as the user that runs cpmd", dir)
	case !info.IsDir():
		s.warn(key, place, "%s is not a folder; choose another place", dir)
	case unix.Access(dir, unix.W_OK|unix.X_OK) != nil:
		s.warn(key, place, "this user cannot write to %s; run as the user that owns it, or change its owner", dir)
	}
}

// sharedToken looks for endpoints with one token: whoever takes the port of one of them is sent what opens the other.
func (s *source) sharedToken(tills []Till, i int) {
	for _, earlier := range tills[:i] {
		if earlier.TokenFile == tills[i].TokenFile {
			s.warn("till.token_file", element("till", i)+".token_file", "is that of endpoint %s as well; give each its own, so that a token is good at one of them only", earlier.Name)
			return
		}
	}
}

// strangers looks for peers that this machine does not know.
func (s *source) strangers(place string, peers map[till.Permission][]string) {
	for _, p := range till.Permissions {
		for _, name := range peers[p] {
			_, noUser := user.Lookup(name)
			_, noGroup := user.LookupGroup(name)
			if noUser != nil && noGroup != nil {
				s.warn("till.peers."+string(p), place+".peers."+string(p), "no user or group of this machine is called %q", name)
			}
		}
	}
}

// plugged looks for serial ports that are not there, and for two names of one port.
func (s *source) plugged(lanes []Lane) {
	const key = "lane.scanner.port"
	leads := map[string]string{} // lane, by what the port is in the end
	for i, l := range lanes {
		if !filepath.IsAbs(l.Scanner.Port) {
			continue
		}
		place := element("lane", i) + ".scanner.port"
		real, err := filepath.EvalSymlinks(l.Scanner.Port)
		if err != nil {
			s.warn(key, place, "%s does not exist now; plug the scanner in (cpmd scanners lists what is)", l.Scanner.Port)
			continue
		}
		if other, ok := leads[real]; ok {
			s.warn(key, place, "leads to %s, as that of lane %q does; give each lane its own scanner", real, other)
		}
		leads[real] = l.Name
	}
}

// qfpay warns about the kind of gateway that a host is (QFPay docs, environments page).
func (s *source) qfpay(g Gateway) {
	u, err := url.Parse(g.URL)
	if err != nil || loopback(u.Hostname()) {
		return
	}
	host := u.Hostname()
	switch {
	case host == "openapi-int.qfapi.com":
		s.warn("gateway.url", "gateway.url", "is QFPay's sandbox, which does not accept real wallet codes")
	case strings.HasPrefix(host, "test-openapi-") && strings.HasSuffix(host, ".qfapi.com"):
		s.warn("gateway.url", "gateway.url", "is for live tests: real wallets are charged and the money is not settled; refund every payment")
	case strings.HasPrefix(host, "openapi") && (strings.HasSuffix(host, ".qfapi.com") || strings.HasSuffix(host, ".qfpay.com")):
	default:
		s.warn("gateway.url", "gateway.url", "%s is not a host that QFPay documents; payment codes would go there: compare it with what QFPay gave you", host)
	}
}
