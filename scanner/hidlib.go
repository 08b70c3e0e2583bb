package scanner

import (
	"time"

	"github.com/karalabe/hid"
)

// library opens devices with the HID library. Its Enumerate is never called: it would talk to every HID device of
// the machine, keyboards and power supplies included. Open needs the path alone.
type library struct{}

func (library) supported() bool { return hid.Supported() }

// NoHID is what to say where this build has no HID driver (made with CGO_ENABLED=0); empty where it has.
func NoHID() string {
	if hid.Supported() {
		return ""
	}
	return noHID
}

const noHID = "HID unavailable in this build"

func (library) open(path string, redirect bool) (handle, error) {
	dev, err := hid.DeviceInfo{Path: path}.Open()
	if err != nil {
		return nil, err
	}
	if redirect {
		// Feature report FE 01 makes a Honeywell that is keyboard and HID POS at once send its scans to the POS
		// interface (Hand Held Products USB guide). Others refuse it, which does no harm.
		dev.SendFeatureReport([]byte{0xfe, 0x01})
	}
	return &hidHandle{dev: dev}, nil
}

// The library keeps at most queueMost reports that were not fetched, and drops the oldest without a word.
const queueMost = 31

type hidHandle struct {
	dev   hid.Device
	first []byte     // a report that came during a rest
	buf   [1024]byte // the largest packet of USB's high speed
}

// restHID is how long the library waits for a device that is silent; nothing but the device can wake it.
const restHID = time.Second

// Rest keeps what it woke up for. An error comes again at Read.
func (h *hidHandle) Rest(_ *bell, attentive bool) {
	if attentive || h.first != nil {
		return
	}
	if n, _ := h.dev.ReadTimeout(h.buf[:], int(restHID.Milliseconds())); n > 0 {
		h.first = append([]byte(nil), h.buf[:n]...)
	}
}

// Read waits for a report and fetches all that wait behind it. If they are as many as the library keeps, some may
// have been dropped.
func (h *hidHandle) Read() (got arrived, err error) {
	wait := int(readWait.Milliseconds())
	if h.first != nil {
		got.parts, h.first, wait = append(got.parts, h.first), nil, 0
	}
	for ; len(got.parts) < 2*queueMost; wait = 0 {
		n, err := h.dev.ReadTimeout(h.buf[:], wait)
		if n > 0 {
			got.parts = append(got.parts, append([]byte(nil), h.buf[:n]...))
		}
		if err != nil || n == 0 {
			got.lost = len(got.parts) >= queueMost
			return got, err
		}
	}
	got.lost = true
	return got, nil
}

// Write waits for a second at most, which the library sees to.
func (h *hidHandle) Write(p []byte) error {
	_, err := h.dev.Write(p)
	return err
}

func (h *hidHandle) Close() error { return h.dev.Close() }
