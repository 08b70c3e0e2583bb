package usbemu

import (
	"fmt"
	"strings"
)

// A Layout is how one maker puts a code into HID POS reports.
type Layout struct {
	id, aim, data, room int
	more                int // the byte whose bit 0 says that the code goes on; 0: a full report does
	descriptor          []byte
}

// The makers' layouts (Hand Held Products USB guide, page 1-11; NLS-FM420 user guide; WebHidBarcodeScanner for
// the one with a byte between; Microscan MS-4 manual).
var (
	Honeywell = Layout{id: 2, aim: 2, data: 5, room: 56, more: 63, descriptor: posDescriptor(2, 3, 56, 2)}
	Zebra     = Layout{id: 2, aim: 3, data: 6, room: 56, more: 63, descriptor: posDescriptor(2, 0, 62, 0)}
	Newland   = Layout{id: 2, data: 2, room: 56, more: 63, descriptor: posDescriptor(2, 0, 62, 0)}
	Microscan = Layout{id: 1, data: 2, room: 62, descriptor: posDescriptor(1, 0, 62, -1)}
)

// posDescriptor makes a report descriptor: byte count, aim bytes of identifier (usages FB to FD), room bytes of
// data (FE), own bytes of the maker's and the continued bit (FF); own below 0 leaves the bit out. Where aim is 0
// the data has no usage that tells what is in it, as with makers that declare one array of bytes.
func posDescriptor(id byte, aim, room, own int) []byte {
	d := []byte{
		0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, // bar code scanner
		0x09, 0x12, 0xa1, 0x02, 0x85, id, // scanned data report
		0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08,
	}
	if aim == 0 {
		d = append(d, 0x95, 0x3f, 0x06, 0x00, 0xff, 0x09, 0x01, 0x82, 0x02, 0x01)
	} else {
		d = append(d, 0x95, 0x01, 0x05, 0x01, 0x09, 0x3b, 0x81, 0x02)
		d = append(d, 0x95, byte(aim), 0x05, 0x8c, 0x09, 0xfb, 0x09, 0xfc, 0x09, 0xfd, 0x81, 0x02)
		d = append(d, 0x95, byte(room), 0x09, 0xfe, 0x82, 0x02, 0x01)
		d = append(d, 0x95, byte(own), 0x06, 0x66, 0xff, 0x09, 0x04, 0x09, 0x00, 0x81, 0x02)
		d = append(d, 0x05, 0x8c, 0x95, 0x01, 0x75, 0x01, 0x25, 0x01, 0x09, 0xff, 0x81, 0x02, 0x95, 0x07, 0x81, 0x03)
	}
	d = append(d, 0xc0)
	// output report 4: triggers and sounds
	d = append(d, 0x05, 0x8c, 0x09, 0x14, 0xa1, 0x02, 0x85, 0x04, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x09, 0x5f, 0x91, 0x02, 0xc0)
	return append(d, 0xc0)
}

// Reports puts a code into reports.
func (l Layout) Reports(aim, text string) (reports [][]byte) {
	for {
		p := make([]byte, 64)
		n := min(len(text), l.room)
		p[0], p[1] = byte(l.id), byte(n)
		if l.aim > 0 {
			copy(p[l.aim:l.aim+3], aim)
		}
		copy(p[l.data:min(l.data+l.room, 63+1)], text[:n])
		text = text[n:]
		if l.more > 0 && text != "" {
			p[l.more] |= 1
		}
		reports = append(reports, p)
		if text == "" && (l.more > 0 || n < l.room) {
			return reports
		}
	}
}

const (
	plainKeys = "abcdefghijklmnopqrstuvwxyz1234567890\r\x1b\b\t -=[]\\\\;'`,./"
	shiftKeys = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()\r\x1b\b\t _+{}||:\"~<>?"
)

// Keys types a text on a US keyboard: a press and a release for each character.
func Keys(text string) (reports [][]byte) {
	for i := range len(text) {
		mod := byte(0)
		key := strings.IndexByte(plainKeys, text[i])
		if key < 0 {
			key, mod = strings.IndexByte(shiftKeys, text[i]), 2
		}
		if key < 0 {
			panic(fmt.Sprintf("usbemu: no key for %q", text[i]))
		}
		reports = append(reports, []byte{mod, 0, byte(key + 4), 0, 0, 0, 0, 0}, make([]byte, 8))
	}
	return reports
}

// IBMReports puts a code into reports of the IBM hand-held mode: length, data, NULs.
func IBMReports(text string) (reports [][]byte) {
	for n := 63; n == 63; {
		p := make([]byte, 64)
		n = copy(p[1:], text)
		p[0], text = byte(n), text[n:]
		reports = append(reports, p)
	}
	return reports
}
