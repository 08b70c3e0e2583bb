//go:build hardware

package hardware

import (
	"testing"

	"cpmd/scanner/usb"
)

// ftdiSerial returns the serial number of the machine's own serial converter.
func ftdiSerial(t *testing.T) string {
	t.Helper()
	for _, d := range usb.Root("").Devices(func(d usb.Device) bool { return d.Vendor == "0403" }) {
		return d.Serial
	}
	t.Fatal("no serial converter")
	return ""
}
