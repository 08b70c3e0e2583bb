package till_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

// busyDesk lets something happen between a read and what comes next: the moment at which a wake-up is lost by
// whoever asks for it after reading.
type busyDesk struct {
	*tilltest.Desk
	meanwhile func()
}

func (d *busyDesk) Sale(ctx context.Context, id string) (sale.View, error) {
	v, err := d.Desk.Sale(ctx, id)
	d.meanwhile()
	return v, err
}

func (d *busyDesk) Refund(ctx context.Context, id string) (sale.RefundView, error) {
	v, err := d.Desk.Refund(ctx, id)
	d.meanwhile()
	return v, err
}

func (d *busyDesk) Notices(ctx context.Context, after int64, limit int) ([]sale.Notice, error) {
	list, err := d.Desk.Notices(ctx, after, limit)
	d.meanwhile()
	return list, err
}

// once does it at the first call after it is set.
func (d *busyDesk) once(do func()) {
	d.meanwhile = func() { d.meanwhile = func() {}; do() }
}

func TestNoWakeUpIsLost(t *testing.T) {
	for _, dialect := range []string{till.DialectHTTP, till.DialectLine} {
		t.Run(dialect, func(t *testing.T) {
			desk := &busyDesk{Desk: tilltest.NewDesk(), meanwhile: func() {}}
			addr := tilltest.Serve(t, desk, dialect)
			if _, _, err := desk.PutSale(t.Context(), sale.Request{ID: "a", Amount: 10, Currency: "HKD"}); err != nil {
				t.Fatal(err)
			}
			ask := func(path, method, params string) (state string) {
				began := time.Now()
				if dialect == till.DialectHTTP {
					state = string(newCaller(t, addr).do("GET", path+"?wait=8s", "").body)
				} else {
					state = string(dialLine(t, addr).call(method, params).Result)
				}
				if took := time.Since(began); took > 7*time.Second {
					t.Errorf("%s came after %v", method, took)
				}
				return state
			}
			desk.once(func() { desk.SetState("a", sale.Confirming, "") })
			if got := ask("/v1/sales/a", "sale.get", `{"id":"a","wait":8}`); !strings.Contains(got, `"state":"confirming"`) {
				t.Errorf("the change of a sale was missed: %s", got)
			}
			desk.SetState("a", sale.Paid, "")
			if _, _, err := desk.PutRefund(t.Context(), sale.RefundRequest{ID: "r", Sale: "a", Amount: 1}); err != nil {
				t.Fatal(err)
			}
			desk.once(func() { desk.SetRefund("r", sale.Refunded) })
			if got := ask("/v1/refunds/r", "refund.get", `{"id":"r","wait":8}`); !strings.Contains(got, `"state":"refunded"`) {
				t.Errorf("the change of a refund was missed: %s", got)
			}

			// All that there is has been sent, and something happens before the stream waits.
			last := desk.Last()
			desk.once(func() { desk.Scan(sale.ScanView{Lane: "1", Text: "between"}) })
			if dialect == till.DialectHTTP {
				events, _ := newCaller(t, addr).stream(t.Context(), fmt.Sprintf("?after=%d", last), "")
				if e := next(t, events); !strings.Contains(e, "between") {
					t.Error(e)
				}
				return
			}
			l := dialLine(t, addr)
			l.call("events.subscribe", fmt.Sprintf(`{"after":%d}`, last))
			if r := l.read(); !strings.Contains(string(r.Params.Data), "between") {
				t.Errorf("%+v", r)
			}
		})
	}
}

// No event comes twice: after N begins with N + 1, whatever the till does with ids that it has.
func TestEventsAfter(t *testing.T) {
	d := tilltest.NewDesk()
	for range 3 {
		d.Scan(sale.ScanView{Lane: "1", Text: "x"})
	}
	c := newCaller(t, tilltest.Serve(t, d, till.DialectHTTP))
	for after, want := range map[int]string{0: "1 ", 1: "2 ", 2: "3 "} {
		events, drop := c.stream(t.Context(), "", fmt.Sprint(after))
		if e := next(t, events); !strings.HasPrefix(e, want) {
			t.Errorf("after %d came %s", after, e)
		}
		drop()
	}
	l := dialLine(t, tilltest.Serve(t, d, till.DialectLine))
	l.call("events.subscribe", `{"after":2}`)
	if r := l.read(); r.Params.Seq != 3 {
		t.Errorf("after 2 came %d", r.Params.Seq)
	}
}
