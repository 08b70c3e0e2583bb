// Package hardware holds the tests that need a USB stack: the real HID and serial libraries, the real kernel
// drivers, and scanners that package usbemu plugs into them. run.sh boots a small virtual machine for them; they
// are built with the tag "hardware" and never run on the machine that builds them.
//
// Start reading at main_test.go: the scanners are read by a process of their own, the subject, as in life.
package hardware
