// Package scanner turns barcode scanners into Scans: it finds, opens, reads, loses and re-finds devices, and
// decodes what they send. It knows no sale and no money.
//
// Start reading at [New], which makes a [Scanner] from a [Config]. reader.go is the life of a device (looked for,
// opened, read, lost, looked for again), owner.go the goroutine that alone touches its handle; the drivers are
// serial.go, hid.go, evdev.go and virtual.go. Package decode turns bytes into codes, package usb tells what is plugged in.
package scanner

import (
	"context"
	"time"
)

// A State says how a scanner's device stands.
type State string

const (
	Absent State = "absent" // not plugged in
	Denied State = "denied" // there, but this user may not open it
	Busy   State = "busy"   // there, but another program holds it
	Open   State = "open"   // being read; from here on scans count
	Lost   State = "lost"   // was open, went away; being looked for
)

// States are all states.
var States = []State{Absent, Denied, Busy, Open, Lost}

// A Status is a scanner's state and what to do about it.
type Status struct {
	State  State
	Device string    // what is open or looked for, such as "/dev/ttyACM0" or "1-4.2:1.0"
	Advice string    // what a person should do; empty while all is well
	Since  time.Time // when this state began
}

// A Sink receives what a Scanner has to say. Its methods are called from the scanner's own goroutine, one at a
// time, and must return soon.
type Sink interface {
	Scanned(Scan)
	StatusChanged(Status)
}

// A Scanner is one configured device. Run reads it until the context ends, re-opening it as often as it is
// lost, and returns after the device is let go. It never gives up by itself.
type Scanner interface {
	Run(ctx context.Context, sink Sink)
	// Beep asks the device for its good-read or error sound, where it has one; it never blocks.
	Beep(good bool)
}

// An Armer is a Scanner that can be told when to read. Arming does something only where the configuration asks for
// it (Config.Arm) and the maker has a command for it.
type Armer interface {
	// Arm lets the device read codes, or stops it; it never blocks. Until its first call the device is left as it
	// is; after each re-opening the last call counts.
	Arm(on bool)
}

// A Config names one scanner. Which fields count depends on Driver. [Config.Check] lists what is wrong with one.
type Config struct {
	Driver string // "serial", "hid", "evdev" or "virtual"

	// Port is the path of a serial port; /dev/serial/by-id/... stays the same over replugs, /dev/ttyACM0 may not.
	// It may also be a physical USB port, such as "1-4.2": the scanner plugged in there.
	Port     string
	Baud     int    // serial; 0: 9600
	DataBits int    `toml:"data_bits"` // serial; 7 or 8; 0: 8
	Parity   string // serial; "none" (also ""), "even", "odd", "mark" or "space"
	StopBits int    `toml:"stop_bits"` // serial; 1 or 2; 0: 1
	Protocol string // serial; "plain" (also "") or "ssi", Zebra's packets
	ACK      bool   // serial; answer each code with ACK (06)

	// Vendor, Product and Serial name a USB device, HID or serial, or any input device (evdev), where Serial is the
	// address of a Bluetooth scanner. Serial may be empty if there is only one such device, or Port tells which.
	Vendor  string // four hex digits
	Product string // four hex digits
	Serial  string

	Mode       string // hid; "auto" (also ""), "pos" or "keyboard"
	Layout     string // keyboard layout that the scanner is set to: "us" (also ""), "uk", "de", "fr", "es" or "it"
	InvertCaps bool   `toml:"invert_caps"` // keyboard; the scanner swaps capitals and small letters

	Terminator string        // serial and keyboard: "auto" (also ""), "cr", "lf", "crlf", "tab", "etx", "none"
	Idle       time.Duration // silence that ends a code without terminator; 0: 500 ms
	AIM        bool          // codes begin with an AIM identifier ("]C0"), which is taken off
	Prefix     string        // what the scanner puts before every code, and before the AIM identifier
	Suffix     string        // what it puts after every code, before the terminator

	Maker string // whose beep and trigger commands to use; "" goes by the vendor number
	Quiet bool   `toml:"beep"` // beep = false: never ask the device for a sound
	Arm   bool   // read only while armed, where the maker has commands for it

	StateDir string `toml:"-"` // where it is noted which HID devices are held; "": see [DefaultStateDir]
	Root     string `toml:"-"` // where /sys and /dev are looked for, for tests; "": "/"
}
