package till_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

func TestWaitReturnsAtTheNextChange(t *testing.T) {
	desk, c := httpTill(t)
	first := c.do("PUT", "/v1/sales/a", coffee).sale(t)
	for i, wait := range []string{"wait=25s", "wait=25", "wait=1m", "wait=3600", fmt.Sprintf("wait=25s&after=%d", first.Seq+1)} {
		got := make(chan answer)
		go func() { got <- c.do("GET", "/v1/sales/a?"+wait, "") }()
		untilAsked(t, desk, got, func() { desk.SetState("a", sale.Confirming, "") })
		if a := <-got; a.status != 200 || a.sale(t).State != sale.Confirming {
			t.Errorf("%d %s: %d %s", i, wait, a.status, a.body)
		}
	}
}

// untilAsked makes a change again and again until the waiting request has returned: it cannot be seen from
// outside when a request has begun to wait.
func untilAsked(t *testing.T, desk *tilltest.Desk, got chan answer, change func()) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		change()
		select {
		case a := <-got:
			go func() { got <- a }()
			return
		case <-deadline:
			t.Fatal("the change was missed")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestWaitReturnsAtOnce(t *testing.T) {
	desk, c := httpTill(t)
	first := c.do("PUT", "/v1/sales/a", coffee).sale(t)
	desk.SetState("a", sale.Confirming, "")
	// Something is newer than after: nothing is missed between two requests.
	if v := c.do("GET", fmt.Sprintf("/v1/sales/a?wait=50s&after=%d", first.Seq), "").sale(t); v.State != sale.Confirming {
		t.Errorf("%+v", v)
	}
	if v := c.do("GET", "/v1/sales/a?wait=", "").sale(t); v.State != sale.Confirming {
		t.Errorf("%+v", v)
	}
	if v := c.do("GET", "/v1/sales/a?wait=0", "").sale(t); v.State != sale.Confirming {
		t.Errorf("%+v", v)
	}
	// A final sale changes no more.
	desk.SetState("a", sale.Paid, "")
	if v := c.do("GET", "/v1/sales/a?wait=50s", "").sale(t); v.State != sale.Paid {
		t.Errorf("%+v", v)
	}
	c.do("GET", "/v1/sales/none?wait=50s", "").refused(t, 404, sale.UnknownSale)
}

func TestWaitEndsAfterItsTimeWithTheSaleAsItStands(t *testing.T) {
	_, c := httpTill(t)
	c.do("PUT", "/v1/sales/a", coffee)
	if v := c.do("GET", "/v1/sales/a?wait=20ms", "").sale(t); v.State != sale.Waiting {
		t.Errorf("%+v", v)
	}
}

// The time that a request may take to arrive must not cut a wait that is longer.
func TestWaitOutlivesTheReadTimeout(t *testing.T) {
	desk := tilltest.NewDesk()
	_, addr := serveWith(t, desk, till.DialectHTTP, func(s *till.Server) {
		s.SetLimits(10, 10, 50*time.Millisecond, 50*time.Millisecond, time.Minute)
	})
	c := newCaller(t, addr)
	c.do("PUT", "/v1/sales/a", coffee)
	began := time.Now()
	a := c.do("GET", "/v1/sales/a?wait=300ms", "")
	if took := time.Since(began); a.status != http.StatusOK || took < 300*time.Millisecond {
		t.Errorf("%d after %v", a.status, took)
	}
}
