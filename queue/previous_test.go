package queue

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// The journal that the program of an earlier schema left when it was killed is taken up: what was unfinished is followed to
// its end, machines get their time again, alarms stand, and the day's sums stay.
func TestTakeUpPreviousVersion(t *testing.T) {
	for _, schema := range []string{"schema1", "schema2", "schema3"} {
		t.Run(schema, func(t *testing.T) { takeUp(t, schema) })
	}
}

func takeUp(t *testing.T, schema string) {
	z, err := gzip.NewReader(bytes.NewReader(testdata(t, "journal/testdata/"+schema+".db.gz")))
	if err != nil {
		t.Fatal(err)
	}
	old, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var was struct {
		Totals sale.Totals
		Alarms []sale.AlarmView
		Sales  map[string]sale.View
	}
	if err := json.Unmarshal(testdata(t, "journal/testdata/"+schema+".json"), &was); err != nil {
		t.Fatal(err)
	}
	g := &fakeGateway{query: func(int, payment.Query) payment.QueryResult { return finding(payment.Unknown) },
		refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2*time.Hour + 5*time.Minute) // the bubble begins as that program's did
		c := &counter{T: t, g: g, path: t.TempDir() + "/journal.db", beeps: &beeper{}}
		if err := os.WriteFile(c.path, old, 0o600); err != nil {
			t.Fatal(err)
		}
		c.start()
		is, err := c.Totals(ctx, was.Totals.Day)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(was.Totals, is); diff != "" {
			t.Errorf("totals (-was +is):\n%s", diff)
		}
		for _, a := range was.Alarms {
			if !slices.Contains(c.openAlarms(), a.What) {
				t.Errorf("alarm %q does not stand", a.What)
			}
		}
		if v := c.state("paying"); v.State != sale.Confirming {
			t.Errorf("the sale that was being paid is %s", v.State)
		}
		if v := c.state("awaited"); v.Delivery != sale.Awaited || v.DeliverBy == nil || time.Until(*v.DeliverBy) < time.Minute {
			t.Errorf("the machine has no time left: %+v", v)
		}
		if _, _, err := c.PutSale(ctx, sale.Request{ID: "twice", Amount: 6600, Currency: "HKD", Lane: "2", Ticket: "bill-unresolved"}); err == nil {
			t.Error("an unresolved bill may be charged again")
		}
		for _, id := range []string{"paid", "fresh"} {
			if _, created, err := c.PutSale(ctx, sale.Request{ID: id, Amount: was.Sales[id].Amount, Currency: "HKD", Lane: "1", Ticket: "bill-" + id}); err != nil || created {
				t.Errorf("a till that asks again for %s: created %v, %v", id, created, err)
			}
		}
		g.now(func(g *fakeGateway) {
			g.query = func(_ int, q payment.Query) payment.QueryResult { return finding(payment.Paid) }
		})
		time.Sleep(2 * time.Hour)
		for _, id := range []string{"paying", "unresolved"} {
			if v := c.state(id); v.State != sale.Paid {
				t.Errorf("%s is %s", id, v.State)
			}
		}
		if v := c.state("awaited"); v.Delivery != sale.Returned || v.Refunded != v.Amount {
			t.Errorf("goods that were never handed over: %+v", v)
		}
		if f, err := c.Refund(ctx, "going-r"); err != nil || f.State != sale.Refunded {
			t.Errorf("refund: %+v %v", f, err)
		}
		if v := c.state("going"); v.Refunded != 3000 {
			t.Errorf("%d was refunded", v.Refunded)
		}
		if n := g.number("pay"); n > 0 {
			t.Errorf("%d payments were sent", n)
		}
		c.close()
		if r, err := journal.Check(c.path); err != nil || len(r.Faults) > 0 || r.Unfinished > 0 {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func testdata(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
