//go:build hardware

package hardware

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"cpmd/scanner"
	"cpmd/scanner/usb"
	"cpmd/scanner/usbemu"
)

// Devices that are more than a keyboard, and not all of it good: the keyboard is read, and the lamp for Caps Lock, by
// which some swap their letters, is turned off.
func TestOddKeyboards(t *testing.T) {
	numbered := func(reports [][]byte) (all [][]byte) {
		for _, r := range reports {
			all = append(all, append([]byte{2}, r...))
		}
		return all
	}
	for name, tc := range map[string]struct {
		device usbemu.Device
		send   func([][]byte) [][]byte
		lamp   string
	}{
		"an interface that the kernel refuses": {usbemu.Refused(0x24ea, 0x0197, "K1"), nil, "\x00"},
		"an interface without IN endpoint":     {usbemu.Mute(0x24ea, 0x0197, "K1"), nil, "\x00"},
		"volume keys first":                    {usbemu.Collections(0x24ea, 0x0197, "K1"), numbered, "\x02\x00"},
		"a mouse beside it":                    {usbemu.PCPlay(), nil, "\x00"},
		"low speed, and no serial number":      {usbemu.Unitech(), nil, ""}, // the lamp is not seen to be told
	} {
		t.Run(name, func(t *testing.T) {
			p := plug(t, tc.device, 0)
			defer p.Unplug()
			s := start(t, scanner.Config{Driver: "hid", Vendor: fmt.Sprintf("%04x", tc.device.Vendor), Product: fmt.Sprintf("%04x", tc.device.Product)})
			l, n := s.state(0, 0, scanner.Open)
			if !strings.HasSuffix(l.Device, ":1.0") {
				t.Errorf("opened %s", l.Device)
			}
			reports := usbemu.Keys("hQVDUFYw123\r")
			if tc.send != nil {
				reports = tc.send(reports)
			}
			pace(p, 0x81, reports)
			if l, _ = s.scan(n, 0); l.Scan != "hQVDUFYw123" {
				t.Errorf("got %q", l.Scan)
			}
			if tc.lamp != "" && !slices.ContainsFunc(p.Received(), func(got []byte) bool { return string(got) == tc.lamp }) {
				t.Errorf("told %x", p.Received())
			}
		})
	}
}

// The devices that counters in Asia have, many at once, by their numbers; the descriptor is a boot keyboard's, and of
// makers without a known product the product's number is made up. Numbers of chips may be anything and are never offered.
func TestDevicesOfAsianCounters(t *testing.T) {
	makers := [][2]uint16{{0x24ea, 0x0197}, {0x0581, 0x0107}, {0x0581, 0x020c}, {0x13ba, 0x0018}, {0x0416, 0xc141}, {0x04b4, 0xbca1}, {0x04b4, 0xde61},
		{0x04b4, 0xde64}, {0x26f1, 0x8801}, {0x0745, 0x1000}, {0x076d, 0x0001}}
	chips := [][2]uint16{{0x1a86, 0x5723}, {0x28e9, 0x0189}, {0x0483, 0x5740}}
	for ids := range slices.Chunk(slices.Concat(makers, chips), 7) {
		var configs []scanner.Config
		var plugged []*usbemu.Plugged
		for i, id := range ids {
			d := usbemu.Keyboard(id[0], id[1], fmt.Sprintf("C%d", i))
			if id[0] == 0x0745 || id[0] == 0x076d {
				d.Name = "Barcode Scanner" // of makers all products count whose name says so
			}
			plugged = append(plugged, plug(t, d, i))
			configs = append(configs, scanner.Config{Driver: "hid", Vendor: fmt.Sprintf("%04x", id[0]), Product: fmt.Sprintf("%04x", id[1])})
		}
		for i := range ids {
			device(t, fmt.Sprintf("C%d", i))
		}
		out, err := exec.Command("cpmd", "scanners").CombinedOutput()
		for i, c := range configs {
			sure := strings.Contains(string(out), fmt.Sprintf("vendor = %q, product = %q", c.Vendor, c.Product))
			if sure == slices.Contains(chips, ids[i]) || err != nil {
				t.Errorf("%s:%s: offered is %t, %v", c.Vendor, c.Product, sure, err)
			}
		}
		s := start(t, configs...)
		for i := range ids {
			s.state(0, i, scanner.Open)
		}
		for i, p := range plugged {
			if l, _ := s.show(0, i, func() { pace(p, 0x81, usbemu.Keys(walletCode+"\r")) }); l.Scan != walletCode {
				t.Errorf("%04x:%04x: got %q", ids[i][0], ids[i][1], l.Scan)
			}
			p.Unplug()
		}
		s.stop()
		for i := range ids {
			poll(t, "an empty port", func() bool {
				return len(usb.Root("").Devices(func(d usb.Device) bool { return d.Serial == fmt.Sprintf("C%d", i) })) == 0
			})
		}
	}
}

// A scanner over Bluetooth: found, learned, read alone, lost and found again, and it pays.
func TestBluetooth(t *testing.T) {
	const address = "00:11:22:33:44:55"
	pair := func() *usbemu.Paired {
		t.Helper()
		b, err := usbemu.Pair(0x05e0, 0x1a00, "CS4070 Barcode Scanner", address)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	cfg := scanner.Config{Driver: "evdev", Vendor: "05e0", Product: "1a00", Serial: address}
	c := newCounter(t, anyWallet, cfg)
	c.lane(1, scanner.Absent)
	c.stop()
	b := pair()
	var out []byte
	poll(t, "the scanner in the list", func() bool {
		out, _ = exec.Command("cpmd", "scanners").CombinedOutput()
		return strings.Contains(string(out), address)
	})
	if !strings.Contains(string(out), `driver = "evdev", vendor = "05e0", product = "1a00"`) {
		t.Errorf("cpmd scanners says\n%s", out)
	}
	learn := exec.Command("cpmd", "scanners", "-learn")
	var said bytes.Buffer
	learn.Stdout, learn.Stderr = &said, os.Stderr
	if err := learn.Start(); err != nil {
		t.Fatal(err)
	}
	learned := make(chan error, 1)
	go func() { learned <- learn.Wait() }()
	for ended := false; !ended; {
		select {
		case err := <-learned:
			if ended = true; err != nil || !strings.Contains(said.String(), `terminator = "cr"`) || strings.Contains(said.String(), walletCode) {
				t.Errorf("%v: %s", err, &said)
			}
		case <-time.After(time.Second):
			b.Send(usbemu.Keys(walletCode + "\r")...)
		}
	}
	c.start()
	c.lane(1, scanner.Open)
	c.open("first", 1)
	if keys := eventKeys(t, address, func() { b.Send(usbemu.Keys(walletCode + "\r")...) }); keys != 0 {
		t.Errorf("%d keys reached others", keys)
	}
	c.paid("first")
	b.Leave()
	c.lane(1, scanner.Lost)
	c.open("second", 1)
	b = pair()
	defer b.Leave()
	c.lane(1, scanner.Open)
	b.Send(usbemu.Keys("280438849930815899\r")...)
	c.paid("second")
	c.daemon.Process.Kill() // which ends the grab
	c.daemon.Wait()
	if keys := eventKeys(t, address, func() { b.Send(usbemu.Keys("12345\r")...) }); keys != 6 {
		t.Errorf("after a kill %d of 6 keys reached the console", keys)
	}
	c.start()
	c.lane(1, scanner.Open)
	if got := c.charges(); got != 2 {
		t.Errorf("2 sales were charged %d times", got)
	}
}
