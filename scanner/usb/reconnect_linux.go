package usb

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// From the kernel's include/uapi/linux/usbdevice_fs.h: USBDEVFS_IOCTL hands a request on to an interface,
// USBDEVFS_CONNECT asks the kernel to look for a driver for it.
const usbdevfsConnect = 'U'<<8 | 23

type usbdevfsIoctl struct {
	Interface int32
	Code      int32
	Data      uintptr
}

const usbdevfsIoctlNr = 3<<30 | unsafe.Sizeof(usbdevfsIoctl{})<<16 | 'U'<<8 | 18

// Reconnect gives an interface that nobody has back to the kernel's driver, so that a keyboard types again. It
// needs the right to write to the device's node, nothing more.
func Reconnect(d Device, i Interface) error {
	f, err := os.OpenFile(d.Node, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("giving back %s: %w", i.Path, err)
	}
	defer f.Close()
	arg := usbdevfsIoctl{Interface: int32(i.Number), Code: usbdevfsConnect}
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), usbdevfsIoctlNr, uintptr(unsafe.Pointer(&arg))); e != 0 {
		return fmt.Errorf("giving back %s: %w", i.Path, e)
	}
	return nil
}
