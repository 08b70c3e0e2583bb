package scanner

import (
	"encoding/binary"
	"os"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// evdevKeys is, by usage of the keyboard page, the key code that Linux reports (hid-input of the kernel).
var evdevKeys = [...]uint16{
	0x04: 30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44,
	0x1e: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
	0x28: 28, 1, 14, 15, 57, 12, 13, 26, 27, 43, 0, 39, 40, 41, 51, 52, 53, 58,
	0x53: 69, 98, 55, 74, 78, 96, 79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 86,
	0xe0: 29, 42, 56, 125, 97, 54, 100, 126,
}

// An eventHandle reads a keyboard through the kernel's input layer, without taking it away from anybody, and
// gives what is typed as reports of a boot keyboard.
type eventHandle struct {
	file *os.File
	mods byte
	keys []byte // down, in the order of their presses
}

func openEvents(path string) (*eventHandle, error) {
	f, err := openShared(path)
	if err != nil {
		return nil, err
	}
	return &eventHandle{file: f}, nil
}

// openShared opens a device node that several programs may read.
func openShared(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
}

// inputEvent is struct input_event of the kernel's include/uapi/linux/input.h.
const inputEvent = int(unsafe.Sizeof(unix.Timeval{})) + 8

func (h *eventHandle) Read() (arrived, error) {
	h.file.SetReadDeadline(time.Now().Add(readWait))
	b := make([]byte, inputEvent)
	for {
		n, err := h.file.Read(b)
		if os.IsTimeout(err) {
			return arrived{}, nil
		}
		if err != nil || n != inputEvent {
			return arrived{}, err
		}
		at := inputEvent - 8
		kind, code, value := binary.NativeEndian.Uint16(b[at:]), binary.NativeEndian.Uint16(b[at+2:]), binary.NativeEndian.Uint32(b[at+4:])
		const key, repeat = 1, 2
		if kind != key || value == repeat {
			continue
		}
		usage := slices.Index(evdevKeys[:], code)
		if code == 0 || usage < 0 {
			continue
		}
		h.press(byte(usage), value != 0)
		report := make([]byte, 8)
		report[0] = h.mods
		copy(report[2:], h.keys)
		return piece(report, 8, nil)
	}
}

func (h *eventHandle) press(usage byte, down bool) {
	if usage >= 0xe0 {
		h.mods &^= 1 << (usage - 0xe0)
		if down {
			h.mods |= 1 << (usage - 0xe0)
		}
		return
	}
	h.keys = slices.DeleteFunc(h.keys, func(k byte) bool { return k == usage })
	if down {
		h.keys = append(h.keys, usage)
	}
}

func (h *eventHandle) Write([]byte) error { return os.ErrInvalid }

func (h *eventHandle) Close() error { return h.file.Close() }
