package queue

import (
	"sync"
	"testing"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// An empty list tells what QFPay knew when it was asked, however long its answer took: two that were asked for too early
// prove nothing, although they came after the request could have arrived.
func TestListsCountFromWhenTheyWereAskedFor(t *testing.T) {
	var mu sync.Mutex
	var asked []time.Duration // after the scan; of lists that came back
	var scanned time.Time
	g := &fakeGateway{pay: always(payment.Unknown), query: func(int, payment.Query) payment.QueryResult {
		at := time.Since(scanned)
		time.Sleep(25 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, at)
		return finding(payment.NotFound)
	}}
	bubble(t, g, func(c *counter) {
		c.open("A")
		scanned = time.Now()
		c.scan(code)
		c.until("A", sale.NotPaid, 10*time.Minute)
		mu.Lock()
		defer mu.Unlock()
		late := 0
		for _, at := range asked {
			if at >= sale.DefaultRules().Confirm {
				late++
			}
		}
		if late < 2 {
			t.Errorf("not paid, by lists that were asked for after %v", asked)
		}
	})
}
