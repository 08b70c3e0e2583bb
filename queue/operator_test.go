package queue

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

func (c *counter) openSettled(id string) {
	c.Helper()
	if _, _, err := c.PutSale(ctx, sale.Request{ID: id, Amount: 500, Currency: "HKD", Lane: "1", ConfirmDelivery: true}); err != nil {
		c.Fatal(err)
	}
	c.scan(code)
	c.until(id, sale.Paid, time.Second)
}

func TestDeliveredInTime(t *testing.T) {
	bubble(t, &fakeGateway{pay: always(payment.Paid)}, func(c *counter) {
		c.openSettled("a")
		if v := c.state("a"); v.Delivery != sale.Awaited || v.DeliverBy == nil {
			t.Fatalf("got %+v", v)
		}
		c.close()
		c.start()
		for range 2 { // a machine that lost the answer asks again
			if v, err := c.ConfirmDelivery(ctx, "a", "machine"); err != nil || v.Delivery != sale.Delivered {
				t.Fatalf("%+v %v", v, err)
			}
		}
		time.Sleep(time.Hour)
		if c.g.number("refund") != 0 {
			t.Error("delivered goods were refunded")
		}
	})
}

// Goods that are not handed over are refunded by cpmd itself: once, whatever happens meanwhile.
func TestNotDeliveredIsRefunded(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid)}
	g.refund = func(n int, r payment.RefundRequest) payment.Answer {
		if len(g.calls) < 3 { // the first attempt is refused: not enough unsettled money
			return payment.Answer{Meaning: payment.Refused, RespCD: "1269", RetryLater: true}
		}
		return answer(payment.Paid)
	}
	g.query = func(int, payment.Query) payment.QueryResult {
		f := finding(payment.Refused)
		f.RespCD = "1269"
		return f
	}
	bubble(t, g, func(c *counter) {
		c.openSettled("a")
		time.Sleep(2*time.Minute + time.Second)
		v := c.state("a")
		if v.Delivery != sale.Returning || v.State != sale.Paid {
			t.Fatalf("got %+v", v)
		}
		_, err := c.ConfirmDelivery(ctx, "a", "machine")
		wantCode(t, err, sale.NotDeliverable, "a")
		c.close()
		c.start()
		for c.state("a").Delivery != sale.Returned {
			time.Sleep(time.Second)
			if time.Since(v.CreatedAt) > time.Hour {
				t.Fatalf("got %+v", c.state("a"))
			}
		}
		if v := c.state("a"); v.Refunded != 500 || g.number("refund") != 2 {
			t.Errorf("refunded %d by %d requests", v.Refunded, g.number("refund"))
		}
		if told := c.lastTold("a"); told.Delivery != sale.Returned || told.Refunded != 500 || told.Seq != c.state("a").Seq {
			t.Errorf("the till was last told %+v", told)
		}
		time.Sleep(5 * time.Hour)
		if g.number("refund") != 2 {
			t.Errorf("%d refund requests", g.number("refund"))
		}
	})
}

// Money that cpmd cannot give back, since QFPay never named the payment, is a person's work, and said to be.
func TestReturnWithoutSysSN(t *testing.T) {
	bubble(t, &fakeGateway{pay: lost}, func(c *counter) {
		if _, _, err := c.PutSale(ctx, sale.Request{ID: "a", Amount: 500, Currency: "HKD", Lane: "1", ConfirmDelivery: true}); err != nil {
			t.Fatal(err)
		}
		c.scan(code)
		c.until("a", sale.Unresolved, 3*time.Minute)
		if _, err := c.Resolve(ctx, sale.Resolution{ID: "a", Outcome: sale.Paid, Note: "seen in the portal", By: "uid=1"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Hour)
		d, err := c.Diagnosis(ctx)
		if v := c.state("a"); err != nil || v.Delivery != sale.Returning || len(d.Alarms) != 1 || !strings.Contains(d.Alarms[0].What, "portal") {
			t.Errorf("%v: %s, alarms %+v", err, v.Delivery, d.Alarms)
		}
		told, err := c.Notices(ctx, d.Alarms[0].Seq-1, 1)
		if err != nil || len(told) != 1 || told[0].Kind != "alarm" || !strings.Contains(string(told[0].Data), "portal") {
			t.Errorf("tills were told %+v of the alarm (%v)", told, err)
		}
		all, err := c.Notices(ctx, 0, 1000)
		last, err2 := c.LastSeq(ctx)
		if err != nil || err2 != nil || last < all[len(all)-1].Seq || last != d.Journal.Seq {
			t.Errorf("the last seq is %d (%v, %v)", last, err, err2)
		}
	})
}

// A machine that knows that it failed cancels, and the money goes back at once.
func TestCancelBeforeDelivery(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }}
	bubble(t, g, func(c *counter) {
		c.openSettled("a")
		if _, err := c.CancelSale(ctx, "a", "machine"); err != nil {
			t.Fatal(err)
		}
		if v := c.state("a"); v.Delivery != sale.Returned || v.Refunded != 500 {
			t.Errorf("got %+v", v)
		}
	})
}

func TestOperatorDecides(t *testing.T) {
	for _, outcome := range []sale.State{sale.Paid, sale.NotPaid} {
		g := &fakeGateway{pay: lost}
		bubble(t, g, func(c *counter) {
			c.open("a")
			_, err := c.Resolve(ctx, sale.Resolution{ID: "a", Outcome: outcome, Note: "n", By: "uid=0"})
			wantCode(t, err, sale.NotUnresolved, "a")
			c.scan(code)
			c.until("a", sale.Unresolved, 3*time.Minute)
			_, err = c.Resolve(ctx, sale.Resolution{ID: "a", Outcome: outcome, By: "uid=0"})
			wantCode(t, err, sale.InvalidRequest, "")
			v, err := c.Resolve(ctx, sale.Resolution{ID: "a", Outcome: outcome, Note: "seen in the portal", By: "uid=1000 pid=7"})
			if err != nil || v.State != outcome {
				t.Fatalf("%+v %v", v, err)
			}
			asked := g.number("query")
			time.Sleep(3 * time.Hour)
			if g.number("query") == asked {
				t.Error("a decided payment is not looked at again: operators err")
			}
			if v := c.state("a"); v.State != outcome {
				t.Errorf("the decision did not stay: %+v", v)
			}
			s, err := c.Story(ctx, "a")
			told := false
			for _, l := range s.Lines {
				told = told || strings.Contains(l.Text, "uid=1000") && strings.Contains(l.Text, "seen in the portal")
			}
			if err != nil || !told {
				t.Errorf("%v: who decided and why is not in the story: %+v", err, s.Lines)
			}
		})
	}
}

func TestStory(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Declined)}
	g.query = func(n int, _ payment.Query) payment.QueryResult {
		if n == 1 {
			return finding(payment.NotFound)
		}
		return finding(payment.Declined)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Waiting, time.Minute)
		if _, err := c.CancelSale(ctx, "a", "uid=5"); err != nil {
			t.Fatal(err)
		}
		s, err := c.Story(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, l := range s.Lines {
			all = append(all, l.Text)
		}
		text := strings.Join(all, "\n")
		for _, want := range []string{"Sale opened by the till. Now waiting.", "journaled before anything was sent. Sending the payment. Now paying.", "was answered 1202: declined",
			"QFPay does not list it", "searched everywhere", "Now waiting.", "Cancellation requested (uid=5). Now not_paid."} {
			if _, rest, ok := strings.Cut(text, want); ok {
				text = rest
			} else {
				t.Fatalf("no %q in what is left of the story:\n%s", want, strings.Join(all, "\n"))
			}
		}
		if !strings.HasPrefix(s.Next, "This is final. QFPay is asked once more at ") {
			t.Error(s.Next)
		}
	})
}

// A proof that was wrong calls a person, in the diagnosis and in the journal.
func TestAlarmIsShown(t *testing.T) {
	bubble(t, &fakeGateway{pay: always(payment.Paid)}, func(c *counter) {
		c.open("a")
		v, err := c.CancelSale(ctx, "a", "till")
		if err != nil || v.State != sale.NotPaid {
			t.Fatal(v, err)
		}
		c.open("b")
		c.scan(code)
		number := c.state("b").Payments[0].OutTradeNo
		if err := c.ask(ctx, func() error {
			f := finding(payment.Paid)
			return c.stepSale("b", sale.Event{Kind: sale.QueryAnswered, At: c.clock.now(), Payment: number, Query: &f})
		}); err != nil {
			t.Fatal(err)
		}
		d, err := c.Diagnosis(ctx)
		if err != nil || len(d.Alarms) != 0 {
			t.Fatalf("an alarm for a sale that is paid: %+v %v", d.Alarms, err)
		}
	})
	bubble(t, &fakeGateway{pay: always(payment.NotSent)}, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.NotPaid, time.Minute)
		number := c.state("a").Payments[0].OutTradeNo
		if err := c.ask(ctx, func() error {
			f := finding(payment.Paid)
			return c.stepSale("a", sale.Event{Kind: sale.QueryAnswered, At: c.clock.now(), Payment: number, Query: &f})
		}); err != nil {
			t.Fatal(err)
		}
		d, err := c.Diagnosis(ctx)
		if err != nil || len(d.Alarms) != 1 || d.Alarms[0].ID != "a" || len(d.Advice) == 0 {
			t.Fatalf("%+v %v", d, err)
		}
		if v := c.state("a"); v.State != sale.NotPaid {
			t.Errorf("a final sale changed: %+v", v)
		}
	})
}

// A refund that QFPay lost track of for days is still followed.
func TestRefundSurvivesDaysAndRestarts(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Unknown) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if _, _, err := c.PutRefund(context.Background(), sale.RefundRequest{ID: "r", Sale: "a", Amount: 12850}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(30 * time.Hour)
			c.close()
			c.start()
		}
		g.now(func(g *fakeGateway) {
			g.query = func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }
		})
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if r, err := c.Refund(ctx, "r"); err != nil || r.State != sale.Refunded || g.number("refund") != 1 {
			t.Errorf("%+v %v after %d requests", r, err, g.number("refund"))
		}
	})
}
