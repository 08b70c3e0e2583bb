//go:build hardware

package hardware

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cpmd/scanner"
)

var (
	fullScans = flag.Int("scans", 1000, "scans of the test at full speed; a twentieth with -test.short")
	cycles    = flag.Int("cycles", 200, "unplug cycles; a tenth with -test.short")
)

// few returns n, or a small part of it with -test.short.
func few(n, part int) int {
	if testing.Short() {
		return n / part
	}
	return n
}

// longCode returns a different code of 128 characters for each number.
func longCode(i int) string {
	return fmt.Sprintf("%06d", i) + strings.Repeat("hQVDUFYwMQ==+/aZ09-", 7)[:122]
}

// Scanners that never pause: nothing is lost, nothing is merged. Where this machine held the whole guest up, which
// cpmd says, it is tried once more from the start.
func TestFullSpeed(t *testing.T) {
	for _, k := range kinds {
		if k.name != "keyboard" && k.name != "pos-honeywell" && k.name != "cdc" {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			got, want, heldUp := fullSpeed(t, k)
			if heldUp {
				t.Log("this machine was too busy: once more")
				got, want, _ = fullSpeed(t, k)
			}
			if !slices.Equal(got, want) {
				wrong := 0
				for i := range min(len(got), len(want)) {
					if got[i] != want[i] {
						wrong++
					}
				}
				t.Errorf("%d of %d scans, %d of them wrong", len(got), len(want), wrong)
			}
		})
	}
}

func fullSpeed(t *testing.T, k kind) (got, want []string, heldUp bool) {
	p := plug(t, k.device("S2"), 0)
	defer p.Unplug()
	s := start(t, k.configFor("S2"))
	defer s.stop()
	s.state(0, 0, scanner.Open)
	scans := few(*fullScans, 20)
	if k.name == "keyboard" { // which sends 258 reports for each
		scans = few(*fullScans, 80)
	}
	begin, reports := time.Now(), 0
	if k.name == "cdc" { // back to back, cut anywhere
		var all strings.Builder
		for i := range scans {
			want = append(want, longCode(i))
			all.WriteString(longCode(i) + "\r")
		}
		for _, b := range packets([]byte(all.String()), 512) {
			p.Send(k.ep, b)
			reports++
		}
		p.Sync(k.ep, 0)
	} else {
		for i := range scans {
			want = append(want, longCode(i))
			r := k.send("]Q1", longCode(i))
			pace(p, k.ep, r)
			reports += len(r)
		}
	}
	took := time.Since(begin)
	poll(t, "all scans", func() bool {
		heldUp = s.saidBusy(0)
		return heldUp || len(s.scans(0)) >= len(want)
	})
	got = s.scans(0)
	t.Logf("FIGURE %s: %d of %d scans; %d packets in %v, %.0f a second", k.name, len(got), len(want), reports,
		took.Round(time.Millisecond), float64(reports)/took.Seconds())
	return got, want, heldUp
}
