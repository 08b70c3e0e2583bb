package sale

import (
	"testing"
	"time"
)

// BenchmarkReduce is one decision, without the shell.
func BenchmarkReduce(b *testing.B) {
	r := DefaultRules()
	s, _ := Reduce(r, Sale{ID: "s", Lane: "1", Amount: 1, Currency: "HKD"}, Event{Kind: Opened, At: t0})
	ev := Event{Kind: Scanned, At: t0.Add(time.Second), Bind: &Bind{OutTradeNo: "N", PayType: "800008"}}
	for b.Loop() {
		Reduce(r, s, ev)
	}
}
