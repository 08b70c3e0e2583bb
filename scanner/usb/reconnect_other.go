//go:build !linux

package usb

import "errors"

// Reconnect is known for Linux only.
func Reconnect(Device, Interface) error { return errors.ErrUnsupported }
