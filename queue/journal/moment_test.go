package journal

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"cpmd/queue/sale"
)

// Whoever reads a sale while it changes sees it with its payments as they are at one moment.
func TestASaleIsReadAtOneMoment(t *testing.T) {
	j, err := Open(filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	put := func(n int) error {
		s := &sale.Sale{ID: "a", Lane: "1", Amount: 1, Currency: "HKD", State: sale.Confirming, Slow: n, CreatedAt: now, ScanBy: now, NextAt: now,
			Payments: []sale.Payment{{OutTradeNo: "N", RespCD: fmt.Sprint(n)}}}
		return j.Append(Entry{At: now, Kind: "sale", Subject: "a", Sale: s})
	}
	if err := put(0); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		var err error
		for n := 1; n < 300 && err == nil; n++ {
			err = put(n)
		}
		done <- err
	}()
	for {
		s, ok, err := j.Sale("a")
		if err != nil || !ok || s.Payments[0].RespCD != fmt.Sprint(s.Slow) {
			t.Fatalf("change %d is read with the payment of change %s: %v %v", s.Slow, s.Payments[0].RespCD, ok, err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}
