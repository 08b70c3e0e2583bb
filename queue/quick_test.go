package queue

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
	"cpmd/scanner"
)

// The customer stands there: what can be known is known within seconds, and no text claims what was not proved.
func TestQuickAndTrue(t *testing.T) {
	respond := func(a payment.Answer) func(context.Context, payment.PaymentRequest) payment.Answer {
		return func(context.Context, payment.PaymentRequest) payment.Answer { return a }
	}
	notListed := func(int, payment.Query) payment.QueryResult { return finding(payment.NotFound) }
	for _, c := range []struct {
		name  string
		pay   payment.Answer
		query func(int, payment.Query) payment.QueryResult
		want  sale.State
		limit time.Duration
		says  string
	}{
		{"plain decline that is not listed", declined("1201", false), notListed, sale.Waiting, 5 * time.Second, "declined (1201)"},
		{"plain decline that is listed", declined("1201", false), func(int, payment.Query) payment.QueryResult { return finding(payment.Declined) }, sale.Waiting, 5 * time.Second, "declined"},
		{"pay_type not enabled", genuinely(payment.Answer{Meaning: payment.Misconfigured, RespCD: "1104", Confirm: 1}), notListed, sale.NotPaid, 5 * time.Second, "configuration"},
		{"no such order", genuinely(payment.Answer{Meaning: payment.NotFound, RespCD: "1136"}), notListed, sale.Waiting, 5 * time.Second, "declined (1136)"},
		{"HTTP 429", payment.Answer{Meaning: payment.Unknown, Throttled: true}, notListed, sale.Waiting, 10 * time.Second, "does not list the last payment"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, &fakeGateway{pay: respond(c.pay), query: c.query}, func(k *counter) {
				k.open("a")
				k.scan(code)
				if took := k.until("a", c.want, 2*time.Minute); took > c.limit {
					t.Errorf("known after %v, want %v at most", took, c.limit)
				}
				if v := k.state("a"); !strings.Contains(v.Message, c.says) || strings.Contains(v.Message, "undone") {
					t.Errorf("the cashier reads %q", v.Message)
				}
			})
		})
	}
}

// An unsigned decline proves less: it has to wait until the request could not arrive any more.
func TestUnsignedDeclineWaits(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Declined), query: func(int, payment.Query) payment.QueryResult { return finding(payment.NotFound) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if took := c.until("a", sale.Waiting, time.Minute); took < 40*time.Second {
			t.Errorf("freed after %v on an unsigned word", took)
		}
	})
}

// Two queries that agree within a moment of each other prove no more than one.
func TestTwoQueriesAreSomeSecondsApart(t *testing.T) {
	g := &fakeGateway{pay: func(context.Context, payment.PaymentRequest) payment.Answer { return declined("1201", false) },
		query: func(int, payment.Query) payment.QueryResult { return finding(payment.NotFound) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.AskNow(ctx, "a", "till")
		c.AskNow(ctx, "a", "till")
		if v := c.state("a"); v.State == sale.Waiting {
			t.Error("freed by queries at the same moment")
		}
		c.until("a", sale.Waiting, 10*time.Second)
	})
}

// "Paid" after a refused cancellation is told as soon as two queries agree.
func TestPaidSoonAfterARefusedCancellation(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Pending)} // cancellations are refused with 1297
	g.query = func(int, payment.Query) payment.QueryResult {
		if g.number("cancel") > 0 {
			return finding(payment.Paid)
		}
		return finding(payment.Pending)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if took := c.until("a", sale.Paid, 3*time.Minute); took > 70*time.Second {
			t.Errorf("paid at 62 s, told after %v", took)
		}
	})
}

// A cashier who cancels while the request hangs need not wait for its answer.
func TestCancelDuringAHangingRequest(t *testing.T) {
	g := &fakeGateway{pay: lost}
	g.cancel = func(int, payment.CancelRequest) payment.Answer {
		return payment.Answer{Meaning: payment.Undone, RespCD: "0000"}
	}
	g.query = func(int, payment.Query) payment.QueryResult {
		if g.number("cancel") > 0 {
			return finding(payment.Undone)
		}
		return finding(payment.Pending)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		time.Sleep(time.Second)
		c.CancelSale(ctx, "a", "till")
		if took := c.until("a", sale.NotPaid, time.Minute); took > 5*time.Second {
			t.Errorf("known after %v", took)
		}
	})
}

// A request that hangs is asked for beside it, and what a query shows as paid is paid.
func TestHangingRequestIsAskedFor(t *testing.T) {
	g := &fakeGateway{pay: lost, query: func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if took := c.until("a", sale.Paid, time.Minute); took > 7*time.Second {
			t.Errorf("told after %v", took)
		}
	})
}

// A phone that is held in front of a presentation scanner from before the sale opens pays it, though not at once: what
// was read before the sale is not for it.
func TestPhoneHeldFromBeforeTheSale(t *testing.T) {
	bubble(t, &fakeGateway{pay: always(payment.Paid)}, func(c *counter) {
		read := func(d time.Duration) {
			for range d / (500 * time.Millisecond) {
				c.scan(code)
				time.Sleep(500 * time.Millisecond)
			}
		}
		read(2 * time.Second)
		c.open("a")
		read(time.Second)
		if v := c.state("a"); v.State != sale.Waiting {
			t.Fatalf("an echo from before the sale paid it: %+v", v)
		}
		read(2 * time.Second)
		if v := c.state("a"); v.State != sale.Paid {
			t.Errorf("the phone is still there and nobody takes its code: %+v", v)
		}
		if c.g.number("pay") != 1 {
			t.Errorf("%d payments", c.g.number("pay"))
		}
	})
}

// While a sale waits, a cashier reads why a code was not taken, and goods barcodes leave the sale alone.
func TestRejectedScanIsShown(t *testing.T) {
	bubble(t, &fakeGateway{pay: always(payment.Paid)}, func(c *counter) {
		c.open("a")
		c.scan(code)
		before := c.open("b")
		c.scan("4006381333931")
		if v := c.state("b"); v.Seq != before.Seq {
			t.Errorf("a goods barcode changed the sale: %+v", v)
		}
		time.Sleep(2 * time.Second)
		c.scan(code)
		if v := c.state("b"); !strings.Contains(v.Message, "used before") || v.Seq == before.Seq || v.State != sale.Waiting {
			t.Errorf("the cashier reads %q (seq %d)", v.Message, v.Seq)
		}
		c.scan("28726")
		all, err := c.Notices(ctx, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		if last := string(all[len(all)-2].Data) + string(all[len(all)-1].Data); strings.Contains(last, "28726") {
			t.Errorf("part of a code was told: %s", last)
		}
	})
}

// A scan that was made while the payment was being confirmed does not pay after a decline: it was for the payment before.
func TestScanWhileConfirmingDoesNotPayLater(t *testing.T) {
	g := &fakeGateway{pay: func(context.Context, payment.PaymentRequest) payment.Answer { return declined("1201", false) },
		query: func(int, payment.Query) payment.QueryResult { return finding(payment.NotFound) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		time.Sleep(time.Second)
		early := scanner.Scan{Text: "287255838063025836", Device: "test", At: time.Now()}
		c.until("a", sale.Waiting, 10*time.Second)
		c.Sink("1").Scanned(early) // delivered late
		if v := c.state("a"); v.State != sale.Waiting || g.number("pay") != 1 {
			t.Errorf("an old scan paid: %+v", v)
		}
	})
}

// A preparing gateway counts the connections that are to be kept ready.
type preparing struct {
	*fakeGateway
	ready, whenPaid atomic.Int32
}

func (g *preparing) Prepare(ctx context.Context) error {
	g.ready.Add(1)
	context.AfterFunc(ctx, func() { g.ready.Add(-1) })
	return nil
}

func (g *preparing) Pay(ctx context.Context, o payment.PaymentRequest) payment.Answer {
	g.whenPaid.Store(g.ready.Load())
	return g.fakeGateway.Pay(ctx, o)
}

// While a sale waits, a connection is ready; the payment finds it, and nothing of it is left behind.
func TestConnectionIsReadyWhileASaleWaits(t *testing.T) {
	g := &preparing{fakeGateway: &fakeGateway{pay: always(payment.Paid)}}
	bubble(t, g.fakeGateway, func(c *counter) {
		c.cfg.Gateway = g
		for _, id := range []string{"a", "b"} {
			c.open(id)
			synctest.Wait()
			if n := g.ready.Load(); n != 1 {
				t.Errorf("%d connections are ready while %s waits", n, id)
			}
			c.scan(code[:17] + id[:1])
			c.until(id, sale.Paid, time.Second)
			if n := g.whenPaid.Load(); n != 1 {
				t.Errorf("the payment of %s found %d connections", id, n)
			}
			if n := g.ready.Load(); n != 0 {
				t.Errorf("%d connections are kept ready for nobody", n)
			}
		}
		c.open("d")
		c.CancelSale(ctx, "d", "till")
		synctest.Wait()
		if n := g.ready.Load(); n != 0 {
			t.Errorf("%d connections are kept ready after a cancellation", n)
		}
	})
}
