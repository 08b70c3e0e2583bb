//go:build hardware

package hardware

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cpmd/scanner"
	"cpmd/scanner/usbemu"
)

const (
	walletCode = "280438849930815813"
	aliCode    = "251001020123456789012345"
)

// emvPayment is as long as the payload of an EMVCo code gets: base64, as wallets show it.
var emvPayment = "hQVDUFYwMWETTwegAAAAVQEBUAhVbmlvblBheVcTYlgkABIjRWeJDRsSASAxMTExMT8+" + strings.Repeat("aB3+/", 9) + "x=="

// emvCode is as long, and as mixed as a scanner can read; no wallet shows it.
var emvCode = "hQVDUFYwMWETTwegAAAAVQEBUAhVbmlvblBheVcTYlgkABIjRWeJDRsSASAxMTExMT8+/=#" + strings.Repeat("aB3+/=-_%&$!", 4)[:46]

// A kind is a sort of emulated scanner: how it is plugged in, configured, and what it sends for a code.
type kind struct {
	name   string
	device func(serial string) usbemu.Device
	config scanner.Config
	ep     byte
	send   func(aim, text string) [][]byte
}

// packets cuts what a device sends into what it sends at once.
func packets(b []byte, size int) (p [][]byte) {
	for ; len(b) > size; b = b[size:] {
		p = append(p, b[:size])
	}
	return append(p, b)
}

func pos(name string, vendor, product uint16, l usbemu.Layout) kind {
	return kind{name, func(s string) usbemu.Device { return usbemu.POS(vendor, product, s, l) },
		scanner.Config{Driver: "hid", Vendor: fmt.Sprintf("%04x", vendor), Product: fmt.Sprintf("%04x", product)}, 0x81,
		l.Reports}
}

var kinds = []kind{
	{"keyboard", func(s string) usbemu.Device { return usbemu.Keyboard(0x05f9, 0x2216, s) },
		scanner.Config{Driver: "hid", Vendor: "05f9", Product: "2216"}, 0x81,
		func(_, text string) [][]byte { return usbemu.Keys(text + "\r") }},
	pos("pos-honeywell", 0x0c2e, 0x0907, usbemu.Honeywell),
	pos("pos-newland", 0x1eab, 0x1310, usbemu.Newland),
	pos("pos-zebra", 0x05e0, 0x2100, usbemu.Zebra),
	pos("pos-microscan", 0x0fdd, 0x0001, usbemu.Microscan),
	{"cdc", func(s string) usbemu.Device { return usbemu.CDC(0x05f9, 0x4204, s) },
		scanner.Config{Driver: "serial", Vendor: "05f9", Product: "4204"}, 0x82,
		func(_, text string) [][]byte { return packets([]byte(text+"\r"), 512) }},
	{"ibm", usbemu.IBM,
		scanner.Config{Driver: "hid", Vendor: "05e0", Product: "0600"}, 0x81,
		func(_, text string) [][]byte { return usbemu.IBMReports(text) }},
}

func (k kind) configFor(serial string) scanner.Config {
	c := k.config
	c.Serial = serial
	return c
}

// pace sends packets one a millisecond, as a scanner at full speed does: never more, whatever this machine was
// busy with meanwhile.
func pace(p *usbemu.Plugged, ep byte, reports [][]byte) {
	for _, r := range reports {
		next := time.Now().Add(time.Millisecond)
		p.Send(ep, r)
		p.Sync(ep, 0)
		time.Sleep(time.Until(next))
	}
}

// Every kind of scanner, every kind of code.
func TestEveryScanner(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			p := plug(t, k.device("S1"), 0)
			defer p.Unplug()
			s := start(t, k.configFor("S1"))
			_, n := s.state(0, 0, scanner.Open)
			for _, code := range []string{walletCode, aliCode, emvCode} {
				var l line
				l, n = s.show(n, 0, func() { pace(p, k.ep, k.send("]Q1", code)) })
				if l.Scan != code {
					t.Errorf("sent %q, got %q", code, l.Scan)
				}
			}
			size := s.size()
			s.stop()
			if k.config.Driver == "hid" {
				if d := device(t, "S1"); d.Interfaces[0].Driver != "usbhid" {
					t.Errorf("after a clean stop the driver is %q", d.Interfaces[0].Driver)
				}
			}
			t.Logf("%+v", size)
		})
	}
}

// The serial converter that the machine itself emulates; what it scans comes in by the second serial port.
func TestFTDI(t *testing.T) {
	wire, err := os.OpenFile("/dev/ttyS1", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Close()
	s := start(t, scanner.Config{Driver: "serial", Vendor: "0403", Product: "6001"})
	_, n := s.state(0, 0, scanner.Open)
	for _, code := range []string{walletCode, aliCode, emvCode} {
		fmt.Fprintf(wire, "%s\r", code)
		var l line
		if l, n = s.scan(n, 0); l.Scan != code {
			t.Errorf("sent %q, got %q", code, l.Scan)
		}
	}
	l, _ := s.state(0, 0, scanner.Open)
	port := strings.TrimPrefix(l.Device, "/dev/")
	for range 3 { // away and back
		d := device(t, ftdiSerial(t))
		authorized := "/sys/bus/usb/devices/" + d.Port + "/authorized"
		os.WriteFile(authorized, []byte("0"), 0)
		_, n = s.state(n, 0, scanner.Lost)
		os.WriteFile(authorized, []byte("1"), 0)
		l, n = s.state(n, 0, scanner.Open)
		fmt.Fprintf(wire, "%s\r", walletCode)
		if l, n = s.scan(n, 0); l.Scan != walletCode {
			t.Errorf("after %s came back: %q", port, l.Scan)
		}
	}
}
