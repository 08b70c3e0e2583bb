//go:build hardware

package hardware

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"cpmd/scanner"
	"cpmd/scanner/usb"
	"cpmd/scanner/usbemu"
)

// A plug pulled at any byte of a code: no half code, and the next one is whole.
func TestUnplugAtEveryByte(t *testing.T) {
	for _, k := range kinds {
		if k.name != "keyboard" && k.name != "pos-honeywell" && k.name != "cdc" {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			code := walletCode
			if k.name == "pos-honeywell" {
				code = emvCode // of three reports
			}
			all := k.send("]Q1", code)
			if k.name == "cdc" { // a byte a packet
				all = nil
				for _, b := range []byte(code + "\r") {
					all = append(all, []byte{b})
				}
			}
			step := 1
			if testing.Short() {
				step = max(1, len(all)/3)
			}
			s := start(t, k.configFor("S3"))
			n, whole := 0, 0
			for cut := 0; cut < len(all); cut += step {
				p := plug(t, k.device("S3"), 0)
				_, n = s.state(n, 0, scanner.Open)
				pace(p, k.ep, all[:cut])
				p.Unplug()
				if k.name == "keyboard" && cut == len(all)-1 {
					whole++ // all but the last key's release
				}
				_, n = s.state(n, 0, scanner.Lost)
			}
			p := plug(t, k.device("S3"), 0)
			defer p.Unplug()
			_, n = s.state(n, 0, scanner.Open)
			pace(p, k.ep, all)
			s.scan(n, 0)
			got, want := s.scans(0), slices.Repeat([]string{code}, whole+1)
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %d times the code", got, whole+1)
			}
		})
	}
}

// Unplugged and plugged in again, over and over: it scans each time, and nothing leaks.
func TestReplug(t *testing.T) {
	for _, k := range kinds {
		if k.name != "keyboard" && k.name != "cdc" && (k.name != "pos-honeywell" || testing.Short()) {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			s := start(t, k.configFor("S4"))
			s.wait(0, "absent", func(l line) bool { return l.State == scanner.Absent })
			var (
				n      int
				delays []time.Duration
				first  size
			)
			rounds := max(3, few(*cycles, 100)/2)
			if k.name == "pos-honeywell" {
				rounds = max(3, few(*cycles, 10)/10)
			}
			for i := range rounds {
				p := plug(t, k.device("S4"), 0)
				plugged := time.Now()
				var l line
				l, n = s.state(n, 0, scanner.Open)
				delays = append(delays, l.at.Sub(plugged))
				code := fmt.Sprintf("%s%03d", walletCode, i)
				pace(p, k.ep, k.send("]C0", code))
				if l, n = s.scan(n, 0); l.Scan != code {
					t.Errorf("round %d: got %q", i, l.Scan)
				}
				p.Unplug()
				_, n = s.state(n, 0, scanner.Lost)
				if i == 1 {
					first = settled(t, s, size{})
				}
			}
			last := settled(t, s, first)
			if last.Files > first.Files || last.Threads > first.Threads+2 || last.Routines > first.Routines {
				t.Errorf("after 2 rounds %+v, after %d %+v", first, rounds, last)
			}
			slices.Sort(delays)
			t.Logf("FIGURE %s: %d rounds; from plug to open: median %v, longest %v; %+v then %+v", k.name, rounds,
				delays[len(delays)/2].Round(time.Millisecond), delays[len(delays)-1].Round(time.Millisecond), first, last)
		})
	}
}

// settled returns the subject's size once handles that are still closing are closed.
func settled(t *testing.T, s *process, want size) (got size) {
	t.Helper()
	deadline := time.Now().Add(8 * time.Second)
	for {
		got = s.size()
		if time.Now().After(deadline) || want != (size{}) && got.Files <= want.Files && got.Routines <= want.Routines {
			return got
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Two scanners of one make stay on their lanes, told apart by serial number or by port.
func TestTwoAlike(t *testing.T) {
	k := kinds[1]
	left, right := plug(t, k.device("LEFT"), 0), plug(t, k.device("RIGHT"), 1)
	byPort := k.configFor("")
	byPort.Port = device(t, "RIGHT").Port
	s := start(t, k.configFor("LEFT"), byPort)
	s.state(0, 0, scanner.Open)
	s.state(0, 1, scanner.Open)
	var want []string
	for i := range few(6, 2) {
		code := fmt.Sprintf("%s%d", walletCode, i)
		want = append(want, code)
		pace(left, k.ep, k.send("]C0", "1"+code))
		pace(right, k.ep, k.send("]C0", "2"+code))
		poll(t, "both scans", func() bool { return len(s.scans(0)) > i && len(s.scans(1)) > i })
		s.mu.Lock()
		n := len(s.lines)
		s.mu.Unlock()
		left.Unplug()
		right.Unplug()
		s.state(n, 0, scanner.Lost)
		s.state(n, 1, scanner.Lost)
		if i%2 == 0 { // the other one first
			right, left = plug(t, k.device("RIGHT"), 1), plug(t, k.device("LEFT"), 0)
		} else {
			left, right = plug(t, k.device("LEFT"), 0), plug(t, k.device("RIGHT"), 1)
		}
		s.state(n, 0, scanner.Open)
		s.state(n, 1, scanner.Open)
	}
	left.Unplug()
	right.Unplug()
	for lane, got := range [][]string{s.scans(0), s.scans(1)} {
		for i, text := range got {
			if text != fmt.Sprint(lane+1)+want[i] {
				t.Errorf("lane %d got %q", lane, text)
			}
		}
	}
}

// A keyboard that nobody named goes on typing.
func TestPlainKeyboardIsLeftAlone(t *testing.T) {
	k := kinds[0]
	s := start(t, k.configFor("S5"))
	scan := plug(t, k.device("S5"), 0)
	defer scan.Unplug()
	_, n := s.state(0, 0, scanner.Open)
	plain := plug(t, usbemu.Keyboard(0x046d, 0xc31c, "PLAIN"), 1)
	defer plain.Unplug()
	keys := typedInto(t, "PLAIN", func() {
		pace(plain, 0x81, usbemu.Keys("hello 123\r"))
		pace(scan, 0x81, usbemu.Keys(walletCode+"\r"))
	})
	if keys != 10 {
		t.Errorf("%d of 10 keys of a plain keyboard arrived", keys)
	}
	if l, _ := s.scan(n, 0); l.Scan != walletCode {
		t.Errorf("the scanner gave %q", l.Scan)
	}
	if d := device(t, "PLAIN"); d.Interfaces[0].Driver != "usbhid" {
		t.Errorf("the keyboard's driver is %q", d.Interfaces[0].Driver)
	}
}

// A daemon killed with the scanner open: the next one uses it, and gives it back.
func TestKilled(t *testing.T) {
	for _, k := range kinds[:2] {
		t.Run(k.name, func(t *testing.T) {
			p := plug(t, k.device("S6"), 0)
			defer p.Unplug()
			for round := range 3 {
				s := start(t, k.configFor("S6"))
				s.state(0, 0, scanner.Open)
				s.cmd.Process.Kill()
				s.cmd.Wait()
				left := func() bool {
					for _, d := range usb.Root("").Devices(func(d usb.Device) bool { return d.Serial == "S6" }) {
						return len(d.Interfaces) > 0 && d.Interfaces[0].Left()
					}
					return false
				}
				poll(t, "left without a driver", left)
				switch round {
				case 1: // cpmd scanners -release
					given, errs := scanner.Release("", "/tmp/scanners")
					if len(given) != 1 || len(errs) != 0 || left() {
						t.Errorf("released %v, %v", given, errs)
					}
				case 2: // without the notes
					os.RemoveAll("/tmp/scanners")
				}
				again := start(t, k.configFor("S6"))
				_, n := again.state(0, 0, scanner.Open)
				pace(p, k.ep, k.send("]C0", walletCode))
				if l, _ := again.scan(n, 0); l.Scan != walletCode {
					t.Errorf("got %q", l.Scan)
				}
				again.stop()
				if k.name == "keyboard" {
					if keys := typedInto(t, "S6", func() { pace(p, k.ep, k.send("", "12345")) }); keys != 6 {
						t.Errorf("round %d: after a clean stop %d of 6 keys reached the console", round, keys)
					}
				} else if d := device(t, "S6"); d.Interfaces[0].Driver != "usbhid" {
					t.Errorf("round %d: after a clean stop the driver is %q", round, d.Interfaces[0].Driver)
				}
			}
		})
	}
}
