package decode

import "slices"

// A KeyReport says where the keys are in a keyboard's reports.
type KeyReport struct {
	ID     byte // report ID, 0 where reports are not numbered
	Mods   int  // the byte with the modifiers
	Keys   int  // the first byte of the key array
	Count  int  // keys in the array
	Bitmap bool // instead of an array there is a bit for each key: Keys is the first bit, Count their number
	First  byte // the key of the first bit
}

// BootReport is the report of every keyboard in boot protocol (USB HID 1.11, appendix B.1).
var BootReport = KeyReport{Mods: 0, Keys: 2, Count: 6}

// KeyReport returns where the keys are according to the descriptor, or BootReport where it does not say. An array
// is preferred to a bitmap, which does not tell the order of keys that come at once.
func (d Descriptor) KeyReport() KeyReport {
	states := slices.DeleteFunc(slices.Clone(d.Fields), func(f Field) bool { return f.Array })
	mods, modBit, ok := d.findIn(states, Input, pageKeyboard, keyModifiers)
	if !ok || mods.Size != 1 || modBit%8 != 0 {
		return BootReport
	}
	found := BootReport
	for _, f := range d.Fields {
		if f.Kind != Input || f.Report != mods.Report || f.Count == 0 || len(f.usages) == 0 || f.usages[0].first>>16 != pageKeyboard {
			continue
		}
		first := f.usages[0].first & 0xffff
		switch {
		case f.Array && f.Size == 8 && f.Bit%8 == 0:
			return KeyReport{ID: mods.Report, Mods: modBit / 8, Keys: f.Bit / 8, Count: f.Count}
		case !f.Array && f.Size == 1 && first < keyModifiers && !found.Bitmap:
			count := min(f.Count, int(f.usages[0].last&0xffff-first)+1, keyModifiers-int(first))
			found = KeyReport{ID: mods.Report, Mods: modBit / 8, Keys: f.Bit, Count: count, Bitmap: true, First: byte(first)}
		}
	}
	return found
}

// split finds modifiers and keys in a report.
func (rep KeyReport) split(p []byte) (mods byte, keys []byte, ok bool) {
	switch {
	case rep.ID != 0 && p[0] != rep.ID:
		return 0, nil, false
	case rep.ID == 0 && len(p) == 9 && rep == BootReport: // numbered after all (Microscan: 02 mod 00 k1..k6)
		p = p[1:]
	}
	if rep.Mods >= len(p) || !rep.Bitmap && rep.Keys >= len(p) {
		return 0, nil, false
	}
	if !rep.Bitmap {
		return p[rep.Mods], p[rep.Keys:min(rep.Keys+rep.Count, len(p))], true
	}
	for i := range rep.Count {
		if bit := rep.Keys + i; bit/8 < len(p) && p[bit/8]>>(bit%8)&1 != 0 {
			keys = append(keys, rep.First+byte(i))
		}
	}
	return p[rep.Mods], keys, true
}

// LEDsOff returns the output report that turns the keyboard's lamps off; empty where it has none. A scanner may go
// by the lamp for Caps Lock, and swap capitals and small letters.
func (d Descriptor) LEDsOff() []byte {
	f, _, ok := d.find(Output, pageLED, ledCapsLock)
	if !ok {
		return nil
	}
	if f.Report == 0 {
		return make([]byte, 1+d.OutputLen(0)) // reports without number are written with a 0 before them
	}
	return append([]byte{f.Report}, make([]byte, d.OutputLen(f.Report)-1)...)
}
