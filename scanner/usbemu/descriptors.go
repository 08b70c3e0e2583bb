package usbemu

import (
	"encoding/binary"
	"unicode/utf16"
)

// A Device says what an emulated device tells about itself.
type Device struct {
	Vendor, Product uint16
	Maker, Name     string
	Serial          string
	class           byte
	functions       byte
	about           *about    // the rest of its device descriptor; nil where that does not matter
	converter       converter // how it answers as a serial converter; nil where it is none
	config          []byte    // interface descriptors and what belongs to them
	reports         map[byte][]byte
	more            map[byte]string // strings of the configuration and the interfaces, by number
}

// An about is what a device says of itself as a whole.
type about struct {
	usb, release      uint16
	speed, packet     byte // packet: bytes of a packet of endpoint 0
	attributes, power byte // power: in units of 2 mA
	configuration     byte // the number of its string
}

// Speeds, by the kernel's enum usb_device_speed.
const (
	lowSpeed = iota + 1
	fullSpeed
	highSpeed
)

// whole returns what the device says of itself as a whole.
func (d Device) whole() about {
	if d.about != nil {
		return *d.about
	}
	return about{usb: 0x0200, release: 0x0100, speed: highSpeed, packet: 64, attributes: 0xa0, power: 50}
}

// Keyboard is a scanner that types, or a keyboard: one boot keyboard interface, endpoint 0x81, 1 ms.
func Keyboard(vendor, product uint16, serial string) Device {
	return Device{Vendor: vendor, Product: product, Maker: "Emulated", Name: "Keyboard", Serial: serial, functions: 1,
		config:  hidInterface(0, 1, 1, keyboardReport, 8),
		reports: map[byte][]byte{0: keyboardReport}}
}

// POS is a scanner in HID POS mode: one interface, endpoint 0x81, 64 bytes. The layout decides what its
// descriptor says.
func POS(vendor, product uint16, serial string, l Layout) Device {
	return Device{Vendor: vendor, Product: product, Maker: "Emulated", Name: "HID POS Scanner", Serial: serial, functions: 1,
		config:  hidInterface(0, 0, 0, l.descriptor, 64),
		reports: map[byte][]byte{0: l.descriptor}}
}

// Composite is a scanner that is keyboard (endpoint 0x81) and HID POS (endpoint 0x82) at once.
func Composite(vendor, product uint16, serial string, l Layout) Device {
	return Device{Vendor: vendor, Product: product, Maker: "Emulated", Name: "Composite Scanner", Serial: serial, functions: 2,
		config:  append(hidInterface(0, 1, 1, keyboardReport, 8), hidInterface(1, 0, 0, l.descriptor, 64)...),
		reports: map[byte][]byte{0: keyboardReport, 1: l.descriptor}}
}

// Collections is a keyboard whose volume keys come before its letters: two nodes of the input layer, endpoint 0x81.
// Its reports are those of Keys with a 2 before them.
func Collections(vendor, product uint16, serial string) Device {
	d := Keyboard(vendor, product, serial)
	report := append([]byte{
		0x05, 0x0c, 0x09, 0x01, 0xa1, 0x01, 0x85, 0x01, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x02, 0x09, 0xe9, 0x09, 0xea, 0x81, 0x02,
		0x95, 0x06, 0x81, 0x03, 0xc0}, keyboardReport[:6]...)
	report = append(append(report, 0x85, 0x02), keyboardReport[6:]...)
	d.config, d.reports = hidInterface(0, 0, 0, report, 16), map[byte][]byte{0: report}
	return d
}

// Refused is a keyboard (endpoint 0x81) beside an interface whose report descriptor the kernel refuses: a collection
// without end.
func Refused(vendor, product uint16, serial string) Device {
	d := Keyboard(vendor, product, serial)
	broken := []byte{0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01}
	d.functions, d.config, d.reports[1] = 2, append(d.config, hidInterface(1, 0, 0, broken, 64)...), broken
	return d
}

// Mute is a keyboard (endpoint 0x81) beside an interface of the HID class that has an OUT endpoint alone.
func Mute(vendor, product uint16, serial string) Device {
	d := Keyboard(vendor, product, serial)
	out := hidInterface(1, 0, 0, vendorReport, 64)
	out[len(out)-5] = 0x02
	d.functions, d.config, d.reports[1] = 2, append(d.config, out...), vendorReport
	return d
}

// CDC is a scanner in USB-COM mode: data on endpoint 0x82.
func CDC(vendor, product uint16, serial string) Device {
	return Device{Vendor: vendor, Product: product, Maker: "Emulated", Name: "COM Scanner", Serial: serial, class: 0xef, functions: 2,
		config: []byte{
			8, 11, 0, 2, 2, 2, 1, 0, // interface association
			9, 4, 0, 0, 1, 2, 2, 1, 0,
			5, 0x24, 0, 0x10, 1, // header
			5, 0x24, 1, 0, 1, // call management
			4, 0x24, 2, 2, // abstract control
			5, 0x24, 6, 0, 1, // union
			7, 5, 0x83, 3, 8, 0, 8,
			9, 4, 1, 0, 2, 10, 0, 0, 0,
			7, 5, 0x82, 2, 0, 2, 0,
			7, 5, 0x02, 2, 0, 2, 0,
		}}
}

func hidInterface(number, subclass, protocol byte, report []byte, packet uint16) []byte {
	return []byte{
		9, 4, number, 0, 1, 3, subclass, protocol, 0,
		9, 0x21, 0x11, 0x01, 0, 1, 0x22, byte(len(report)), byte(len(report) >> 8),
		7, 5, 0x81 + number, 3, byte(packet), byte(packet >> 8), 4, // 4: 1 ms at high speed
	}
}

// control answers a request to endpoint 0 (USB 2.0, chapter 9; HID 1.11, section 7; CDC PSTN 1.2, section 6.3).
func (p *Plugged) control(setup [8]byte, data []byte) (reply []byte, ok bool) {
	kind, request := setup[0], setup[1]
	value, index := binary.LittleEndian.Uint16(setup[2:]), binary.LittleEndian.Uint16(setup[4:])
	switch {
	case p.dev.converter != nil && kind&0x60 != 0:
		return p.dev.converter(&p.line, kind, request, value, index, data)
	case kind == 0x80 && request == 6: // descriptors
		return p.dev.descriptor(byte(value>>8), byte(value))
	case kind == 0x81 && request == 6 && value>>8 == 0x22:
		reply, ok = p.dev.reports[byte(index)]
		return reply, ok
	case kind&0x80 != 0 && request == 0: // status
		return []byte{0, 0}, true
	case kind&0x60 == 0 && kind&0x80 == 0: // address, configuration, interface, features
		return nil, true
	case kind == 0x21 && request == 9: // an output or feature report
		p.out = append(p.out, data)
		return nil, true
	case kind == 0x21: // idle rate, protocol, line coding, line state
		return nil, true
	case kind == 0xa1 && request == 0x21: // line coding
		return []byte{0x80, 0x25, 0, 0, 0, 0, 8}, true
	}
	return nil, false
}

func (d Device) descriptor(kind, index byte) ([]byte, bool) {
	about := d.whole()
	switch kind {
	case 1:
		b := []byte{18, 1, byte(about.usb), byte(about.usb >> 8), d.class, 0, 0, about.packet, byte(d.Vendor), byte(d.Vendor >> 8), byte(d.Product), byte(d.Product >> 8),
			byte(about.release), byte(about.release >> 8), 0, 0, 0, 1}
		for i, text := range []string{d.Maker, d.Name, d.Serial} {
			if text != "" {
				b[14+i] = byte(i + 1)
			}
		}
		return b, true
	case 2:
		total := 9 + len(d.config)
		return append([]byte{9, 2, byte(total), byte(total >> 8), d.functions, 1, about.configuration, about.attributes, about.power}, d.config...), true
	case 3:
		if index == 0 {
			return []byte{4, 3, 9, 4}, true
		}
		text := d.more[index]
		if index <= 3 {
			text = [...]string{d.Maker, d.Name, d.Serial}[index-1]
		} else if text == "" {
			return nil, false
		}
		b := []byte{0, 3}
		for _, c := range utf16.Encode([]rune(text)) {
			b = append(b, byte(c), byte(c>>8))
		}
		b[0] = byte(len(b))
		return b, true
	case 6: // device qualifier
		if about.speed != highSpeed {
			return nil, false // it knows one speed alone
		}
		return []byte{10, 6, 0x00, 0x02, d.class, 0, 0, 64, 1, 0}, true
	}
	return nil, false
}

// keyboardReport is the boot keyboard of USB HID 1.11, appendix B.1.
var keyboardReport = []byte{
	0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01,
	0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01,
	0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x25, 0x65,
	0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0xc0}

// vendorReport has one report of 64 bytes, of a meaning that the maker keeps to itself.
var vendorReport = []byte{
	0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x09, 0x01, 0x81, 0x02, 0xc0}
