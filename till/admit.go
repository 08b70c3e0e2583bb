package till

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"cpmd/queue/sale"
)

// admit keeps out who has no business here. Any web page can make a browser on this machine send requests to
// a loopback port, directly or by a DNS name that it points at 127.0.0.1 (DNS rebinding). So over TCP the Host
// must be a loopback name, a browser's Origin must be this very server or configured, and everything needs the
// token ([httpDialect.whoIs]). A Unix socket is guarded by its file mode, but a browser that comes through some proxy is refused there
// as well.
func (d *httpDialect) admit(r *http.Request, encrypted bool) *Problem {
	if d.isTCP() && !isLoopbackHost(r.Host) {
		return problem(http.StatusForbidden, unauthorized,
			"The Host header must name this machine: 127.0.0.1, [::1] or localhost.")
	}
	scheme := "http://"
	if encrypted {
		scheme = "https://"
	}
	for _, origin := range r.Header.Values("Origin") {
		if (origin != scheme+r.Host || !isLoopbackHost(r.Host)) && !slices.Contains(d.endpoint.Origins, origin) {
			return problem(http.StatusForbidden, unauthorized,
				"Web pages of other origins may not use this API; send requests from the till's program.")
		}
	}
	return nil
}

// isLoopbackHost takes the plain forms alone: no zone, no other spelling of an address, nothing around a name.
func isLoopbackHost(hostport string) bool {
	m := loopbackHost.FindStringSubmatch(hostport)
	if m == nil {
		return false
	}
	if strings.EqualFold(m[1], "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(m[1], "[]"))
	return err == nil && ip.IsLoopback()
}

var loopbackHost = regexp.MustCompile(`^((?i:localhost)|[0-9.]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?$`)

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

// healthz answers while the process lives, whatever else is wrong.
func (d *httpDialect) healthz(w http.ResponseWriter, _ *http.Request) int {
	return d.send(w, http.StatusOK, "application/json", map[string]string{"status": "alive"})
}

// A readiness is whether sales can be taken, which endpoints are not open, and, for those who may read it, what
// a person should do.
type readiness struct {
	Status string   `json:"status"`
	Detail string   `json:"detail,omitempty"`
	Advice []string `json:"advice,omitempty"`
}

// adviceLimit is how long /readyz waits for what a person should do.
const adviceLimit = time.Second

// readyz answers 503 where sales cannot be taken.
func (d *httpDialect) readyz(w http.ResponseWriter, r *http.Request) int {
	err := d.desk.Ready()
	var advice []string
	if who, p := d.whoIs(r, r.Context().Value(guestKey{}).(*guest)); p == nil && who.check(anyOf(Read)) == nil {
		ctx, cancel := context.WithTimeout(r.Context(), adviceLimit)
		v, _ := d.Diagnosis(ctx) // without it the status says enough
		cancel()
		advice = v.Advice
	}
	if err == nil {
		answer := readiness{Status: "ready", Advice: advice}
		if closed := d.Closed(); closed != nil {
			answer.Detail = closed.Error()
		}
		return d.send(w, http.StatusOK, "application/json", answer)
	}
	p := d.problemOf(err, "GET /readyz")
	if p.Code == internal {
		p = problem(http.StatusServiceUnavailable, notReady, "Sales cannot be taken now; GET /v1/diagnosis says why.")
	}
	p.Status, p.Title, p.Advice = http.StatusServiceUnavailable, http.StatusText(http.StatusServiceUnavailable), advice
	return d.problem(w, p)
}

// metrics hands over to the handler that the configuration gave.
func (d *httpDialect) metrics(w http.ResponseWriter, r *http.Request) int {
	if d.cfg.Metrics == nil {
		return d.problem(w, problem(http.StatusNotFound, sale.InvalidRequest, "There are no metrics here: they are not enabled."))
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d.limits.write))
	d.cfg.Metrics.ServeHTTP(w, r)
	return http.StatusOK
}
