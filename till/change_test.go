package till_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"cpmd/till"
	"cpmd/till/tilltest"
)

func dialUnix(t *testing.T, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// What a changed configuration allows holds from then on, on connections of before, too; where the endpoint is gone, a till
// there is told to connect again.
func TestChangeHoldsOnOldConnections(t *testing.T) {
	for _, c := range []struct {
		name string
		next func(e till.Endpoint) []till.Endpoint
		want int
	}{
		{"the same", func(e till.Endpoint) []till.Endpoint { return []till.Endpoint{e} }, http.StatusOK},
		{"another name", func(e till.Endpoint) []till.Endpoint { e.Name = "other"; return []till.Endpoint{e} }, http.StatusOK},
		{"less", func(e till.Endpoint) []till.Endpoint {
			e.Allow = []till.Permission{till.Sell}
			return []till.Endpoint{e}
		}, http.StatusForbidden},
		{"nothing", func(till.Endpoint) []till.Endpoint { return nil }, http.StatusServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(tilltest.SocketDir(t), "till.sock")
			e := till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + path}
			s := tilltest.Start(t, tilltest.NewDesk(), e)
			old := till.OldConnection(s)
			s.Change(c.next(e))
			answer := httptest.NewRecorder()
			old.ServeHTTP(answer, httptest.NewRequest("GET", "/v1/totals", nil))
			if answer.Code != c.want {
				t.Errorf("on the old connection %d, want %d: %s", answer.Code, c.want, answer.Body)
			}
		})
	}
}

// An event stream ends with what allowed it: whoever may still follow connects again.
func TestChangeEndsEventStreams(t *testing.T) {
	path := filepath.Join(tilltest.SocketDir(t), "till.sock")
	e := till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + path}
	s := tilltest.Start(t, tilltest.NewDesk(), e)
	c := dialUnix(t, path)
	fmt.Fprint(c, "GET /v1/events HTTP/1.1\r\nHost: till\r\n\r\n")
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", r, err)
	}
	defer r.Body.Close()
	e.Allow = []till.Permission{till.Sell}
	s.Change([]till.Endpoint{e})
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Errorf("it was cut: %v", err)
	}
}
