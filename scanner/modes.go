package scanner

import "cpmd/scanner/usb"

// modeAdvice says why a device has no interface that can be read, and what to do.
func modeAdvice(dev usb.Device, mode string) string {
	switch {
	case dev.Vendor == "05e0" && dev.Product == "1900":
		return "The scanner is in SNAPI mode: scan \"USB CDC Host\" (best), \"HID POS\" or \"HID Keyboard Emulation\" in its manual."
	case mode == "pos" || mode == "keyboard":
		return "The scanner is not in the mode that the configuration asks for (mode = \"" + mode + "\"): scan that mode's barcode in its manual, or write mode = \"auto\"."
	}
	return "The scanner is in none of the modes USB-COM, HID POS and keyboard: scan one of their barcodes in its manual, USB-COM if it has it."
}
