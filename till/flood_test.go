package till_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cpmd/till"
	"cpmd/till/tilltest"
)

// floods are what keeps a door busy without having a business there. Each does its worst with one connection,
// over and over until stop.
var floods = map[string]map[string]func(net.Conn){
	till.DialectHTTP: {
		"refused": func(c net.Conn) {
			fmt.Fprint(c, "GET /v1/lanes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		},
		"silent":    func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"slow":      func(c net.Conn) { drip(c, "PUT /v1/sales/x HTTP/1.1\r\nHost: localhost\r\n\r\n") },
		"half-open": func(c net.Conn) { _ = c.(interface{ CloseWrite() error }).CloseWrite(); _, _ = io.Copy(io.Discard, c) },
		"half of a handshake": func(c net.Conn) {
			_, _ = c.Write([]byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3})
			_, _ = io.Copy(io.Discard, c)
		},
	},
	till.DialectLine: {
		"refused": func(c net.Conn) {
			fmt.Fprintln(c, `{"jsonrpc":"2.0","id":1,"method":"auth","params":{"token":"wrong"}}`)
			_, _ = io.Copy(io.Discard, c)
		},
		"silent":    func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"slow":      func(c net.Conn) { drip(c, `{"jsonrpc":"2.0","id":1,"method":"lanes"}`) },
		"half-open": func(c net.Conn) { _ = c.(interface{ CloseWrite() error }).CloseWrite(); _, _ = io.Copy(io.Discard, c) },
	},
}

// drip sends a byte at a time and never the last one.
func drip(c net.Conn, text string) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i = (i + 1) % (len(text) - 1) {
		if _, err := c.Write([]byte{text[i]}); err != nil {
			return
		}
		<-tick.C
	}
}

// flood keeps n connections busy, each replaced as soon as it is closed, until stop is called. up is closed when
// all of them were there once.
func flood(t testing.TB, addr string, n int, worst func(net.Conn)) (up chan struct{}, stop func()) {
	network, rest, _ := strings.Cut(addr, ":")
	var mu sync.Mutex
	open, ended := map[net.Conn]bool{}, false
	var there, all sync.WaitGroup
	there.Add(n)
	for range n {
		all.Go(func() {
			for once := sync.OnceFunc(there.Done); ; {
				c, err := net.Dial(network, rest)
				if err != nil {
					t.Error(err)
					once()
					return
				}
				mu.Lock()
				open[c] = true
				over := ended
				mu.Unlock()
				once()
				if !over {
					worst(c)
				}
				_ = c.Close()
				mu.Lock()
				delete(open, c)
				over = ended
				mu.Unlock()
				if over {
					return
				}
				time.Sleep(20 * time.Millisecond) // 15,000 connections a second are enough: the processor is shared
			}
		})
	}
	up = make(chan struct{})
	go func() { there.Wait(); close(up) }()
	return up, func() {
		mu.Lock()
		ended = true
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
		<-up
	}
}

// sell opens a sale and sees it paid, on a connection of its own, and returns how long cpmd took.
func sell(t testing.TB, desk *tilltest.Desk, dialect, addr, id string) time.Duration {
	began := time.Now()
	put, get := `{"amount":1,"currency":"HKD"}`, "/v1/sales/"+id
	if dialect == till.DialectLine {
		l := dialLine(t, addr)
		defer l.c.Close()
		if strings.HasPrefix(addr, "tcp") {
			if r := l.call("auth", `{"token":"`+tilltest.Token+`"}`); r.Error != nil {
				t.Fatalf("%+v", r.Error)
			}
		}
		l.call("sale.put", `{"id":"`+id+`",`+put[1:]).sale(t)
		desk.SetState(id, "paid", "")
		if v := l.call("sale.get", `{"id":"`+id+`"}`).sale(t); v.State != "paid" {
			t.Fatalf("%+v", v)
		}
		return time.Since(began)
	}
	c := newCaller(t, addr)
	c.set = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+tilltest.Token) }
	defer c.http.CloseIdleConnections()
	if a := c.do("PUT", get, put); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	desk.SetState(id, "paid", "")
	if v := c.do("GET", get, "").sale(t); v.State != "paid" {
		t.Fatalf("%+v", v)
	}
	return time.Since(began)
}

// Whatever 300 connections do that have no business there, a till sells.
func TestFlood(t *testing.T) {
	for dialect, kinds := range floods {
		for name, worst := range kinds {
			for _, network := range []string{"tcp", "unix"} {
				if network == "unix" && (name == "refused" || name == "half of a handshake") {
					continue // nobody is refused there
				}
				t.Run(dialect+"/"+name+"/"+network, func(t *testing.T) {
					desk := tilltest.NewDesk()
					addr := tilltest.Serve(t, desk, dialect)
					if network == "tcp" {
						addr = tilltest.ServeTCP(t, desk, dialect)
					}
					sell(t, desk, dialect, addr, "before")
					up, stop := flood(t, addr, 300, worst)
					defer stop()
					<-up
					for i := range 5 {
						sell(t, desk, dialect, addr, fmt.Sprintf("s%d", i))
					}
				})
			}
		}
	}
}

// The oldest stranger makes room, and never a till: one that asked something stays, however long ago.
func TestOldestStrangerMakesRoom(t *testing.T) {
	for _, dialect := range []string{till.DialectHTTP, till.DialectLine} {
		t.Run(dialect, func(t *testing.T) {
			desk := tilltest.NewDesk()
			_, addr := serveWith(t, desk, dialect, func(s *till.Server) { s.SetStrangers(3, time.Millisecond) })
			request, answered := "GET /v1/lanes HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200"
			if dialect == till.DialectLine {
				request, answered = `{"jsonrpc":"2.0","id":1,"method":"lanes"}`+"\n", `{"jsonrpc":"2.0","id":1,"result"`
			}
			dial := func() net.Conn {
				c, err := net.Dial("unix", strings.TrimPrefix(addr, "unix:"))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = c.Close() })
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				return c
			}
			lives := func(c net.Conn) bool {
				b := make([]byte, 2000)
				_, err := fmt.Fprint(c, request)
				n, _ := c.Read(b)
				return err == nil && strings.HasPrefix(string(b[:n]), answered)
			}
			known := dial()
			if !lives(known) {
				t.Fatal("the till is not served")
			}
			var strangers []net.Conn
			for range 6 {
				strangers = append(strangers, dial())
			}
			for _, c := range strangers[:3] { // the older ones
				if _, err := c.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
					t.Errorf("a stranger that should have made room: %v", err)
				}
			}
			for i, c := range append(strangers[3:], known) {
				if !lives(c) {
					t.Errorf("%d was closed", i)
				}
			}
		})
	}
}

// A refused connection is closed at once: it does not wait for more requests.
func TestRefusedIsClosedAtOnce(t *testing.T) {
	for dialect, kinds := range floods {
		c, err := net.Dial("tcp", strings.TrimPrefix(tilltest.ServeTCP(t, tilltest.NewDesk(), dialect), "tcp:"))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second)) // far less than an idle connection may live
		gone := make(chan error, 1)
		go func() { kinds["refused"](c); _, err := c.Read(make([]byte, 1)); gone <- err }()
		if err := <-gone; err != io.EOF && !strings.Contains(fmt.Sprint(err), "reset") {
			t.Errorf("%s: %v", dialect, err)
		}
		_ = c.Close()
	}
}

// BenchmarkFlood tells how long a whole sale takes on a new connection, of the till's side of cpmd alone, while 300
// other connections do each of the floods.
func BenchmarkFlood(b *testing.B) {
	for _, name := range []string{"none", "refused", "silent", "slow", "half-open"} {
		b.Run(name, func(b *testing.B) {
			desk := tilltest.NewDesk()
			addr := tilltest.ServeTCP(b, desk, till.DialectHTTP)
			if worst := floods[till.DialectHTTP][name]; worst != nil {
				up, stop := flood(b, addr, 300, worst)
				defer stop()
				<-up
			}
			var took []time.Duration
			for b.Loop() {
				took = append(took, sell(b, desk, till.DialectHTTP, addr, fmt.Sprintf("s%d", len(took))))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
