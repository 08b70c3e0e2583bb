package queue

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// A machine that lost the answer to "delivered" asks again after staff gave the whole amount back: it must not hand over now.
func TestDeliveredAgainAfterAWholeRefund(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) },
		query: func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }}
	bubble(t, g, func(c *counter) {
		c.openSettled("a")
		if _, err := c.ConfirmDelivery(ctx, "a", "machine"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "part", Sale: "a", Amount: 100}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := c.ConfirmDelivery(ctx, "a", "machine"); err != nil {
			t.Errorf("a part went back, and the goods stay: %v", err)
		}
		time.Sleep(time.Minute)
		if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "rest", Sale: "a", Amount: 400}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		_, err := c.ConfirmDelivery(ctx, "a", "machine")
		wantCode(t, err, sale.NotDeliverable, "a")
	})
}

// gone is a payment whose whole money went back at QFPay.
func gone() payment.QueryResult {
	f := finding(payment.Undone)
	f.Cancel, f.Listed = "3", true
	return f
}

// QFPay shows the money of a machine's sale as gone: nothing is handed over for it until QFPay shows it again.
func TestGoodsWithoutMoney(t *testing.T) {
	var missing atomic.Bool
	missing.Store(true)
	g := &fakeGateway{pay: always(payment.Paid)}
	g.query = func(int, payment.Query) payment.QueryResult {
		if missing.Load() {
			return gone()
		}
		return finding(payment.Paid)
	}
	bubble(t, g, func(c *counter) {
		c.openSettled("a")
		ask := func() {
			if _, err := c.AskNow(ctx, "a", "boss"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		ask()
		c.wantAlarm("the shop may not have this money")
		_, err := c.ConfirmDelivery(ctx, "a", "machine")
		wantCode(t, err, sale.NotDeliverable, "a")
		missing.Store(false)
		ask()
		_, err = c.ConfirmDelivery(ctx, "a", "machine")
		wantCode(t, err, sale.NotDeliverable, "a") // one look may be a stale one
		ask()
		if _, err := c.ConfirmDelivery(ctx, "a", "machine"); err != nil {
			t.Errorf("QFPay shows the money again: %v", err)
		}
	})
}

// Staff gave a machine's money back in the portal, and then its time is up: cpmd sees that it went back, tells a person, and does
// not ask for it to go back again and again.
func TestReturnOfWhatWentBackAlready(t *testing.T) {
	refuse := payment.Answer{Meaning: payment.Refused, RespCD: "1262", Genuine: true}
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return refuse }}
	g.query = func(_ int, q payment.Query) payment.QueryResult {
		if q.Refund {
			return finding(payment.NotFound)
		}
		return gone()
	}
	bubble(t, g, func(c *counter) {
		c.openSettled("a")
		time.Sleep(72 * time.Hour)
		if n := g.number("refund"); n > 1 {
			t.Errorf("asked %d times for money that went back", n)
		}
		c.wantAlarm("given back")
		if v := c.state("a"); v.Message != "Paid, but QFPay does not show the money as the shop's: look it up in QFPay's portal. Do not hand over goods for it." {
			t.Errorf("told %q", v.Message)
		}
	})
}

// What went back in the portal is decided by a person, once QFPay shows it so; where QFPay shows the money again, a person is told.
func TestOperatorDecidesThatTheMoneyWentBack(t *testing.T) {
	for _, tc := range []struct {
		name      string
		paidAgain bool
	}{{"it did", false}, {"it did not", true}} {
		t.Run(tc.name, func(t *testing.T) {
			var paid atomic.Bool
			paid.Store(true)
			g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer {
				return payment.Answer{Meaning: payment.Refused, RespCD: "1262", Genuine: true}
			}}
			g.query = func(_ int, q payment.Query) payment.QueryResult {
				switch {
				case q.Refund:
					return finding(payment.NotFound)
				case paid.Load():
					return finding(payment.Paid)
				}
				return gone()
			}
			bubble(t, g, func(c *counter) {
				word := sale.Resolution{ID: "a", Outcome: sale.State(sale.Returned), Note: "seen in the portal", By: "boss"}
				c.openSettled("a")
				_, err := c.Resolve(ctx, word)
				wantCode(t, err, sale.NotUnresolved, "a") // nothing is being returned yet
				time.Sleep(time.Hour)
				if v := c.state("a"); v.Delivery != sale.Returning {
					t.Fatalf("delivery %q", v.Delivery)
				}
				_, err = c.Resolve(ctx, word)
				wantCode(t, err, sale.ContradictsGateway, "a")
				paid.Store(false)
				time.Sleep(72 * time.Hour)
				alarms := len(c.openAlarms())
				if _, err := c.Resolve(ctx, word); err != nil {
					t.Fatal(err)
				}
				v := c.state("a")
				if v.Delivery != sale.Returned || v.Message != "Paid; an operator decided that the money went back. Do not hand over the goods." {
					t.Errorf("delivery %q, told %q", v.Delivery, v.Message)
				}
				_, err = c.ConfirmDelivery(ctx, "a", "machine")
				wantCode(t, err, sale.NotDeliverable, "a")
				paid.Store(tc.paidAgain)
				asked := g.number("refund")
				time.Sleep(72 * time.Hour)
				if n := g.number("refund"); n != asked {
					t.Error("what a person decided is asked for again")
				}
				if told := len(c.openAlarms()) != alarms; told != tc.paidAgain {
					t.Errorf("a person was told: %v", told)
				}
				if tc.paidAgain {
					c.wantAlarm("an operator decided that the money of this sale went back, but QFPay shows the payment as paid")
				}
			})
		})
	}
}

// A customer completes a declined payment hours later, when nothing is watched any more: the day's comparison finds the money, and
// it goes back by itself.
func TestMoneyFoundByTheDaysComparison(t *testing.T) {
	var charged atomic.Bool
	var number atomic.Value
	g := &fakeGateway{refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }}
	g.pay = func(_ context.Context, o payment.PaymentRequest) payment.Answer {
		number.Store(o.OutTradeNo)
		return declined("1201", true)
	}
	g.query = func(_ int, q payment.Query) payment.QueryResult {
		if charged.Load() {
			return finding(payment.Paid)
		}
		return finding(payment.NotFound)
	}
	g.list = func(time.Time, time.Time) []payment.Item {
		if !charged.Load() {
			return nil
		}
		return []payment.Item{{OutTradeNo: number.Load().(string), SysSN: "S1", OrderType: "payment", RespCD: "0000", Cancel: "0", Amount: 12850, Currency: "HKD"}}
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.NotPaid, 10*time.Minute)
		time.Sleep(2 * time.Hour)
		charged.Store(true)
		if r, err := c.Reconcile(ctx, "", "boss"); err != nil || len(r.Different) != 1 {
			t.Fatalf("%+v %v", r, err)
		}
		time.Sleep(time.Hour)
		if n := g.number("refund"); n != 1 {
			t.Errorf("%d refunds of money that the shop does not own", n)
		}
		c.wantAlarm(`the till was told "not paid"`)
	})
}

// QFPay said "paid" and has no such payment on its list: the day's comparison has it looked for, and a person told.
func TestPaidSaleThatTheListDoesNotHave(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid)}
	g.query = func(int, payment.Query) payment.QueryResult {
		f := finding(payment.NotFound)
		f.Searched = true
		return f
	}
	g.list = func(time.Time, time.Time) []payment.Item { return nil }
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Paid, time.Second)
		time.Sleep(10 * time.Minute)
		if r, err := c.Reconcile(ctx, "", "boss"); err != nil || len(r.OnlyHere) != 1 {
			t.Fatalf("%+v %v", r, err)
		}
		time.Sleep(24 * time.Hour)
		c.wantAlarm("QFPay does not list this payment")
	})
}
