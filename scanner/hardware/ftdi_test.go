//go:build hardware

package hardware

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"cpmd/scanner"
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

// The machine sleeps while a sale waits: what is scanned after it woke up pays. The kernel's own test of suspend puts all
// devices to sleep and wakes them five seconds later (kernel documentation, power/basic-pm-debugging); it cannot be done while a
// scanner is plugged in over USB/IP, which refuses to sleep.
func TestSuspend(t *testing.T) {
	if err := os.WriteFile("/sys/power/pm_test", []byte("devices"), 0); err != nil {
		t.Fatal(err)
	}
	wire, err := os.OpenFile("/dev/ttyS1", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Close()
	c := newCounter(t, anyWallet, scanner.Config{Driver: "serial", Vendor: "0403", Product: "6001"})
	c.lane(1, scanner.Open)
	c.open("before", 1)
	poll(t, "sleep", func() bool { // another test's scanner may still be leaving
		err := os.WriteFile("/sys/power/state", []byte("mem"), 0)
		if err != nil && !errors.Is(err, syscall.EBUSY) {
			states, _ := os.ReadFile("/sys/power/state")
			t.Fatalf("%v; this machine can %s", err, strings.TrimSpace(string(states)))
		}
		return err == nil
	})
	c.lane(1, scanner.Open)
	fmt.Fprintf(wire, "%s\r", walletCode)
	c.paid("before")
	if got := c.charges(); got != 1 {
		t.Errorf("charged %d times", got)
	}
}
