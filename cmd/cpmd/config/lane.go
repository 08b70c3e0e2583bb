package config

import (
	"path/filepath"
	"strings"
	"time"

	"cpmd/payment"
	"cpmd/scanner"
)

func lanes(root *table) (all []Lane) {
	named := map[string]int{} // line, by name
	for _, t := range root.tables("lane") {
		l := Lane{
			Name: need(t, "name", "1", letters(32, "._-")),
			PayType: read(t, "pay_type", "800008", func(s string) (string, error) {
				return s, payment.CheckPayType(s)
			}),
			Scanner: device(t),
		}
		t.done()
		if line, ok := named[l.Name]; ok && l.Name != "" {
			t.fault("name", "%q is the lane of line %d already; give each lane its own name", l.Name, line)
		}
		named[l.Name] = t.lineOf("name")
		for _, other := range all {
			if sameDevice(l.Scanner, other.Scanner) {
				t.fault("scanner", "lane %q has this device already; a scanner belongs to one lane", other.Name)
			}
		}
		all = append(all, l)
	}
	return all
}

// device reads the scanner of a lane; the zero Config after a fault. What the keys mean, which go together and
// what they default to is package scanner's to say: here they have their types.
func device(lane *table) scanner.Config {
	if lane.values["scanner"] == nil {
		lane.asked = append(lane.asked, "scanner")
		lane.fault("scanner", `is missing; add a line such as scanner = { driver = "serial", port = "/dev/ttyACM0" } (cpmd scanners lists what is plugged in)`)
		return scanner.Config{}
	}
	t := lane.table("scanner")
	defer t.done()
	before := len(t.faults)
	c := scanner.Config{
		Driver:     read(t, "driver", "", plain[string]),
		Port:       read(t, "port", "", plain[string]),
		Baud:       read(t, "baud", 0, between(0, 1<<31-1)),
		DataBits:   read(t, "data_bits", 0, between(0, 1<<31-1)),
		Parity:     read(t, "parity", "", plain[string]),
		StopBits:   read(t, "stop_bits", 0, between(0, 1<<31-1)),
		Protocol:   read(t, "protocol", "", plain[string]),
		ACK:        read(t, "ack", false, plain[bool]),
		Vendor:     read(t, "vendor", "", plain[string]),
		Product:    read(t, "product", "", plain[string]),
		Serial:     read(t, "serial", "", plain[string]),
		Mode:       read(t, "mode", "", plain[string]),
		Layout:     read(t, "layout", "", plain[string]),
		InvertCaps: read(t, "invert_caps", false, plain[bool]),
		Terminator: read(t, "terminator", "", plain[string]),
		Idle: read(t, "idle", "", func(s string) (time.Duration, error) {
			if s == "" {
				return 0, nil
			}
			return span(time.Millisecond, time.Hour)(s)
		}),
		AIM:    read(t, "aim", false, plain[bool]),
		Prefix: read(t, "prefix", "", plain[string]),
		Suffix: read(t, "suffix", "", plain[string]),
		Maker:  read(t, "maker", "", plain[string]),
		Quiet:  !read(t, "beep", true, plain[bool]),
		Arm:    read(t, "arm", false, plain[bool]),
	}
	if t.broken {
		return scanner.Config{}
	}
	said := map[string]bool{}
	for _, f := range t.faults[before:] {
		said[f.Key] = true
	}
	for _, err := range c.Check() {
		key := keyOf(err)
		if !said[join(t.key, key)] {
			t.fault(key, "%s", strings.TrimPrefix(err.Error(), key+" = "))
		}
	}
	if len(t.faults) > before {
		return scanner.Config{}
	}
	return c
}

func plain[T any](v T) (T, error) { return v, nil }

// keyOf returns the key that a fault from package scanner is about, which is its first word.
func keyOf(err error) string {
	key, _, _ := strings.Cut(err.Error(), " ")
	return key
}

// sameDevice reports whether two scanners could open the same device: nothing that both are named by differs. A
// path and a USB number have nothing to compare; [Check] looks where paths lead.
func sameDevice(a, b scanner.Config) bool {
	if a.Driver != b.Driver || a.Driver == "" || a.Driver == "virtual" {
		return false
	}
	if filepath.IsAbs(a.Port) || filepath.IsAbs(b.Port) {
		return filepath.Clean(a.Port) == filepath.Clean(b.Port)
	}
	same := func(x, y string) bool { return x == "" || y == "" || strings.EqualFold(x, y) }
	return same(a.Port, b.Port) && same(a.Vendor, b.Vendor) && same(a.Product, b.Product) && same(a.Serial, b.Serial)
}
