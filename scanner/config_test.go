package scanner

import (
	"strings"
	"testing"
	"time"
)

func TestConfigCheck(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		want []string // a part of each fault; none: the configuration is good
	}{
		{"serial by path", Config{Driver: "serial", Port: "/dev/serial/by-id/usb-Honeywell", Baud: 9600}, nil},
		{"serial by identity", Config{Driver: "serial", Vendor: "0536", Product: "02E1", Port: "1-4.2"}, nil},
		{"hid", Config{Driver: "hid", Vendor: "0c2e", Product: "0907", Mode: "auto", Layout: "de"}, nil},
		{"virtual", Config{Driver: "virtual"}, nil},
		{"serial, seven bits", Config{Driver: "serial", Port: "/dev/ttyS0", DataBits: 7, Parity: "even", StopBits: 2, Prefix: "<", Suffix: ">"}, nil},
		{"evdev", Config{Driver: "evdev", Vendor: "05e0", Product: "1701", Serial: "00:11:22:33:44:55", Layout: "de", Terminator: "cr"}, nil},
		{"evdev by path", Config{Driver: "evdev", Port: "/dev/input/by-id/usb-Symbol-event-kbd"}, nil},
		{"evdev all wrong", Config{Driver: "evdev", Port: "1-4", Vendor: "05e0", Mode: "pos", Baud: 9600, Layout: "jp", Arm: true},
			[]string{`port = "1-4"`, "mode has no meaning", "baud has no meaning", `layout = "jp"`, "arm has no meaning"}},
		{"evdev without ids", Config{Driver: "evdev", Vendor: "05e0"}, []string{"vendor and product are missing"}},
		{"evdev by path and ids", Config{Driver: "evdev", Port: "/dev/input/event3", Serial: "A"}, []string{"port is a path"}},
		{"line settings wrong", Config{Driver: "serial", Port: "/dev/ttyS0", DataBits: 6, Parity: "E", StopBits: 3, Prefix: "a\r", Suffix: strings.Repeat("x", 33)},
			[]string{"data_bits = 6", `parity = "E"`, "stop_bits = 3", `prefix = "a\r"`, "suffix ="}},
		{"line settings of a HID scanner", Config{Driver: "hid", Vendor: "0c2e", Product: "0907", DataBits: 7, Parity: "even", StopBits: 1},
			[]string{"data_bits has no meaning", "parity has no meaning", "stop_bits has no meaning"}},
		{"nothing", Config{}, []string{`driver is missing`}},
		{"no port", Config{Driver: "serial"}, []string{"port is missing"}},
		{"all wrong", Config{Driver: "serial", Port: "COM3", Baud: 9601, Terminator: "enter", Idle: time.Minute, Mode: "pos", Protocol: "x", Maker: "y"},
			[]string{`port = "COM3"`, "baud = 9601", `terminator = "enter"`, `idle = "1m0s"`, "mode has no meaning", `protocol = "x"`, `maker = "y"`}},
		{"hid without ids", Config{Driver: "hid"}, []string{"vendor and product are missing"}},
		{"hid all wrong", Config{Driver: "hid", Vendor: "c2e", Product: "0x0907", Mode: "com", Layout: "jp", Baud: 9600, Port: "/dev/hidraw0"},
			[]string{`vendor = "c2e"`, `product = "0x0907"`, `mode = "com"`, `layout = "jp"`, "baud has no meaning", `port = "/dev/hidraw0"`}},
		{"virtual with port", Config{Driver: "virtual", Port: "/dev/x", Quiet: true}, []string{"port has no meaning", "beep has no meaning"}},
		{"unknown driver", Config{Driver: "bluetooth"}, []string{`driver = "bluetooth"`}},
	} {
		faults := tc.cfg.Check()
		if len(faults) != len(tc.want) {
			t.Errorf("%s: %d faults, want %d: %v", tc.name, len(faults), len(tc.want), faults)
		}
		for _, want := range tc.want {
			found := false
			for _, f := range faults {
				found = found || strings.Contains(f.Error(), want)
			}
			if !found {
				t.Errorf("%s: no fault says %q: %v", tc.name, want, faults)
			}
		}
		if s, err := New(tc.cfg); (err == nil) != (len(tc.want) == 0) {
			t.Errorf("%s: New gave %v, %v", tc.name, s, err)
		}
	}
}

func TestVirtual(t *testing.T) {
	t.Parallel()
	s := mustNew(t, Config{Driver: "virtual"})
	v := s.(*Virtual)
	v.Feed("early")
	c := runScanner(t, s)
	c.waitState(t, Open)
	v.Feed(testCode)
	c.waitScans(t, "early", testCode)
}

func TestTextIsMaskedWhereverPrinted(t *testing.T) {
	s := Scan{Text: testCode}
	if got := s.Text.String() + s.Text.GoString(); strings.Contains(got, testCode[:4]) {
		t.Errorf("printed %q", got)
	}
}
