package scanner

import (
	"slices"

	"cpmd/scanner/decode"
)

// makerNames are what a configuration may give as maker.
var makerNames = []string{"honeywell", "zebra", "datalogic", "newland", "none"}

// vendors maps USB vendor numbers of scanner makers to the name of their command set, or to "none"
// (usb.ids; makers' manuals).
var vendors = map[string]string{
	"0c2e": "honeywell", // Honeywell, formerly Metrologic
	"0536": "honeywell", // Hand Held Products
	"23d0": "honeywell", // Youjie
	"067e": "honeywell", // Intermec
	"05e0": "zebra",     // Symbol
	"05f9": "datalogic", // PSC
	"080c": "datalogic",
	"1eab": "newland",
	"065a": "none", // Opticon
	"1fbb": "none", // Cino
	"27dd": "none", // Mindeo
	"2dd6": "none", // Mertech
	"2745": "none", // Unitech
	"0745": "none", // CipherLab
	"076d": "none", // Denso
}

// products are scanners under the numbers of others, such as makers of chips, that usb.ids or their users name.
// Numbers that a scanner shares with any gadget (1a86, 28e9, 0483:5740) are not here: what is behind them
// only its codes tell (Survey.Learn).
var products = map[string]bool{
	"24ea:0197": true, // Meva
	"0581:0107": true, // Tera
	"0581:020c": true,
	"13ba:0018": true, // PCPlay
	"0416:c141": true, // Winbond
	"04b4:bca1": true, // Cypress
	"04b4:de61": true,
	"04b4:de64": true,
	"26f1:8801": true, // ZKTeco
}

// listed reports whether the rules of systemd/70-cpmd-scanner.rules give the group cpmd this device.
func listed(vendor, product string, m Mode) bool {
	_, known := vendors[vendor]
	return known || m != ModeCOM && products[vendor+":"+product]
}

// Commands are the bytes for what a device can be asked to do; nil where its maker has none. All are of the
// temporary kind: nothing is written to a scanner's memory.
type commands struct {
	good, bad []byte
	on, off   []byte
	start     [][]byte // sent once after opening
	lasting   bool     // on counts until off; otherwise it begins a session that a code or some time ends
	armed     bool     // on and off are used
}

// chosen leaves what the configuration asks for.
func (c commands) chosen(cfg Config) commands {
	c.armed = cfg.Arm
	if cfg.Quiet {
		c.good, c.bad = nil, nil
	}
	return c
}

func (c commands) beep(good bool) []byte {
	if good {
		return c.good
	}
	return c.bad
}

func (c commands) arming(on bool) []byte {
	if on {
		return c.on
	}
	return c.off
}

// parting leaves the device as it was: able to read, and not in the middle of a session.
func (c commands) parting() []byte { return c.arming(c.lasting) }

// newlandTrigger is Newland's old command set: start and stop of a reading session (FM30 guide).
var (
	newlandOn  = []byte{0x7e, 0x00, 0x08, 0x01, 0x00, 0x02, 0x01, 0x02, 0xda}
	newlandOff = []byte{0x7e, 0x00, 0x08, 0x01, 0x00, 0x02, 0x02, 0x32, 0xb9}
)

// serialCommands returns the commands of a maker's serial scanners: Honeywell's serial trigger commands, Zebra's
// SSI Programmer's Guide (beep code 00 is one short high sound, 06 two short low ones), Datalogic's QuickScan
// host commands, Newland's FM30 guide.
func serialCommands(maker, protocol string) commands {
	switch {
	case protocol == "ssi":
		return commands{
			good: decode.SSIPacket(0xe6, 0, 0x00), bad: decode.SSIPacket(0xe6, 0, 0x06),
			on: decode.SSIPacket(0xe9, 0), off: decode.SSIPacket(0xea, 0),
			start:   [][]byte{{0x00}}, // wakes one that sleeps
			lasting: true,
		}
	case maker == "honeywell":
		return commands{good: []byte("\x16\x07\r"), on: []byte("\x16T\r"), off: []byte("\x16U\r")}
	case maker == "datalogic":
		return commands{good: []byte("B"), on: []byte("E"), off: []byte("D"), lasting: true}
	case maker == "newland":
		return commands{on: newlandOn, off: newlandOff}
	}
	return commands{}
}

// posCommands returns the commands of a maker's HID POS scanners, as output reports. Report 4 is a set of bits at
// Honeywell (Hand Held Products USB guide, page 1-12) and a channel for serial commands at Newland, so it is sent
// only where the maker is known and the descriptor has such a report.
func posCommands(maker string, d decode.Descriptor) commands {
	size := d.OutputLen(4)
	if size < 2 {
		return commands{}
	}
	report := func(p ...byte) []byte { return append(p, make([]byte, max(0, size-len(p)))...) }
	switch maker {
	case "honeywell":
		return commands{
			good: report(4, 0x40), bad: report(4, 0x20),
			on: report(4, 0x04), off: report(4, 0x02),
		}
	case "newland":
		wrap := func(cmd []byte) []byte { return report(append([]byte{4, byte(len(cmd))}, cmd...)...) }
		return commands{on: wrap(newlandOn), off: wrap(newlandOff)}
	}
	return commands{}
}

// makerOf returns the configured maker, or else the one that the vendor number tells.
func makerOf(cfg Config, vendor string) string {
	if cfg.Maker != "" {
		return cfg.Maker
	}
	if m, ok := vendors[vendor]; ok && slices.Contains(makerNames, m) {
		return m
	}
	return "none"
}
