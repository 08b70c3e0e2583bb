package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/client"
	"cpmd/till/tilltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func must[V any](v V, err error) func(*testing.T) V {
	return func(t *testing.T) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestCalls(t *testing.T) {
	desk := tilltest.NewDesk()
	addr, tokenFile := tilltest.ServeTCPFile(t, desk, till.DialectHTTP)
	for name, cfg := range map[string]client.Config{
		"unix": {Addr: tilltest.Serve(t, desk, till.DialectHTTP)},
		"tcp":  {Addr: addr, TokenFile: tokenFile},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, c := t.Context(), newClient(t, cfg)
			req := sale.Request{ID: name, Amount: 12850, Currency: "HKD", Ticket: "T-" + name, AuthCode: "280412345678905813"}
			v, created, err := c.PutSale(ctx, req)
			if err != nil || !created || v.State != sale.Paying || desk.CodeOf(name) != req.AuthCode {
				t.Fatalf("%+v %v %v", v, created, err)
			}
			again, created, err := c.PutSale(ctx, req)
			if err != nil || created || cmp.Diff(v, again) != "" {
				t.Errorf("again: %v %v %s", created, err, cmp.Diff(v, again))
			}
			if got := must(c.CancelSale(ctx, name))(t); got.ID != name {
				t.Errorf("%+v", got)
			}
			desk.SetState(name, sale.Paid, "")
			if got := must(c.WaitSale(ctx, name, v.Seq, time.Minute))(t); got.State != sale.Paid {
				t.Errorf("%+v", got)
			}
			if got := must(c.Sale(ctx, name))(t); got.State != sale.Paid {
				t.Errorf("%+v", got)
			}
			if got := must(c.Sales(ctx, sale.Filter{State: sale.Paid, Ticket: "T-" + name, Limit: 3}))(t); len(got) != 1 || got[0].ID != name {
				t.Errorf("%+v", got)
			}
			r, created, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r" + name, Sale: name, Amount: 50})
			if err != nil || !created || r.State != sale.Refunding {
				t.Fatalf("%+v %v %v", r, created, err)
			}
			desk.SetRefund(r.ID, sale.Refunded)
			if got := must(c.WaitRefund(ctx, r.ID, r.Seq, time.Minute))(t); got.State != sale.Refunded {
				t.Errorf("%+v", got)
			}
			if got := must(c.Refund(ctx, r.ID))(t); got.State != sale.Refunded {
				t.Errorf("%+v", got)
			}
			if got := must(c.Totals(ctx, ""))(t); len(got.Rows) != 1 {
				t.Errorf("%+v", got)
			}
			if got := must(c.Lanes(ctx))(t); len(got) != 1 || got[0].Name != "1" {
				t.Errorf("%+v", got)
			}
			if err := c.Scan(ctx, "1", "4901234567894"); err != nil {
				t.Error(err)
			}
			if got := must(c.Diagnosis(ctx))(t); !got.Ready {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	desk := tilltest.NewDesk()
	c := newClient(t, client.Config{Addr: tilltest.Serve(t, desk, till.DialectHTTP)})
	if _, _, err := c.PutSale(t.Context(), sale.Request{ID: "a", Amount: 1, Currency: "HKD"}); err != nil {
		t.Fatal(err)
	}
	_, _, err := c.PutSale(t.Context(), sale.Request{ID: "b", Amount: 1, Currency: "HKD"})
	want := &client.Error{Status: 409, Code: sale.LaneBusy, Detail: "sale a holds the lane", Sale: "a"}
	if e, ok := errors.AsType[*client.Error](err); !ok || cmp.Diff(want, e) != "" {
		t.Errorf("%v", err)
	}
	_, err = c.Sale(t.Context(), "../a")
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Code != sale.InvalidRequest {
		t.Errorf("an id with a slash: %v", err)
	}
	addr, tokenFile := tilltest.ServeTCPFile(t, desk, till.DialectHTTP)
	if err := os.WriteFile(tokenFile, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	tcp := newClient(t, client.Config{Addr: addr, TokenFile: tokenFile})
	_, err = tcp.Lanes(t.Context())
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != 401 {
		t.Errorf("a wrong token: %v", err)
	}
	for ev, err := range tcp.Events(t.Context(), 0) {
		if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != 401 {
			t.Errorf("events with a wrong token: %+v %v", ev, err)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	addr := "unix:" + filepath.Join(tilltest.SocketDir(t), "s")
	c := newClient(t, client.Config{Addr: addr})
	_, _, err := c.PutSale(t.Context(), sale.Request{ID: "a", Amount: 1, Currency: "HKD"})
	if e, ok := errors.AsType[*client.Unreachable](err); !ok || e.MaybeSent || !strings.Contains(err.Error(), "is it running") {
		t.Errorf("%v", err)
	}
	for ev, err := range c.Events(t.Context(), 0) {
		if _, ok := errors.AsType[*client.Unreachable](err); !ok {
			t.Errorf("events: %+v %v", ev, err)
		}
	}
	for _, bad := range []string{"", "unix:", "tcp:", "http://localhost", "/run/x", "tcp:127.0.0.1:8460"} {
		if _, err := client.New(client.Config{Addr: bad}); err == nil {
			t.Errorf("address %q was taken", bad)
		}
	}
}

// A lost answer is asked for again, and the sale is opened once.
func TestLostAnswer(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(tilltest.SocketDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	lossy := &tilltest.Lossy{Listener: l}
	desk := tilltest.NewDesk()
	addr := tilltest.Start(t, desk, till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + l.Addr().String(), Inherited: lossy}).Addrs()[0]

	req := sale.Request{ID: "a", Amount: 1, Currency: "HKD"}
	lossy.Lose(2)
	v, created, err := newClient(t, client.Config{Addr: addr, Patience: time.Minute}).PutSale(t.Context(), req)
	if err != nil || created || v.ID != "a" {
		t.Errorf("%+v %v %v", v, created, err)
	}
	if all, _ := desk.Sales(t.Context(), sale.Filter{}); len(all) != 1 {
		t.Errorf("%d sales", len(all))
	}
	lossy.Lose(100)
	_, _, err = newClient(t, client.Config{Addr: addr}).PutSale(t.Context(), req)
	if e, ok := errors.AsType[*client.Unreachable](err); !ok || !e.MaybeSent {
		t.Errorf("without patience: %v", err)
	}
	// What comes after a lost answer may say nothing of it.
	lossy.Lose(1)
	desk.Fail(&sale.Error{Code: sale.JournalUnavailable, Detail: "The disk is full."})
	_, _, err = newClient(t, client.Config{Addr: addr, Patience: 100 * time.Millisecond}).PutSale(t.Context(), req)
	if e, ok := errors.AsType[*client.Unreachable](err); !ok || !e.MaybeSent {
		t.Errorf("a broken journal after a lost answer: %v", err)
	}
	lossy.Lose(0)
}

// The stream goes on over restarts of the daemon, with each event once and in order.
func TestEventsOverRestarts(t *testing.T) {
	desk := tilltest.NewDesk()
	e := till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + filepath.Join(tilltest.SocketDir(t), "s")}
	start := func() *till.Server {
		s := till.New(till.Config{Endpoints: []till.Endpoint{e}}, desk, zaptest.NewLogger(t))
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	c := newClient(t, client.Config{Addr: e.Listen, Patience: time.Minute})
	next := int64(3)
	desk.Scan(sale.ScanView{Text: "1"})
	desk.Scan(sale.ScanView{Text: "2"})
	desk.Scan(sale.ScanView{Text: "3"})
	for n, err := range c.Events(t.Context(), 2) {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`"text":"%d"`, next); n.Seq != next || n.Kind != "scan" || !strings.Contains(string(n.Data), want) {
			t.Fatalf("want %d, got %+v %s", next, n, n.Data)
		}
		if next == 10 {
			break
		}
		if next%3 == 0 {
			if err := s.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
			s = start()
		}
		next++
		desk.Scan(sale.ScanView{Text: fmt.Sprint(next)})
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if next != 10 {
		t.Errorf("ended at %d", next)
	}
}

// What a server says twice, also after a reconnection, the caller hears once.
func TestEventsComeOnce(t *testing.T) {
	socket := filepath.Join(tilltest.SocketDir(t), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, seq := range []int{1, 2, 2, 1, 3} {
			fmt.Fprintf(w, "id: %d\nevent: scan\ndata: {}\n\n", seq)
		}
	})}
	go s.Serve(l)
	defer s.Close()
	c := newClient(t, client.Config{Addr: "unix:" + socket})
	var got []int64
	for n, err := range c.Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, n.Seq); n.Seq == 3 {
			break
		}
	}
	if want := []int64{1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestEventsEndWithTheContext(t *testing.T) {
	desk := tilltest.NewDesk()
	c := newClient(t, client.Config{Addr: tilltest.Serve(t, desk, till.DialectHTTP)})
	desk.Scan(sale.ScanView{Text: "1"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range c.Events(ctx, 0) {
		if err != nil {
			t.Error(err)
		}
		n++
		cancel()
	}
	if n != 1 {
		t.Errorf("%d events", n)
	}
}

// A position from another journal: the caller hears so, and the stream goes on.
func TestEventsReset(t *testing.T) {
	desk := tilltest.NewDesk()
	c := newClient(t, client.Config{Addr: tilltest.Serve(t, desk, till.DialectHTTP)})
	desk.Scan(sale.ScanView{Text: "1"})
	var got []string
	for n, err := range c.Events(t.Context(), 9) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, fmt.Sprint(n.Seq, " ", n.Kind)); len(got) == 2 {
			break
		}
		desk.Scan(sale.ScanView{Text: "2"})
	}
	if want := []string{"1 reset", "2 scan"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
