package queue

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// leaveUnresolved writes a journal with unresolved sales u0, u1, ..., as earlier lives left them.
func leaveUnresolved(t testing.TB, path string, n int) {
	t.Helper()
	j, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	opened := t0.AddDate(-30, 0, 0)
	var entries []journal.Entry
	for i := range n {
		at := opened.Add(time.Duration(i) * time.Second)
		number := fmt.Sprintf("N%d", i)
		id := fmt.Sprintf("u%d", i)
		r := sale.Request{ID: id, Amount: 12850, Currency: "HKD", Lane: "1", Ticket: "bill-" + id}
		s := &sale.Sale{ID: id, Lane: "1", Ticket: r.Ticket, Amount: r.Amount, Currency: r.Currency, Content: r.Fingerprint(), State: sale.Unresolved,
			CreatedAt: at, UpdatedAt: at, ScanBy: at.Add(time.Minute), NextAt: at.Add(time.Hour), Payments: []sale.Payment{{OutTradeNo: number, PayType: "800008",
				Code: sale.Mask(unresolvedCode(i)), TxDTM: "2000-01-01 08:00:00", SentAt: at, ConfirmBy: at.Add(time.Minute), GiveUpBy: at.Add(2 * time.Minute)}}}
		entries = append(entries, journal.Entry{At: at, Kind: "sale", Subject: id, Cause: sale.Cause{Event: sale.Opened}, Sale: s,
			Told: func(seq int64) any { s.Seq = seq; return sale.ViewOf(*s, sale.DefaultRules()) }})
		if len(entries) == 1000 || i == n-1 {
			if err := j.Append(entries...); err != nil {
				t.Fatal(err)
			}
			entries = nil
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func unresolvedCode(i int) payment.AuthCode { return payment.AuthCode(fmt.Sprintf("28%016d", i)) }

// However many unresolved sales earlier lives left: new sales are taken before all of those are followed again, and what
// forbids a second charge holds from the first of them on, for the last of those too. Each is told once that the process
// was away, before anything else happens to it, and each is asked for.
func TestStartWithManyUnresolved(t *testing.T) {
	const n = 300
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "journal.db")
		leaveUnresolved(t, path, n)
		c := &counter{T: t, g: &fakeGateway{pay: always(payment.Paid)}, path: path, beeps: &beeper{}}
		var behind, resolvedBehind bool
		var refused []error
		c.with = func(cfg *Config) { cfg.Parallel = 1 }
		asked := map[string]int{}
		c.g.query = func(_ int, q payment.Query) payment.QueryResult {
			asked[q.OutTradeNo]++
			return finding(payment.Unknown)
		}
		c.first = func(q *Queue) { // what tills ask at once
			last := fmt.Sprint("u", n-1)
			q.work <- func() {
				behind = q.backlog.left()
				for _, r := range []sale.Request{
					{ID: last, Amount: 1, Currency: "HKD", Lane: "1"},
					{ID: "new", Amount: 12850, Currency: "HKD", Lane: "1", Ticket: "bill-" + last},
					{ID: "new", Amount: 100, Currency: "HKD", Lane: "1", AuthCode: unresolvedCode(n - 1)},
				} {
					_, _, err := q.open(r)
					refused = append(refused, err)
				}
				if s, fresh, err := q.open(sale.Request{ID: last, Amount: 12850, Currency: "HKD", Lane: "1", Ticket: "bill-" + last}); err != nil || fresh || s.State != sale.Unresolved {
					t.Errorf("repeated: %+v %v %v", s, fresh, err)
				}
				if _, fresh, err := q.open(sale.Request{ID: "new", Amount: 100, Currency: "HKD", Lane: "1"}); err != nil || !fresh {
					t.Errorf("a new sale: %v %v", fresh, err)
				}
				if err := q.stepSale(last, sale.Event{Kind: sale.Decided, At: q.clock.now(), By: "boss", Outcome: sale.NotPaid, Note: "seen"}); err != nil {
					t.Error(err)
				}
				resolvedBehind = q.backlog.left()
			}
		}
		c.start()
		if !behind || !resolvedBehind {
			t.Error("all were told before the first till was heard")
		}
		for i, want := range []sale.Code{sale.IDReused, sale.TicketUnresolved, sale.CodeUsed} {
			if e := (*sale.Error)(nil); !errors.As(refused[i], &e) || e.Code != want {
				t.Errorf("refused with %v, want %s", refused[i], want)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for i := range n {
			id := fmt.Sprint("u", i)
			past, err := c.cfg.Journal.History(id)
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, e := range past {
				told = append(told, string(e.Cause.Event))
			}
			if got := strings.Join(told, " "); !strings.HasPrefix(got, "opened restarted") || strings.Count(got, "restarted") != 1 {
				t.Errorf("%s: %s", id, got)
			}
			if asked[fmt.Sprint("N", i)] == 0 && i < n-1 {
				t.Errorf("%s was not asked for", id)
			}
		}
		if len(c.sales) > 1 {
			t.Errorf("%d sales are kept in memory", len(c.sales))
		}
		c.close()
	})
}
