package till

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"cpmd/queue/sale"
	"cpmd/till/page"
)

// The operator's page and the customer display, at loopback ports whose permissions fit. Their files are no secret and
// need no token: what they show does.

func (e Endpoint) hasPage() bool {
	return e.Dialect == DialectHTTP && e.isTCP() && slices.Contains(e.allowed(), Read)
}

func (e Endpoint) hasDisplay() bool {
	return e.Dialect == DialectHTTP && e.isTCP() && slices.Contains(e.allowed(), Display)
}

// login is where the operator's page changes a link's code into a session.
const login = "/page/login"

// pages answers what a browser asks before it can show a token. Whatever is not of the pages is left to others.
func (d *httpDialect) pages(w http.ResponseWriter, r *http.Request, label *string) (status int, done bool) {
	operator, customer := d.endpoint.hasPage(), d.endpoint.hasDisplay()
	path, name := r.URL.EscapedPath(), ""
	switch {
	case path == login && r.Method == http.MethodPost && operator:
		*label = "POST " + login
		return d.logIn(w, r), true
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return 0, false
	case path == "/" && operator:
		name = page.Operator
	case path == "/display" && customer:
		name = page.Customer
	case operator || customer:
		var ok bool
		if name, ok = strings.CutPrefix(path, "/page/"); !ok || strings.HasSuffix(name, ".html") {
			return 0, false
		}
	}
	body, mediaType, ok := page.File(name)
	if !ok {
		return 0, false
	}
	*label = "GET /page"
	page.Harden(w.Header())
	if p, plain := w.(plainWriter); plain { // a file is what it is
		w = p.ResponseWriter
	}
	return d.write(w, http.StatusOK, mediaType, body), true
}

func (d *httpDialect) logIn(w http.ResponseWriter, r *http.Request) int {
	body, p := d.body(r)
	if p != nil {
		return d.problem(w, p)
	}
	a := newAsk(access{})
	code := []field{{"code", inBody, true, word(func(a *ask) *string { return &a.code }, isPrintable)}}
	if err := decode(a, code, nil, r.URL.RawQuery, body, false); err != nil {
		return d.problem(w, d.problemOf(err, "POST "+login))
	}
	token, expires, ok := d.useLink(d.door, a.code)
	if !ok {
		return d.problem(w, problem(http.StatusForbidden, unauthorized,
			"This link is used up or too old. Run cpmctl page for a new one."))
	}
	return d.send(w, http.StatusOK, "application/json", map[string]any{"token": token, "expires_at": sale.Shown(expires)})
}

// whoIs is the access of who sends a request. Over TCP that takes the endpoint's token, or one that was made from it.
func (d *httpDialect) whoIs(r *http.Request, g *guest) (access, *Problem) {
	if !d.isTCP() {
		return g.access(d.door), nil
	}
	got := bearer(r.Header)
	switch {
	case sameToken(got, d.token()):
		return g.access(d.door), nil
	case d.endpoint.hasDisplay() && sameToken(got, d.displayToken()):
		return access{name: d.endpoint.name(), by: d.endpoint.name() + ", display", may: map[Permission]bool{Display: true},
			lanes: d.endpoint.Lanes, derived: true}, nil
	case d.endpoint.hasPage():
		if x, ok := d.session(got, time.Now()); ok {
			return x, nil
		}
	}
	return access{}, problem(http.StatusUnauthorized, unauthorized,
		"Send the header Authorization: Bearer TOKEN with the token from the token_file of the configuration.")
}
