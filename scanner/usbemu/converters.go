package usbemu

import "encoding/binary"

// A Line is how the host has set a converter's serial line.
type Line struct {
	Baud, DataBits, StopBits int
	Parity                   string // as a configuration has it
}

// parities in the order in which all three chips count them.
var parities = []string{"none", "odd", "even", "mark", "space"}

// A converter answers the requests of a class or of a maker, and keeps what they say of the line.
type converter func(l *Line, kind, request byte, value, index uint16, data []byte) (reply []byte, ok bool)

// CH340 is WCH's converter, data on endpoint 0x82, with the descriptors that the lsusb -v of devices in use shows
// (felHR85/UsbSerial issue 232, gepd/Deviot issue 188) and the registers that the kernel's ch341.c writes.
func CH340() Device {
	return Device{Vendor: 0x1a86, Product: 0x7523, Name: "USB2.0-Serial", class: 0xff, functions: 1,
		about: &about{usb: 0x0110, release: 0x0262, speed: fullSpeed, packet: 8, attributes: 0x80, power: 49}, converter: ch340,
		config: []byte{
			9, 4, 0, 0, 3, 0xff, 1, 2, 0,
			7, 5, 0x82, 2, 32, 0, 0,
			7, 5, 0x02, 2, 32, 0, 0,
			7, 5, 0x81, 3, 8, 0, 1,
		}}
}

func ch340(l *Line, kind, request byte, value, index uint16, _ []byte) ([]byte, bool) {
	switch {
	case kind == 0xc0 && request == 0x5f: // version; from 0x30 on the register of the line's format counts
		return []byte{0x31, 0}, true
	case kind == 0xc0 && request == 0x95: // two registers, such as the modem lines
		return []byte{0x9f, 0xee}, true
	case kind == 0x40 && request == 0x9a && value == 0x1312: // divisor and prescaler of 48 MHz
		shift := 12 - 3*(index&3) - index>>2&1
		l.Baud = (48_000_000 >> shift) / (0x100 - int(index>>8))
	case kind == 0x40 && request == 0x9a && value == 0x2518: // the format
		l.DataBits, l.StopBits, l.Parity = 5+int(index&3), 1+int(index>>2&1), "none"
		if index&0x08 != 0 {
			l.Parity = parities[1+index>>4&3]
		}
	}
	return nil, kind == 0x40
}

// CP2102 is Silicon Labs' converter, data on endpoint 0x81, with the descriptors of mvp/uhubctl issue 526 and the
// requests of the maker's AN571, as the kernel's cp210x.c makes them.
func CP2102() Device {
	return Device{Vendor: 0x10c4, Product: 0xea60, Maker: "Silicon Labs", Name: "CP2102 USB to UART Bridge Controller", Serial: "0001",
		functions: 1, about: &about{usb: 0x0110, release: 0x0100, speed: fullSpeed, packet: 64, attributes: 0x80, power: 50}, converter: cp2102,
		config: []byte{
			9, 4, 0, 0, 2, 0xff, 0, 0, 2,
			7, 5, 0x81, 2, 64, 0, 0,
			7, 5, 0x01, 2, 64, 0, 0,
		}}
}

func cp2102(l *Line, kind, request byte, value, _ uint16, data []byte) ([]byte, bool) {
	switch {
	case kind == 0xc0 && request == 0xff && value == 0x370b: // which part it is
		return []byte{0x02}, true
	case kind == 0xc1: // modem lines, queues, flow control: nothing to tell
		return make([]byte, 19), true
	case kind == 0x41 && request == 0x1e && len(data) == 4:
		l.Baud = int(binary.LittleEndian.Uint32(data))
	case kind == 0x41 && request == 0x03:
		l.DataBits, l.StopBits, l.Parity = int(value>>8), 1, parities[value>>4&0xf]
		if value&0xf == 2 {
			l.StopBits = 2
		}
	}
	return nil, kind == 0x41
}

// PL2303 is Prolific's converter of the kind HX, data on endpoint 0x83, with the descriptors of a device in use
// (an Airlink101's lsusb -v in Ubuntu's forum, 2006) and the requests of the kernel's pl2303.c.
func PL2303() Device {
	return Device{Vendor: 0x067b, Product: 0x2303, Maker: "Prolific Technology Inc.", Name: "USB-Serial Controller",
		functions: 1, about: &about{usb: 0x0110, release: 0x0300, speed: fullSpeed, packet: 64, attributes: 0x80, power: 50}, converter: pl2303,
		config: []byte{
			9, 4, 0, 0, 3, 0xff, 0, 0, 0,
			7, 5, 0x81, 3, 10, 0, 1,
			7, 5, 0x02, 2, 64, 0, 0,
			7, 5, 0x83, 2, 64, 0, 0,
		}}
}

func pl2303(l *Line, kind, request byte, _, _ uint16, data []byte) ([]byte, bool) {
	switch {
	case kind == 0xc0 && request == 0x01: // a register
		return []byte{0}, true
	case kind == 0xa1 && request == 0x21: // line coding (CDC PSTN 1.2, section 6.3.11)
		return []byte{0x80, 0x25, 0, 0, 0, 0, 8}, true
	case kind == 0x21 && request == 0x20 && len(data) == 7:
		*l = Line{Baud: int(binary.LittleEndian.Uint32(data)), DataBits: int(data[6]), StopBits: max(1, int(data[4])), Parity: parities[data[5]]}
	}
	return nil, kind == 0x40 || kind == 0x21
}

// Line returns how the host has set the line of a converter.
func (p *Plugged) Line() Line {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.line
}
