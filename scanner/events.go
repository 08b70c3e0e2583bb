package scanner

import (
	"encoding/binary"
	"errors"
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
	0x47: 70,
	0x53: 69, 98, 55, 74, 78, 96, 79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 86,
	0xe0: 29, 42, 56, 125, 97, 54, 100, 126,
}

// strange is the usage that stands for all keys that no scanner types; no layout has it.
const strange = 0xdf

// From the kernel's include/uapi/linux/input.h and input-event-codes.h.
const (
	evSyn, evKey, evLED    = 0, 1, 0x11
	synReport, synDropped  = 0, 3
	keyReleased, keyRepeat = 0, 2
	ledCapsLock            = 1
	eviocgrab              = 1<<30 | 4<<16 | 'E'<<8 | 0x90
	inputEvent             = int(unsafe.Sizeof(unix.Timeval{})) + 8 // struct input_event
	eventsAtOnce           = 64
)

// An eventHandle reads a keyboard through the kernel's input layer, from all nodes that it has, and gives what is
// typed as reports of a boot keyboard.
type eventHandle struct {
	nodes   []int
	mods    byte
	keys    []byte // down, in the order of their presses
	dropped bool   // the kernel dropped events, up to the next report
	buf     [eventsAtOnce * inputEvent]byte
}

// openEvents opens the nodes of one device. With grab nobody else gets what it types.
func openEvents(nodes []string, grab bool) (*eventHandle, error) {
	h := new(eventHandle)
	for _, path := range nodes {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err == unix.EACCES && !grab { // to listen it need not be written to
			fd, err = unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		}
		if err != nil {
			h.Close()
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
		h.nodes = append(h.nodes, fd)
		if grab {
			if err := grabNode(fd); err != nil {
				h.Close()
				return nil, &os.PathError{Op: "grab", Path: path, Err: err}
			}
			h.lampOff(fd)
		}
	}
	return h, nil
}

// grabNode is replaced by tests, whose nodes are pipes.
var grabNode = func(fd int) error { return unix.IoctlSetInt(fd, eviocgrab, 1) }

// lampOff turns off the lamp for Caps Lock, by which a scanner may swap its letters. One without a lamp refuses.
func (h *eventHandle) lampOff(fd int) {
	b := make([]byte, 2*inputEvent) // the event, and the end of the report
	at := inputEvent - 8
	binary.NativeEndian.PutUint16(b[at:], evLED)
	binary.NativeEndian.PutUint16(b[at+2:], ledCapsLock)
	unix.Write(fd, b)
}

func (h *eventHandle) Read() (got arrived, err error) {
	polled := make([]unix.PollFd, len(h.nodes))
	for i, fd := range h.nodes {
		polled[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	for deadline := time.Now().Add(readWait); ; {
		n, err := unix.Poll(polled, max(0, int(time.Until(deadline).Milliseconds())))
		if n > 0 {
			break
		}
		if err != nil && err != unix.EINTR {
			return got, err
		}
		if err == nil || !time.Now().Before(deadline) {
			return got, nil
		}
	}
	for _, p := range polled {
		if p.Revents == 0 {
			continue
		}
		n, err := unix.Read(int(p.Fd), h.buf[:])
		switch {
		case err == unix.EAGAIN, err == unix.EINTR:
		case err != nil:
			return got, err
		case n == 0 || n%inputEvent != 0:
			return got, errors.New("the device gives no events")
		default:
			h.take(&got, h.buf[:n])
		}
	}
	return got, nil
}

// Rest waits for as long as it takes: nodes wake it when they are gone, too.
func (h *eventHandle) Rest(b *bell, _ bool) { b.rest(h.nodes...) }

// take turns events into reports.
func (h *eventHandle) take(got *arrived, b []byte) {
	for ; len(b) >= inputEvent; b = b[inputEvent:] {
		at := inputEvent - 8
		kind, code, value := binary.NativeEndian.Uint16(b[at:]), binary.NativeEndian.Uint16(b[at+2:]), binary.NativeEndian.Uint32(b[at+4:])
		switch {
		case kind == evSyn && code == synDropped:
			h.dropped = true
		case kind == evSyn && code == synReport && h.dropped:
			// An empty report stands for the loss: what is down now nobody knows.
			h.dropped, h.mods, h.keys = false, 0, h.keys[:0]
			got.lost = true
			got.parts = append(got.parts[:0], make([]byte, 8))
		case kind != evKey || h.dropped || value == keyRepeat || code == 0:
		default:
			usage := slices.Index(evdevKeys[:], code)
			if usage < 0 {
				usage = strange
			}
			h.press(byte(usage), value != keyReleased)
			report := make([]byte, 8)
			report[0] = h.mods
			copy(report[2:], h.keys)
			got.parts = append(got.parts, report)
		}
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

func (h *eventHandle) Close() error {
	for _, fd := range h.nodes {
		unix.Close(fd) // which ends the grab
	}
	h.nodes = nil
	return nil
}
