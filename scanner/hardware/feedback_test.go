//go:build hardware

package hardware

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"cpmd/scanner"
	"cpmd/scanner/usbemu"
)

// What a Honeywell HID POS scanner is told (report 4; see posCommands).
var said = map[byte]string{0x04: "read", 0x02: "rest", 0x40: "good", 0x20: "bad"}

// heard is what the scanner was told, in order, each command once where it was repeated.
func heard(p *usbemu.Plugged) (all []string) {
	for _, r := range p.Received() {
		if len(r) == 2 && r[0] == 4 {
			all = append(all, said[r[1]])
		}
	}
	return slices.Compact(all)
}

// The scanner reads only while a sale waits, where that is configured, and beeps when it is paid and when it is not,
// unless it is to be quiet.
func TestFeedback(t *testing.T) {
	k := kinds[1]
	for _, quiet := range []bool{false, true} {
		t.Run(fmt.Sprintf("quiet-%t", quiet), func(t *testing.T) {
			p := plug(t, k.device("S13"), 0)
			cfg := k.configFor("S13")
			cfg.Arm, cfg.Quiet = true, quiet
			c := newCounter(t, anyWallet, cfg)
			c.lane(1, scanner.Open)
			var told []string
			after := func(what string, more ...string) {
				t.Helper()
				for _, m := range more {
					if !quiet || m != "good" && m != "bad" {
						told = append(told, m)
					}
				}
				want := slices.Compact(slices.Clone(told))
				poll(t, fmt.Sprintf("%s: %v", what, want), func() bool { return slices.Equal(heard(p), want) })
			}
			after("no sale", "rest")
			c.open("paid", 1)
			after("a sale waits", "read")
			pace(p, k.ep, k.send("]Q1", "280000000000010000"))
			c.paid("paid")
			after("it is paid", "rest", "good")
			c.open("declined", 1)
			after("another one waits", "read")
			pace(p, k.ep, k.send("]Q1", "280000000000001202"))
			after("its code is declined, it waits for another", "rest", "read", "bad")
			p.Unplug()
			c.lane(1, scanner.Lost)
			p, told = plug(t, k.device("S13"), 0), nil
			after("plugged in again", "read")
			r, err := http.NewRequest("POST", "http://till/v1/sales/declined/cancel", bytes.NewReader(nil))
			if err != nil {
				t.Fatal(err)
			}
			a, err := c.till.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			after("it is cancelled", "rest", "bad")
		})
	}
}
