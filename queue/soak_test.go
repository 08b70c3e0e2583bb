package queue

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

var hours = flag.Int("hours", 1, "the simulated hours of TestDays")

// A use is what the queue holds at a moment.
type use struct {
	sales, goroutines, files, held int
	heap, journal                  int64
}

// TestDays sells every half minute for simulated -hours, with some minutes of each hour in which QFPay does not answer. What
// the process holds must not grow, and every sale is paid.
func TestDays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	var rounds []use
	synctest.Test(t, func(t *testing.T) {
		g := &fakeGateway{}
		away := func() bool { return time.Now().Minute() >= 56 }
		g.pay = func(context.Context, payment.PaymentRequest) payment.Answer {
			if away() {
				return answer(payment.Unknown)
			}
			return answer(payment.Pending)
		}
		g.query = func(n int, q payment.Query) payment.QueryResult {
			if away() || n < 2 {
				return finding(payment.Unknown)
			}
			return finding(payment.Paid)
		}
		j, err := journal.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		q := New(Config{Rules: sale.DefaultRules(), Gateway: g, Journal: j, Location: time.UTC, Currencies: map[string]int{"HKD": 2},
			Lanes: []Lane{{Name: "1", PayType: "800008"}}})
		run, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- q.Run(run) }()
		<-q.Started()
		last := ""
		for n := range *hours * 120 {
			last = fmt.Sprintf("sale-%05d", n)
			if _, _, err := q.PutSale(ctx, sale.Request{ID: last, Amount: 100, Currency: "HKD", Lane: "1", Ticket: last}); err != nil {
				if !refused(err, sale.LaneBusy) {
					t.Fatal(err)
				}
			} else {
				synctest.Wait()
				q.Sink("1").Scanned(scanOf(fmt.Sprintf("2804388499%08d", n)))
			}
			time.Sleep(30 * time.Second)
			if n%(*hours*12) == *hours*12-1 {
				synctest.Wait()
				g.forget()
				rounds = append(rounds, useOf(t, q, n+1))
			}
		}
		time.Sleep(3 * time.Hour) // all are followed to their ends
		list, err := q.Sales(ctx, sale.Filter{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) < min(1000, *hours*100) {
			t.Errorf("%d sales in %d hours", len(list), *hours)
		}
		for _, v := range list {
			if v.State != sale.Paid {
				t.Errorf("%s is %s", v.ID, v.State)
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
	t.Log("\n" + tableOfUse(rounds))
	from, to := rounds[1], rounds[len(rounds)-1]
	if to.goroutines > from.goroutines+5 || to.files > from.files+2 || to.held > from.held+200 || to.heap > from.heap+from.heap/2+8<<20 {
		t.Errorf("it grew from %+v to %+v", from, to)
	}
	if perSale := to.journal / int64(to.sales); to.sales > 2000 && perSale > 12<<10 { // before that it is the log of the last writes
		t.Errorf("a sale takes %d bytes of the journal", perSale)
	}
}

// forget drops what the fake remembers: it is not cpmd's.
func (g *fakeGateway) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls, g.orders = nil, nil
}

func useOf(t *testing.T, q *Queue, sales int) (u use) {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	u = use{sales: sales, goroutines: runtime.NumGoroutine(), files: len(files), heap: int64(m.HeapAlloc), journal: q.cfg.Journal.Bytes()}
	if err := q.ask(ctx, func() error {
		u.held = len(q.sales) + len(q.refunds) + len(q.codes) + len(q.timers.of) + len(q.asks.open) + len(q.held) + len(q.aside)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return u
}

func tableOfUse(rounds []use) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "sales\theap KiB\tfiles\tgoroutines\tthings in memory\tjournal bytes a sale\t")
	for _, u := range rounds {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t\n", u.sales, u.heap>>10, u.files, u.goroutines, u.held, u.journal/int64(u.sales))
	}
	_ = w.Flush()
	return out.String()
}
