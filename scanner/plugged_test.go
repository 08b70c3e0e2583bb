package scanner

import (
	"context"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What the kernel tells of a scanner ends the wait for it; what it tells of other things, such as a battery, does not.
func TestPlugWatchHearsOfScanners(t *testing.T) {
	t.Parallel()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	kernel := os.NewFile(uintptr(ends[0]), "kernel")
	defer kernel.Close()
	w := &plugWatch{told: os.NewFile(uintptr(ends[1]), "uevents")}
	defer w.close()
	ctx, cancel := context.WithCancel(context.Background())
	woken := make(chan bool)
	wait := func() { w.wait(ctx); woken <- true }
	go wait()
	tell := func(s string) {
		t.Helper()
		if _, err := kernel.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	tell("change@/devices/BAT0\x00SUBSYSTEM=power_supply\x00")
	select {
	case <-woken:
		t.Fatal("woken by a battery")
	default:
	}
	tell("add@/devices/usb1/1-1/1-1:1.0/ttyACM0\x00SUBSYSTEM=tty\x00")
	<-woken
	if time.Until(w.busy) <= 0 {
		t.Error("not looked at often although a device is on its way")
	}
	w.busy = time.Time{}
	go wait()
	cancel()
	<-woken // the end of the daemon is not waited out
	began := time.Now()
	w.wait(ctx)
	if took := time.Since(began); took >= lookTold {
		t.Errorf("an ended watch waited %v", took)
	}
}
