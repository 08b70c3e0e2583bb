package till_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

// gate lets a test hold a request inside the desk.
type gate struct {
	*tilltest.Desk
	entered, leave chan struct{}
	looked         chan struct{} // holds one where a sale was looked at
}

func newGate(d *tilltest.Desk) gate {
	return gate{d, make(chan struct{}), make(chan struct{}), make(chan struct{}, 1)}
}

func (g gate) Sale(ctx context.Context, id string) (sale.View, error) {
	select {
	case g.looked <- struct{}{}:
	default:
	}
	return g.Desk.Sale(ctx, id)
}

func (g gate) PutSale(ctx context.Context, r sale.Request) (sale.View, bool, error) {
	g.entered <- struct{}{}
	<-g.leave
	return g.Desk.PutSale(ctx, r)
}

func TestShutdownEndsWaitsAndStreamsAndLetsRequestsFinish(t *testing.T) {
	desk := tilltest.NewDesk()
	if _, _, err := desk.PutSale(t.Context(), sale.Request{ID: "w", Amount: 1, Currency: "HKD"}); err != nil {
		t.Fatal(err)
	}
	desk.SetState("w", sale.Unresolved, "")
	g := newGate(desk)
	dir := tilltest.SocketDir(t)
	s := tilltest.Start(t, g,
		till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + dir + "/h"},
		till.Endpoint{Dialect: till.DialectLine, Listen: "unix:" + dir + "/l"})
	c, l := newCaller(t, "unix:"+dir+"/h"), dialLine(t, "unix:"+dir+"/l")

	events, _ := c.stream(t.Context(), "?after=2", "")
	waited, put := make(chan answer, 1), make(chan answer, 1)
	go func() { waited <- c.do("GET", "/v1/sales/w?wait=60s", "") }()
	<-g.looked // else it may come too late
	go func() { put <- c.do("PUT", "/v1/sales/a", coffee) }()
	<-g.entered
	l.send(`{"jsonrpc":"2.0","id":"sub","method":"events.subscribe","params":{"after":2}}`)
	l.read()
	l.send(`{"jsonrpc":"2.0","id":"wait","method":"sale.get","params":{"id":"w","wait":60}}`)
	l.send(`{"jsonrpc":"2.0","id":"last","method":"nothing"}`)
	if r := l.read(); r.ID != "last" {
		t.Fatalf("%+v", r)
	}
	l.send(`{"jsonrpc":"2.0","id":"put","method":"sale.put","params":{"id":"b","amount":1,"currency":"HKD"}}`)
	<-g.entered

	began, done := time.Now(), make(chan error)
	go func() { done <- s.Shutdown(context.Background()) }()
	if a := <-waited; a.status != 200 || a.sale(t).State != sale.Unresolved {
		t.Errorf("the wait: %d %s", a.status, a.body)
	}
	if e, more := <-events; more {
		t.Errorf("the stream goes on: %s", e)
	}
	if r := l.read(); r.ID != "wait" || r.sale(t).State != sale.Unresolved {
		t.Errorf("the wait over line: %+v", r)
	}
	select {
	case err := <-done:
		t.Fatalf("did not wait for the requests: %v", err)
	default:
	}
	g.leave <- struct{}{}
	g.leave <- struct{}{}
	if a := <-put; a.status != 201 && a.status != 409 {
		t.Errorf("the short request: %d %s", a.status, a.body)
	}
	if r := l.read(); r.ID != "put" {
		t.Errorf("the short call: %+v", r)
	}
	if err := <-done; err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if _, err := l.in.ReadByte(); err == nil {
		t.Error("the line connection goes on")
	}
	for _, name := range []string{"/h", "/l"} {
		if c, err := net.Dial("unix", dir+name); err == nil {
			_ = c.Close()
			t.Errorf("%s still answers", name)
		}
	}
}

// A request that hangs must not hang the daemon: Shutdown says so and returns.
func TestShutdownGivesUpOnTime(t *testing.T) {
	const body = `{"amount":1,"currency":"HKD"}`
	for dialect, request := range map[string]string{
		till.DialectHTTP: fmt.Sprintf("PUT /v1/sales/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
		till.DialectLine: `{"jsonrpc":"2.0","id":1,"method":"sale.put","params":{"id":"a","amount":1,"currency":"HKD"}}` + "\n",
	} {
		t.Run(dialect, func(t *testing.T) {
			g := newGate(tilltest.NewDesk())
			defer close(g.leave)
			s, addr := serveWith(t, g, dialect, func(*till.Server) {})
			c, err := net.Dial("unix", strings.TrimPrefix(addr, "unix:"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprint(c, request)
			<-g.entered
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a hanging request was not told of: %v", err)
			}
		})
	}
}
