//go:build hardware

package hardware

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"cpmd/scanner"
	"cpmd/scanner/usbemu"
)

// Without the right to open the device that is said, and the scanner works as soon as the right is given, as udev
// does some time after the plug.
func TestRights(t *testing.T) {
	for _, k := range []kind{kinds[0], kinds[5]} {
		t.Run(k.name, func(t *testing.T) {
			p := plug(t, k.device("S10"), 0)
			defer p.Unplug()
			d := device(t, "S10")
			node := d.Node
			if k.config.Driver == "serial" {
				node = d.Interfaces[0].TTY
				poll(t, node, func() bool { _, err := os.Stat(node); return err == nil })
				os.Chmod(node, 0o600)
			}
			s := startAs(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}, k.configFor("S10"))
			l, n := s.state(0, 0, scanner.Denied)
			if !strings.Contains(l.Advice, "70-cpmd-scanner.rules") || !strings.Contains(l.Advice, node) {
				t.Errorf("advice %q", l.Advice)
			}
			os.Chmod(node, 0o666)
			_, n = s.state(n, 0, scanner.Open)
			pace(p, k.ep, k.send("", walletCode))
			if l, _ = s.scan(n, 0); l.Scan != walletCode {
				t.Errorf("got %q", l.Scan)
			}
		})
	}
}

// A second program finds the device in use and says so; the first one is unharmed.
func TestBusy(t *testing.T) {
	k := kinds[1]
	p := plug(t, k.device("S11"), 0)
	defer p.Unplug()
	first := start(t, k.configFor("S11"))
	_, n := first.state(0, 0, scanner.Open)
	second := start(t, k.configFor("S11"))
	second.state(0, 0, scanner.Busy)
	pace(p, k.ep, k.send("]C0", walletCode))
	if l, _ := first.scan(n, 0); l.Scan != walletCode {
		t.Errorf("got %q", l.Scan)
	}
	first.stop()
	_, n = second.state(0, 0, scanner.Open)
	pace(p, k.ep, k.send("]C0", walletCode))
	if l, _ := second.scan(n, 0); l.Scan != walletCode {
		t.Errorf("the second one got %q", l.Scan)
	}
}

// A scanner that is keyboard and HID POS at once is read as HID POS, is told to scan there, and beeps: each time that
// it is plugged in, though the kernel makes the keyboard known first.
func TestComposite(t *testing.T) {
	s := start(t, scanner.Config{Driver: "hid", Vendor: "0c2e", Product: "0b0a"})
	n := 0
	for range few(12, 4) {
		p := plug(t, usbemu.Composite(0x0c2e, 0x0b0a, "S12", usbemu.Honeywell), 0)
		var l line
		if l, n = s.state(n, 0, scanner.Open); !strings.HasSuffix(l.Device, ":1.1") {
			t.Fatalf("opened %s", l.Device)
		}
		p.Send(0x82, usbemu.Honeywell.Reports("]C0", walletCode)...)
		if l, n = s.scan(n, 0); l.Scan != walletCode || l.Symbology != "C0" {
			t.Errorf("got %+v", l)
		}
		if d := device(t, "S12"); d.Interfaces[0].Driver != "usbhid" || d.Interfaces[1].Driver != "usbfs" {
			t.Errorf("drivers %q and %q", d.Interfaces[0].Driver, d.Interfaces[1].Driver)
		}
		for _, want := range [][]byte{{0xfe, 0x01}, {0x04, 0x40}} {
			poll(t, fmt.Sprintf("% x", want), func() bool {
				return slices.ContainsFunc(p.Received(), func(got []byte) bool { return bytes.Equal(got, want) })
			})
		}
		p.Unplug()
		_, n = s.state(n, 0, scanner.Lost)
	}
}
