package app_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
	"cpmd/till/client"
)

// A backup that is made while sales go on is whole, and what docs/watching.md says of restoring one is so: what was
// unfinished is followed to its end, and what was sold since is on QFPay's list alone, with an alarm.
func TestBackupAndRestore(t *testing.T) {
	gateway := sim.New(sim.Config{AppCode: "A", ClientKey: "K", AnyHour: true, Seed: 1})
	defer gateway.Close()
	server := httptest.NewServer(gateway)
	defer server.Close()
	const more = "[timing]\npoll = \"50ms\"\n[[lane]]\nname = \"2\"\nscanner = { driver = \"virtual\" }\n"
	dir := tempDir(t)
	d := startAt(t, dir, server.URL, more)
	till := d.client(t)
	sell := func(c *client.Client, id, lane, code string) {
		t.Helper()
		if _, _, err := c.PutSale(t.Context(), sale.Request{ID: id, Amount: 100, Currency: "HKD", Lane: lane}); err != nil {
			t.Fatal(err)
		}
		if code != "" {
			if err := c.Scan(t.Context(), lane, code); err != nil {
				t.Fatal(err)
			}
			paid(t.Context(), t, c, id)
		}
	}
	sell(till, "before", "1", "280000000000100000")
	sell(till, "open", "2", "")
	busy, stop := context.WithCancel(t.Context())
	selling := make(chan struct{})
	go func() { // the counter goes on meanwhile
		defer close(selling)
		for n := 0; busy.Err() == nil && n < 200; n++ {
			id := "meanwhile-" + strings.Repeat("x", n%20) + string(rune('a'+n/20))
			_, _, _ = till.PutSale(t.Context(), sale.Request{ID: id, Amount: 5, Currency: "HKD", Lane: "1"})
			_, _ = till.CancelSale(t.Context(), id)
		}
	}()
	var copied bytes.Buffer
	_, err := till.Fetch(t.Context(), "/v1/backup", &copied)
	stop()
	<-selling
	if err != nil {
		t.Fatal(err)
	}
	sell(till, "after", "1", "280000000000200000")
	if left, _ := filepath.Glob(filepath.Join(dir, "*.backup*")); len(left) > 0 {
		t.Errorf("%v was left behind", left)
	}
	if err := d.end(); err != nil {
		t.Fatal(err)
	}

	restored := tempDir(t)
	path := filepath.Join(restored, "journal.db")
	if err := os.WriteFile(path, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := journal.Check(path); err != nil || len(r.Faults) > 0 || r.Sales < 2 {
		t.Fatalf("%+v %v", r, err)
	}
	d = startAt(t, restored, server.URL, more)
	till = d.client(t)
	if v, err := till.Sale(t.Context(), "before"); err != nil || v.State != sale.Paid {
		t.Errorf("%+v %v", v, err)
	}
	if err := till.Scan(t.Context(), "2", "280000000000300000"); err != nil {
		t.Fatal(err)
	}
	paid(t.Context(), t, till, "open")
	if _, err := till.Sale(t.Context(), "after"); err == nil || !strings.Contains(err.Error(), "unknown_sale") {
		t.Errorf("a sale of after the backup: %v", err)
	}
	r, err := till.Reconcile(t.Context(), "")
	if err != nil || len(r.OnlyThere) != 1 || len(r.OnlyHere)+len(r.Different) > 0 || r.Agreed != 2 {
		t.Errorf("%+v %v, want one payment that QFPay alone knows", r, err)
	}
}
