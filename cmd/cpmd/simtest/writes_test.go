package simtest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// A scene is a scene of the demonstration (cmd/cpmd/demo), or one that belongs beside it.
type scene struct {
	Script
	want []string // how the sale ends, then its refunds
}

var scenes = []scene{
	{Script{Name: "paid at once", Codes: []string{"pay"}}, []string{"paid"}},
	{Script{Name: "1143, then paid", Codes: []string{"pending-1143"}}, []string{"paid"}},
	{Script{Name: "declined, then a fresh code", Codes: []string{"code-1202", "pay"}}, []string{"paid"}},
	{Script{Name: "answer lost, found by query", Codes: []string{"lost"}}, []string{"paid"}},
	{Script{Name: "never confirmed, reversed", Codes: []string{"never"}}, []string{"not_paid reversed"}},
	{Script{Name: "refunded in two parts", Codes: []string{"pay"}, Refunds: []int64{30, 40}}, []string{"paid", "refunded", "refunded"}},
	{Script{Name: "refund's answer lost", Codes: []string{"refund-lost"}, Refunds: []int64{30}}, []string{"paid", "refunded"}},
	{Script{Name: "cancelled while it waits", CancelAfter: 3 * time.Second}, []string{"not_paid cancelled"}},
	{Script{Name: "cancelled while it is confirmed", Codes: []string{"never"}, CancelAfter: 8 * time.Second}, []string{"not_paid cancelled"}},
	{Script{Name: "nobody scans"}, []string{"not_paid no_scan"}},
	{Script{Name: "stopped while confirming", Codes: []string{"pending-5s"}, StopAfter: 3 * time.Second}, []string{"paid"}},
	{Script{Name: "killed while confirming", Codes: []string{"pending-5s"}, KillAfter: 3 * time.Second}, []string{"paid"}},
}

// TestEveryWrite lets each write of the journal fail once, and the process die once before and once after it, for
// each scene. What the till is told is what the gateway's books say, each time; and where nothing but the write
// failed, it is what it would have been without.
func TestEveryWrite(t *testing.T) {
	for i, s := range scenes {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			plain := run(t, s, i, Nth{})
			if got := ends(plain); !slices.Equal(got, s.want) {
				t.Fatalf("without any fault it ends as %v, want %v\n%s", got, s.want, strings.Join(plain.History, "\n"))
			}
			writes := 0
			for n := 1; ; n += stride {
				far := 0
				for _, nth := range []Nth{{Write: n}, {Write: n, Crash: true}, {Write: n, Crash: true, After: true}} {
					r := run(t, s, i, nth)
					far = max(far, r.Writes)
					if got := ends(r); !slices.Equal(got, s.want) && !(nth.Crash && lostWithTheProcess(got)) {
						t.Errorf("with %+v it ends as %v, want %v\n%s", nth, got, s.want, strings.Join(r.History, "\n"))
						return
					}
				}
				if n > far {
					t.Logf("%d writes", writes)
					return
				}
				writes++
			}
		})
	}
}

func run(t *testing.T, s scene, seed int, nth Nth) (r Result) {
	o := Options{Seed: uint64(seed), Script: &s.Script, Nth: nth}
	r = Run(t, o)
	if len(r.Violations) > 0 {
		t.Fatalf("with %+v: %s\n%s", nth, strings.Join(r.Violations, "\n"), strings.Join(r.History, "\n"))
	}
	return r
}

func ends(r Result) (all []string) {
	for _, id := range slices.Sorted(maps.Keys(r.Sales)) {
		all = append(all, r.Sales[id])
	}
	return all
}

// lostWithTheProcess: the process died after it had journaled a payment or refund and before the request left. The
// code is gone with it, and the gateway's books show that nothing came.
func lostWithTheProcess(got []string) bool {
	if len(got) == 0 {
		return false
	}
	for _, s := range got[1:] {
		if s != "refunded" && s != "not_refunded" && got[0] == "paid" {
			return false
		}
	}
	return slices.Contains([]string{"not_paid not_sent", "not_paid declined", "not_paid cancelled", "paid"}, got[0])
}
