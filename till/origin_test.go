package till_test

import (
	"net/http"
	"testing"

	"cpmd/till"
	"cpmd/till/tilltest"
)

// A web page of a configured origin gets through with the token, and no other one does.
func TestOrigins(t *testing.T) {
	e := tilltest.TCP(t, till.DialectHTTP)
	e.Origins = []string{"https://till.example"}
	c := newCaller(t, tilltest.Start(t, tilltest.NewDesk(), e).Addrs()[0])
	ask := func(method, origin, token string, more ...string) answer {
		c.set = func(r *http.Request) {
			r.Header.Set("Origin", origin)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			for i := 0; i < len(more); i += 2 {
				r.Header.Set(more[i], more[i+1])
			}
		}
		return c.do(method, "/v1/lanes", "")
	}
	const allowed = "Access-Control-Allow-Origin"
	if a := ask("GET", "https://till.example", tilltest.Token); a.status != 200 || a.header.Get(allowed) != "https://till.example" || a.header.Get("Vary") != "Origin" {
		t.Errorf("%d %v", a.status, a.header)
	}
	// The page can read why it is refused.
	if a := ask("GET", "https://till.example", ""); a.status != 401 || a.header.Get(allowed) == "" {
		t.Errorf("without the token: %d %v", a.status, a.header)
	}
	pre := []string{"Access-Control-Request-Method", "PUT", "Access-Control-Request-Private-Network", "true"}
	if a := ask("OPTIONS", "https://till.example", "", pre...); a.status != 204 || a.header.Get("Access-Control-Allow-Private-Network") != "true" ||
		a.header.Get("Access-Control-Allow-Headers") == "" || a.header.Get("Access-Control-Allow-Methods") == "" {
		t.Errorf("beforehand: %d %v", a.status, a.header)
	}
	for _, evil := range []string{"https://evil.example", "http://till.example", "https://till.example.evil.example", "null", "https://till.example:444"} {
		if a := ask("GET", evil, tilltest.Token); a.status != 403 || a.header.Get(allowed) != "" {
			t.Errorf("%s: %d %v", evil, a.status, a.header)
		}
		if a := ask("OPTIONS", evil, "", pre...); a.status != 403 || a.header.Get(allowed) != "" {
			t.Errorf("%s beforehand: %d %v", evil, a.status, a.header)
		}
	}
	c.set = func(r *http.Request) {
		r.Host = "evil.example"
		r.Header.Set("Origin", "https://till.example")
		r.Header.Set("Access-Control-Request-Method", "PUT")
	}
	if a := c.do("OPTIONS", "/v1/lanes", ""); a.status != 403 || a.header.Get(allowed) != "" {
		t.Errorf("by another name of the host: %d %v", a.status, a.header)
	}
}
