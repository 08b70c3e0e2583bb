package scanner

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cpmd/scanner/usb"
)

// bootKeyboard is the report descriptor of appendix B.1 of USB HID 1.11.
var bootKeyboard = []byte{
	0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01,
	0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01,
	0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x25, 0x65,
	0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0xc0}

// typed makes the reports of digits and Enter on a keyboard.
func typed(digits string) (reports [][]byte) {
	for _, c := range digits + "\r" {
		key := byte(0x1e + c - '1')
		switch c {
		case '0':
			key = 0x27
		case '\r':
			key = 0x28
		}
		reports = append(reports, []byte{0, 0, key, 0, 0, 0, 0, 0}, make([]byte, 8))
	}
	return reports
}

func (d *fakeDevice) sends(reports ...[]byte) {
	for _, r := range reports {
		d.reports <- r
	}
}

// A scanner may go by the lamp for Caps Lock, and swap its letters: the lamp is turned off.
func TestHIDKeyboardLampsAreTurnedOff(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	d := bus.plug("1-4", "0c2e", "0907", "A", bootKeyboard)
	c := runScanner(t, bus.scanner(bus.config("")))
	c.waitState(t, Open)
	if p := <-d.written; string(p) != "\x00\x00" {
		t.Errorf("at opening sent % x", p)
	}
	d.sends(typed(testCode)...)
	c.waitScans(t, testCode)
}

// IBM hand-held over HID, as Zebra's 05e0:0600 has it, is decoded as it is.
func TestHIDIBMHandHeld(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	d := bus.plug("1-4", "05e0", "0600", "", []byte{0x06, 0x45, 0xff, 0x09, 0x01, 0xa1, 0x01, 0xc0})
	cfg := bus.config("")
	cfg.Vendor, cfg.Product = "05e0", "0600"
	c := runScanner(t, bus.scanner(cfg))
	c.waitState(t, Open)
	p := make([]byte, 64)
	p[0] = byte(copy(p[1:], testCode))
	d.reports <- p
	c.waitScans(t, testCode)
}

// pair is a device with two HID interfaces, the first a boot keyboard.
func (b *fakeBus) pair(second func(dir string)) *fakeDevice {
	b.t.Helper()
	b.file("sys/bus/usb/devices/1-4/bNumInterfaces", " 2\n")
	b.itf("1-4:1.1", nil)
	second(filepath.Join(b.root, "sys/bus/usb/devices/1-4/1-4:1.1"))
	return b.plug("1-4", "0c2e", "0907", "A", bootKeyboard)
}

// An interface that cannot be read, for whatever reason, never keeps its keyboard from being read.
func TestHIDInterfacesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]func(dir string){
		"the kernel refuses its descriptor": func(dir string) {
			os.WriteFile(filepath.Join(dir, "0003:0C2E:0907.0001/report_descriptor"), nil, 0o644)
		},
		"it has no IN endpoint": func(dir string) {
			os.RemoveAll(filepath.Join(dir, "ep_81"))
			os.RemoveAll(filepath.Join(dir, "0003:0C2E:0907.0001"))
			os.Remove(filepath.Join(dir, "driver"))
			os.WriteFile(filepath.Join(dir, "bNumEndpoints"), []byte("01\n"), 0o644)
		},
		"nobody has it": func(dir string) {
			os.RemoveAll(filepath.Join(dir, "0003:0C2E:0907.0001"))
			os.Remove(filepath.Join(dir, "driver"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bus := newFakeBus(t)
			d := bus.pair(second)
			c := runScanner(t, bus.scanner(bus.config("A")))
			if st := c.waitState(t, Open); st.Device != "1-4:1.0" {
				t.Errorf("opened %s", st.Device)
			}
			d.sends(typed(testCode)...)
			c.waitScans(t, testCode)
		})
	}
}

// A boot keyboard whose descriptor the kernel refuses is read as what it is.
func TestHIDBootKeyboardIsReadWithoutDescriptor(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	d := bus.plug("1-4", "0c2e", "0907", "A", nil)
	for _, name := range []string{"bInterfaceSubClass", "bInterfaceProtocol"} {
		bus.file("sys/bus/usb/devices/1-4/1-4:1.0/"+name, "01\n")
	}
	c := runScanner(t, bus.scanner(bus.config("A")))
	c.waitState(t, Open)
	d.sends(typed(testCode)...)
	c.waitScans(t, testCode)
}

// The interface that another program holds is not passed over for the keyboard beside it.
func TestHIDHeldInterfaceOfTwo(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	bus.pair(func(dir string) {
		os.RemoveAll(filepath.Join(dir, "0003:0C2E:0907.0001"))
		os.Remove(filepath.Join(dir, "driver"))
		os.Symlink("../../usbfs", filepath.Join(dir, "driver"))
	})
	c := runScanner(t, bus.scanner(bus.config("A")))
	if st := c.waitState(t, Busy); st.Device != "1-4:1.1" || !strings.Contains(st.Advice, "Another program") {
		t.Errorf("status %+v", st)
	}
}

// A handle may still be closing when its device is back, open again and noted again.
func TestALateCloseKeepsTheNewerNote(t *testing.T) {
	t.Parallel()
	h := &holdings{dir: t.TempDir()}
	dev, itf := usb.Device{Vendor: "0c2e", Product: "0907", Serial: "A"}, usb.Interface{Path: "1-4:1.0"}
	first := h.note(dev, itf)
	second := h.note(dev, itf)
	first()
	note := filepath.Join(h.dir, itf.Path)
	if _, err := os.Stat(note); err != nil {
		t.Errorf("the note of what is held is gone: %v", err)
	}
	second()
	if _, err := os.Stat(note); !os.IsNotExist(err) {
		t.Errorf("the note is still there: %v", err)
	}
}

// What is listed as a scanner gets the advice that helps it, and what is not, another.
func TestDeniedAdviceHelps(t *testing.T) {
	for _, tc := range []struct {
		vendor, product string
		mode            Mode
		group           string
		want, not       []string
	}{
		{"0c2e", "0907", ModePOS, "root", []string{"70-cpmd-scanner.rules", "belongs to root alone"}, []string{"71-cpmd-own"}},
		{"24ea", "0197", ModeKeyboard, "root", []string{"70-cpmd-scanner.rules"}, []string{"71-cpmd-own"}},
		{"1a86", "5723", ModeKeyboard, "root", []string{"71-cpmd-own.rules", `ATTR{idVendor}=="1a86"`, `GROUP="cpmd"`}, []string{"70-cpmd-scanner"}},
		{"24ea", "0197", ModeCOM, "dialout", []string{"group dialout", "71-cpmd-own"}, []string{"70-cpmd-scanner"}},
		{"1a86", "7523", ModeCOM, "dialout", []string{"group dialout", `SUBSYSTEM=="tty"`}, []string{"70-cpmd-scanner"}},
		{"1234", "abcd", ModeInput, "input", []string{`ATTRS{id/vendor}=="1234"`, "belongs to input alone"}, []string{"add the user to the group"}},
		{"", "", ModeCOM, "dialout", []string{"group dialout."}, []string{"rules"}},
	} {
		got := deniedAdvice(usb.Device{Vendor: tc.vendor, Product: tc.product}, tc.mode, "/dev/x", tc.group)
		has := func(s string) bool { return strings.Contains(got, s) }
		if slices.ContainsFunc(tc.not, has) || slices.ContainsFunc(tc.want, func(s string) bool { return !has(s) }) {
			t.Errorf("%s:%s %s: %q", tc.vendor, tc.product, tc.mode, got)
		}
	}
}

// The reserve keeps low descriptors only: with high ones the serial library panics.
func TestReserveKeepsNoHighDescriptor(t *testing.T) {
	var r reserve
	var taken []*os.File
	defer func() {
		for _, f := range taken {
			f.Close()
		}
		r.remove()
	}()
	for len(taken) == 0 || taken[len(taken)-1].Fd() < selectMost {
		f, err := os.Open("/dev/null")
		if err != nil {
			t.Skip("the limit on open files is too low to show it")
		}
		taken = append(taken, f)
	}
	before := openFiles(t)
	r.add()
	if len(r.fds) != 0 || openFiles(t) != before {
		t.Errorf("kept %v, %d files more", r.fds, openFiles(t)-before)
	}
	taken[0].Close()
	taken = taken[1:]
	r.add()
	if len(r.fds) != 1 || r.fds[0] >= selectMost {
		t.Errorf("with one low descriptor free: kept %v", r.fds)
	}
}
