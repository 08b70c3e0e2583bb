package usbemu

import (
	"encoding/binary"
	"os"
	"time"
)

// From the kernel's include/uapi/linux/uhid.h.
const (
	uhidDestroy   = 1
	uhidCreate2   = 11
	uhidInput2    = 12
	uhidEventSize = 4380 // of struct uhid_event
	busBluetooth  = 5
)

// radioPace is between two reports: a keyboard over Bluetooth has no faster slot (the least connection interval of the
// Bluetooth core specification is 7.5 ms). A burst would fill the 64 events that the kernel keeps for a reader.
const radioPace = 7500 * time.Microsecond

// A Paired device is a keyboard over Bluetooth: it is made with uhid, as the Bluetooth service makes it, so it has no
// USB device behind it.
type Paired struct{ uhid *os.File }

// Pair brings a boot keyboard with this address near. It needs the module uhid.
func Pair(vendor, product uint16, name, address string) (*Paired, error) {
	f, err := os.OpenFile("/dev/uhid", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	b := make([]byte, uhidEventSize)
	binary.NativeEndian.PutUint32(b, uhidCreate2)
	copy(b[4:4+127], name)
	copy(b[4+128+64:4+128+64+63], address)
	at := 4 + 128 + 64 + 64
	binary.NativeEndian.PutUint16(b[at:], uint16(len(keyboardReport)))
	binary.NativeEndian.PutUint16(b[at+2:], busBluetooth)
	binary.NativeEndian.PutUint32(b[at+4:], uint32(vendor))
	binary.NativeEndian.PutUint32(b[at+8:], uint32(product))
	copy(b[at+20:], keyboardReport)
	if _, err := f.Write(b); err != nil {
		f.Close()
		return nil, err
	}
	p := &Paired{f}
	go p.serve()
	return p, nil
}

// serve takes what the kernel tells the device, such as its lamps.
func (p *Paired) serve() {
	b := make([]byte, uhidEventSize)
	for {
		if _, err := p.uhid.Read(b); err != nil {
			return
		}
	}
}

// Send types, at the pace of the radio.
func (p *Paired) Send(reports ...[]byte) error {
	for _, r := range reports {
		b := make([]byte, 6, 6+len(r))
		binary.NativeEndian.PutUint32(b, uhidInput2)
		binary.NativeEndian.PutUint16(b[4:], uint16(len(r)))
		if _, err := p.uhid.Write(append(b, r...)); err != nil {
			return err
		}
		time.Sleep(radioPace)
	}
	return nil
}

// Leave takes the device out of reach. It may be called again.
func (p *Paired) Leave() {
	b := make([]byte, uhidEventSize)
	binary.NativeEndian.PutUint32(b, uhidDestroy)
	p.uhid.Write(b)
	p.uhid.Close()
}
