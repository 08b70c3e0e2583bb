//go:build hardware

package hardware

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"cpmd/scanner"
	"cpmd/scanner/usbemu"
)

// What scanners are told, by the bytes of it (see posCommands and serialCommands).
var (
	honeywellPOS = map[string]string{"\x04\x04": "read", "\x04\x02": "rest", "\x04\x40": "good", "\x04\x20": "bad"}
	datalogicCOM = map[string]string{"E": "read", "D": "rest", "B": "good"}
)

// heard is what the scanner was told, in order, each command once where it was repeated.
func heard(p *usbemu.Plugged, says map[string]string) (all []string) {
	reading := false
	for _, r := range p.Received() {
		c := says[string(r)]
		if c == "" || c == "read" && reading {
			continue
		}
		if c == "read" || c == "rest" {
			reading = c == "read"
		}
		all = append(all, c)
	}
	return slices.Compact(all)
}

// The scanner reads only while a sale waits, where that is configured, and beeps when it is paid and when it is not,
// unless it is to be quiet or has no such sound. At the end it is left as it was.
func TestFeedback(t *testing.T) {
	for _, tc := range []struct {
		name    string
		kind    kind
		says    map[string]string
		sounds  []string
		parting string
	}{
		{"pos", kinds[1], honeywellPOS, []string{"good", "bad"}, "rest"},
		{"pos-quiet", kinds[1], honeywellPOS, nil, "rest"},
		{"cdc", kinds[5], datalogicCOM, []string{"good"}, "read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := tc.kind
			p := plug(t, k.device("S13"), 0)
			cfg := k.configFor("S13")
			cfg.Arm, cfg.Quiet = true, tc.sounds == nil
			c := newCounter(t, anyWallet, cfg)
			c.lane(1, scanner.Open)
			silent := func(m string) bool {
				return (m == "good" || m == "bad") && !slices.Contains(tc.sounds, m)
			}
			var told []string
			after := func(what string, more ...string) {
				t.Helper()
				defer func() {
					if t.Failed() {
						t.Logf("heard %v", heard(p, tc.says))
					}
				}()
				told = slices.Compact(append(told, slices.DeleteFunc(more, silent)...))
				poll(t, fmt.Sprintf("%s: %v", what, told), func() bool { return slices.Equal(heard(p, tc.says), told) })
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
			if k.name != "cdc" { // its session ends by itself
				poll(t, "a new session", func() bool {
					n := 0
					for _, r := range p.Received() {
						if tc.says[string(r)] == "read" {
							n++
						}
					}
					return n > 1
				})
			}
			r, err := http.NewRequest("POST", "http://till/v1/sales/declined/cancel", nil)
			if err != nil {
				t.Fatal(err)
			}
			a, err := c.till.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			after("it is cancelled", "rest", "bad")
			c.stop()
			after("let go", tc.parting)
		})
	}
}
