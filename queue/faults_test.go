package queue

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
	"cpmd/scanner"
)

// A diskFault is an error with a result code of SQLite's.
type diskFault int

func (e diskFault) Error() string { return "disk fault" }
func (e diskFault) Code() int     { return int(e) }

// onBadDisk runs a test on a journal with faults.
func onBadDisk(t *testing.T, g *fakeGateway, f journal.Hooks, test func(c *counter, ended <-chan error)) {
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(filepath.Join(t.TempDir(), "journal.db"), journal.WithHooks(f))
		if err != nil {
			t.Fatal(err)
		}
		c := &counter{T: t, g: g}
		c.Queue = New(Config{Rules: sale.DefaultRules(), Gateway: g, Journal: j, Location: time.UTC, Currencies: map[string]int{"HKD": 2},
			Lanes: []Lane{{Name: "1", PayType: "800008"}}, Wall: c.wallClock})
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- c.Queue.Run(ctx) }()
		synctest.Wait()
		test(c, ended)
		stop()
		<-c.done
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A result that the journal did not take comes again even if some other write was the first to succeed.
func TestHeldResultIsNotForgotten(t *testing.T) {
	failed := false
	before := func(w journal.Write) error {
		if w.Event == sale.Answered && !failed {
			failed = true
			return errors.New("disk full")
		}
		return nil
	}
	g := &fakeGateway{pay: always(payment.Paid)}
	onBadDisk(t, g, journal.Hooks{Before: before}, func(c *counter, _ <-chan error) {
		c.open("A")
		c.Queue.Sink("1").Scanned(scanner.Scan{Text: code, At: time.Now()})
		c.Queue.Sink("1").Scanned(scanner.Scan{Text: "4006381333931", At: time.Now()})
		synctest.Wait()
		if !failed {
			t.Fatal("the answer's write did not fail")
		}
		c.Queue.Sink("1").Scanned(scanner.Scan{Text: "4006381333948", At: time.Now()})
		c.until("A", sale.Paid, 5*time.Second)
	})
}

// What came in while the journal was down is taken in the order in which it came, also by a journal that is back before
// it is tried again.
func TestHeldResultsKeepTheirOrder(t *testing.T) {
	onBadDisk(t, &fakeGateway{}, journal.Hooks{}, func(c *counter, _ <-chan error) {
		full := true
		var order []string
		took := func(name string) func() error {
			return func() error {
				if full {
					full = false
					return diskFault(13)
				}
				order = append(order, name)
				return nil
			}
		}
		c.Queue.post(func() {
			c.Queue.hold(subject{"sale", "A"}, took("first"))
			c.Queue.hold(subject{"sale", "A"}, took("second"))
		})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{"first", "second"}, order); diff != "" {
			t.Error(diff)
		}
	})
}

// A payment that could not be sent is not sent minutes later, when the customer may be gone.
func TestNothingIsSentLate(t *testing.T) {
	var down atomic.Bool
	before := func(w journal.Write) error {
		if down.Load() {
			return diskFault(13)
		}
		return nil
	}
	g := &fakeGateway{pay: always(payment.NotSent)}
	onBadDisk(t, g, journal.Hooks{Before: before}, func(c *counter, _ <-chan error) {
		c.open("A")
		c.scan(code)
		down.Store(true)
		time.Sleep(sale.DefaultRules().Confirm + 5*time.Second)
		g.now(func(g *fakeGateway) { g.pay = always(payment.Paid) })
		down.Store(false)
		c.until("A", sale.NotPaid, 10*time.Second)
		if n, v := g.number("pay"), c.state("A"); n != 1 || v.Reason != sale.NotSent {
			t.Errorf("sent %d times, %s", n, v.Reason)
		}
	})
}

// wantFailure demands that the queue has ended, and said why.
func wantFailure(t *testing.T, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the queue ended without an error")
		}
	default:
		t.Error("the queue goes on after a failed fsync")
	}
}

// After a failed fsync nothing is written any more, whichever write it was.
func TestFailedSyncStopsTheQueue(t *testing.T) {
	const full, fsync = 13, 10 | 4<<8
	synced := true
	before := func(w journal.Write) error {
		switch {
		case !synced:
			t.Errorf("a write after a failed fsync: %+v", w)
		case w.Kind == "scan":
			return diskFault(full)
		case w.Kind == "probe":
			synced = false
			return diskFault(fsync)
		}
		return nil
	}
	onBadDisk(t, &fakeGateway{}, journal.Hooks{Before: before}, func(c *counter, ended <-chan error) {
		c.Queue.Sink("1").Scanned(scanner.Scan{Text: "4006381333931", At: time.Now()})
		time.Sleep(10 * time.Second)
		wantFailure(t, ended)
	})
}

// The same if the write is one that the clock's jump made, while the journal was down already.
func TestFailedSyncAsTheClockJumps(t *testing.T) {
	const full, fsync = 13, 10 | 4<<8
	synced := true
	before := func(w journal.Write) error {
		switch {
		case !synced:
			t.Errorf("a write after a failed fsync: %+v", w)
		case w.Kind == "scan":
			return diskFault(full)
		case w.Event == sale.ClockMoved:
			synced = false
			return diskFault(fsync)
		}
		return nil
	}
	onBadDisk(t, &fakeGateway{}, journal.Hooks{Before: before}, func(c *counter, ended <-chan error) {
		c.open("A")
		c.Queue.Sink("1").Scanned(scanner.Scan{Text: "4006381333931", At: time.Now()})
		synctest.Wait() // the journal is down, and tried again in a second
		c.jump(time.Hour)
		time.Sleep(10 * time.Second)
		wantFailure(t, ended)
	})
}

// After a failed fsync nobody knows whether the journal holds the sale, so the till does not hear that
// nothing happened.
func TestFailedSyncIsToldAsNotKnown(t *testing.T) {
	const full, fsync = 13, 10 | 4<<8
	for _, c := range []struct {
		fault       diskFault
		says, never string
	}{
		{fsync, "not known until cpmd has been restarted. Do not charge again", "did nothing"},
		{full, "This request did nothing", "not known"},
	} {
		before := func(w journal.Write) error {
			if w.Event == sale.Opened {
				return c.fault
			}
			return nil
		}
		onBadDisk(t, &fakeGateway{}, journal.Hooks{Before: before}, func(k *counter, _ <-chan error) {
			_, _, err := k.PutSale(ctx, sale.Request{ID: "A", Amount: 500, Currency: "HKD", AuthCode: code})
			wantCode(t, err, sale.JournalUnavailable, "")
			if says := err.Error(); !strings.Contains(says, c.says) || strings.Contains(says, c.never) {
				t.Errorf("after fault %d the till hears %q", c.fault, says)
			}
		})
	}
}

// A failed sync ends the queue at once, so that it is started anew, also where nobody asked for the write.
func TestFailedSyncOfItsOwnEndsTheQueue(t *testing.T) {
	var failed time.Time
	before := func(w journal.Write) error {
		if w.Event == sale.ClockMoved {
			failed = time.Now()
			return diskFault(10 | 4<<8) // an I/O error of fsync
		}
		return nil
	}
	onBadDisk(t, &fakeGateway{}, journal.Hooks{Before: before}, func(k *counter, ended <-chan error) {
		k.open("A")
		k.jump(time.Hour)
		err := <-ended
		if took := time.Since(failed); err == nil || took > 0 {
			t.Errorf("ended %v after the sync failed: %v", took, err)
		}
	})
}

// A till hears the same times in an answer at once, from the journal, and as an event.
func TestTimesAreTheSameFromMemoryAndJournal(t *testing.T) {
	bubble(t, &fakeGateway{}, func(c *counter) {
		time.Sleep(1234567 * time.Nanosecond)
		v := c.open("A")
		if diff := cmp.Diff(v, c.state("A")); diff != "" {
			t.Error(diff)
		}
	})
}

// A cancellation that left before the process died may still give the money back, so paid is not believed at once.
func TestRestartRemembersTheCancellation(t *testing.T) {
	r, at := sale.DefaultRules(), t0
	s := sale.Sale{ID: "a", Lane: "1", Amount: 100, Currency: "HKD"}
	pending := answer(payment.Pending)
	paid := finding(payment.Paid)
	for _, ev := range []sale.Event{
		{Kind: sale.Opened},
		{Kind: sale.Scanned, Bind: &sale.Bind{OutTradeNo: "N", PayType: "800208"}},
		{Kind: sale.Answered, Payment: "N", Answer: &pending},
		{Kind: sale.CancelAsked},
		{Kind: sale.Restarted},
		{Kind: sale.QueryAnswered, Payment: "N", Query: &paid},
		{Kind: sale.QueryAnswered, Payment: "N", Query: &paid},
	} {
		at = at.Add(time.Second)
		ev.At, ev.AskedAt = at, at
		s, _ = sale.Reduce(r, s, ev)
	}
	if s.State != sale.Reversing {
		t.Errorf("the sale is %s", s.State)
	}
}

// A cancellation that was refused may come once more, later, and then work. One that came too late may not.
func TestCopyOfARefusedCancellation(t *testing.T) {
	for respCD, sure := range map[string]bool{"1136": false, "1297": false, payment.AlreadyPaid: true} {
		r, at := sale.DefaultRules(), t0
		s := sale.Sale{ID: "a", Lane: "1", Amount: 100, Currency: "HKD"}
		pending, refused, paid := answer(payment.Pending), payment.Answer{Meaning: payment.Refused, RespCD: respCD}, finding(payment.Paid)
		step := func(after time.Duration, ev sale.Event) {
			at = at.Add(after)
			ev.At, ev.AskedAt = at, at
			s, _ = sale.Reduce(r, s, ev)
		}
		step(0, sale.Event{Kind: sale.Opened})
		step(time.Second, sale.Event{Kind: sale.Scanned, Bind: &sale.Bind{OutTradeNo: "N", PayType: "800208"}})
		step(time.Second, sale.Event{Kind: sale.Answered, Payment: "N", Answer: &pending})
		step(time.Second, sale.Event{Kind: sale.CancelAsked})
		step(time.Second, sale.Event{Kind: sale.CancelAnswered, Payment: "N", Answer: &refused})
		step(time.Second, sale.Event{Kind: sale.QueryAnswered, Payment: "N", Query: &paid})
		if (s.State == sale.Paid) != sure {
			t.Errorf("refused with %s and then shown as paid: %s", respCD, s.State)
		}
		step(r.Answer, sale.Event{Kind: sale.QueryAnswered, Payment: "N", Query: &paid})
		step(time.Second, sale.Event{Kind: sale.QueryAnswered, Payment: "N", Query: &paid})
		if s.State != sale.Paid {
			t.Errorf("refused with %s and shown as paid for long: %s", respCD, s.State)
		}
	}
}
