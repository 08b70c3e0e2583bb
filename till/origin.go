package till

import (
	"net/http"
	"slices"
)

// crossOrigin lets a browser show answers to a web page of a configured origin (Fetch standard, section "CORS
// protocol"). It reports whether the request is only the browser's question beforehand, which has no token and
// tells nothing but what pages may send.
func (d *httpDialect) crossOrigin(w http.ResponseWriter, r *http.Request) (preflight bool) {
	if len(d.endpoint.Origins) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !slices.Contains(d.endpoint.Origins, origin) || d.isTCP() && !isLoopbackHost(r.Host) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Retry-After")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, PUT, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID")
	h.Set("Access-Control-Max-Age", "600")
	// Browsers ask before a public page reaches a private address: "Private Network Access".
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	return true
}
