package scanner

import "github.com/karalabe/hid"

// library opens devices with the HID library. Its Enumerate is never called: it would talk to every HID device of
// the machine, keyboards and power supplies included. Open needs the path alone.
type library struct{}

func (library) supported() bool { return hid.Supported() }

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
	return hidHandle{dev}, nil
}

type hidHandle struct{ dev hid.Device }

func (h hidHandle) Read(p []byte) (int, error) {
	return h.dev.ReadTimeout(p, int(readWait.Milliseconds()))
}

// Write waits for a second at most, which the library sees to.
func (h hidHandle) Write(p []byte) error {
	_, err := h.dev.Write(p)
	return err
}

func (h hidHandle) Close() error { return h.dev.Close() }
