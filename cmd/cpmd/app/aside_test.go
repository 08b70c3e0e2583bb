package app_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cpmd/cmd/cpmd/app"
	"cpmd/cmd/qfpaysim/sim"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
	"cpmd/till/client"
)

// A constraint is an error with SQLite's code for an entry that breaks the journal's own rules.
type constraint struct{}

func (constraint) Error() string { return "a rule of the journal's own" }
func (constraint) Code() int     { return 19 }

// A step is made to fail, and to panic, by each kind of event on one of eight lanes: from then on the other seven sell, the daemon
// says that it is ready, and a person is told; and once the cause is gone, the sale goes on to its end.
func TestSevenLanesSellOn(t *testing.T) {
	const lanes = 8
	for _, c := range []struct {
		name string
		fail func() error
	}{{"fails", func() error { return constraint{} }}, {"panics", func() error { panic("a fault in cpmd") }}} {
		for _, kind := range []sale.EventKind{sale.Scanned, sale.Answered, sale.QueryAnswered, sale.CancelAsked, sale.CancelAnswered, sale.Due, sale.AskNow} {
			t.Run(fmt.Sprintf("%s as it is %s", c.name, kind), func(t *testing.T) {
				var broken atomic.Bool
				broken.Store(true)
				met := make(chan struct{}, 1) // holds one where the fault has struck
				defer app.WithJournalHooks(journal.Hooks{Before: func(w journal.Write) error {
					if w.Subject != "broken" || w.Event != kind || !broken.Load() {
						return nil
					}
					select {
					case met <- struct{}{}:
					default:
					}
					return c.fail()
				}})()
				gateway := sim.New(sim.Config{AppCode: "A", ClientKey: "K", AnyHour: true, Seed: 1})
				defer gateway.Close()
				server := httptest.NewServer(gateway)
				defer server.Close()
				var more strings.Builder
				more.WriteString("[timing]\nscan = \"20s\"\nanswer = \"1s\"\npoll = \"50ms\"\nconfirm = \"500ms\"\ngive_up = \"1500ms\"\nfollow_up = [\"100ms\"]\n")
				for n := 2; n <= lanes; n++ {
					fmt.Fprintf(&more, "[[lane]]\nname = \"%d\"\nscanner = { driver = \"virtual\" }\n", n)
				}
				d := startAt(t, tempDir(t), server.URL, more.String())
				defer func() { _ = d.end() }()
				till := d.client(t)
				ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
				defer cancel()
				open := func(id, lane string) {
					if _, _, err := till.PutSale(ctx, sale.Request{ID: id, Amount: 100, Currency: "HKD", Lane: lane}); err != nil {
						t.Fatal(err)
					}
				}
				scan := func(lane, code string) {
					if err := till.Scan(ctx, lane, code); err != nil {
						t.Fatal(err)
					}
				}
				const pending = "280000000000000005" // for ever, so it meets a query and a cancellation
				open("broken", "1")
				scan("1", pending)
				switch kind {
				case sale.CancelAsked:
					_, _ = till.CancelSale(ctx, "broken") // which fails
				case sale.AskNow:
					_, _ = till.AskNow(ctx, "broken")
				}
				select {
				case <-met:
				case <-ctx.Done():
					t.Fatal("the fault never struck")
				}
				for n := 2; n <= lanes; n++ {
					id := fmt.Sprintf("sale-%d", n)
					open(id, fmt.Sprint(n))
					scan(fmt.Sprint(n), fmt.Sprintf("28000000000%d%d0000", n, n))
					paid(ctx, t, till, id)
				}
				if _, err := till.Fetch(ctx, "/readyz", io.Discard); err != nil {
					t.Errorf("not ready: %v", err)
				}
				switch kind {
				case sale.Scanned, sale.CancelAsked, sale.AskNow: // whoever asked is told at once
				default:
					toldSetAside(ctx, t, till)
				}
				broken.Store(false)
				if kind == sale.Scanned {
					scan("1", pending)
				}
				if _, err := till.AskNow(ctx, "broken"); err != nil {
					t.Fatal(err)
				}
				v, err := till.Sale(ctx, "broken")
				for err == nil && !v.Final {
					v, err = till.WaitSale(ctx, "broken", v.Seq, 5*time.Second)
				}
				if err != nil || v.State != sale.NotPaid {
					t.Errorf("the sale does not go on: %+v %v", v, err)
				}
			})
		}
	}
}

// toldSetAside waits until a person is told that the broken sale was set aside.
func toldSetAside(ctx context.Context, t *testing.T, till *client.Client) {
	t.Helper()
	for {
		alarms, err := till.Alarms(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(alarms, func(a sale.AlarmView) bool { return a.ID == "broken" && strings.Contains(a.What, "set it aside") }) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("nobody was told of the sale that was set aside")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// paid waits until the sale is paid.
func paid(ctx context.Context, t *testing.T, till *client.Client, id string) {
	t.Helper()
	v, err := till.Sale(ctx, id)
	for err == nil && !v.Final {
		v, err = till.WaitSale(ctx, id, v.Seq, 5*time.Second)
	}
	if err != nil || v.State != sale.Paid {
		t.Fatalf("%s is %s %s (%v), want paid", id, v.State, v.Reason, err)
	}
}
