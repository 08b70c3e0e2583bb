package till

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"cpmd/queue/sale"
)

// admit keeps out who has no business here. Any web page can make a browser on this machine send requests to
// a loopback port, directly or by a DNS name that it points at 127.0.0.1 (DNS rebinding). So over TCP the Host
// must be a loopback name, a browser's Origin must be this very server, and everything needs the token. A Unix
// socket is guarded by its file mode, but a browser that comes through some proxy is refused there as well.
func (d *httpDialect) admit(r *http.Request) *Problem {
	if d.isTCP && !isLoopbackHost(r.Host) {
		return problem(http.StatusForbidden, unauthorized,
			"The Host header must name this machine: 127.0.0.1, [::1] or localhost.")
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || u.Host != r.Host || !isLoopbackHost(u.Host) {
			return problem(http.StatusForbidden, unauthorized,
				"Web pages of other origins may not use this API; send requests from the till's program.")
		}
	}
	if d.isTCP && !sameToken(bearer(r.Header), d.token) {
		return problem(http.StatusUnauthorized, unauthorized,
			"Send the header Authorization: Bearer TOKEN with the token from the token_file of the configuration.")
	}
	return nil
}

func isLoopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func bearer(h http.Header) string {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// healthz says that the process lives, whatever else is wrong.
func (d *httpDialect) healthz(w http.ResponseWriter, _ *http.Request) int {
	return d.send(w, http.StatusOK, "application/json", map[string]string{"status": "alive"})
}

// readyz says whether sales can be taken.
func (d *httpDialect) readyz(w http.ResponseWriter, _ *http.Request) int {
	err := d.desk.Ready()
	if err == nil {
		return d.send(w, http.StatusOK, "application/json", map[string]string{"status": "ready"})
	}
	p := d.problemOf(err, "GET /readyz")
	if p.Code == internal {
		p = problem(http.StatusServiceUnavailable, notReady, "Sales cannot be taken now; GET /v1/diagnosis says why.")
	}
	p.Status, p.Title = http.StatusServiceUnavailable, http.StatusText(http.StatusServiceUnavailable)
	return d.problem(w, p)
}

// metrics hands over to the handler that the configuration gave.
func (d *httpDialect) metrics(w http.ResponseWriter, r *http.Request) int {
	if d.cfg.Metrics == nil {
		return d.problem(w, problem(http.StatusNotFound, sale.InvalidRequest, "There are no metrics."))
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d.limits.write))
	d.cfg.Metrics.ServeHTTP(w, r)
	return http.StatusOK
}
