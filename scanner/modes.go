package scanner

import (
	"strings"

	"cpmd/scanner/decode"
	"cpmd/scanner/usb"
)

// A Mode is how a scanner presents itself; most can be set to several with barcodes in their manual.
type Mode string

const (
	ModeCOM      Mode = "USB-COM"       // a serial port over USB: any text, any layout, with sounds and triggers
	ModePOS      Mode = "HID POS"       // reports made for scanners: any text, with the kind of barcode
	ModeKeyboard Mode = "keyboard"      // types: right only if its keyboard layout is the configured one
	ModeSNAPI    Mode = "SNAPI"         // Zebra's own; not read
	ModeIBM      Mode = "IBM hand-held" // for IBM and Toshiba registers; not read
	ModeIBMHID   Mode = "IBM hand-held over HID"
	ModeInput    Mode = "Bluetooth keyboard" // types, without a USB device behind it: read through the kernel's input layer
	ModeUnknown  Mode = "an unknown mode"    // not read
)

// types reports whether a device in this mode sends keys, as a keyboard does.
func (m Mode) types() bool { return m == ModeKeyboard || m == ModeInput }

// modeOf tells the mode of a HID interface.
func modeOf(dev usb.Device, i usb.Interface) Mode {
	d := decode.ParseDescriptor(i.Descriptor)
	switch {
	case d.IsPOS():
		return ModePOS
	case d.IsKeyboard(), len(i.Descriptor) == 0 && i.Boot():
		return ModeKeyboard
	case dev.Vendor == "05e0" && dev.Product == "1900":
		return ModeSNAPI
	case dev.Vendor == "05e0" && dev.Product == "0600": // (the kernel's symbolserial.c)
		return ModeIBMHID
	case dev.Vendor == "05e0" && dev.Product == "1300", dev.Vendor == "0c2e" && dev.Product == "0007":
		return ModeIBM
	}
	if len(i.Descriptor) == 0 {
		return ModePOS // some program reads it, or did, so it is none of the others
	}
	for _, app := range d.Apps { // IBM's pages for scanners (USB HID Usage Tables: 45 and up are reserved for POS)
		if page := app >> 24; page >= 0x45 && page <= 0x4b {
			return ModeIBM
		}
	}
	return ModeUnknown
}

// modeNames are what the makers call the modes in their manuals, best first.
var modeNames = map[string]string{
	"honeywell": `"USB Serial" (best), "USB HID" or "USB PC Keyboard"`,
	"zebra":     `"USB CDC Host" or "Simple COM Port Emulation" (best), "HID POS" or "HID Keyboard Emulation"`,
	"datalogic": `"USB-COM" (best) or "USB Keyboard"`,
	"newland":   `"USB COM Port Emulation" (best), "USB HID-POS" or "USB HID Keyboard"`,
	"":          `"USB-COM" or "USB virtual COM" (best), "HID POS" or "USB keyboard"`,
}

func namesOfModes(vendor string) string {
	if s, ok := modeNames[vendors[vendor]]; ok {
		return s
	}
	return modeNames[""]
}

// modeAdvice returns why a device has no interface that can be read, and what to do.
func modeAdvice(dev usb.Device, configured string) string {
	for _, i := range dev.Interfaces {
		if i.HID() {
			if m := modeOf(dev, i); m == ModeSNAPI || m == ModeIBM {
				return "The scanner is in " + string(m) + " mode, which is not read: scan the barcode " + namesOfModes(dev.Vendor) + " in its manual."
			}
		}
	}
	if configured == "pos" || configured == "keyboard" {
		return `The scanner is not in the mode that the configuration asks for (mode = "` + configured + `"): scan that mode's barcode in its manual, or write mode = "auto".`
	}
	return "The scanner is in none of the modes USB-COM, HID POS and keyboard: scan the barcode " + namesOfModes(dev.Vendor) + " in its manual."
}

// betterMode advises a better mode than the one that works; empty if there is none to ask for.
func betterMode(vendor string, m Mode) string {
	if m != ModeKeyboard {
		return ""
	}
	best, _, _ := strings.Cut(namesOfModes(vendor), " (best)")
	return "It works as it is, if the scanner is set to a US keyboard with Enter after each code. Safer for codes with capitals and signs: scan the barcode " +
		best + " in its manual, and run this again."
}
