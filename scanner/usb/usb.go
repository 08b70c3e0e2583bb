// Package usb tells what is plugged in, from sysfs alone: no device is opened or asked anything, so looking can
// neither disturb a keyboard nor hang on a sick device.
//
// Start reading at [Root.Devices]. [Reconnect] gives an interface back to the kernel's driver.
package usb

import (
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// A Root is where /sys and /dev are looked for; "" is "/". Tests use a folder of their own.
type Root string

// Path returns a path under the root.
func (r Root) Path(parts ...string) string {
	return filepath.Join(append([]string{"/", string(r)}, parts...)...)
}

// A Device is a USB device as sysfs shows it.
type Device struct {
	Port         string // physical port, such as "1-4.2"; the same as long as nobody moves the plug
	Vendor       string // four hex digits, small letters
	Product      string // likewise
	Serial       string // may be empty
	Manufacturer string
	Name         string
	Node         string // the file that libusb opens, such as "/dev/bus/usb/001/004"
	Interfaces   []Interface
	Partial      bool // just plugged in: the kernel has not yet made all its interfaces known, or their descriptors
}

// An Interface is one function of a device.
type Interface struct {
	Path       string // such as "1-4.2:1.0"; the name that the HID library takes
	Number     int
	Class      byte
	SubClass   byte
	Protocol   byte
	Driver     string   // "usbhid", "cdc_acm", "usbfs" (some program holds it) or empty (nobody)
	Packet     int      // bytes of a packet of the first interrupt IN endpoint, 0 if there is none
	Mute       bool     // of the HID class, and has no such endpoint: nothing ever comes from it
	Descriptor []byte   // HID report descriptor; empty while no kernel driver is bound
	TTY        string   // such as "/dev/ttyACM0", or empty
	Events     []string // such as "/dev/input/event3": where a keyboard can be read beside its driver
	Raw        string   // such as "/dev/hidraw0", or empty
}

// HID reports whether the interface is of the HID class.
func (i Interface) HID() bool { return i.Class == 3 }

// Boot reports whether the interface calls itself a boot keyboard: then it is one, whatever its descriptor says.
func (i Interface) Boot() bool { return i.HID() && i.SubClass == 1 && i.Protocol == 1 }

// Readable reports whether codes may come from the interface.
func (i Interface) Readable() bool { return i.HID() && !i.Mute && (!i.Refused() || i.Boot()) }

// Refused reports whether the kernel's driver has the HID interface and could make nothing of its report descriptor.
// One that was plugged in a moment ago looks the same.
func (i Interface) Refused() bool { return i.Driver == "usbhid" && len(i.Descriptor) == 0 }

// Held tells whether some program, perhaps this one, holds the interface.
func (i Interface) Held() bool { return i.Driver == "usbfs" }

// Left tells whether nobody has the HID interface: a program that held it died without giving it back.
func (i Interface) Left() bool { return i.HID() && i.Driver == "" }

// Devices lists the devices that match, by port; nil matches all. match is asked when port, vendor, product and
// serial number are known, so that looking for one device costs little. Hubs are left out. A device that goes away meanwhile is left out
// too or lacks what could no longer be read.
func (r Root) Devices(match func(Device) bool) []Device {
	dir := r.Path("sys/bus/usb/devices")
	names, _ := os.ReadDir(dir)
	var list []Device
	for _, n := range names {
		name := n.Name()
		if strings.HasPrefix(name, "usb") || strings.Contains(name, ":") {
			continue
		}
		at := filepath.Join(dir, name)
		d := Device{Port: name, Vendor: strings.ToLower(text(at, "idVendor")), Product: strings.ToLower(text(at, "idProduct"))}
		if d.Serial = text(at, "serial"); d.Vendor == "" || match != nil && !match(d) || text(at, "bDeviceClass") == "09" {
			continue
		}
		d.Manufacturer, d.Name = text(at, "manufacturer"), text(at, "product")
		bus, _ := strconv.Atoi(text(at, "busnum"))
		num, _ := strconv.Atoi(text(at, "devnum"))
		d.Node = r.Path("dev/bus/usb", pad(bus), pad(num))
		d.Interfaces = r.interfaces(at, name)
		count, _ := strconv.Atoi(text(at, "bNumInterfaces"))
		d.Partial = len(d.Interfaces) < count || slices.ContainsFunc(d.Interfaces, Interface.Refused)
		list = append(list, d)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Port < list[j].Port })
	return list
}

func (r Root) interfaces(at, name string) (list []Interface) {
	dirs, _ := filepath.Glob(filepath.Join(at, name+":*"))
	sort.Strings(dirs)
	for _, dir := range dirs {
		i := Interface{
			Path:   filepath.Base(dir),
			Number: int(hex(dir, "bInterfaceNumber")),
			Class:  byte(hex(dir, "bInterfaceClass")), SubClass: byte(hex(dir, "bInterfaceSubClass")),
			Protocol: byte(hex(dir, "bInterfaceProtocol")),
		}
		if d, err := os.Readlink(filepath.Join(dir, "driver")); err == nil {
			i.Driver = filepath.Base(d)
		}
		if found, _ := filepath.Glob(filepath.Join(dir, "*:*:*.*", "report_descriptor")); len(found) > 0 {
			i.Descriptor, _ = os.ReadFile(found[0])
		}
		eps, _ := filepath.Glob(filepath.Join(dir, "ep_8*"))
		for _, ep := range eps {
			if i.Packet == 0 && text(ep, "type") == "Interrupt" {
				i.Packet = int(hex(ep, "wMaxPacketSize") & 0x7ff)
			}
		}
		i.Mute = i.HID() && i.Packet == 0 && text(dir, "bNumEndpoints") != ""
		// CDC ports are in INTERFACE/tty/ttyACM0, converters in INTERFACE/ttyUSB0
		for _, pattern := range []string{"tty/tty*", "ttyUSB*"} {
			if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
				i.TTY = r.Path("dev", filepath.Base(found[0]))
			}
		}
		events, _ := filepath.Glob(filepath.Join(dir, "*:*:*.*", "input", "input*", "event*"))
		for _, e := range events {
			i.Events = append(i.Events, r.Path("dev/input", filepath.Base(e)))
		}
		slices.SortFunc(i.Events, ByNumber)
		if found, _ := filepath.Glob(filepath.Join(dir, "*:*:*.*", "hidraw", "hidraw*")); len(found) > 0 {
			i.Raw = r.Path("dev", filepath.Base(found[0]))
		}
		list = append(list, i)
	}
	return list
}

// ByNumber compares two names as text, except for the number that they end with: event9 comes before event10.
func ByNumber(a, b string) int {
	const digits = "0123456789"
	x, y := strings.TrimRight(a, digits), strings.TrimRight(b, digits)
	if x == y && len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func text(dir, name string) string {
	b, _ := os.ReadFile(filepath.Join(dir, name))
	return strings.TrimSpace(string(b))
}

func hex(dir, name string) uint64 {
	v, _ := strconv.ParseUint(text(dir, name), 16, 16)
	return v
}

func pad(n int) string {
	s := strconv.Itoa(n)
	for len(s) < 3 {
		s = "0" + s
	}
	return s
}
