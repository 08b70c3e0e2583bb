package queue

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// running starts a queue; the returned function ends it.
func running(b *testing.B, q *Queue) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStart is a start with so many unresolved sales, until new ones are taken.
func BenchmarkStart(b *testing.B) {
	for _, n := range []int{0, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "journal.db")
			leaveUnresolved(b, path, n)
			for b.Loop() {
				j, err := journal.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				q := New(Config{Rules: sale.DefaultRules(), Gateway: &fakeGateway{pay: lost}, Journal: j, Location: time.UTC, Currencies: map[string]int{"HKD": 2},
					Lanes: []Lane{{Name: "1", PayType: "800008"}}})
				stop := running(b, q)
				<-q.Started()
				b.StopTimer()
				stop()
				if err := j.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkUnfinished is a whole sale beside so many that are unresolved: its cost must not grow with them.
func BenchmarkUnfinished(b *testing.B) {
	for _, n := range []int{1, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "journal.db")
			leaveUnresolved(b, path, n)
			j, err := journal.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			final := make(chan struct{}, 1)
			q := New(Config{Rules: sale.DefaultRules(), Gateway: &fakeGateway{pay: always(payment.Paid)}, Journal: j, Location: time.UTC,
				Currencies: map[string]int{"HKD": 2}, Lanes: []Lane{{Name: "1", PayType: "800008"}},
				Observe: func(before, after sale.Sale, _ sale.Event) {
					if after.State == sale.Paid && before.State != sale.Paid {
						final <- struct{}{}
					}
				}})
			stop := running(b, q)
			for behind := true; behind; {
				if err := q.ask(ctx, func() error { behind = q.backlog.left() || len(q.asks.open) > 0; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			for i := 0; b.Loop(); i++ {
				r := sale.Request{ID: fmt.Sprint("s", i), Amount: 100, Currency: "HKD", Ticket: fmt.Sprint("t", i), AuthCode: payment.AuthCode(fmt.Sprintf("13%016d", i))}
				if _, _, err := q.PutSale(ctx, r); err != nil {
					b.Fatal(err)
				}
				<-final
			}
			b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(n), "heap-B/unfinished")
			stop()
		})
	}
}
