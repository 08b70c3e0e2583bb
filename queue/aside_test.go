package queue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// Staff refund a machine's sale by hand; then its time is up, or it cancels. There is nothing left to give back, and
// nothing may stop for it: the other lane's customer is followed to the end.
func TestHandRefundThenNothingLeftToReturn(t *testing.T) {
	for _, cancels := range []bool{false, true} {
		g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) },
			query: func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }}
		bubble(t, g, func(c *counter) {
			c.openSettled("a")
			if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "by-hand", Sale: "a", Amount: 500}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if _, err := c.ConfirmDelivery(ctx, "a", "machine"); err == nil {
				t.Error("goods for free: delivery was confirmed after the whole amount was refunded")
			}
			if cancels {
				c.CancelSale(ctx, "a", "machine")
			}
			g.now(func(g *fakeGateway) { g.pay = always(payment.Pending) })
			c.close()
			c.start()
			time.Sleep(time.Minute)
			if _, _, err := c.PutSale(ctx, sale.Request{ID: "b", Amount: 100, Currency: "HKD", Lane: "2"}); err != nil {
				t.Fatal(err)
			}
			c.scanOn("2", "287255838063025836")
			c.until("b", sale.Paid, time.Minute)
			time.Sleep(3 * time.Minute)
			if v := c.state("a"); v.Delivery != sale.Returned || v.Refunded != 500 || g.number("refund") != 1 {
				t.Errorf("got %+v after %d refunds", v, g.number("refund"))
			}
			if err := c.Ready(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A delivery is not confirmed while the whole amount is on its way back.
func TestDeliveryDuringAWholeRefund(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Pending) },
		query: func(int, payment.Query) payment.QueryResult { return finding(payment.Pending) }}
	bubble(t, g, func(c *counter) {
		c.openSettled("a")
		c.PutRefund(ctx, sale.RefundRequest{ID: "r", Sale: "a", Amount: 500})
		_, err := c.ConfirmDelivery(ctx, "a", "machine")
		wantCode(t, err, sale.NotDeliverable, "a")
	})
}

// A machine gets its time again after a restart: it could not tell anybody meanwhile.
func TestDeliveryAfterARestart(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }}
	bubble(t, g, func(c *counter) {
		c.openSettled("a")
		c.close()
		time.Sleep(time.Hour)
		c.start()
		time.Sleep(time.Minute)
		if v, err := c.ConfirmDelivery(ctx, "a", "machine"); err != nil || v.Delivery != sale.Delivered {
			t.Errorf("%+v %v", v, err)
		}
		time.Sleep(time.Hour)
		if g.number("refund") != 0 {
			t.Error("delivered goods were paid back")
		}
	})
}

// A step that fails for its own reason, or panics, is set aside with an alarm, in whatever state its sale is; the other
// lane sells on, and the sale goes on once the cause is gone.
func TestFailingStepIsSetAside(t *testing.T) {
	constraint := diskFault(19) // SQLITE_CONSTRAINT
	for _, c := range []struct {
		name string
		fail func() error
	}{
		{"refused by the journal's own rules", func() error { return constraint }},
		{"panic", func() error { panic("a fault in cpmd") }},
	} {
		for _, kind := range []sale.EventKind{sale.Scanned, sale.Answered, sale.QueryAnswered, sale.CancelAnswered, sale.Due} {
			t.Run(c.name+" in "+string(kind), func(t *testing.T) {
				var broken atomic.Bool
				broken.Store(true)
				g := &fakeGateway{pay: always(payment.Pending)}
				g.query = func(int, payment.Query) payment.QueryResult { return finding(payment.Pending) }
				before := func(w journal.Write) error {
					if w.Subject == "a" && w.Event == kind && broken.Load() {
						return c.fail()
					}
					return nil
				}
				onBadDisk(t, g, journal.Hooks{Before: before}, func(k *counter, _ <-chan error) {
					k.order, k.lanes["2"] = []string{"1", "2"}, &lane{Lane: Lane{Name: "2", PayType: "800008"}}
					k.open("a")
					k.scan(code)
					if kind != sale.Scanned {
						time.Sleep(70 * time.Second) // a cancellation is due by then
					}
					g.now(func(g *fakeGateway) {
						g.pay = always(payment.Paid)
						g.query = func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }
					})
					if _, _, err := k.PutSale(ctx, sale.Request{ID: "b", Amount: 100, Currency: "HKD", Lane: "2"}); err != nil {
						t.Fatal(err)
					}
					k.scanOn("2", "287255838063025836")
					k.until("b", sale.Paid, time.Second)
					if err := k.Ready(); err != nil {
						t.Errorf("one sale's fault stops the shop: %v", err)
					}
					if kind != sale.Scanned { // which is refused at once
						k.wantAlarm("set it aside")
					}
					broken.Store(false)
					if kind == sale.Scanned {
						k.scan("280000000000009999")
					}
					k.until("a", sale.Paid, 2*time.Hour)
				})
			})
		}
	}
}

// A main loop that does not keep its appointments shows.
func TestOverdueTimersShow(t *testing.T) {
	var once atomic.Bool
	before := func(w journal.Write) error {
		if w.Event == sale.QueryAnswered && once.CompareAndSwap(false, true) {
			time.Sleep(time.Minute) // the disk, say
		}
		return nil
	}
	g := &fakeGateway{pay: always(payment.Pending), query: func(int, payment.Query) payment.QueryResult { return finding(payment.Pending) }}
	onBadDisk(t, g, journal.Hooks{Before: before}, func(c *counter, _ <-chan error) {
		c.open("a")
		c.Queue.Sink("1").Scanned(scanOf(code))
		time.Sleep(40 * time.Second)
		if err := c.Ready(); err == nil {
			t.Error("ready although nothing moves")
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := c.Alive(short); err == nil {
			t.Error("alive although nothing moves")
		}
		time.Sleep(40 * time.Second)
		if err := c.Ready(); err != nil {
			t.Errorf("not ready again: %v", err)
		}
	})
}

// A journal that stays full for long is no reason to restart: what is due then is not the loop's fault.
func TestFullJournalIsAlive(t *testing.T) {
	var full atomic.Bool
	before := func(journal.Write) error {
		if full.Load() {
			return errors.New("disk full")
		}
		return nil
	}
	g := &fakeGateway{pay: always(payment.Pending), query: func(int, payment.Query) payment.QueryResult { return finding(payment.Pending) }}
	onBadDisk(t, g, journal.Hooks{Before: before}, func(c *counter, _ <-chan error) {
		c.open("a")
		c.Queue.Sink("1").Scanned(scanOf(code))
		time.Sleep(5 * time.Second)
		full.Store(true)
		time.Sleep(10 * time.Minute)
		if c.Ready() == nil {
			t.Error("ready with a full journal")
		}
		if err := c.Alive(ctx); err != nil {
			t.Errorf("a restart is asked for: %v", err)
		}
		full.Store(false)
		time.Sleep(5 * time.Second)
		if err := errors.Join(c.Ready(), c.Alive(ctx)); err != nil {
			t.Errorf("when there is room: %v", err)
		}
	})
}

func (c *counter) scanOn(name, text string) {
	c.Queue.Sink(name).Scanned(scanOf(text))
	synctest.Wait()
}

// QFPay is away and many payments are unresolved: each is asked for once at a time, and nothing piles up.
func TestQueriesDoNotPileUp(t *testing.T) {
	var under, most atomic.Int32
	var takes atomic.Int64
	takes.Store(int64(10 * time.Second)) // as long as the client waits
	g := &fakeGateway{pay: func(context.Context, payment.PaymentRequest) payment.Answer {
		return payment.Answer{Meaning: payment.Unknown, Err: errors.New("away")}
	}}
	g.query = func(int, payment.Query) payment.QueryResult {
		most.Store(max(most.Load(), under.Add(1)))
		time.Sleep(time.Duration(takes.Load()))
		under.Add(-1)
		return payment.QueryResult{Answer: payment.Answer{Meaning: payment.Unknown, Err: errors.New("away")}}
	}
	bubble(t, g, func(c *counter) {
		for i := range 30 {
			id := string(rune('a'+i/10)) + string(rune('0'+i%10))
			c.open(id)
			c.scan("28000000000000" + id[1:] + "0" + id[:1] + "1")
			c.until(id, sale.Unresolved, 3*time.Minute)
		}
		takes.Store(int64(10 * time.Minute)) // longer than the pace at which they are asked for
		time.Sleep(5 * time.Hour)
		if n := most.Load(); n > 8+2 {
			t.Errorf("%d queries at once", n)
		}
		if err := c.ask(ctx, func() error {
			if n := len(c.asks.waiting); n > 30 {
				t.Errorf("%d queries wait for 30 payments", n)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		g.now(func(g *fakeGateway) {
			g.query = func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }
		})
		c.until("a0", sale.Paid, 3*time.Hour)
	})
}

// People ask again and again while QFPay does not answer: it hears one question at a time.
func TestOneQueryOfAPaymentAtATime(t *testing.T) {
	var under, most atomic.Int32
	g := &fakeGateway{pay: always(payment.Pending)}
	g.query = func(int, payment.Query) payment.QueryResult {
		most.Store(max(most.Load(), under.Add(1)))
		time.Sleep(10 * time.Second)
		under.Add(-1)
		return finding(payment.Paid)
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		time.Sleep(5 * time.Second) // the first query is under way
		for range 5 {
			if _, err := c.AskNow(ctx, "a", "boss"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := most.Load(); n != 1 {
			t.Errorf("%d queries of one payment at once", n)
		}
		c.until("a", sale.Paid, time.Minute)
	})
}

// Where more is to be asked than QFPay's rate lets through, everything unknown gets its turn, and what a person asks for
// goes first.
func TestEveryUnknownGetsItsTurn(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	g := &fakeGateway{pay: always(payment.Unknown)}
	g.query = func(_ int, q payment.Query) payment.QueryResult {
		mu.Lock()
		asked[q.OutTradeNo]++
		mu.Unlock()
		time.Sleep(10 * time.Second) // slow: a few at a time, for many unknowns
		return finding(payment.Unknown)
	}
	bubble(t, g, func(c *counter) {
		c.cfg.Parallel = 1
		c.set().Rules.FollowUp = []time.Duration{time.Second}
		var numbers []string
		for i := range 12 {
			id := string(rune('a' + i))
			c.open(id)
			c.scan("2800000000000000" + string(rune('0'+i/10)) + string(rune('0'+i%10)))
			c.until(id, sale.Unresolved, 3*time.Minute)
			numbers = append(numbers, c.state(id).Payments[0].OutTradeNo)
		}
		mu.Lock()
		clear(asked)
		mu.Unlock()
		if _, err := c.AskNow(ctx, "a", "boss"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		mu.Lock()
		if asked[numbers[0]] != 1 {
			t.Errorf("what a person asked for waits: %v", asked)
		}
		mu.Unlock()
		time.Sleep(40 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for _, n := range numbers {
			if asked[n] < 5 {
				t.Errorf("%s was asked for %d times in 40 minutes: %v", n, asked[n], asked)
			}
		}
	})
}

// QFPay refuses to give a machine's money back: a person is told, the text is true, and the attempts do not go on for ever
// at the same pace.
func TestReturnIsRefused(t *testing.T) {
	refuse := payment.Answer{Meaning: payment.Refused, RespCD: "1155", Genuine: true}
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer { return refuse }}
	g.query = func(_ int, q payment.Query) payment.QueryResult {
		if q.Refund {
			return payment.QueryResult{Answer: refuse, Listed: true}
		}
		return finding(payment.Paid)
	}
	bubble(t, g, func(c *counter) {
		c.openSettled("a")
		time.Sleep(24 * time.Hour)
		c.wantAlarm("has not given the money back")
		if n := len(c.openAlarms()); n != 1 {
			t.Errorf("%d alarms about one thing: %q", n, c.openAlarms())
		}
		if v := c.state("a"); v.Delivery != sale.Returning || strings.Contains(v.Message, "is being refunded") {
			t.Errorf("%s: %q", v.Delivery, v.Message)
		}
		if n := g.number("refund"); n > 14 {
			t.Errorf("%d refunds were sent in a day", n)
		}
		g.now(func(g *fakeGateway) {
			g.refund = func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }
		})
		time.Sleep(25 * time.Hour)
		if v := c.state("a"); v.Delivery != sale.Returned || v.Refunded != 500 {
			t.Errorf("got %+v", v)
		}
	})
}

// A refund that QFPay refuses makes cpmd look at the payment: somebody may have given the money back elsewhere.
func TestRefusedRefundLooksAtThePayment(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid), refund: func(int, payment.RefundRequest) payment.Answer {
		return payment.Answer{Meaning: payment.Refused, RespCD: "1264", Genuine: true}
	}}
	g.query = func(_ int, q payment.Query) payment.QueryResult {
		if q.Refund {
			return finding(payment.NotFound)
		}
		f := finding(payment.Undone)
		f.Cancel = "3"
		return f
	}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.PutRefund(ctx, sale.RefundRequest{ID: "r", Sale: "a", Amount: 100})
		time.Sleep(time.Minute)
		c.wantAlarm("may not have this money")
	})
}
