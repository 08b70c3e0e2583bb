package queue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// paid sells at once and returns the row that QFPay has of it.
func (c *counter) paid(id, code string) payment.Item {
	c.Helper()
	c.open(id)
	c.scan(code)
	c.until(id, sale.Paid, 10*time.Second)
	p := c.state(id).Payments[0]
	return payment.Item{OutTradeNo: p.OutTradeNo, SysSN: p.SysSN, OrderType: "payment", RespCD: "0000", Cancel: "0", Amount: 12850, Currency: "HKD"}
}

// What differs between the books is named and raises an alarm for the day; what QFPay does not have is never "agreed".
func TestReconciliation(t *testing.T) {
	for _, d := range []struct {
		name   string
		change func([]payment.Item) []payment.Item
		found  payment.Meaning // of a number that is not listed
		want   [4]int          // agreed, only here, only there, different
	}{
		{"the same", func(all []payment.Item) []payment.Item { return all }, payment.Unknown, [4]int{2, 0, 0, 0}},
		{"another amount", func(all []payment.Item) []payment.Item { all[0].Amount--; return all }, payment.Unknown, [4]int{1, 0, 0, 1}},
		{"undone there", func(all []payment.Item) []payment.Item { all[0].Cancel = "3"; return all }, payment.Unknown, [4]int{1, 0, 0, 1}},
		{"twice there", func(all []payment.Item) []payment.Item { return append(all, all[0]) }, payment.Unknown, [4]int{2, 0, 0, 1}},
		{"one more there", func(all []payment.Item) []payment.Item {
			return append(all, payment.Item{OutTradeNo: "other", OrderType: "payment", RespCD: "0000"})
		}, payment.Unknown, [4]int{2, 0, 1, 0}},
		{"missing there", func(all []payment.Item) []payment.Item { return all[1:] }, payment.NotFound, [4]int{1, 1, 0, 0}},
		{"listed on another day", func(all []payment.Item) []payment.Item { return all[1:] }, payment.Paid, [4]int{2, 0, 0, 0}},
		{"declined there", func(all []payment.Item) []payment.Item { return all[1:] }, payment.Declined, [4]int{1, 0, 0, 1}},
		{"not known there", func(all []payment.Item) []payment.Item { return all[1:] }, payment.Unknown, [4]int{1, 0, 0, 1}},
	} {
		t.Run(d.name, func(t *testing.T) {
			g := &fakeGateway{pay: paidEach(), query: func(int, payment.Query) payment.QueryResult { return finding(d.found) }}
			bubble(t, g, func(c *counter) {
				all := d.change([]payment.Item{c.paid("a", code), c.paid("b", "280438849930815814")})
				g.list = func(time.Time, time.Time) []payment.Item { return all }
				r, err := c.Reconcile(ctx, "", "boss")
				if err != nil {
					t.Fatal(err)
				}
				if got := [4]int{r.Agreed, len(r.OnlyHere), len(r.OnlyThere), len(r.Different)}; got != d.want {
					t.Errorf("got %v, want %v: %+v", got, d.want, r)
				}
				alarms, err := c.Alarms(ctx, false)
				if err != nil || len(alarms) != d.want[1]+d.want[2]+d.want[3] || r.Clean() != (len(alarms) == 0) {
					t.Errorf("%d alarms, clean %v: %+v", len(alarms), r.Clean(), alarms)
				}
				for _, a := range alarms {
					if a.Kind != "day" || a.ID != r.Day {
						t.Errorf("the alarm is about %s %s", a.Kind, a.ID)
					}
				}
				if kept, err := c.LastReconciliation(ctx, r.Day); err != nil || kept.Agreed != r.Agreed || kept.Clean() != r.Clean() {
					t.Errorf("kept: %+v %v", kept, err)
				}
			})
		})
	}
}

// paidEach pays every request under a syssn of its own.
func paidEach() func(context.Context, payment.PaymentRequest) payment.Answer {
	return func(_ context.Context, o payment.PaymentRequest) payment.Answer {
		a := answer(payment.Paid)
		a.SysSN = "S" + o.OutTradeNo
		return a
	}
}

// The day before is compared by itself at the configured time.
func TestDayEndComparesByItself(t *testing.T) {
	g := &fakeGateway{pay: paidEach(), query: func(int, payment.Query) payment.QueryResult { return finding(payment.NotFound) }}
	bubble(t, g, func(c *counter) {
		c.paid("a", code) // and QFPay lists nothing
		day := time.Now().In(c.cfg.Location).Format(time.DateOnly)
		c.close()
		c.with = func(cfg *Config) { cfg.DayEnd = 3*time.Hour + 30*time.Minute }
		c.start()
		time.Sleep(24 * time.Hour)
		r, err := c.LastReconciliation(ctx, day)
		if err != nil || r.By != "day_end" || len(r.OnlyHere) != 1 {
			t.Errorf("%+v %v", r, err)
		}
		c.wantAlarm("here paid, at QFPay nothing")
	})
}

// A sale counts on the day on which it ends, and a day that is over stays as it was.
func TestTotalsByTheDayOfTheEnd(t *testing.T) {
	g := &fakeGateway{pay: paidEach(), refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }}
	bubble(t, g, func(c *counter) {
		time.Sleep(16*time.Hour - 20*time.Second) // the shop's midnight is near
		c.open("a")
		first := time.Now().In(c.cfg.Location).Format(time.DateOnly)
		time.Sleep(30 * time.Second)
		c.scan(code)
		c.until("a", sale.Paid, time.Second)
		second := time.Now().In(c.cfg.Location).Format(time.DateOnly)
		if first == second {
			t.Fatal("no midnight between")
		}
		sums := func(day string) (n int, back int64) {
			v, err := c.Totals(ctx, day)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range v.Rows {
				n, back = n+r.Sales, back+r.RefundedTotal
			}
			return n, back
		}
		time.Sleep(24 * time.Hour)
		if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r", Sale: "a", Amount: 50}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for day, want := range map[string][2]int64{first: {0, 0}, second: {1, 0}, "": {0, 50}} {
			if n, back := sums(day); int64(n) != want[0] || back != want[1] {
				t.Errorf("%q: %d sales, %d back, want %v", day, n, back, want)
			}
		}
	})
}

// A bill that was paid today is charged again only on a second word; tomorrow its number may be another bill's.
func TestTicketPaidToday(t *testing.T) {
	bubble(t, &fakeGateway{pay: paidEach()}, func(c *counter) {
		c.paid("a", code)
		put := func(id string, again bool) error {
			_, _, err := c.PutSale(ctx, sale.Request{ID: id, Amount: 1, Currency: "HKD", Lane: "2", Ticket: "bill-a", Again: again})
			return err
		}
		wantCode(t, put("b", false), sale.TicketPaid, "a")
		if err := put("c", true); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CancelSale(ctx, "c", "till"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		if err := put("d", false); err != nil {
			t.Errorf("tomorrow: %v", err)
		}
	})
}

// A till whose numbering began anew is answered with old sales, with a hint, or refused where that is configured.
func TestIDsOfEarlierDays(t *testing.T) {
	for _, old := range []string{"answer", "refuse"} {
		bubble(t, &fakeGateway{pay: paidEach()}, func(c *counter) {
			c.paid("a", code)
			c.close()
			c.with = func(cfg *Config) { cfg.OldIDs = old }
			c.start()
			again := sale.Request{ID: "a", Amount: 12850, Currency: "HKD", Lane: "1", Ticket: "bill-a"}
			if _, created, err := c.PutSale(ctx, again); err != nil || created {
				t.Fatalf("on the same day: %v %v", created, err)
			}
			other := again
			other.Amount++
			_, _, err := c.PutSale(ctx, other)
			wantCode(t, err, sale.IDReused, "a")
			time.Sleep(36 * time.Hour)
			v, _, err := c.PutSale(ctx, again)
			if old == "refuse" {
				wantCode(t, err, sale.IDReused, "a")
			} else if err != nil || v.OpenedDaysAgo != 1 || v.State != sale.Paid {
				t.Errorf("%+v %v", v, err)
			}
		})
	}
}

// The stream begins after the event that was seen last, and gives each once.
func TestNoticesBeginAfter(t *testing.T) {
	bubble(t, &fakeGateway{pay: paidEach()}, func(c *counter) {
		c.paid("a", code)
		all, err := c.Notices(ctx, 0, 100)
		if err != nil || len(all) < 3 {
			t.Fatalf("%d %v", len(all), err)
		}
		for i, n := range all {
			rest, err := c.Notices(ctx, n.Seq, 100)
			if err != nil || len(rest) != len(all)-i-1 || len(rest) > 0 && rest[0].Seq != all[i+1].Seq {
				t.Errorf("after %d: %d notices, %v", n.Seq, len(rest), err)
			}
		}
	})
}

// A customer's query does not wait behind those about payments that nobody stands at the counter for.
func TestCustomersAreAskedForFirst(t *testing.T) {
	g := &fakeGateway{pay: lost}
	var hang chan struct{}
	g.query = func(_ int, q payment.Query) payment.QueryResult {
		if q.Urgency != payment.Customer {
			<-hang
		}
		return finding(payment.Unknown)
	}
	bubble(t, g, func(c *counter) {
		hang = make(chan struct{})
		c.close()
		c.with = func(cfg *Config) { cfg.Parallel = 1 }
		c.start()
		c.open("a")
		c.scan(code)
		c.until("a", sale.Unresolved, 5*time.Minute)
		time.Sleep(5 * time.Minute) // its query hangs
		c.open("b")
		c.scan("280438849930815814")
		before := g.number("query")
		time.Sleep(time.Minute)
		if n := g.number("query") - before; n < 3 {
			t.Errorf("%d queries for the customer at the counter", n)
		}
		close(hang)
	})
}

// The audits outlive a restart.
func TestAuditsOutliveARestart(t *testing.T) {
	g := &fakeGateway{pay: func(context.Context, payment.PaymentRequest) payment.Answer { return declined("1201", false) },
		query: func(int, payment.Query) payment.QueryResult { return finding(payment.NotFound) }}
	bubble(t, g, func(c *counter) {
		c.open("a")
		c.scan(code)
		c.until("a", sale.Waiting, 10*time.Second)
		if _, err := c.CancelSale(ctx, "a", "till"); err != nil {
			t.Fatal(err)
		}
		c.close()
		c.start()
		g.now(func(g *fakeGateway) {
			g.query = func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) }
		})
		time.Sleep(2 * time.Minute)
		c.wantAlarm(`told "not paid"`)
	})
}

// A wrong key is one fault of the shop, not one of each sale.
func TestOneAlarmForOneFault(t *testing.T) {
	g := &fakeGateway{query: func(int, payment.Query) payment.QueryResult { return finding(payment.Unknown) }}
	g.pay = func(_ context.Context, o payment.PaymentRequest) payment.Answer {
		a := paidEach()(ctx, o)
		a.Alarm = "the client key is wrong"
		return a
	}
	bubble(t, g, func(c *counter) {
		c.paid("a", code)
		c.paid("b", "280438849930815814")
		if all := c.openAlarms(); len(all) != 1 {
			t.Errorf("%q", all)
		}
		list, _ := c.Alarms(ctx, false)
		if _, err := c.SettleAlarm(ctx, list[0].Seq, "key changed", "boss"); err != nil {
			t.Fatal(err)
		}
		c.paid("c", "280438849930815815")
		if all := c.openAlarms(); len(all) != 1 {
			t.Errorf("after it was settled: %q", all)
		}
	})
}
