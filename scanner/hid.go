package scanner

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"cpmd/scanner/decode"
	"cpmd/scanner/usb"
)

// A hidOpener opens a HID interface by its name in sysfs. The real one is library; tests have their own.
type hidOpener interface {
	supported() bool
	open(path string, redirect bool) (handle, error)
}

// A hidDriver opens one HID interface, which takes it away from the kernel's driver: its keys no longer reach the
// console or any window.
type hidDriver struct {
	cfg    Config
	usb    usb.Root
	opener hidOpener
	held   *holdings
	habit  decode.Habit
	back   map[string]bool // interfaces given back to the kernel, lest that is tried for ever
	node   string          // the device that back and since are about
	since  time.Time       // when it was first seen
}

// whole is how long the kernel may take to take in all of a device. What is missing then will not come: the kernel
// refuses an interface whose report descriptor makes no sense.
const whole = 2 * time.Second

func newHIDDriver(cfg Config, opener hidOpener) *hidDriver {
	d := &hidDriver{cfg: cfg, usb: usb.Root(cfg.Root), opener: opener, held: &holdings{dir: cfg.StateDir}}
	if d.held.dir == "" {
		d.held.dir = DefaultStateDir()
	}
	return d
}

func (d *hidDriver) close() {}

func (d *hidDriver) announced() bool { return d.cfg.Root == "" }

func (d *hidDriver) open() (*link, Status) {
	if !d.opener.supported() {
		return nil, Status{State: Absent, Device: d.cfg.wanted(), Advice: noHID}
	}
	releaseLeft(d.usb, d.held.dir)
	devices := d.usb.Devices(d.cfg.matches)
	switch {
	case len(devices) == 0:
		return nil, Status{State: Absent, Device: d.cfg.wanted(), Advice: d.absent()}
	case len(devices) > 1:
		return nil, Status{State: Denied, Device: d.cfg.wanted(), Advice: ambiguous}
	}
	dev := devices[0]
	if dev.Node != d.node {
		d.node, d.since, d.back = dev.Node, time.Now(), map[string]bool{}
	}
	if dev.Partial && time.Since(d.since) < whole { // what is known of it so far may look like another mode
		return nil, Status{State: Busy, Device: dev.Port, Advice: "The kernel is still setting up the scanner: wait a moment, or plug it in again."}
	}
	allowed := unix.Access(dev.Node, unix.R_OK|unix.W_OK) == nil
	for _, i := range dev.Interfaces { // left by a daemon that was killed, or just plugged in and without a driver yet
		if allowed && i.Left() && !i.Mute && !d.back[i.Path] {
			if d.back[i.Path] = true; usb.Reconnect(dev, i) == nil {
				return nil, Status{State: Busy, Device: i.Path, Advice: "The kernel is taking the scanner back after a crash: wait a moment."}
			}
		}
	}
	i, desc, ok := choose(dev, d.cfg.Mode)
	if !ok {
		return nil, Status{State: Denied, Device: dev.Port, Advice: modeAdvice(dev, d.cfg.Mode)}
	}
	if !allowed {
		return nil, d.refused(dev, i)
	}
	if i.Held() {
		return nil, d.refused(dev, i)
	}
	decoder, cmds, err := d.decoder(dev, i, desc)
	if err != nil {
		return nil, Status{State: Denied, Device: i.Path, Advice: err.Error()} // New has checked it
	}
	release := d.held.note(dev, i)
	maker := makerOf(d.cfg, dev.Vendor)
	h, err := d.opener.open(i.Path, maker == "honeywell" && len(dev.Interfaces) > 1 && desc.IsPOS())
	if err != nil {
		release()
		return nil, d.refused(dev, i)
	}
	return &link{handle: &heldHandle{h, release}, device: i.Path, decoder: decoder, commands: cmds}, Status{}
}

// choose picks the interface to read: HID POS before keyboard, unless the mode says otherwise. Where the descriptor
// cannot be read, as some program holds the interface or died with it, the interface's own numbers tell; but what
// tells for itself comes before what must be guessed.
func choose(dev usb.Device, mode string) (usb.Interface, decode.Descriptor, bool) {
	for _, guess := range []bool{false, true} {
		for _, want := range []Mode{ModePOS, ModeIBMHID, ModeKeyboard} {
			if mode == "keyboard" && want != ModeKeyboard || mode == "pos" && want == ModeKeyboard {
				continue
			}
			for _, i := range dev.Interfaces {
				if !i.Readable() {
					continue
				}
				if guessed := len(i.Descriptor) == 0 && !i.Held(); guessed == guess && modeOf(dev, i) == want {
					return i, decode.ParseDescriptor(i.Descriptor), true
				}
			}
		}
	}
	return usb.Interface{}, decode.Descriptor{}, false
}

func (d *hidDriver) decoder(dev usb.Device, i usb.Interface, desc decode.Descriptor) (decode.Decoder, commands, error) {
	maker := makerOf(d.cfg, dev.Vendor)
	switch modeOf(dev, i) {
	case ModeIBMHID:
		return decode.NewPOS(decode.POSOptions{Affixes: d.cfg.affixes(), Report: decode.IBMReport, Packet: i.Packet}), commands{}, nil
	case ModePOS:
		rep, _ := desc.POSReport()
		c := posCommands(maker, desc).chosen(d.cfg)
		return decode.NewPOS(decode.POSOptions{Affixes: d.cfg.affixes(), Report: rep, Newland: maker == "newland", Packet: i.Packet}), c, nil
	}
	k, err := decode.NewKeyboard(decode.KeyboardOptions{Affixes: d.cfg.affixes(), Layout: d.cfg.Layout, Terminator: d.cfg.Terminator,
		Idle: d.cfg.Idle, Habit: &d.habit, InvertCaps: d.cfg.InvertCaps, Report: desc.KeyReport()})
	return k, commands{start: [][]byte{desc.LEDsOff()}}, err
}

// absent returns what to do if the configured device is not there, and whether it may be there in another mode.
func (d *hidDriver) absent() string {
	for _, dev := range d.usb.Devices(func(u usb.Device) bool { return u.Vendor == d.cfg.Vendor }) {
		if d.cfg.Port == "" || d.cfg.Port == dev.Port {
			return "The scanner is not plugged in, but " + dev.Vendor + ":" + dev.Product + " of the same maker is at USB port " + dev.Port +
				": it may be the same scanner in another mode (cpmd scanners says how to use it)."
		}
	}
	return "The scanner is not plugged in: plug it in (cpmd scanners lists what is there)."
}

// refused finds out why a device could not be opened; the library does not say.
func (d *hidDriver) refused(dev usb.Device, i usb.Interface) Status {
	if err := unix.Access(dev.Node, unix.R_OK|unix.W_OK); errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		return Status{State: Denied, Device: i.Path, Advice: deniedAdvice(dev, modeOf(dev, i), dev.Node, groupOf(dev.Node))}
	} else if os.IsNotExist(err) {
		return Status{State: Absent, Device: i.Path, Advice: "The scanner has no file in /dev/bus/usb yet: wait, or plug it in again."}
	}
	return Status{State: Busy, Device: i.Path, Advice: "Another program holds the scanner: stop it (fuser " + dev.Node + " shows which), or plug the scanner in again."}
}

// A heldHandle forgets the note about a device once it is given back.
type heldHandle struct {
	handle
	release func()
}

func (h *heldHandle) Rest(b *bell, attentive bool) {
	if r, ok := h.handle.(rester); ok {
		r.Rest(b, attentive)
	}
}

func (h *heldHandle) Close() error {
	err := h.handle.Close()
	h.release()
	return err
}
