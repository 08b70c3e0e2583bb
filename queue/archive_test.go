package queue

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// An old month leaves the journal once no sale is open, and nothing else changes: a till that repeats a sale is answered with it,
// sums and stories stay, and it can be refunded. If the file is damaged, nobody is charged again, and others are sold to.
func TestOldMonthsLeaveTheJournal(t *testing.T) {
	g := &fakeGateway{pay: always(payment.Paid), query: func(int, payment.Query) payment.QueryResult { return finding(payment.Paid) },
		refund: func(int, payment.RefundRequest) payment.Answer { return answer(payment.Paid) }}
	synctest.Test(t, func(t *testing.T) {
		c := &counter{T: t, g: g, path: filepath.Join(t.TempDir(), "journal.db"), beeps: &beeper{}, with: func(cfg *Config) {
			cfg.KeepDays, cfg.Rules.Scan = 31, 6*time.Hour
		}}
		c.start()
		for n, id := range []string{"old", "older"} {
			c.open(id)
			c.scan(code[:17] + string(rune('0'+n)))
			c.until(id, sale.Paid, time.Minute)
		}
		time.Sleep(3 * time.Hour) // the audits are over
		was := c.state("old")
		totals, err := c.Totals(ctx, "2000-01-01")
		if err != nil || len(totals.Rows) != 1 {
			t.Fatal(totals, err)
		}
		story, err := c.Story(ctx, "old")
		if err != nil {
			t.Fatal(err)
		}
		c.jump(70 * 24 * time.Hour)
		time.Sleep(time.Minute)
		c.open("waits")
		time.Sleep(2 * time.Hour)
		files := func() []string { all, _ := filepath.Glob(c.path + ".*.jsonl.gz"); return all }
		if len(files()) > 0 {
			t.Error("it was moved while a sale was open")
		}
		if _, err := c.CancelSale(ctx, "waits", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		if len(files()) != 1 {
			t.Fatalf("archives: %v", files())
		}
		if diff := cmp.Diff(was, c.state("old")); diff != "" {
			t.Errorf("(-was +is):\n%s", diff)
		}
		if is, err := c.Totals(ctx, "2000-01-01"); err != nil || !cmp.Equal(totals, is) {
			t.Errorf("totals are %+v, were %+v: %v", is, totals, err)
		}
		if is, err := c.Story(ctx, "old"); err != nil || !cmp.Equal(story.Lines, is.Lines) {
			t.Errorf("(-was +is): %v\n%s", err, cmp.Diff(story.Lines, is.Lines))
		}
		again := sale.Request{ID: "old", Amount: 12850, Currency: "HKD", Lane: "1", Ticket: "bill-old"}
		if v, created, err := c.PutSale(ctx, again); err != nil || created || v.State != sale.Paid {
			t.Errorf("a till that asks again: %+v %v %v", v, created, err)
		}
		other := again
		other.Amount = 1
		if _, _, err := c.PutSale(ctx, other); !refused(err, sale.IDReused) {
			t.Errorf("another sale under its id: %v", err)
		}
		if _, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "back", Sale: "older", Amount: 850}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		if f, err := c.Refund(ctx, "back"); err != nil || f.State != sale.Refunded || c.state("older").Refunded != 850 {
			t.Errorf("%+v %v", f, err)
		}
		pays := g.number("pay")
		if err := os.Truncate(files()[0], 10); err != nil {
			t.Fatal(err)
		}
		for _, ask := range []func() error{
			func() error { _, err := c.Sale(ctx, "old"); return err },
			func() error { _, _, err := c.PutSale(ctx, again); return err },
			func() error {
				_, _, err := c.PutRefund(ctx, sale.RefundRequest{ID: "more", Sale: "old", Amount: 1})
				return err
			},
		} {
			if err := ask(); !refused(err, sale.JournalUnavailable) || !strings.Contains(err.Error(), "Put the file back") {
				t.Errorf("a damaged archive: %v", err)
			}
		}
		if g.number("pay") != pays || c.Ready() != nil {
			t.Errorf("%d payments, were %d; ready: %v", g.number("pay"), pays, c.Ready())
		}
		c.open("new")
		c.scan("280438849930815999")
		c.until("new", sale.Paid, time.Minute)
		close(c.stream.stop) // the events of what was moved are not repeated, so it is not compared with them
		<-c.stream.ended
		c.stop()
		if err := errors.Join(<-c.ended, c.cfg.Journal.Close()); err != nil {
			t.Error(err)
		}
	})
}

func refused(err error, code sale.Code) bool {
	var e *sale.Error
	return errors.As(err, &e) && e.Code == code
}
