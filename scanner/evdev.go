package scanner

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"cpmd/scanner/decode"
	"cpmd/scanner/input"
	"cpmd/scanner/usb"
)

// An eventDriver opens one keyboard of the kernel's input layer and has it to itself: for scanners over Bluetooth,
// which have no USB device, and where USB devices may not be opened.
type eventDriver struct {
	cfg   Config
	root  usb.Root
	habit decode.Habit
	nodes []string // of the device at the last look
}

func newEventDriver(cfg Config) *eventDriver { return &eventDriver{cfg: cfg, root: usb.Root(cfg.Root)} }

func (d *eventDriver) close() {}

func (d *eventDriver) announced() bool { return d.cfg.Root == "" }

func (d *eventDriver) open() (*link, Status) {
	var found []input.Device
	for _, dev := range input.Devices(d.root) {
		if dev.Keyboard && d.matches(dev) {
			found = append(found, dev)
		}
	}
	wanted := d.cfg.Port
	if wanted == "" {
		wanted = d.cfg.wanted()
	}
	switch len(found) {
	case 0:
		d.nodes = nil
		return nil, Status{State: Absent, Device: wanted, Advice: "The scanner is not there: plug it in, or wake it up and check that it is paired (cpmd scanners lists what is there)."}
	case 1:
	default:
		return nil, Status{State: Denied, Device: wanted, Advice: "More than one device fits: tell them apart with serial, which over Bluetooth is the address (cpmd scanners shows it), or with port."}
	}
	dev := found[0]
	st := Status{Device: dev.Nodes[0]}
	if !slices.Equal(dev.Nodes, d.nodes) { // the kernel adds them one after the other: one that is missed is not read, and types elsewhere
		d.nodes = dev.Nodes
		st.State, st.Advice = Busy, "The scanner is just coming: wait a moment."
		return nil, st
	}
	decoder, err := decode.NewKeyboard(decode.KeyboardOptions{Affixes: d.cfg.affixes(), Layout: d.cfg.Layout, Terminator: d.cfg.Terminator,
		Idle: d.cfg.Idle, Habit: &d.habit, InvertCaps: d.cfg.InvertCaps})
	if err != nil {
		st.State, st.Advice = Denied, err.Error() // New has checked it
		return nil, st
	}
	h, err := openEvents(dev.Nodes, true)
	if err == nil {
		return &link{handle: h, device: dev.Nodes[0], decoder: decoder}, Status{}
	}
	var path *fs.PathError
	errors.As(err, &path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		st.State, st.Advice = Denied, deniedAdvice(usb.Device{Vendor: dev.Vendor, Product: dev.Product}, ModeInput, path.Path, groupOf(path.Path))
	case errors.Is(err, unix.EBUSY):
		st.State, st.Advice = Busy, "Another program has the scanner to itself: stop it (fuser "+path.Path+" shows which)."
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		st.State, st.Advice = Absent, "The scanner went away: plug it in again, or wake it up."
	default:
		st.State, st.Advice = Denied, path.Path+" cannot be read as a keyboard: "+path.Err.Error()+"."
	}
	return nil, st
}

// matches reports whether an input device is the configured one.
func (d *eventDriver) matches(dev input.Device) bool {
	if d.cfg.Port != "" {
		real, err := filepath.EvalSymlinks(d.cfg.Port)
		return err == nil && slices.Contains(dev.Nodes, real)
	}
	return d.cfg.Vendor == dev.Vendor && d.cfg.Product == dev.Product && (d.cfg.Serial == "" || d.cfg.Serial == dev.Unique)
}
