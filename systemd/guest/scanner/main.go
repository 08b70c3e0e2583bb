// Command scanner plugs an emulated USB scanner into the guest of run.sh and shows it every line that somebody writes
// to a pipe: a customer's code.
package main

import (
	"bufio"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"cpmd/scanner/usbemu"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "scanner:", err)
		os.Exit(1)
	}
}

func run(pipe string) error {
	if err := unix.Mkfifo(pipe, 0o600); err != nil && err != unix.EEXIST {
		return err
	}
	codes, err := os.OpenFile(pipe, os.O_RDWR, 0) // also for writing: it does not end when a writer has closed it
	if err != nil {
		return err
	}
	const maker, product = 0x0c2e, 0x0b01 // a Honeywell in HID POS mode
	device, err := usbemu.Plug(usbemu.POS(maker, product, "GUEST1", usbemu.Honeywell), 0)
	if err != nil {
		return err
	}
	defer device.Unplug()
	lines := bufio.NewScanner(codes)
	for lines.Scan() {
		device.Send(0x81, usbemu.Honeywell.Reports("]Q1", lines.Text())...)
	}
	return lines.Err()
}
