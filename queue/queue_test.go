package queue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
	"cpmd/scanner"
)

var ctx = context.Background()

func TestPaidAtOnce(t *testing.T) {
	bubble(t, &fakeGateway{pay: always(payment.Paid)}, func(c *counter) {
		if v := c.open("a"); v.State != sale.Waiting || v.DecideBy == nil {
			t.Fatalf("opened as %+v", v)
		}
		c.scan(code)
		v := c.state("a")
		if v.State != sale.Paid || !v.Final || v.Wallet != "alipay" || v.Payments[0].AuthCode != "2804**********5813" || v.DecideBy != nil {
			t.Fatalf("got %+v", v)
		}
		if o := c.g.orders[0]; o.Amount != 12850 || o.AuthCode.Reveal() != code || o.Currency != "HKD" || o.TxDTM != "2000-01-01 08:00:00" {
			t.Errorf("sent %+v", o)
		}
		if len(c.beeps.good) != 1 || !c.beeps.good[0] {
			t.Errorf("the customer heard %v", c.beeps.good)
		}
		if want := []bool{false, true, false, false}; !slices.Equal(c.beeps.armed, want) {
			t.Errorf("armed %v, want %v: only while the sale waits", c.beeps.armed, want)
		}
	})
}

func TestPendingIsFollowed(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Pending), query: func(n int, _ payment.Query) payment.QueryResult {
		if n < 4 {
			return finding(payment.Pending)
		}
		return finding(payment.Paid)
	}}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if v := c.state("a"); v.State != sale.Confirming || !strings.Contains(v.Message, "on the phone") {
			t.Fatalf("got %+v", v)
		}
		if took := c.until("a", sale.Paid, time.Minute); took < 7*time.Second || took > 10*time.Second {
			t.Errorf("paid after %v, want about four polls of 2 s", took)
		}
	})
}

// A declined code is believed only when a query agrees; then a fresh code pays, under a new number.
func TestDeclinedThenFreshCode(t *testing.T) {
	g := &fakeGateway{}
	g.pay = func(_ context.Context, o payment.PaymentRequest) payment.Answer {
		if o.AuthCode == code {
			return answer(payment.Declined)
		}
		return answer(payment.Paid)
	}
	asked := false
	g.query = func(int, payment.Query) payment.QueryResult { asked = true; return finding(payment.Declined) }
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if v := c.state("a"); v.State != sale.Waiting || !asked {
			t.Fatalf("after a decline: %+v, asked %v", v, asked)
		}
		c.scan("134676275354204254")
		v := c.state("a")
		if v.State != sale.Paid || len(v.Payments) != 2 || v.Payments[0].State != "declined" || v.Payments[0].OutTradeNo == v.Payments[1].OutTradeNo {
			t.Fatalf("got %+v", v)
		}
	})
}

// QFPay says "failed" and took the money all the same.
func TestDeclinedButPaid(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Declined), query: func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if v := c.state("a"); v.State != sale.Paid {
			t.Fatalf("got %+v", v)
		}
	})
}

// A wrong key: QFPay refuses the payment and the question with the same code. The cashier learns at once that it
// is the shop's set-up; the money cannot have moved.
func TestMisconfigured(t *testing.T) {
	refused := finding(payment.Unknown)
	refused.RespCD, refused.Setup = "1108", true
	g := &fakeGateway{pay: always(payment.Misconfigured), query: func(int, payment.Query) payment.QueryResult { return refused }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if v := c.state("a"); v.State != sale.NotPaid || v.Reason != sale.Misconfigured {
			t.Fatalf("got %+v", v)
		}
		// Without the payment's own answer the refused question tells nothing.
		g.now(func(g *fakeGateway) { g.pay = lost })
		c.open("b")
		c.scan("134676275354204254")
		c.until("b", sale.Unresolved, 3*time.Minute)
	})
}

// An empty list right after a decline proves nothing: the payment may not be listed yet.
func TestEmptyListProvesNothingBeforeTheWindow(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Declined), query: func(n int, _ payment.Query) payment.QueryResult {
		if n < 4 {
			return finding(payment.NotFound)
		}
		return finding(payment.Paid)
	}}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Paid, time.Minute)
	})
}

// An empty list proves nothing where not all months were searched, however often it comes.
func TestEmptyListThatWasNotSearchedEverywhere(t *testing.T) {
	g := &fakeGateway{pay: lost}
	g.query = func(int, payment.Query) payment.QueryResult {
		return payment.QueryResult{Answer: payment.Answer{Meaning: payment.NotFound}}
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		time.Sleep(24 * time.Hour)
		if v := c.state("a"); v.State != sale.Unresolved {
			t.Errorf("got %+v", v)
		}
	})
}

// A restart does not know what the old process still had on the way: the answer window begins anew.
func TestRestartBeginsTheWindowAnew(t *testing.T) {
	g := &fakeGateway{pay: lost}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		time.Sleep(50 * time.Second)
		c.close()
		g.now(func(g *fakeGateway) {
			g.query = func(int, payment.Query) payment.QueryResult { return finding(payment.NotFound) }
		})
		c.start()
		time.Sleep(55 * time.Second)
		if v := c.state("a"); v.Final {
			t.Errorf("proved within the window: %+v", v)
		}
		c.until("a", sale.NotPaid, 20*time.Second)
	})
}

// The cashier is told by decide_by, also while QFPay leaves every question hanging.
func TestDecideByIsKept(t *testing.T) {
	g := &fakeGateway{pay: lost}
	g.query = func(int, payment.Query) payment.QueryResult {
		time.Sleep(50 * time.Minute)
		return finding(payment.Unknown)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		v := c.state("a")
		c.until("a", sale.Unresolved, 3*time.Minute)
		if late := time.Since(*v.DecideBy); late > time.Second {
			t.Errorf("%v after it was promised", late)
		}
		time.Sleep(time.Hour) // the questions end
	})
}

func TestAnswerLostThenFoundPaid(t *testing.T) {
	g := &fakeGateway{pay: lost, query: func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if v := c.state("a"); v.State != sale.Paying {
			t.Fatalf("got %+v", v)
		}
		c.until("a", sale.Paid, 45*time.Second)
		if g.number("pay") != 1 {
			t.Errorf("%d payment requests", g.number("pay"))
		}
	})
}

func TestNeverArrivedIsProvedByEmptyLists(t *testing.T) {
	g := &fakeGateway{pay: lost, query: func(int, payment.Query) payment.QueryResult { return finding(payment.NotFound) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		took := c.until("a", sale.NotPaid, 2*time.Minute)
		if took < time.Minute || g.number("cancel") != 1 {
			t.Errorf("proved after %v and %d cancellations; it may still have been under way", took, g.number("cancel"))
		}
		if v := c.state("a"); v.Reason != sale.NotSent {
			t.Errorf("reason %s", v.Reason)
		}
		// The code has left this machine, so no other sale is paid with it.
		c.open("b")
		c.scan(code)
		if v := c.state("b"); v.State != sale.Waiting {
			t.Errorf("the code was taken again: %+v", v)
		}
		c.scan(code[:17] + "4")
		if v := c.state("b"); v.State != sale.Paying {
			t.Errorf("a fresh code was not taken: %+v", v)
		}
	})
}

// A refund whose answer is lost may still be on its way: two empty lists at once prove nothing.
func TestRefundMayArriveLate(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Unknown) }}
	g.query = func(n int, _ payment.Query) payment.QueryResult {
		if n < 10 {
			return finding(payment.NotFound)
		}
		return finding(payment.Paid)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Paid, time.Second)
		if _, _, err := c.PutRefund(context.Background(), sale.RefundRequest{ID: "r", Sale: "a", Amount: 100}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if v, err := c.Refund(context.Background(), "r"); err != nil || v.State != sale.Refunded {
			t.Errorf("%+v, %v; want it refunded", v, err)
		}
	})
}

func TestNotSentIsTriedAgainWithTheSameNumber(t *testing.T) {
	n := 0
	g := &fakeGateway{pay: func(context.Context, payment.PaymentRequest) payment.Answer {
		if n++; n < 3 {
			return answer(payment.NotSent)
		}
		return answer(payment.Paid)
	}}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Paid, 20*time.Second)
		if len(g.orders) != 3 || g.orders[0] != g.orders[2] {
			t.Errorf("sent %+v", g.orders)
		}
	})
}

func TestNoNetwork(t *testing.T) {
	bubble(t, &fakeGateway{pay: always(payment.NotSent)}, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.NotPaid, 20*time.Second)
		if v := c.state("a"); v.Reason != sale.NotSent {
			t.Errorf("got %+v", v)
		}
		c.g.now(func(g *fakeGateway) { g.pay = always(payment.Paid) })
		c.open("b") // the same code was never seen by QFPay: it may be used
		c.scan(code)
		c.until("b", sale.Paid, time.Second)
	})
}

func TestNeverConfirmedIsReversed(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Pending)}
	cancelled := false
	g.query = func(int, payment.Query) payment.QueryResult {
		if cancelled {
			return finding(payment.Undone)
		}
		return finding(payment.Pending)
	}
	g.cancel = func(int, payment.CancelRequest) payment.Answer { cancelled = true; return answer(payment.Undone) }
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		took := c.until("a", sale.NotPaid, 2*time.Minute)
		if v := c.state("a"); v.Reason != sale.Reversed || took < 58*time.Second || took > 66*time.Second {
			t.Errorf("%s after %v", v.Reason, took)
		}
	})
}

// "Cancelled" is never said because the cancellation was accepted, only because a query shows it.
func TestCancelRaceLost(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Pending)}
	cancelled := false
	g.query = func(int, payment.Query) payment.QueryResult {
		if cancelled {
			return finding(payment.Paid)
		}
		return finding(payment.Pending)
	}
	g.cancel = func(int, payment.CancelRequest) payment.Answer {
		cancelled = true
		return payment.Answer{Meaning: payment.Refused, RespCD: "1260"}
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if v, err := c.CancelSale(ctx, "a", "till"); err != nil || v.State != sale.Reversing {
			t.Fatalf("cancel: %+v %v", v, err)
		}
		if v := c.state("a"); v.State != sale.Paid {
			t.Fatalf("got %+v", v)
		}
	})
}

// The customer pays after every cancellation was refused: as soon as none of them can undo it, the till is told.
func TestPaidAfterRefusedCancellations(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Pending)}
	g.cancel = func(int, payment.CancelRequest) payment.Answer {
		return payment.Answer{Meaning: payment.Refused, RespCD: "1297"}
	}
	bubble(t, g, func(c *counter) {
		began := time.Now()
		g.query = func(int, payment.Query) payment.QueryResult {
			if time.Since(began) < 95*time.Second {
				return finding(payment.Pending)
			}
			return finding(payment.Paid)
		}
		c.open("a")
		c.scan(code)
		c.until("a", sale.Paid, 140*time.Second)
		if n := g.number("cancel"); n != 3 {
			t.Errorf("%d cancellations", n)
		}
	})
}

// A cancellation that was accepted may give the money back a moment after a query showed it as paid.
func TestPaidIsNotBelievedWhileACancellationMayStillWork(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Pending)}
	after := 0
	g.cancel = func(int, payment.CancelRequest) payment.Answer { after = 1; return answer(payment.Undone) }
	g.query = func(int, payment.Query) payment.QueryResult {
		switch {
		case after == 0:
			return finding(payment.Pending)
		case after < 6:
			after++
			return finding(payment.Paid)
		}
		return finding(payment.Undone)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if _, err := c.CancelSale(ctx, "a", "till"); err != nil {
			t.Fatal(err)
		}
		c.until("a", sale.NotPaid, time.Minute)
		if v := c.state("a"); v.Reason != sale.Cancelled {
			t.Errorf("got %+v", v)
		}
	})
}

func TestUnresolvedFreesTheLaneAndIsStillFollowed(t *testing.T) {
	g := &fakeGateway{pay: lost}
	bubble(t, g, func(c *counter) {
		v := c.open("a")
		c.scan(code)
		v = c.state("a")
		took := c.until("a", sale.Unresolved, 3*time.Minute)
		if at := time.Now(); v.DecideBy == nil || at.Sub(*v.DecideBy).Abs() > time.Second {
			t.Errorf("unresolved after %v, promised by %v", took, v.DecideBy)
		}
		_, _, err := c.PutSale(ctx, sale.Request{ID: "again", Amount: 12850, Currency: "HKD", Lane: "2", Ticket: "bill-a"})
		wantCode(t, err, sale.TicketUnresolved, "a")
		g.now(func(g *fakeGateway) { g.pay = always(payment.Paid) })
		c.open("b") // the lane goes on with others
		c.scan("134676275354204254")
		c.until("b", sale.Paid, time.Second)
		asked := g.number("query")
		time.Sleep(5 * time.Hour)
		if n := g.number("query") - asked; n < 5 || n > 9 {
			t.Errorf("%d queries in five hours", n)
		}
		g.now(func(g *fakeGateway) {
			g.query = func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }
		})
		c.until("a", sale.Paid, 2*time.Hour)
	})
}

func wantCode(t *testing.T, err error, want sale.Code, other string) {
	t.Helper()
	var e *sale.Error
	if !errors.As(err, &e) || e.Code != want || e.Sale != other || e.Detail == "" {
		t.Errorf("got %v (%+v), want %s naming %q", err, e, want, other)
	}
}

func TestRefusals(t *testing.T) {
	bubble(t, &fakeGateway{pay: always(payment.Pending), query: func(int, payment.Query) payment.QueryResult { return finding(payment.Pending) }}, func(c *counter) {
		first := c.open("a")
		again, created, err := c.PutSale(ctx, sale.Request{ID: "a", Amount: 12850, Currency: "HKD", Lane: "1", Ticket: "bill-a"})
		if err != nil || created || again.Seq != first.Seq {
			t.Errorf("the same again: %+v %v %v", again, created, err)
		}
		for _, tc := range []struct {
			r    sale.Request
			want sale.Code
			sale string
		}{
			{sale.Request{ID: "a", Amount: 12851, Currency: "HKD", Lane: "1", Ticket: "bill-a"}, sale.IDReused, "a"},
			{sale.Request{ID: "b", Amount: 1, Currency: "HKD", Lane: "1"}, sale.LaneBusy, "a"},
			{sale.Request{ID: "b", Amount: 12850, Currency: "HKD", Lane: "2", Ticket: "bill-a"}, sale.TicketUnresolved, "a"},
			{sale.Request{ID: "b", Amount: 1, Currency: "HKD"}, sale.UnknownLane, ""},
			{sale.Request{ID: "b", Amount: 1, Currency: "HKD", Lane: "9"}, sale.UnknownLane, ""},
			{sale.Request{ID: "b", Amount: 1, Currency: "EUR", Lane: "2"}, sale.InvalidRequest, ""},
			{sale.Request{ID: "b", Amount: 0, Currency: "HKD", Lane: "2"}, sale.InvalidRequest, ""},
			{sale.Request{ID: "b", Amount: 1 << 60, Currency: "HKD", Lane: "2"}, sale.InvalidRequest, ""},
			{sale.Request{ID: "b/../c", Amount: 1, Currency: "HKD", Lane: "2"}, sale.InvalidRequest, ""},
			{sale.Request{ID: "b", Amount: 1, Currency: "HKD", Lane: "2", AuthCode: "4006381333931"}, sale.InvalidRequest, ""},
		} {
			_, _, err := c.PutSale(ctx, tc.r)
			wantCode(t, err, tc.want, tc.sale)
		}
		c.scan(code)
		_, _, err = c.PutSale(ctx, sale.Request{ID: "b", Amount: 1, Currency: "HKD", Lane: "2", AuthCode: code})
		wantCode(t, err, sale.CodeUsed, "")
		_, err = c.Sale(ctx, "zzz")
		wantCode(t, err, sale.UnknownSale, "")
		wantCode(t, c.Feed(ctx, "1", code), sale.NotVirtual, "")
	})
}

// Scans that belong to no sale: told to the till, and nothing is charged.
func TestScansThatPayNothing(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Pending), query: func(int, payment.Query) payment.QueryResult { return finding(payment.Pending) }}
	bubble(t, g, func(c *counter) {
		c.scan(code) // nobody waits
		time.Sleep(2 * time.Second)
		early := scanner.Scan{Text: code, At: time.Now()}
		time.Sleep(time.Millisecond)
		c.open("a")
		c.Queue.Sink("1").Scanned(early) // older than the sale
		synctest.Wait()
		time.Sleep(2 * time.Second)
		c.scan("4006381333931")          // goods
		c.scan("https://example.com/me") // an address
		if v := c.state("a"); v.State != sale.Waiting || g.number("pay") != 0 {
			t.Fatalf("got %+v, %d payments", v, g.number("pay"))
		}
		c.scan(code)
		c.scan(code) // its echo
		time.Sleep(time.Second)
		c.scan(code) // and again
		if g.number("pay") != 1 {
			t.Errorf("%d payments", g.number("pay"))
		}
		c.scan("134676275354204254") // another customer's, while the first one pays
		notices, err := c.Notices(ctx, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var scans []string
		for _, n := range notices {
			if strings.Contains(string(n.Data), code) || strings.Contains(string(n.Data), "134676275354204254") {
				t.Errorf("a payment code is told: %s", n.Data)
			}
			if n.Kind == "scan" {
				scans = append(scans, string(n.Data))
			}
		}
		if len(scans) != 5 || !strings.Contains(scans[2], "4006381333931") {
			t.Errorf("told %q", scans)
		}
		if g.number("pay") != 1 {
			t.Errorf("%d payments", g.number("pay"))
		}
	})
}

// The daemon stops in the middle and starts again: what may have been sent is asked for, never sent again.
func TestRestartWhilePaying(t *testing.T) {
	g := &fakeGateway{pay: lost, query: func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.close()
		c.start()
		c.until("a", sale.Paid, time.Second)
		if g.number("pay") != 1 {
			t.Errorf("%d payment requests", g.number("pay"))
		}
	})
}

func TestRestartWhileWaiting(t *testing.T) {
	bubble(t, &fakeGateway{pay: always(payment.Paid)}, func(c *counter) {
		c.open("a")
		c.close()
		c.start()
		_, _, err := c.PutSale(ctx, sale.Request{ID: "b", Amount: 1, Currency: "HKD", Lane: "1"})
		wantCode(t, err, sale.LaneBusy, "a")
		c.scan(code)
		c.until("a", sale.Paid, time.Second)
	})
}

func TestNobodyScans(t *testing.T) {
	bubble(t, &fakeGateway{}, func(c *counter) {
		c.open("a")
		if took := c.until("a", sale.NotPaid, 2*time.Minute); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("after %v", took)
		}
		if v := c.state("a"); v.Reason != sale.NoScan {
			t.Errorf("got %+v", v)
		}
		c.scan(code)
		if c.g.number("pay") != 0 {
			t.Error("a late scan was paid")
		}
	})
}

func TestRefunds(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid)}
	g.refund = func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }
	bubble(t, g, func(c *counter) {
		c.open("a")
		_, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r0", Sale: "a", Amount: 1})
		wantCode(t, err, sale.NotRefundable, "a")
		c.scan(code)
		c.until("a", sale.Paid, time.Second)
		if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r1", Sale: "a", Amount: 10000}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if r, err := c.Refund(ctx, "r1"); err != nil || r.State != sale.Refunded {
			t.Fatalf("%+v %v", r, err)
		}
		if v := c.state("a"); v.Refunded != 10000 || v.State != sale.Paid {
			t.Errorf("got %+v", v)
		}
		if _, created, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r1", Sale: "a", Amount: 10000}); err != nil || created {
			t.Errorf("the same again: %v %v", created, err)
		}
		_, _, err = c.PutRefund(ctx, sale.RefundRequest{ID: "r1", Sale: "a", Amount: 1})
		wantCode(t, err, sale.IDReused, "a")
		_, _, err = c.PutRefund(ctx, sale.RefundRequest{ID: "r2", Sale: "a", Amount: 2851})
		wantCode(t, err, sale.NotRefundable, "a")
		_, _, err = c.PutRefund(ctx, sale.RefundRequest{ID: "r2", Sale: "zzz", Amount: 1})
		wantCode(t, err, sale.UnknownSale, "")
		// The answer is lost; a query with the refund's own number finds it.
		g.now(func(g *fakeGateway) {
			g.refund = func(int, payment.RefundRequest) payment.Answer { return answer(payment.Unknown) }
		})
		g.now(func(g *fakeGateway) {
			g.query = func(n int, q payment.Query) payment.QueryResult {
				if !q.Refund {
					t.Error("asked for a payment")
				}
				if n < 3 {
					return finding(payment.Pending)
				}
				return finding(payment.Paid)
			}
		})
		if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r3", Sale: "a", Amount: 2850}); err != nil {
			t.Fatal(err)
		}
		_, _, err = c.PutRefund(ctx, sale.RefundRequest{ID: "r4", Sale: "a", Amount: 1})
		wantCode(t, err, sale.NotRefundable, "a")
		time.Sleep(time.Minute)
		if r, err := c.Refund(ctx, "r3"); err != nil || r.State != sale.Refunded || g.number("refund") != 2 {
			t.Errorf("%+v %v after %d requests", r, err, g.number("refund"))
		}
		if tot, err := c.Totals(ctx, ""); err != nil || len(tot.Rows) != 1 || tot.Rows[0].Amount != 12850 || tot.Rows[0].RefundedTotal != 12850 || tot.Rows[0].Refunds != 2 {
			t.Errorf("%+v %v", tot, err)
		}
	})
}

// A full disk: nothing is sent that is not in the journal, and it goes on by itself when there is room.
func TestDiskFull(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Pending), query: func(int, payment.Query) payment.QueryResult { return finding(payment.Pending) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		full := func(on bool) {
			if err := c.ask(ctx, func() error {
				limit := "1"
				if !on {
					limit = "1000000"
				}
				err := c.cfg.Journal.LimitPages(limit)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		full(true)
		opened := 0
		for i := range 200 { // what fits into pages that exist still goes in
			_, _, err := c.PutSale(ctx, sale.Request{ID: "b" + strings.Repeat("x", i%60), Amount: int64(1 + i), Currency: "HKD", Lane: "2", Ticket: strings.Repeat("t", 60)})
			if err == nil {
				opened++
				continue
			}
			var e *sale.Error
			if errors.As(err, &e) && e.Code == sale.JournalUnavailable {
				break
			}
			if _, err := c.CancelSale(ctx, "b"+strings.Repeat("x", (i-1)%60), "t"); err != nil {
				break
			}
		}
		if c.Ready() == nil {
			t.Fatal("ready with a full disk")
		}
		g.now(func(g *fakeGateway) {
			g.query = func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }
		})
		time.Sleep(10 * time.Second)
		if v := c.state("a"); v.State != sale.Confirming {
			t.Errorf("got %+v", v)
		}
		_, _, err := c.PutSale(ctx, sale.Request{ID: "c", Amount: 1, Currency: "HKD", Lane: "2"})
		if err == nil {
			t.Error("a sale was accepted with a full disk")
		}
		full(false)
		c.until("a", sale.Paid, 5*time.Second)
		if err := c.Ready(); err != nil {
			t.Error(err)
		}
		if g.number("pay") != 1 {
			t.Errorf("%d payments", g.number("pay"))
		}
	})
}
