package scanner

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"cpmd/scanner/input"
	"cpmd/scanner/usb"
)

// A Survey tells what is plugged in, without opening any of it. The zero value looks at this machine; tests set
// the fields.
type Survey struct {
	Root   usb.Root
	Access func(path string) error  // may this user read and write it? nil asks the kernel
	Holder func(path string) string // which program has it open, such as "cpmd (process 812)"; nil looks in /proc
	Group  func(path string) string // the group that owns it; nil asks the file system
}

// A Candidate is a device that is or may be a scanner.
type Candidate struct {
	Name   string // as the device calls itself
	USB    usb.Device
	Itf    usb.Interface
	Mode   Mode
	Sure   bool   // it is a scanner; otherwise it may be one, or a keyboard, or anything with a serial port
	State  State  // Open: it can be opened; Denied; Busy
	Advice string // why it cannot be used, or what would be better; may be empty
	Config string // the line for the configuration; empty if it cannot be used as it is
}

// scannerName is what scanners have in their names.
var scannerName = regexp.MustCompile(`(?i)bar ?code|scan|imager|symbol|honeywell|metrologic|hand held|datalogic|newland|opticon|zebra|mindeo`)

// Candidates lists the scanners first, then what may be one. Anything that can be none, such as a mouse, is left out.
func (s Survey) Candidates() []Candidate {
	var sure, maybe []Candidate
	for _, dev := range s.Root.Devices(nil) {
		for _, c := range s.candidates(dev) {
			if c.Sure {
				sure = append(sure, c)
			} else {
				maybe = append(maybe, c)
			}
		}
	}
	for _, dev := range input.Devices(s.Root) {
		if dev.Bus != input.Bluetooth || !dev.Keyboard {
			continue // a USB keyboard is there already
		}
		c := Candidate{Name: dev.Name, Sure: listed(dev.Vendor, dev.Product, ModeInput) || scannerName.MatchString(dev.Name),
			USB: usb.Device{Vendor: dev.Vendor, Product: dev.Product, Serial: dev.Unique},
			Itf: usb.Interface{Path: filepath.Base(dev.Nodes[0]), Events: dev.Nodes}, Mode: ModeInput}
		s.judge(&c)
		if c.Sure {
			sure = append(sure, c)
		} else {
			maybe = append(maybe, c)
		}
	}
	all := append(sure, maybe...)
	for i := range all {
		all[i].Config = configLine(all[i], all)
	}
	return all
}

// candidates returns the readable interfaces of a device, the best one alone if it is surely a scanner; or the
// device as a whole if it is a scanner that cannot be read as it is.
func (s Survey) candidates(dev usb.Device) (list []Candidate) {
	name := strings.Join(strings.Fields(dev.Manufacturer+" "+dev.Name), " ")
	_, known := vendors[dev.Vendor]
	sure := known && scannerName.MatchString(name) || products[dev.Vendor+":"+dev.Product]
	var unread *Candidate
	for _, i := range dev.Interfaces {
		c := Candidate{Name: name, USB: dev, Itf: i, Sure: sure}
		switch {
		case i.TTY != "":
			c.Mode = ModeCOM
		case !i.Readable():
			continue
		default:
			c.Mode = modeOf(dev, i)
		}
		switch c.Mode {
		case ModePOS:
			if c.Sure = known || len(i.Descriptor) > 0; !c.Sure {
				continue // some program holds it, perhaps a power supply's
			}
		case ModeIBMHID:
			c.Sure = true
		case ModeSNAPI, ModeIBM, ModeUnknown:
			if known && unread == nil || c.Mode == ModeIBM {
				unread = &c
			}
			continue
		}
		s.judge(&c)
		list = append(list, c)
	}
	if len(list) == 0 && unread != nil {
		unread.State, unread.Sure, unread.Advice = Denied, true, modeAdvice(dev, "")
		return []Candidate{*unread}
	}
	for _, best := range []Mode{ModeCOM, ModePOS, ModeIBMHID} {
		for _, c := range list {
			if c.Mode == best && c.Sure {
				return []Candidate{c}
			}
		}
	}
	return list
}

// judge finds out whether a candidate could be opened.
func (s Survey) judge(c *Candidate) {
	node := c.USB.Node
	switch c.Mode {
	case ModeCOM:
		node = c.Itf.TTY
	case ModeInput:
		node = c.Itf.Events[0]
	}
	shown := "/" + strings.TrimLeft(strings.TrimPrefix(node, string(s.Root)), "/")
	c.State = Open
	switch {
	case s.access(node) != nil:
		c.State, c.Advice = Denied, deniedAdvice(c.USB, c.Mode, shown, s.group(node))
		return
	case c.Mode == ModeInput:
	case c.Mode != ModeCOM && c.Itf.Left():
		c.Advice = "No program and no kernel driver has it, perhaps after a crash: the daemon takes it as it is; cpmd scanners -release gives it back to the console."
		return
	case c.Mode != ModeCOM && !c.Itf.Held():
		// the kernel's own driver has it, whoever listens to that
	default:
		if who := s.holder(node); who != "" {
			c.State, c.Advice = Busy, "Held by "+who+": if that is the cpmd daemon all is well; otherwise stop it."
			return
		} else if c.Mode != ModeCOM {
			c.State, c.Advice = Busy, "Held by another program: if that is the cpmd daemon all is well; otherwise stop it (fuser "+shown+" shows which)."
			return
		}
	}
	switch {
	case c.Sure:
		c.Advice = betterMode(c.USB.Vendor, c.Mode)
	case c.Mode.types():
		c.Advice = "A keyboard, or a scanner that types. It is never opened unless the configuration names it; cpmd scanners -learn tells whether it scans."
	default:
		c.Advice = "A serial port, with a scanner on it or anything else. It is never opened unless the configuration names it."
	}
}

// configLine returns the line for the configuration. The device is named by as much as tells it from the others.
func configLine(c Candidate, all []Candidate) string {
	alike := 0
	for _, o := range all {
		if o.USB.Vendor == c.USB.Vendor && o.USB.Product == c.USB.Product && o.Mode == c.Mode && o.USB.Serial == c.USB.Serial {
			alike++
		}
	}
	driver, extra := "hid", ""
	switch c.Mode {
	case ModeCOM:
		driver = "serial"
	case ModePOS, ModeIBMHID, ModeKeyboard:
	case ModeInput:
		driver = "evdev"
	default:
		return ""
	}
	if c.USB.Serial != "" {
		extra += fmt.Sprintf(", serial = %q", c.USB.Serial)
	}
	if alike > 1 && c.Mode != ModeInput {
		extra += fmt.Sprintf(", port = %q", c.USB.Port)
	}
	return fmt.Sprintf("scanner = { driver = %q, vendor = %q, product = %q%s }", driver, c.USB.Vendor, c.USB.Product, extra)
}

func (s Survey) access(path string) error {
	if s.Access != nil {
		return s.Access(path)
	}
	return unix.Access(path, unix.R_OK|unix.W_OK)
}

func (s Survey) group(path string) string {
	if s.Group != nil {
		return s.Group(path)
	}
	return groupOf(path)
}

func (s Survey) holder(path string) string {
	if s.Holder != nil {
		return s.Holder(path)
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == path {
			pid := strings.Split(link, "/")[2]
			name, _ := os.ReadFile("/proc/" + pid + "/comm")
			return fmt.Sprintf("%s (process %s)", strings.TrimSpace(string(name)), pid)
		}
	}
	return ""
}

// groupOf returns the name of the group that owns a file.
func groupOf(path string) string {
	st, err := os.Stat(path)
	if err != nil {
		return "root"
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return "root"
	}
	gid := strconv.Itoa(int(sys.Gid))
	if g, err := user.LookupGroupId(gid); err == nil {
		return g.Name
	}
	return gid
}

// Rule is the line of udev rules that gives the group cpmd this device; empty where the package has one.
func (c Candidate) Rule() string {
	if listed(c.USB.Vendor, c.USB.Product, c.Mode) {
		return ""
	}
	return rule(c.USB, c.Mode)
}

// rule returns a line of udev rules for one device.
func rule(dev usb.Device, m Mode) string {
	switch m {
	case ModeCOM:
		return fmt.Sprintf(`SUBSYSTEM=="tty", SUBSYSTEMS=="usb", ATTRS{idVendor}=="%s", ATTRS{idProduct}=="%s", GROUP="cpmd", MODE="0660", ENV{ID_MM_PORT_IGNORE}="1"`,
			dev.Vendor, dev.Product)
	case ModeInput:
		return fmt.Sprintf(`SUBSYSTEM=="input", KERNEL=="event*", ATTRS{id/vendor}=="%s", ATTRS{id/product}=="%s", GROUP="cpmd", MODE="0660", ENV{LIBINPUT_IGNORE_DEVICE}="1"`,
			dev.Vendor, dev.Product)
	}
	return fmt.Sprintf(`SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="%s", ATTR{idProduct}=="%s", GROUP="cpmd", MODE="0660"`,
		dev.Vendor, dev.Product)
}

const (
	reload   = "udevadm control --reload && udevadm trigger"
	udevRule = "install systemd/70-cpmd-scanner.rules as /etc/udev/rules.d/70-cpmd-scanner.rules, then: " + reload
)

// OwnRules is where the rules for a shop's own devices go.
const OwnRules = "/etc/udev/rules.d/71-cpmd-own.rules"

// deniedAdvice says how this user gets the right to open a file of that group, by the rules that cpmd brings only
// where they have the device.
func deniedAdvice(dev usb.Device, m Mode, path, group string) string {
	how := udevRule
	if dev.Vendor != "" && !listed(dev.Vendor, dev.Product, m) {
		how = "write this line into " + OwnRules + ": " + rule(dev, m) + " and then: " + reload
	}
	if group == "root" || m == ModeInput { // who is in the group input reads every keyboard
		return fmt.Sprintf("No right to open %s, which belongs to %s alone: %s.", path, group, how)
	}
	if dev.Vendor == "" { // no USB device, so no rule names it
		return fmt.Sprintf("No right to open %s: add the user to the group %s.", path, group)
	}
	return fmt.Sprintf("No right to open %s: add the user to the group %s, or %s.", path, group, how)
}
