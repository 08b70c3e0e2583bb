package till_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

// stream opens the events and sends each "id event data" until the connection ends.
func (c *caller) stream(ctx context.Context, query, lastID string) (events chan string, drop func()) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	req, err := http.NewRequestWithContext(ctx, "GET", c.base+"/v1/events"+query, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	c.set(req)
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || ct != "text/event-stream" {
		c.t.Fatalf("%d %s", resp.StatusCode, ct)
	}
	events = make(chan string, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(events)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		event := map[string]string{}
		for lines.Scan() {
			name, v, _ := strings.Cut(lines.Text(), ": ")
			if event[name] = v; lines.Text() == "" && event["id"] != "" {
				select {
				case events <- event["id"] + " " + event["event"] + " " + event["data"]:
				case <-ctx.Done():
					return
				}
				event = map[string]string{}
			}
		}
	}()
	drop = func() { cancel(); <-done }
	c.t.Cleanup(drop)
	return events, drop
}

func next(t *testing.T, events chan string) string {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("no event")
	}
	return ""
}

func TestEventsReplayThenLive(t *testing.T) {
	desk, c := httpTill(t)
	c.do("PUT", "/v1/sales/a", coffee)
	desk.SetState("a", sale.Paying, "")
	for query, firstID := range map[string]string{"": "1", "?after=0": "1", "?after=": "1", "?after=1": "2"} {
		events, drop := c.stream(t.Context(), query, "")
		if e := next(t, events); !strings.HasPrefix(e, firstID+` sale {"id":"a"`) {
			t.Errorf("%q: %s", query, e)
		}
		drop()
	}
	// What a browser sends when it reconnects: the URL of old, and where it was.
	events, _ := c.stream(t.Context(), "?after=0", "2")
	desk.Scan(sale.ScanView{Lane: "1", Text: "4901234567894"})
	if e := next(t, events); !strings.HasPrefix(e, `3 scan {"lane":"1","text":"4901234567894"`) {
		t.Error(e)
	}
	desk.SetState("a", sale.Paid, "")
	if e := next(t, events); !strings.HasPrefix(e, "4 sale ") || !strings.Contains(e, `"state":"paid"`) {
		t.Error(e)
	}
	c.set = func(r *http.Request) { r.Header.Set("Last-Event-ID", "x") }
	c.do("GET", "/v1/events", "").refused(t, 400, sale.InvalidRequest)
	c.set = func(*http.Request) {}
	desk.Fail(errors.New("broken"))
	c.do("GET", "/v1/events", "").refused(t, 500, "internal")
	desk.Fail(nil)
}

// A till that loses its connection again and again while others write gets each event once and in order.
func TestEventsMissNothingOverReconnects(t *testing.T) {
	const writers, each = 4, 60
	lanes := []string{"1", "2", "3", "4"}
	desk := tilltest.NewDesk(lanes...)
	c := newCaller(t, tilltest.Serve(t, desk, till.DialectHTTP))
	for _, lane := range lanes {
		c.do("PUT", "/v1/sales/"+lane, `{"amount":1,"currency":"HKD","lane":"`+lane+`"}`)
	}
	var writing sync.WaitGroup
	for _, lane := range lanes {
		writing.Go(func() {
			for range each {
				desk.SetState(lane, sale.Confirming, "")
			}
		})
	}
	const all = writers*each + writers
	seen := 0
	for seen < all {
		events, drop := c.stream(t.Context(), "", strconv.Itoa(seen))
		for n := 0; n < 17 && seen < all; n++ {
			e := next(t, events)
			if id, _, _ := strings.Cut(e, " "); id != strconv.Itoa(seen+1) {
				t.Fatalf("after %d came %s", seen, id)
			}
			seen++
		}
		drop()
	}
	writing.Wait()
}

// Somebody who subscribes and does not read holds up nobody and is cut off.
func TestSlowReader(t *testing.T) {
	for _, dialect := range []string{till.DialectHTTP, till.DialectLine} {
		t.Run(dialect, func(t *testing.T) {
			desk := tilltest.NewDesk()
			_, addr := serveWith(t, desk, dialect, func(s *till.Server) {
				s.SetLimits(10, 10, time.Minute, 100*time.Millisecond, time.Minute)
			})
			slow, err := net.Dial("unix", strings.TrimPrefix(addr, "unix:"))
			if err != nil {
				t.Fatal(err)
			}
			defer slow.Close()
			if dialect == till.DialectHTTP {
				fmt.Fprint(slow, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
			} else {
				fmt.Fprintln(slow, `{"jsonrpc":"2.0","id":1,"method":"events.subscribe"}`)
			}
			// Far more than any socket buffer holds.
			for range 300 {
				desk.Scan(sale.ScanView{Lane: "1", Text: strings.Repeat("x", 20000)})
			}
			// Now it reads: first what the kernel kept, then the end.
			_ = slow.SetReadDeadline(time.Now().Add(10 * time.Second))
			waitFor(t, "the slow reader to be cut off", func() bool {
				// A write to a connection that the other side closed fails.
				_, err := slow.Write([]byte("\n"))
				return err != nil
			})
		})
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestKeepAlive(t *testing.T) {
	_, addr := serveWith(t, tilltest.NewDesk(), till.DialectHTTP, func(s *till.Server) {
		s.SetLimits(10, 10, 20*time.Millisecond, time.Minute, 10*time.Millisecond)
	})
	c, err := net.Dial("unix", strings.TrimPrefix(addr, "unix:"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	lines, signs := bufio.NewScanner(c), 0
	for signs < 5 && lines.Scan() {
		if strings.HasPrefix(lines.Text(), ":") {
			signs++
		}
	}
	if signs < 5 {
		t.Errorf("%d signs of life, then %v", signs, lines.Err())
	}
}

func TestEventsOverLine(t *testing.T) {
	desk, l := newLineTill(t)
	l.call("sale.put", `{"id":"a","amount":1,"currency":"HKD"}`)
	desk.SetState("a", sale.Paying, "")
	if r := l.call("events.subscribe", `{"after":1}`); r.Error != nil {
		t.Fatalf("%+v", r.Error)
	}
	if r := l.read(); r.Method != "event" || r.ID != nil || r.Params.Seq != 2 || r.Params.Kind != "sale" || r.Params.At.IsZero() ||
		!strings.Contains(string(r.Params.Data), `"state":"paying"`) {
		t.Errorf("%+v", r)
	}
	l.call("events.subscribe", `{}`).refused(t, -32600, sale.InvalidRequest)
	if r := l.call("lanes", `{}`); r.Error != nil {
		t.Errorf("a call beside the events: %+v", r.Error)
	}
	desk.SetState("a", sale.Paid, "")
	if r := l.read(); r.Params.Seq != 3 {
		t.Errorf("%+v", r)
	}
}

// A till with the position of another journal hears so at once, and then whatever happens: silence would look like
// a quiet shop.
func TestEventsBeyondTheEnd(t *testing.T) {
	desk, c := httpTill(t)
	for query, lastID := range map[string]string{"?after=9": "", "": "9", "?after=1": "7"} {
		events, drop := c.stream(t.Context(), query, lastID)
		want := fmt.Sprintf(`%d reset {"seq":%d}`, desk.Last(), desk.Last())
		if e := next(t, events); e != want {
			t.Errorf("after %s%s: %s, want %s", query, lastID, e, want)
		}
		desk.Scan(sale.ScanView{Lane: "1", Text: "live"})
		if e := next(t, events); !strings.HasPrefix(e, fmt.Sprint(desk.Last())+" scan ") {
			t.Errorf("then %s", e)
		}
		drop()
	}
	// The end itself is a position like any other.
	events, _ := c.stream(t.Context(), fmt.Sprintf("?after=%d", desk.Last()), "")
	desk.Scan(sale.ScanView{Lane: "1", Text: "next"})
	if e := next(t, events); !strings.Contains(e, " scan ") {
		t.Errorf("at the end: %s", e)
	}
}

func TestEventsBeyondTheEndOverLine(t *testing.T) {
	desk, l := newLineTill(t)
	desk.Scan(sale.ScanView{Lane: "1", Text: "x"})
	if r := l.call("events.subscribe", `{"after":9}`); r.Error != nil {
		t.Fatalf("%+v", r.Error)
	}
	if r := l.read(); r.Params.Kind != "reset" || r.Params.Seq != 1 || string(r.Params.Data) != `{"seq":1}` {
		t.Errorf("%+v", r)
	}
	desk.Scan(sale.ScanView{Lane: "1", Text: "live"})
	if r := l.read(); r.Params.Kind != "scan" || r.Params.Seq != 2 {
		t.Errorf("%+v", r)
	}
}

// Alarms are for those who may read everything; a reset is for all.
func TestAlarmEventsNeedRead(t *testing.T) {
	for _, may := range []till.Permission{till.Read, till.Sell} {
		desk := tilltest.NewDesk()
		e := till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + tilltest.SocketDir(t) + "/s", Allow: []till.Permission{may}}
		c := newCaller(t, tilltest.Start(t, desk, e).Addrs()[0])
		events, _ := c.stream(t.Context(), "?after=5", "")
		if e := next(t, events); e != `0 reset {"seq":0}` {
			t.Errorf("%s: %s", may, e)
		}
		desk.Alarm(sale.AlarmView{Seq: 1, Kind: "sale", ID: "a", What: "charged twice", Open: true})
		desk.Scan(sale.ScanView{Lane: "1", Text: "x"})
		want := "1 alarm "
		if may == till.Sell {
			want = "2 scan "
		}
		if e := next(t, events); !strings.HasPrefix(e, want) {
			t.Errorf("with %s: %s, want %s", may, e, want)
		}
	}
}
