// Package input tells what keyboards the kernel's input layer has, from sysfs alone: those over Bluetooth, which have
// no USB device behind them, too.
//
// Start reading at [Devices].
package input

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"cpmd/scanner/usb"
)

// Bluetooth is the bus of Bluetooth devices (the kernel's include/uapi/linux/input.h).
const Bluetooth = 5

// A Device is all that one device brings to the input layer.
type Device struct {
	Bus      int
	Vendor   string // four hex digits, small letters
	Product  string // likewise
	Unique   string // serial number, or address; may be empty
	Name     string
	Keyboard bool     // it has the keys of digits and Enter
	Nodes    []string // such as "/dev/input/event3": one for each collection of keys
}

// Devices lists the input devices, by their first node. A device that goes away meanwhile is left out.
func Devices(root usb.Root) []Device {
	byParent := map[string]*Device{}
	inputs, _ := filepath.Glob(root.Path("sys/class/input/input*"))
	slices.SortFunc(inputs, usb.ByNumber)
	for _, dir := range inputs {
		vendor := text(dir, "id/vendor")
		nodes, _ := filepath.Glob(filepath.Join(dir, "event*"))
		if vendor == "" || len(nodes) == 0 {
			continue
		}
		parent, err := filepath.EvalSymlinks(filepath.Join(dir, "device"))
		if err != nil {
			parent = dir
		}
		d := byParent[parent]
		if d == nil {
			bus, _ := strconv.ParseUint(text(dir, "id/bustype"), 16, 16)
			d = &Device{Bus: int(bus), Vendor: strings.ToLower(vendor), Product: strings.ToLower(text(dir, "id/product")),
				Unique: text(dir, "uniq"), Name: text(dir, "name")}
			byParent[parent] = d
		}
		d.Keyboard = d.Keyboard || typing(text(dir, "capabilities/key"))
		for _, n := range nodes {
			d.Nodes = append(d.Nodes, root.Path("dev/input", filepath.Base(n)))
		}
	}
	var list []Device
	for _, d := range byParent {
		slices.SortFunc(d.Nodes, usb.ByNumber)
		list = append(list, *d)
	}
	slices.SortFunc(list, func(a, b Device) int { return usb.ByNumber(a.Nodes[0], b.Nodes[0]) })
	return list
}

// typing reports whether a bitmap of key codes, the highest word first, has the digits (2 to 11) and Enter (28).
func typing(bitmap string) bool {
	words := strings.Fields(bitmap)
	if len(words) == 0 {
		return false
	}
	low, _ := strconv.ParseUint(words[len(words)-1], 16, 64)
	const wanted = 0x3ff<<2 | 1<<28
	return low&wanted == wanted
}

func text(dir, name string) string {
	b, _ := os.ReadFile(filepath.Join(dir, name))
	return strings.TrimSpace(string(b))
}
