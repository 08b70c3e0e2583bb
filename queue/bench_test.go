package queue

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
	"cpmd/scanner"
)

// rawSync is what nothing durable can beat: one small append and fdatasync on the same disk.
type rawSync struct {
	f    *os.File
	took time.Duration
	n    int
}

func newRawSync(b *testing.B) *rawSync {
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return &rawSync{f: f}
}

// once measures one append beside the work that is compared with it, so that both meet the same disk.
func (r *rawSync) once(b *testing.B) {
	b.StopTimer()
	from := time.Now()
	if _, err := r.f.Write(make([]byte, 200)); err != nil {
		b.Fatal(err)
	}
	if err := unix.Fdatasync(int(r.f.Fd())); err != nil {
		b.Fatal(err)
	}
	r.took += time.Since(from)
	r.n++
	b.StartTimer()
}

func (r *rawSync) report(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/(float64(r.took)/float64(r.n)), "raw-syncs/op")
}

// BenchmarkAppend is one entry of the journal. Limit: 6 raw syncs.
func BenchmarkAppend(b *testing.B) {
	j, err := journal.Open(filepath.Join(b.TempDir(), "journal.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	raw := newRawSync(b)
	now := time.Now().UTC()
	for i := 0; b.Loop(); i++ {
		s := sale.Sale{ID: "s" + strconv.Itoa(i), Lane: strconv.Itoa(i), Amount: 1, Currency: "HKD", State: sale.Waiting, CreatedAt: now, ScanBy: now, NextAt: now}
		if err := j.Append(journal.Entry{At: now, Kind: "sale", Subject: s.ID, Cause: sale.Cause{Event: sale.Opened}, Sale: &s, Told: func(int64) any { return sale.ViewOf(s, sale.DefaultRules()) }}); err != nil {
			b.Fatal(err)
		}
		raw.once(b)
	}
	raw.report(b)
}

// BenchmarkScanToSubmit is what a customer waits for at the counter before the gateway has a say: from the scan
// to the request, with the payment on disk in between. Limit: 10 raw syncs.
func BenchmarkScanToSubmit(b *testing.B) {
	j, err := journal.Open(filepath.Join(b.TempDir(), "journal.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	sent, answered := make(chan struct{}), make(chan struct{})
	g := &fakeGateway{pay: func(context.Context, payment.PaymentRequest) payment.Answer {
		sent <- struct{}{}
		return answer(payment.Paid)
	}}
	q := New(Config{Rules: sale.DefaultRules(), Gateway: g, Journal: j, Location: time.UTC, Currencies: map[string]int{"HKD": 2}, Lanes: []Lane{{Name: "1", PayType: "800008"}},
		Observe: func(before, after sale.Sale, _ sale.Event) {
			if after.State.Final() && !before.State.Final() {
				answered <- struct{}{}
			}
		}})
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	raw := newRawSync(b)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		if _, _, err := q.PutSale(ctx, sale.Request{ID: "s" + strconv.Itoa(i), Amount: 100, Currency: "HKD"}); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		q.Sink("1").Scanned(scanner.Scan{Text: scanner.Text("28" + strconv.Itoa(1e15+i)), At: time.Now()})
		<-sent
		raw.once(b)
		b.StopTimer()
		<-answered
		b.StartTimer()
	}
	raw.report(b)
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
