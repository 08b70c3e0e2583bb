package app_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/queue/sale"
)

// TestOneSearchFindsTheWholeStory: every line about a sale has its id as "sale", each request to QFPay included, with the
// attempt that it was for; and no line about a sale goes without.
func TestOneSearchFindsTheWholeStory(t *testing.T) {
	gateway := sim.New(sim.Config{AppCode: "A", ClientKey: "K", AnyHour: true, Seed: 1})
	defer gateway.Close()
	server := httptest.NewServer(gateway)
	defer server.Close()
	d := startAt(t, tempDir(t), server.URL, "[log]\nlevel = \"debug\"\n[timing]\npoll = \"50ms\"\n[[lane]]\nname = \"2\"\nscanner = { driver = \"virtual\" }\n")
	till := d.client(t)
	for lane, id := range map[string]string{"1": "first", "2": "second"} {
		if _, _, err := till.PutSale(t.Context(), sale.Request{ID: id, Amount: 100, Currency: "HKD", Lane: lane}); err != nil {
			t.Fatal(err)
		}
		if err := till.Scan(t.Context(), lane, "28"+lane+"000000000000001"); err != nil { // 1143, then paid
			t.Fatal(err)
		}
		paid(t.Context(), t, till, id)
	}
	if _, _, err := till.PutRefund(t.Context(), sale.RefundRequest{ID: "back", Sale: "first", Amount: 40}); err != nil {
		t.Fatal(err)
	}
	d.until(t, `"state":"refunded"`)
	found := map[string][]string{}
	for line := range strings.Lines(d.log.String()) {
		var e struct {
			Msg, Sale, Refund, State, Endpoint string
			Attempt                            int
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(line, err)
		}
		if e.Msg != "sale" && e.Msg != "refund" && e.Msg != "request to QFPay" {
			continue
		}
		if e.Sale == "" && e.Endpoint == "query" {
			continue // cpmd's own question at its start
		}
		if e.Sale == "" {
			t.Errorf("a line of no sale: %s", line)
		}
		found[e.Sale] = append(found[e.Sale], fmt.Sprintf("%s %s %s%s %d", e.Msg, e.Refund, e.State, e.Endpoint, e.Attempt))
	}
	for id, want := range map[string][]string{
		"first":  {"sale  waiting 0", "sale  paying 1", "request to QFPay  payment 1", "request to QFPay  query 1", "sale  paid 1", "refund back refunding 0", "request to QFPay back refund 0", "refund back refunded 0"},
		"second": {"sale  waiting 0", "sale  paying 1", "request to QFPay  payment 1", "request to QFPay  query 1", "sale  paid 1"},
	} {
		for _, line := range want {
			if !slices.Contains(found[id], line) {
				t.Errorf("nothing of %q about %s, only:\n%s", line, id, strings.Join(found[id], "\n"))
			}
		}
	}
}
