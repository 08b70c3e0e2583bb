package scanner

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"cpmd/scanner/decode"
)

var (
	fourHex  = regexp.MustCompile(`^[0-9a-fA-F]{4}$`)
	usbPort  = regexp.MustCompile(`^[0-9]+-[0-9]+(\.[0-9]+)*$`)
	baudRate = []int{0, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600}
)

// Check returns every fault of the configuration, each saying what to write instead.
func (c Config) Check() (faults []error) {
	fault := func(format string, a ...any) { faults = append(faults, fmt.Errorf(format, a...)) }
	oneOf := func(key, value string, names ...string) {
		if value != "" && !slices.Contains(names, value) {
			fault("%s = %q: write one of %s", key, value, strings.Join(names, ", "))
		}
	}
	unused := func(why string, fields map[string]bool) {
		for _, key := range []string{"port", "baud", "data_bits", "parity", "stop_bits", "protocol", "ack", "vendor", "product", "serial",
			"mode", "layout", "invert_caps", "terminator", "aim", "prefix", "suffix", "idle", "maker", "beep", "arm"} {
			if fields[key] {
				fault("%s has no meaning %s: remove it", key, why)
			}
		}
	}
	for _, id := range [][2]string{{"vendor", c.Vendor}, {"product", c.Product}} {
		if id[1] != "" && !fourHex.MatchString(id[1]) {
			fault("%s = %q: write four hex digits, such as %q (cpmd scanners shows them)", id[0], id[1], "0c2e")
		}
	}
	oneOf("terminator", c.Terminator, decode.Terminators...)
	oneOf("maker", c.Maker, makerNames...)
	if c.Idle != 0 && (c.Idle < 30*time.Millisecond || c.Idle > 2*time.Second) {
		fault("idle = %q: write a time from 30ms to 2s", c.Idle)
	}
	for _, a := range [][2]string{{"prefix", c.Prefix}, {"suffix", c.Suffix}} {
		if len(a[1]) > 32 || strings.ContainsFunc(a[1], unicode.IsControl) {
			fault("%s = %q: write up to 32 characters that can be seen; what ends a code is its terminator", a[0], a[1])
		}
	}
	lineSettings := map[string]bool{"baud": c.Baud != 0, "data_bits": c.DataBits != 0, "parity": c.Parity != "",
		"stop_bits": c.StopBits != 0, "protocol": c.Protocol != "", "ack": c.ACK}
	switch c.Driver {
	case "serial":
		byID := c.Vendor != "" && c.Product != ""
		switch {
		case c.Port == "" && !byID:
			fault(`port is missing: write the scanner's port, such as "/dev/serial/by-id/usb-Honeywell...", or its vendor and product (cpmd scanners shows them)`)
		case c.Port != "" && !strings.HasPrefix(c.Port, "/") && !usbPort.MatchString(c.Port):
			fault(`port = %q: write a path, such as "/dev/serial/by-id/...", or a physical USB port, such as "1-4.2"`, c.Port)
		case strings.HasPrefix(c.Port, "/") && (c.Vendor != "" || c.Product != "" || c.Serial != ""):
			fault("port is a path, which names the scanner already: remove vendor, product and serial, or the port")
		}
		if !slices.Contains(baudRate, c.Baud) {
			fault("baud = %d: write one of %s", c.Baud, strings.Trim(fmt.Sprint(baudRate[1:]), "[]"))
		}
		oneOf("protocol", c.Protocol, "plain", "ssi")
		oneOf("parity", c.Parity, parityNames...)
		if c.DataBits != 0 && c.DataBits != 7 && c.DataBits != 8 {
			fault("data_bits = %d: write 7 or 8", c.DataBits)
		}
		if c.StopBits < 0 || c.StopBits > 2 {
			fault("stop_bits = %d: write 1 or 2", c.StopBits)
		}
		unused("with a serial scanner", map[string]bool{"mode": c.Mode != "", "layout": c.Layout != "", "invert_caps": c.InvertCaps})
	case "hid":
		if c.Vendor == "" || c.Product == "" {
			fault("vendor and product are missing: write the two four-digit numbers that cpmd scanners shows")
		}
		if c.Port != "" && !usbPort.MatchString(c.Port) {
			fault(`port = %q: write a physical USB port, such as "1-4.2" (cpmd scanners shows it), or leave it out`, c.Port)
		}
		oneOf("mode", c.Mode, "auto", "pos", "keyboard")
		oneOf("layout", c.Layout, decode.Layouts...)
		unused("with a HID scanner", lineSettings)
	case "evdev":
		byID := c.Vendor != "" && c.Product != ""
		switch {
		case c.Port == "" && !byID:
			fault("vendor and product are missing: write the two four-digit numbers that cpmd scanners shows")
		case c.Port != "" && !strings.HasPrefix(c.Port, "/"):
			fault(`port = %q: write a path, such as "/dev/input/by-id/...", or leave it out`, c.Port)
		case c.Port != "" && (c.Vendor != "" || c.Product != "" || c.Serial != ""):
			fault("port is a path, which names the scanner already: remove vendor, product and serial, or the port")
		}
		oneOf("layout", c.Layout, decode.Layouts...)
		lineSettings["mode"], lineSettings["arm"], lineSettings["maker"], lineSettings["beep"] = c.Mode != "", c.Arm, c.Maker != "", c.Quiet
		unused("with an evdev scanner", lineSettings)
	case "virtual":
		for key, set := range map[string]bool{"port": c.Port != "", "vendor": c.Vendor != "", "product": c.Product != "", "serial": c.Serial != "",
			"mode": c.Mode != "", "layout": c.Layout != "", "invert_caps": c.InvertCaps, "terminator": c.Terminator != "", "aim": c.AIM,
			"prefix": c.Prefix != "", "suffix": c.Suffix != "", "idle": c.Idle != 0, "maker": c.Maker != "", "beep": c.Quiet, "arm": c.Arm} {
			lineSettings[key] = set
		}
		unused("with a virtual scanner", lineSettings)
	case "":
		fault(`driver is missing: write "serial", "hid", "evdev" or "virtual"`)
	default:
		fault(`driver = %q: write "serial", "hid", "evdev" or "virtual"`, c.Driver)
	}
	return faults
}

// New makes a scanner. It errs for a configuration that Check finds fault with; a device that is not there, or
// may not be opened, is no error but a Status.
func New(cfg Config) (Scanner, error) {
	if err := errors.Join(cfg.Check()...); err != nil {
		return nil, err
	}
	cfg.Vendor, cfg.Product = strings.ToLower(cfg.Vendor), strings.ToLower(cfg.Product)
	switch cfg.Driver {
	case "serial":
		return newReader(newSerialDriver(cfg)), nil
	case "hid":
		return newReader(newHIDDriver(cfg, library{})), nil
	case "evdev":
		return newReader(newEventDriver(cfg)), nil
	}
	return NewVirtual(), nil
}
