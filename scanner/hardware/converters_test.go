//go:build hardware

package hardware

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"cpmd/scanner"
	"cpmd/scanner/usb"
	"cpmd/scanner/usbemu"
)

// The serial converters that engines in kiosks sit behind, beside FTDI's.
var converters = []struct {
	driver string // the kernel's
	device usbemu.Device
	ep     byte
	packet int // bytes that the chip sends at once, at most
	name   string
}{
	{"ch341", usbemu.CH340(), 0x82, 32, "USB2.0-Serial (1a86:7523, USB port "},
	{"cp210x", usbemu.CP2102(), 0x81, 64, "Silicon Labs CP2102 USB to UART Bridge Controller (10c4:ea60, USB port "},
	{"pl2303", usbemu.PL2303(), 0x83, 64, "Prolific Technology Inc. USB-Serial Controller (067b:2303, USB port "},
}

// listed returns what cpmd scanners says of the device whose lines begin so.
func listed(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("cpmd", "scanners").CombinedOutput()
	if err != nil {
		t.Fatalf("cpmd scanners: %v, %s", err, out)
	}
	for about := range strings.SplitSeq(string(out), "\n\n") {
		if strings.HasPrefix(about, name) {
			return about
		}
	}
	return ""
}

// A converter gets the line that the configuration asks for, and what comes over it is read; then it pays with the real
// daemon, also after it was away.
func TestConverters(t *testing.T) {
	for _, k := range converters {
		t.Run(k.driver, func(t *testing.T) {
			cfg := scanner.Config{Driver: "serial", Vendor: fmt.Sprintf("%04x", k.device.Vendor), Product: fmt.Sprintf("%04x", k.device.Product)}
			p := plug(t, k.device, 0)
			poll(t, "the kernel's driver "+k.driver, func() bool {
				for _, d := range usb.Root("").Devices(func(d usb.Device) bool { return d.Vendor == cfg.Vendor && d.Product == cfg.Product }) {
					return len(d.Interfaces) == 1 && d.Interfaces[0].Driver == k.driver && d.Interfaces[0].TTY != ""
				}
				return false
			})
			send := func(code string) { pace(p, k.ep, packets([]byte(code+"\r"), k.packet)) }
			config := fmt.Sprintf("vendor = %q, product = %q", cfg.Vendor, cfg.Product)
			if about := listed(t, k.name); !strings.Contains(about, "what    a serial port\n  state   can be used") || !strings.Contains(about, config) {
				t.Errorf("cpmd scanners says\n%s", about)
			}
			for _, want := range []usbemu.Line{
				{Baud: 9600, DataBits: 8, StopBits: 1, Parity: "none"},
				{Baud: 9600, DataBits: 7, StopBits: 1, Parity: "even"},
				{Baud: 19200, DataBits: 7, StopBits: 2, Parity: "space"},
				{Baud: 115200, DataBits: 8, StopBits: 1, Parity: "odd"},
			} {
				set := cfg
				set.Baud, set.DataBits, set.StopBits, set.Parity = want.Baud, want.DataBits, want.StopBits, want.Parity
				s := start(t, set)
				_, n := s.state(0, 0, scanner.Open)
				got := p.Line()
				if off := got.Baud - want.Baud; off*off > want.Baud*want.Baud/50/50 { // a receiver bears two percent
					t.Errorf("%d baud, want %d", got.Baud, want.Baud)
				}
				if got.Baud = want.Baud; got != want {
					t.Errorf("the line is %+v, want %+v", got, want)
				}
				for _, code := range []string{walletCode, emvCode} {
					var l line
					if l, n = s.show(n, 0, func() { send(code) }); l.Scan != code {
						t.Errorf("%+v: sent %q, got %q", want, code, l.Scan)
					}
				}
				if about := listed(t, k.name); !strings.Contains(about, "state   in use") {
					t.Errorf("while it is read, cpmd scanners says\n%s", about)
				}
				s.stop()
			}
			c := newCounter(t, anyWallet, cfg)
			for i := range few(4, 2) {
				c.lane(1, scanner.Open)
				sale := fmt.Sprintf("%s-%d", k.driver, i)
				c.open(sale, 1)
				send(fmt.Sprint(280438849930815810 + i))
				c.paid(sale)
				p.Unplug()
				c.lane(1, scanner.Lost)
				poll(t, "no converter in cpmd scanners", func() bool { return listed(t, k.name) == "" })
				p = plug(t, k.device, 0)
			}
			c.lane(1, scanner.Open)
			if got := c.charges(); got != few(4, 2) {
				t.Errorf("%d sales were charged %d times", few(4, 2), got)
			}
			c.stop()
			p.Unplug()
		})
	}
}
