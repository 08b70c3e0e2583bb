package app_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
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

// A step is made to fail, and to panic, in each state of a sale on one of eight lanes: the other seven sell on, the
// daemon says that it is ready, and a person is told.
func TestSevenLanesSellOn(t *testing.T) {
	const lanes = 8
	for _, c := range []struct {
		name string
		fail func() error
	}{{"fails", func() error { return constraint{} }}, {"panics", func() error { panic("a fault in cpmd") }}} {
		for _, kind := range []sale.EventKind{sale.Scanned, sale.Answered, sale.QueryAnswered, sale.CancelAnswered, sale.Due} {
			t.Run(fmt.Sprintf("%s as it is %s", c.name, kind), func(t *testing.T) {
				defer app.WithJournalHooks(journal.Hooks{Before: func(w journal.Write) error {
					if w.Subject == "broken" && w.Event == kind {
						return c.fail()
					}
					return nil
				}})()
				gateway := sim.New(sim.Config{AppCode: "A", ClientKey: "K", Seed: 1})
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
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				open := func(id, lane, code string) {
					if _, _, err := till.PutSale(ctx, sale.Request{ID: id, Amount: 100, Currency: "HKD", Lane: lane}); err != nil {
						t.Fatal(err)
					}
					if err := till.Scan(ctx, lane, code); err != nil {
						t.Fatal(err)
					}
				}
				open("broken", "1", "280000000000000005") // pending for ever, so it meets a query and a cancellation
				for round := range 2 {
					for n := 2; n <= lanes; n++ {
						id := fmt.Sprintf("sale-%d-%d", n, round)
						open(id, fmt.Sprint(n), fmt.Sprintf("2800000000%d%d%d0000", n, round, n))
						paid(ctx, t, till, id)
					}
				}
				if kind == sale.Scanned { // the scan is refused at once, with a sign to the customer
					return
				}
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
			})
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
