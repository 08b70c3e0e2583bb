package queue

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// openAlarms are the texts of the alarms that stand.
func (c *counter) openAlarms() (all []string) {
	c.Helper()
	list, err := c.Alarms(ctx, false)
	if err != nil {
		c.Fatal(err)
	}
	for _, a := range list {
		all = append(all, a.What)
	}
	return all
}

func (c *counter) wantAlarm(words string) {
	c.Helper()
	if all := c.openAlarms(); !slices.ContainsFunc(all, func(a string) bool { return strings.Contains(a, words) }) {
		c.Errorf("no alarm says %q: %q", words, all)
	}
}

// genuinely is an answer that QFPay signed.
func genuinely(a payment.Answer) payment.Answer { a.Genuine = true; return a }

func declined(respCD string, soft bool) payment.Answer {
	return genuinely(payment.Answer{Meaning: payment.Declined, RespCD: respCD, Confirm: 1, FreshCode: true, Soft: soft})
}

// A payment that QFPay declined is completed by the customer after a fresh code has paid: the second charge goes back by
// itself, once, and a person is told.
func TestSecondChargeGoesBack(t *testing.T) {
	var first string
	var completed atomic.Bool
	g := &fakeGateway{}
	g.pay = func(_ context.Context, o payment.PaymentRequest) payment.Answer {
		if first == "" || first == o.OutTradeNo {
			first = o.OutTradeNo
			return declined("1205", false)
		}
		return answer(payment.Paid)
	}
	g.query = func(_ int, q payment.Query) payment.QueryResult {
		switch {
		case q.Refund, q.OutTradeNo != first:
			return finding(payment.Paid)
		case completed.Load():
			f := finding(payment.Paid)
			f.SysSN = "first"
			return f
		}
		return finding(payment.NotFound)
	}
	g.refund = func(_ int, r payment.RefundRequest) payment.Answer {
		if r.SysSN != "first" {
			t.Errorf("%s is given back: that is the payment that counts", r.SysSN)
		}
		return answer(payment.Paid)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Waiting, 10*time.Second)
		c.scan("287255838063025836")
		c.until("a", sale.Paid, time.Second)
		completed.Store(true)
		time.Sleep(time.Hour)
		if n := g.number("refund"); n != 1 {
			t.Errorf("%d refunds of the second charge", n)
		}
		if v := c.state("a"); v.State != sale.Paid || v.Refunded != 0 {
			t.Errorf("the sale itself changed: %+v", v)
		}
		c.wantAlarm("charged twice")
		c.close()
		c.start() // nothing comes twice after a restart
		time.Sleep(24 * time.Hour)
		if n := g.number("refund"); n != 1 {
			t.Errorf("%d refunds after a restart", n)
		}
	})
}

// Money of a sale that was told as not paid goes back after a while, unless a person keeps it because the goods went out.
func TestMoneyOfANotPaidSale(t *testing.T) {
	for _, keep := range []bool{false, true} {
		var charged atomic.Bool
		g := &fakeGateway{pay: func(context.Context, payment.PaymentRequest) payment.Answer { return declined("1201", false) },
			refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }}
		g.query = func(int, payment.Query) payment.QueryResult {
			if charged.Load() {
				return finding(payment.Paid)
			}
			return finding(payment.NotFound)
		}
		bubble(t, g, func(c *counter) {
			c.open("a")
			c.scan(code)
			c.until("a", sale.Waiting, 10*time.Second)
			c.CancelSale(ctx, "a", "till")
			charged.Store(true)
			time.Sleep(2 * time.Minute)
			c.wantAlarm(`told "not paid"`)
			if g.number("refund") > 0 {
				t.Fatal("given back before anybody could object")
			}
			if keep {
				list, _ := c.Alarms(ctx, false)
				if _, err := c.SettleAlarm(ctx, list[0].Seq, "the customer took the goods", "boss"); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(20 * time.Minute)
			want := 1
			if keep {
				want = 0
			}
			if n := g.number("refund"); n != want {
				t.Errorf("keep %v: %d refunds", keep, n)
			}
			if keep && len(c.openAlarms()) > 0 {
				t.Error("a settled alarm stands")
			}
		})
	}
}

// An operator decides "not paid" while the customer may still pay: that takes a second word, the order is closed, and
// what the customer pays all the same goes back.
func TestDecidedAgainstTheGateway(t *testing.T) {
	var paid atomic.Bool
	g := &fakeGateway{pay: always(payment.Pending), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }}
	g.query = func(int, payment.Query) payment.QueryResult {
		if paid.Load() {
			return finding(payment.Paid)
		}
		return finding(payment.Pending)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Unresolved, 3*time.Minute)
		word := sale.Resolution{ID: "a", Outcome: sale.NotPaid, Note: "the customer left", By: "boss"}
		_, err := c.Resolve(ctx, word)
		wantCode(t, err, sale.ContradictsGateway, "a")
		cancels := g.number("cancel")
		word.EvenThough = true
		if v, err := c.Resolve(ctx, word); err != nil || v.State != sale.NotPaid {
			t.Fatal(v, err)
		}
		time.Sleep(10 * time.Second)
		if g.number("cancel") == cancels {
			t.Error("the order was not closed")
		}
		paid.Store(true)
		time.Sleep(time.Hour)
		c.wantAlarm(`told "not paid"`)
		if g.number("refund") != 1 {
			t.Errorf("%d refunds", g.number("refund"))
		}
	})
}

// A refund that QFPay shows as done after all calls a person, before the customer gets the money twice.
func TestRefundDoneAfterAll(t *testing.T) {
	var done atomic.Bool
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Unknown) }}
	g.query = func(int, payment.Query) payment.QueryResult {
		if done.Load() {
			return finding(payment.Paid)
		}
		return finding(payment.NotFound)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r", Sale: "a", Amount: 4000}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(45 * time.Second)
		if v, _ := c.Refund(ctx, "r"); v.Final {
			t.Errorf("called %s although the request may still be under way", v.State)
		}
		time.Sleep(3 * time.Minute)
		if v, _ := c.Refund(ctx, "r"); v.State != sale.NotRefunded {
			t.Fatalf("got %+v", v)
		}
		done.Store(true)
		time.Sleep(time.Hour)
		c.wantAlarm("done after all")
	})
}

// A refund that QFPay never lists becomes unresolved, a person is called and can decide it, and then the next refund is
// taken.
func TestRefundThatIsNeverListed(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid)}
	g.refund = func(int, payment.RefundRequest) payment.Answer {
		return payment.Answer{Meaning: payment.Duplicate, RespCD: "1251"}
	}
	g.query = func(int, payment.Query) payment.QueryResult { return finding(payment.NotFound) }
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.PutRefund(ctx, sale.RefundRequest{ID: "r", Sale: "a", Amount: 4000})
		time.Sleep(3 * time.Minute)
		if v, _ := c.Refund(ctx, "r"); v.State != sale.RefundUnresolved || v.Final {
			t.Fatalf("got %+v", v)
		}
		c.wantAlarm("what became of this refund")
		_, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r2", Sale: "a", Amount: 4000})
		wantCode(t, err, sale.NotRefundable, "a")
		d := sale.Resolution{ID: "r", Outcome: sale.State(sale.NotRefunded), Note: "the portal has nothing", By: "boss"}
		if v, err := c.ResolveRefund(ctx, d); err != nil || v.State != sale.NotRefunded {
			t.Fatal(v, err)
		}
		if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r2", Sale: "a", Amount: 4000}); err != nil {
			t.Errorf("the sale cannot be refunded any more: %v", err)
		}
	})
}

// A cancellation that was accepted takes effect after the sale was told as paid: the shop must know that it has no money.
func TestReversedAfterPaid(t *testing.T) {
	var reversed atomic.Bool
	g := &fakeGateway{pay: always(payment.Pending), cancel: func(int, payment.CancelRequest) payment.Answer {
		return payment.Answer{Meaning: payment.Undone, RespCD: "0000"}
	}}
	g.query = func(n int, _ payment.Query) payment.QueryResult {
		switch {
		case reversed.Load():
			f := finding(payment.Undone)
			f.Cancel = "1"
			return f
		case g.number("cancel") > 0:
			return finding(payment.Paid)
		}
		return finding(payment.Pending)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Paid, 3*time.Minute)
		reversed.Store(true)
		time.Sleep(time.Hour)
		c.wantAlarm("may not have this money")
		if v := c.state("a"); v.State != sale.Paid {
			t.Errorf("a final state changed: %+v", v)
		}
	})
}

// What QFPay lists with 0000 is not cancelled, whatever else the row says; it ends with a person, not with a cancellation.
func TestOddSuccessIsNeverCancelled(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Unknown), query: func(int, payment.Query) payment.QueryResult {
		return payment.QueryResult{Answer: payment.Answer{Meaning: payment.Unknown, RespCD: "0000", Alarm: `QFPay shows the unknown cancel "4"`}, Listed: true, Success: true}
	}}
	bubble(t, g, func(c *counter) {
		for _, id := range []string{"a", "b"} {
			c.open(id)
			c.scan(code[:14] + "000" + id)
			c.until(id, sale.Unresolved, 3*time.Minute)
		}
		time.Sleep(2 * time.Hour)
		if n := g.number("cancel"); n != 0 {
			t.Errorf("%d cancellations of what QFPay lists as successful", n)
		}
		if all := c.openAlarms(); len(all) != 1 {
			t.Errorf("the unknown value was told %d times: %q", len(all), all)
		}
	})
}

// A number that QFPay gave means that it knows the payment: empty lists prove nothing then.
func TestAnswerWithANumberIsKnown(t *testing.T) {
	var charged atomic.Bool
	g := &fakeGateway{}
	g.pay = func(context.Context, payment.PaymentRequest) payment.Answer {
		return payment.Answer{Meaning: payment.Unknown, RespCD: "1298", SysSN: "20261122000100020000000001"}
	}
	g.query = func(int, payment.Query) payment.QueryResult {
		if charged.Load() {
			return finding(payment.Paid)
		}
		return finding(payment.NotFound)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Unresolved, 3*time.Minute)
		charged.Store(true)
		c.until("a", sale.Paid, time.Hour)
	})
}

// The same of a row that is listed and cannot be understood.
func TestListedButNotUnderstoodIsKnown(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Unknown)}
	g.query = func(n int, _ payment.Query) payment.QueryResult {
		if n == 1 {
			return payment.QueryResult{Answer: payment.Answer{Meaning: payment.Unknown, RespCD: "1161"}, Listed: true}
		}
		return finding(payment.NotFound)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Unresolved, 3*time.Minute)
		time.Sleep(24 * time.Hour)
		if v := c.state("a"); v.State != sale.Unresolved {
			t.Errorf("called %s, although QFPay once listed it", v.State)
		}
	})
}

// A decline that the customer may still complete is closed at QFPay before the sale takes another code.
func TestSoftDeclineIsClosedFirst(t *testing.T) {
	g := &fakeGateway{pay: func(context.Context, payment.PaymentRequest) payment.Answer { return declined("2007", true) }}
	g.query = func(int, payment.Query) payment.QueryResult {
		if g.number("cancel") > 0 {
			return finding(payment.Undone)
		}
		f := finding(payment.Declined)
		f.RespCD = "2007"
		return f
	}
	g.cancel = func(int, payment.CancelRequest) payment.Answer {
		return payment.Answer{Meaning: payment.Undone, RespCD: "0000"}
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		if took := c.until("a", sale.Waiting, 10*time.Second); g.number("cancel") != 1 {
			t.Errorf("%d cancellations before the next code is taken, after %v", g.number("cancel"), took)
		}
		if v := c.state("a"); !strings.Contains(v.Message, "declined") {
			t.Errorf("the cashier reads %q", v.Message)
		}
	})
}
