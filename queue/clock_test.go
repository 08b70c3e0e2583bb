package queue

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

func TestClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{5 * time.Hour, -5 * time.Hour} {
		g := &fakeGateway{pay: lost, query: func(int, payment.Query) payment.QueryResult { return finding(payment.NotFound) }}
		bubble(t, g, func(c *counter) {
			c.open("a")
			c.scan(code)
			time.Sleep(20 * time.Second)
			c.jump(jump)
			time.Sleep(15 * time.Second)
			if v := c.state("a"); v.State != sale.Confirming {
				t.Errorf("jump %v: %+v", jump, v)
			}
			if took := c.until("a", sale.NotPaid, time.Minute); took < 25*time.Second || took > 35*time.Second {
				t.Errorf("jump %v: proved %v after the jump's 15 s, want at 60 s from the start", jump, took)
			}
		})
	}
}

const weeks = 40 * 24 * time.Hour

// What the journal held back while the clock jumped is judged by the new time, and the limits go with it once.
func TestClockJumpsWhileTheJournalIsDown(t *testing.T) {
	for _, jump := range []time.Duration{weeks, -weeks} {
		var down atomic.Bool
		before := func(journal.Write) error {
			if down.Load() {
				return diskFault(13)
			}
			return nil
		}
		g := &fakeGateway{query: func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }}
		g.pay = func(context.Context, payment.PaymentRequest) payment.Answer {
			time.Sleep(5 * time.Second)
			return answer(payment.Pending)
		}
		onBadDisk(t, g, journal.Hooks{Before: before}, func(c *counter, _ <-chan error) {
			c.open("A")
			c.scan(code)
			down.Store(true)
			time.Sleep(10 * time.Second)
			c.jump(jump)
			time.Sleep(10 * time.Second)
			down.Store(false)
			c.until("A", sale.Paid, 10*time.Second)
		})
	}
}

// A clock that was set wrongly while cpmd was away keeps no customer waiting, and asks QFPay no more than usual.
func TestClockIsWrongAtRestart(t *testing.T) {
	for _, jump := range []time.Duration{weeks, -weeks} {
		g := &fakeGateway{pay: always(payment.Declined)}
		bubble(t, g, func(c *counter) {
			c.open("a")
			c.scan(code)
			c.close()
			c.jump(jump)
			g.now(func(g *fakeGateway) {
				g.query = func(int, payment.Query) payment.QueryResult { return finding(payment.Declined) }
			})
			c.start()
			c.until("a", sale.NotPaid, 65*time.Second)

			g.now(func(g *fakeGateway) {
				g.pay, g.query = always(payment.Paid), nil
				g.refund = func(int, payment.RefundRequest) payment.Answer { return answer(payment.Unknown) }
			})
			c.open("b")
			c.scan("134676275354204254")
			if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r", Sale: "b", Amount: 1}); err != nil {
				t.Fatal(err)
			}
			c.close()
			c.jump(-jump)
			c.start()
			asked := g.number("query")
			time.Sleep(24 * time.Hour)
			if n := g.number("query") - asked; n > 120 {
				t.Errorf("jump %v: %d queries for one refund in a day", jump, n)
			}
		})
	}
}

// The months that are searched for a payment are those of the clock as it is, and as it was.
func TestSearchedMonthsFollowTheClock(t *testing.T) {
	for _, jump := range []time.Duration{weeks, -weeks} {
		var asked atomic.Value
		g := &fakeGateway{pay: always(payment.Pending)}
		g.query = func(_ int, q payment.Query) payment.QueryResult {
			asked.Store(q)
			return finding(payment.Pending)
		}
		bubble(t, g, func(c *counter) {
			c.open("a")
			c.scan(code)
			c.jump(jump)
			time.Sleep(40 * time.Second)
			q := asked.Load().(payment.Query)
			if q.Created.After(q.Now.Add(-30*time.Second)) || jump < 0 && q.Now.Sub(q.Created) > time.Hour {
				t.Errorf("jump %v: sent %v, asked %v", jump, q.Created, q.Now)
			}
		})
	}
}
