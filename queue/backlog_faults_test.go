package queue

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// behindBy starts a counter whose journal has n unresolved sales of earlier lives, and stands still as it is about to
// write what the first of them were told. What test does then comes before all others are told.
func behindBy(t *testing.T, n int, g *fakeGateway, test func(c *counter)) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "journal.db")
		leaveUnresolved(t, path, n)
		c := &counter{T: t, g: g, path: path, beeps: &beeper{}}
		c.with = func(cfg *Config) { cfg.CatchUp = 16 }
		c.standOn = c.standStill(2) // the first ones are told before the start is over
		c.start()
		if !c.backlog.left() {
			t.Fatal("all were told before the first till was heard")
		}
		test(c)
		c.close()
	})
}

// standStill lets the next life stop at its nth write of a restart, until it is released or killed.
func (c *counter) standStill(nth int32) (release func()) {
	still := make(chan struct{})
	var seen atomic.Int32
	c.hooks.Before = func(w journal.Write) error {
		if w.Event == sale.Restarted && seen.Add(1) == nth {
			<-still
		}
		return nil
	}
	var once atomic.Bool
	return func() {
		if once.CompareAndSwap(false, true) {
			close(still)
		}
	}
}

// told is what happened to a sale, in order.
func (c *counter) told(id string) (events []sale.EventKind) {
	c.Helper()
	past, err := c.cfg.Journal.History(id)
	if err != nil {
		c.Fatal(err)
	}
	for _, e := range past {
		events = append(events, e.Cause.Event)
	}
	return events
}

// Whatever a till or an operator does to a sale that has not been told of the restart: it is told first, and once.
func TestBeforeItsTurn(t *testing.T) {
	last := "u99"
	for _, d := range []struct {
		name string
		do   func(c *counter) error
		then sale.EventKind
	}{
		{"cancel", func(c *counter) error { _, err := c.CancelSale(ctx, last, "till"); return err }, sale.CancelAsked},
		{"ask", func(c *counter) error { _, err := c.AskNow(ctx, last, "boss"); return err }, sale.AskNow},
		{"resolve", func(c *counter) error {
			_, err := c.Resolve(ctx, sale.Resolution{ID: last, Outcome: sale.NotPaid, Note: "seen on the phone", By: "boss"})
			return err
		}, sale.Decided},
	} {
		t.Run(d.name, func(t *testing.T) {
			behindBy(t, 100, &fakeGateway{}, func(c *counter) {
				done := make(chan error, 1)
				go func() { done <- d.do(c) }()
				synctest.Wait()
				c.standOn()
				if err := <-done; err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				got := c.told(last)
				if len(got) < 3 || got[1] != sale.Restarted || got[2] != d.then || count(got, sale.Restarted) != 1 {
					t.Errorf("it was told %v, want opened, restarted, %s", got, d.then)
				}
			})
		})
	}
}

func count(all []sale.EventKind, one sale.EventKind) (n int) {
	for _, e := range all {
		if e == one {
			n++
		}
	}
	return n
}

// A refund of a sale that has not been told yet is refused as at any other time.
func TestRefundBeforeItsTurn(t *testing.T) {
	behindBy(t, 100, &fakeGateway{}, func(c *counter) {
		done := make(chan error, 1)
		go func() {
			_, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "r", Sale: "u99", Amount: 1})
			done <- err
		}()
		synctest.Wait()
		c.standOn()
		wantCode(t, <-done, sale.NotRefundable, "u99")
	})
}

// A process that dies while it catches up begins anew: the next one tells all of them, and asks for each.
func TestKilledWhileCatchingUp(t *testing.T) {
	const n = 100
	asked := map[string]bool{}
	g := &fakeGateway{}
	behindBy(t, n, g, func(c *counter) {
		c.stop()
		c.standOn()
		c.close()
		g.now(func(g *fakeGateway) {
			g.query = func(_ int, q payment.Query) payment.QueryResult {
				asked[q.OutTradeNo] = true
				return finding(payment.Unknown)
			}
		})
		c.hooks = journal.Hooks{}
		c.with = func(cfg *Config) { cfg.CatchUp, cfg.Parallel = 16, 1 }
		c.start()
		time.Sleep(time.Minute)
		for i := range n {
			id := fmt.Sprint("u", i)
			if got := c.told(id); !slices.Contains(got[max(len(got)-6, 0):], sale.Restarted) {
				t.Errorf("%s was told %v", id, got)
			}
			if !asked[fmt.Sprint("N", i)] {
				t.Errorf("%s was not asked for", id)
			}
		}
	})
}

// A journal that fails while cpmd catches up takes no sale and loses none: once it is back each is told, once.
func TestJournalFailsWhileCatchingUp(t *testing.T) {
	const n = 100
	var writes atomic.Int32
	var down atomic.Bool
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "journal.db")
		leaveUnresolved(t, path, n)
		c := &counter{T: t, g: &fakeGateway{}, path: path, beeps: &beeper{}}
		c.with = func(cfg *Config) { cfg.CatchUp, cfg.Parallel = 16, 1 }
		down.Store(true)
		c.hooks.Before = func(w journal.Write) error {
			if writes.Add(1) > 3 && down.Load() {
				return diskFault(13)
			}
			return nil
		}
		c.start()
		time.Sleep(10 * time.Second)
		_, _, err := c.PutSale(ctx, sale.Request{ID: "new", Amount: 1, Currency: "HKD", Lane: "1"})
		wantCode(t, err, sale.JournalUnavailable, "")
		if c.Ready() == nil {
			t.Error("ready with a journal that takes nothing")
		}
		down.Store(false)
		time.Sleep(10 * time.Second)
		if err := c.Ready(); err != nil {
			t.Error(err)
		}
		for i := range n {
			id := fmt.Sprint("u", i)
			if got := c.told(id); count(got, sale.Restarted) != 1 {
				t.Errorf("%s was told %v", id, got)
			}
		}
		c.open("new")
		c.close()
	})
}

// One sale that cpmd fails on is set aside with an alarm, and those after it are told all the same.
func TestOneOfTheBacklogFails(t *testing.T) {
	for name, fail := range map[string]func() error{
		"refused": func() error { return diskFault(19) },
		"panic":   func() error { panic("a fault in cpmd") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "journal.db")
				leaveUnresolved(t, path, 100)
				c := &counter{T: t, g: &fakeGateway{}, path: path, beeps: &beeper{}}
				c.with = func(cfg *Config) { cfg.CatchUp = 16 }
				c.hooks.Before = func(w journal.Write) error { // u48 is the first of its batch
					if w.Subject == "u48" && w.Event == sale.Restarted {
						return fail()
					}
					return nil
				}
				c.start()
				time.Sleep(time.Second)
				for i := range 100 {
					want := 1
					if i == 48 {
						want = 0
					}
					if got := c.told(fmt.Sprint("u", i)); count(got, sale.Restarted) != want {
						t.Errorf("u%d was told %v", i, got)
					}
				}
				alarms, err := c.Alarms(ctx, false)
				if err != nil || len(alarms) != 1 || alarms[0].ID != "u48" {
					t.Errorf("alarms %+v %v", alarms, err)
				}
				c.close()
			})
		})
	}
}

// The clock is put right just after the start, as it is on machines without a battery: every sale knows by how much,
// told before or after, since the months that QFPay is asked for hang on it.
func TestClockJumpsWhileCatchingUp(t *testing.T) {
	const n = 100
	behindBy(t, n, &fakeGateway{}, func(c *counter) {
		c.jump(-weeks)
		c.standOn()
		time.Sleep(time.Minute)
		for i := range n {
			s, _, err := c.cfg.Journal.Sale(fmt.Sprint("u", i))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Payments[0].Progress.Moved; got.Round(time.Minute) != -weeks {
				t.Errorf("%s moved by %v", s.ID, got)
			}
		}
	})
}

// A sale that had its customer at the start becomes unresolved while older ones are still being told: it has been told.
func TestUnresolvedWhileCatchingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "journal.db")
		leaveUnresolved(t, path, 100)
		g := &fakeGateway{pay: always(payment.Pending), query: func(int, payment.Query) payment.QueryResult { return finding(payment.Unknown) }}
		c := &counter{T: t, g: g, path: path, beeps: &beeper{}}
		c.with = func(cfg *Config) { cfg.CatchUp = 16 }
		c.start()
		c.open("a")
		c.scan(code)
		time.Sleep(time.Second)
		c.close()
		release := c.standStill(3) // behind the customer's and the first of the others
		c.start()
		if !c.backlog.left() {
			t.Fatal("all were told at once")
		}
		time.Sleep(10 * time.Minute)
		release()
		time.Sleep(time.Minute)
		if v := c.state("a"); v.State != sale.Unresolved {
			t.Fatalf("it is %s", v.State)
		}
		if got := c.told("a"); count(got, sale.Restarted) != 1 {
			t.Errorf("it was told %v", got)
		}
		c.close()
	})
}

// While QFPay does not answer, sales that wait to be asked for write nothing into the journal, however long it takes.
func TestWaitingToBeAskedCostsNothing(t *testing.T) {
	const n = 100
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "journal.db")
		leaveUnresolved(t, path, n)
		var asked atomic.Int64
		g := &fakeGateway{query: func(int, payment.Query) payment.QueryResult {
			asked.Add(1)
			time.Sleep(10 * time.Minute)
			return finding(payment.Unknown)
		}}
		c := &counter{T: t, g: g, path: path, beeps: &beeper{}}
		c.with = func(cfg *Config) { cfg.Parallel = 1 }
		c.start()
		told := c.lastSeq()
		time.Sleep(12 * time.Hour)
		synctest.Wait()
		if wrote := c.lastSeq() - told; wrote > 3*asked.Load() {
			t.Errorf("%d queries, %d entries", asked.Load(), wrote)
		}
		if asked.Load() < 70 {
			t.Errorf("only %d queries in 12 hours", asked.Load())
		}
		c.close()
	})
}

// lastSeq is the seq of the last event in the journal, read beside the queue.
func (c *counter) lastSeq() int64 {
	c.Helper()
	n, err := c.cfg.Journal.LastSeq()
	if err != nil {
		c.Fatal(err)
	}
	return n
}
