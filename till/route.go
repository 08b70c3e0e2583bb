package till

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A route is an HTTP method and path. Paths are matched segment by segment on what was sent: nothing is
// cleaned or redirected, and an escaped slash stays inside its segment, where the id rule refuses it.
type route struct {
	label  string // "GET /v1/sales/{id}", for metrics
	method string
	path   []string
	needs  []Permission
	op     *operation
	plain  func(d *httpDialect, w http.ResponseWriter, r *http.Request) int // instead of op
}

var routes = makeRoutes()

func makeRoutes() []route {
	var all []route
	add := func(label string, needs []Permission, op *operation, plain func(*httpDialect, http.ResponseWriter, *http.Request) int) {
		method, path, _ := strings.Cut(label, " ")
		all = append(all, route{label, method, strings.Split(path, "/"), needs, op, plain})
	}
	for i := range operations {
		add(operations[i].route, operations[i].needs, &operations[i], nil)
	}
	add("GET /healthz", nil, nil, (*httpDialect).healthz)
	add("GET /readyz", nil, nil, (*httpDialect).readyz)
	add("GET /metrics", anyOf(Read), nil, (*httpDialect).metrics)
	add("GET /v1/backup", anyOf(Read), nil, (*httpDialect).backup)
	add("GET /openapi.json", nil, nil, (*httpDialect).openAPI)
	return all
}

// findRoute finds the route of a request and the fields in its path, or says why there is none.
func findRoute(r *http.Request) (*route, []member, *Problem) {
	sent := strings.Split(r.URL.EscapedPath(), "/")
	var allowed []string
	for i := range routes {
		rt := &routes[i]
		fields, ok := match(rt.path, sent)
		switch {
		case !ok:
		case rt.method != r.Method:
			allowed = append(allowed, rt.method)
		default:
			return rt, fields, nil
		}
	}
	if len(allowed) == 0 {
		return nil, nil, problem(http.StatusNotFound, "invalid_request",
			"There is no such path; see the till API's documentation.")
	}
	slices.Sort(allowed)
	p := problem(http.StatusMethodNotAllowed, "invalid_request",
		"This path does not take that method; it takes "+strings.Join(allowed, ", ")+".")
	p.allow = strings.Join(allowed, ", ")
	return nil, nil, p
}

func match(pattern, sent []string) (fields []member, ok bool) {
	if len(pattern) != len(sent) {
		return nil, false
	}
	for i, p := range pattern {
		if !strings.HasPrefix(p, "{") {
			if p != sent[i] {
				return nil, false
			}
			continue
		}
		s, err := url.PathUnescape(sent[i])
		if err != nil {
			return nil, false
		}
		fields = append(fields, member{strings.Trim(p, "{}"), value{kind: bare, text: s}})
	}
	return fields, true
}
