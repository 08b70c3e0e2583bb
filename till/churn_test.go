package till_test

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cpmd/till"
	"cpmd/till/tilltest"
)

var churn = flag.Int("churn", 2000, "connections that TestChurn opens and drops at each kind of endpoint")

// TestChurn opens connections and drops them, at every moment of a request, and sees that neither a goroutine nor a descriptor
// is left of them, and that tills are served. go test ./till -run TestChurn -churn 100000 is the long form.
func TestChurn(t *testing.T) {
	openDescriptors(t) // skips where they cannot be counted
	requests := map[string]string{
		till.DialectHTTP: "PUT /v1/sales/%d HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + tilltest.Token +
			"\r\nContent-Length: 30\r\n\r\n" + `{"amount":100,"currency":"HKD"}`,
		till.DialectLine: `{"jsonrpc":"2.0","id":1,"method":"auth","params":{"token":"` + tilltest.Token + `"}}` + "\n" +
			`{"jsonrpc":"2.0","id":2,"method":"events.subscribe","params":{"after":%d}}` + "\n",
	}
	for dialect, request := range requests {
		for _, network := range []string{"unix", "tcp"} {
			t.Run(dialect+"/"+network, func(t *testing.T) {
				desk := tilltest.NewDesk()
				addr := tilltest.Serve(t, desk, dialect)
				if network == "tcp" {
					addr = tilltest.ServeTCP(t, desk, dialect)
				}
				sell(t, desk, dialect, addr, "before")
				runtime.GC()
				goroutines, descriptors := runtime.NumGoroutine(), openDescriptors(t)
				drop(t, addr, request, *churn)
				sell(t, desk, dialect, addr, "after")
				deadline := time.Now().Add(30 * time.Second)
				for runtime.NumGoroutine() > goroutines+slack || openDescriptors(t) > descriptors+slack {
					if time.Now().After(deadline) {
						t.Fatalf("%d goroutines became %d, %d descriptors %d", goroutines, runtime.NumGoroutine(), descriptors, openDescriptors(t))
					}
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
	}
}

// slack is for the connections of the tills that sell in the test itself.
const slack = 6

// drop opens n connections, some at once, sends the first part of a request on each, another length each time, and hangs up.
func drop(t *testing.T, addr, request string, n int) {
	t.Helper()
	network, rest, _ := strings.Cut(addr, ":")
	next := make(chan int)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := range next {
				c, err := net.Dial(network, rest)
				for errors.Is(err, syscall.EAGAIN) { // a Unix socket refuses while its queue is full
					time.Sleep(time.Millisecond)
					c, err = net.Dial(network, rest)
				}
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					continue
				}
				text := fmt.Sprintf(request, i)
				_, _ = c.Write([]byte(text[:i%(len(text)+1)]))
				if tcp, ok := c.(*net.TCPConn); ok && i%2 == 0 {
					_ = tcp.SetLinger(0) // as a machine that is switched off
				}
				_ = c.Close()
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("descriptors are counted in /proc/self/fd: ", err)
	}
	return len(all)
}
