package scanner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"cpmd/scanner/decode"
	"cpmd/scanner/usb"
)

// A serialDriver opens one serial port, a USB CDC port included.
type serialDriver struct {
	cfg      Config
	usb      usb.Root
	habit    decode.Habit
	reserved bool // descriptors are
}

func newSerialDriver(cfg Config) *serialDriver {
	return &serialDriver{cfg: cfg, usb: usb.Root(cfg.Root)}
}

func (d *serialDriver) close() {
	if d.reserved {
		lowFDs.remove()
	}
}

// announced reports whether the port is one of the kernel's: of a link elsewhere, or the end of a pty, nobody tells.
func (d *serialDriver) announced() bool {
	file := strings.HasPrefix(d.cfg.Port, "/")
	return d.cfg.Root == "" && (!file || strings.HasPrefix(d.cfg.Port, "/dev/") && !strings.HasPrefix(d.cfg.Port, "/dev/pts/"))
}

func (d *serialDriver) open() (*link, Status) {
	if !d.reserved {
		lowFDs.add()
		d.reserved = true
	}
	path, st := d.path()
	if path == "" {
		return nil, st
	}
	if _, err := os.Stat(path); err != nil {
		return nil, d.refused(path, err)
	}
	decoder, err := d.decoder()
	if err != nil {
		return nil, Status{State: Absent, Device: path, Advice: err.Error()} // New has checked it
	}
	var h *serialHandle
	lowFDs.lend(func() { h, err = openSerial(path, d.cfg) })
	if err != nil {
		return nil, d.refused(path, err)
	}
	c := serialCommands(makerOf(d.cfg, d.device(path).Vendor), d.cfg.Protocol).chosen(d.cfg)
	return &link{handle: h, device: path, decoder: decoder, commands: c}, Status{}
}

func (d *serialDriver) decoder() (decode.Decoder, error) {
	if d.cfg.Protocol == "ssi" {
		return decode.NewSSI(d.cfg.affixes()), nil
	}
	return decode.NewSerial(decode.SerialOptions{Affixes: d.cfg.affixes(), Terminator: d.cfg.Terminator, Idle: d.cfg.Idle,
		Habit: &d.habit, ACK: d.cfg.ACK})
}

// path finds the port; it is empty, and the status says why, where there is none or more than one.
func (d *serialDriver) path() (string, Status) {
	if strings.HasPrefix(d.cfg.Port, "/") {
		return d.cfg.Port, Status{}
	}
	var paths []string
	for _, dev := range d.usb.Devices(d.cfg.matches) {
		for _, i := range dev.Interfaces {
			if i.TTY != "" {
				paths = append(paths, i.TTY)
			}
		}
	}
	switch len(paths) {
	case 0:
		return "", Status{State: Absent, Device: d.cfg.wanted(), Advice: "The scanner is not plugged in, or not in USB-COM mode: plug it in (cpmd scanners lists what is there)."}
	case 1:
		return paths[0], Status{}
	}
	return "", Status{State: Denied, Device: d.cfg.wanted(), Advice: ambiguous}
}

const ambiguous = "More than one device fits: tell them apart with serial, or with port, the physical USB port (cpmd scanners shows both)."

// affixes are what the scanner puts around its codes.
func (c Config) affixes() decode.Affixes {
	return decode.Affixes{AIM: c.AIM, Prefix: c.Prefix, Suffix: c.Suffix}
}

// matches tells whether a USB device is the configured one.
func (c Config) matches(d usb.Device) bool {
	return (c.Vendor == "" || c.Vendor == d.Vendor) && (c.Product == "" || c.Product == d.Product) &&
		(c.Serial == "" || c.Serial == d.Serial) && (c.Port == "" || c.Port == d.Port)
}

// wanted names what the configuration asks for.
func (c Config) wanted() string {
	var parts []string
	if c.Vendor != "" {
		parts = append(parts, c.Vendor+":"+c.Product)
	}
	if c.Serial != "" {
		parts = append(parts, "serial "+c.Serial)
	}
	if c.Port != "" {
		parts = append(parts, "USB port "+c.Port)
	}
	return strings.Join(parts, ", ")
}

// device returns the USB device behind a port; the zero value where there is none.
func (d *serialDriver) device(path string) usb.Device {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return usb.Device{}
	}
	for _, dev := range d.usb.Devices(nil) {
		for _, i := range dev.Interfaces {
			if i.TTY == real {
				return dev
			}
		}
	}
	return usb.Device{}
}

// refused returns why a port could not be opened.
func (d *serialDriver) refused(path string, err error) Status {
	var pe *serial.PortError
	code := serial.PortErrorCode(-1)
	if errors.As(err, &pe) {
		code = pe.Code()
	}
	switch {
	case code == serial.PermissionDenied || errors.Is(err, fs.ErrPermission):
		return Status{State: Denied, Device: path, Advice: deniedAdvice(d.device(path), ModeCOM, path, groupOf(path))}
	case code == serial.PortBusy || errors.Is(err, unix.EBUSY):
		return Status{State: Busy, Device: path, Advice: "Another program holds " + path + ": stop it (fuser " + path + " shows which)."}
	case code == serial.InvalidSerialPort:
		return Status{State: Denied, Device: path, Advice: path + " is not a serial port: correct port in the configuration (cpmd scanners lists the ports)."}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EIO), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return Status{State: Absent, Device: path, Advice: "The scanner is not plugged in: plug it in (cpmd scanners lists what is there)."}
	}
	return Status{State: Denied, Device: path, Advice: fmt.Sprintf("%s cannot be opened: %v.", path, err)}
}

// A serialHandle is an open port.
type serialHandle struct {
	port  serial.Port
	fd    int // -1 where the library hides it
	buf   [4096]byte
	write bool // writes cannot block
}

// parities of a serial line, by the names that a configuration may give.
var parities = map[string]serial.Parity{"": serial.NoParity, "none": serial.NoParity, "even": serial.EvenParity,
	"odd": serial.OddParity, "mark": serial.MarkParity, "space": serial.SpaceParity}

var parityNames = []string{"none", "even", "odd", "mark", "space"}

// line returns how a serial line is set.
func (c Config) line() *serial.Mode {
	m := &serial.Mode{BaudRate: c.Baud, DataBits: c.DataBits, Parity: parities[c.Parity], StopBits: serial.OneStopBit}
	if m.BaudRate == 0 {
		m.BaudRate = 9600
	}
	if m.DataBits == 0 {
		m.DataBits = 8
	}
	if c.StopBits == 2 {
		m.StopBits = serial.TwoStopBits
	}
	return m
}

func openSerial(path string, cfg Config) (*serialHandle, error) {
	// InitialStatusBits stays nil: a pty has no modem lines, and some scanners send only while DTR is up, which is
	// what the kernel does by itself.
	port, err := serial.Open(path, cfg.line())
	if err != nil {
		return nil, err
	}
	port.SetReadTimeout(readWait)
	h := &serialHandle{port: port, fd: -1}
	v := reflect.Indirect(reflect.ValueOf(port))
	if v.Kind() != reflect.Struct {
		return h, nil
	}
	if f := v.FieldByName("handle"); f.IsValid() && f.CanInt() {
		fd := int(f.Int())
		h.fd = fd
		// The library's Write has no time limit and not even Close ends it. With a descriptor that does not block a
		// device that takes nothing costs a command, not a goroutine. Reads are not touched: they wait with select.
		h.write = unix.SetNonblock(fd, true) == nil
		if err := hold(fd); err != nil {
			port.Close()
			return nil, err
		}
	}
	return h, nil
}

// hold keeps other programs from a port, with a lock that ends with the process. The library's own way, TIOCEXCL,
// does not bind root; and a pseudo terminal keeps it after its holder was killed, as long as the far end is open.
func hold(fd int) error {
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return unix.EBUSY
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if major := unix.Major(uint64(st.Rdev)); major >= 136 && major <= 143 { // Unix98 pty slaves (Linux, devices.txt)
		return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0)
	}
	return nil
}

func (h *serialHandle) Read() (arrived, error) {
	n, err := h.port.Read(h.buf[:])
	if errors.Is(err, unix.EAGAIN) {
		err = nil
	}
	return piece(h.buf[:], n, err)
}

// Rest waits for as long as it takes: a port wakes it when it is gone, too.
func (h *serialHandle) Rest(b *bell, _ bool) {
	if h.fd >= 0 {
		b.rest(h.fd)
	}
}

func (h *serialHandle) Write(p []byte) error {
	if !h.write {
		return errors.ErrUnsupported
	}
	_, err := h.port.Write(p)
	return err
}

func (h *serialHandle) Close() error { return h.port.Close() }
