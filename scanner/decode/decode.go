// Package decode turns what scanners send into codes. Everything in it is a state machine over bytes: no device,
// no clock, no goroutine; time comes in with the bytes, so that every rule can be tested and fuzzed.
//
// Start reading at [Decoder]. The machines are [NewSerial] (plain text with a terminator), [NewSSI] (Zebra's
// packets), [NewKeyboard] (a scanner that types) and [NewPOS] (HID point of sale). [ParseDescriptor] reads a HID
// report descriptor and tells which of them fits and where in a report the bytes are.
package decode

import "time"

// MaxLen is the longest code, in bytes. What is longer is noise and is dropped whole.
const MaxLen = 4096

// DefaultIdle is how long a device that ends its codes with nothing must be silent before one counts as complete.
// Longer pauses inside its codes make it longer.
const DefaultIdle = 500 * time.Millisecond

// A Code is one decoded barcode.
type Code struct {
	Text      string
	Symbology string    // AIM identifier without "]", or empty
	At        time.Time // when its last byte arrived
	End       string    // what ended it, one of Terminators, where the device marks no ends of its own
}

// A Fault is something that a person should know about a device that otherwise works.
type Fault int

const (
	NoFault  Fault = iota
	Typed          // keys came at a person's pace: this is a keyboard
	TooLong        // more than MaxLen bytes without an end
	Damaged        // a packet with a wrong checksum or length
	Unended        // a code stopped in the middle, or has no end where one is to come
	Unframed       // a code without the configured prefix or suffix
	Unknown        // a key that the layout does not have
)

// A Result is what a Decoder made of some bytes.
type Result struct {
	Codes []Code
	Reply []byte // what the device waits for, such as an ACK; mostly nil
	Fault Fault
}

// A Decoder is fed what one device sends, in order. A new one is made each time the device is opened, so that
// half a code before an unplug never meets the other half of another.
type Decoder interface {
	// Decode takes the bytes of one read (one report, for HID) that ended at the given time. With no bytes it is
	// told that the device was silent up to that time.
	Decode(p []byte, at time.Time) Result
	// Lost says that something is missing before what comes next. What it may have been part of is dropped: a
	// code is right or does not come at all.
	Lost(at time.Time)
}
