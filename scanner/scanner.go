// Package scanner turns barcode scanners into Scans: it finds, opens, reads, loses and re-finds devices, and
// decodes what they send. It knows no sale and no money.
//
// Start reading at [New], which makes a [Scanner] from a [Config]; the drivers are serial.go, hid.go and
// virtual.go, the decoders are pure functions over bytes.
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
	Open   State = "open"   // being read
	Lost   State = "lost"   // was open, went away; being looked for
)

// A Status is a scanner's state and what to do about it.
type Status struct {
	State  State
	Device string    // what is open or looked for, such as "/dev/ttyACM0" or "1-4.2:1.0"
	Advice string    // what a person should do; empty while open
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

// A Config names one scanner. Which fields count depends on Driver.
type Config struct {
	Driver string // "serial", "hid" or "virtual"

	// serial
	Port string // a path; /dev/serial/by-id/... stays the same over replugs
	Baud int    // 0: 9600

	// hid
	Vendor  string // four hex digits
	Product string // four hex digits
	Serial  string // may be empty
	Mode    string // "auto" (also ""), "pos" or "keyboard"
	Layout  string // keyboard layout of the device; "" is "us"

	Terminator string // serial and keyboard: "auto" (also ""), "cr", "lf", "crlf", "tab", "etx", "none"
}
