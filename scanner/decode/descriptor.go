package decode

// Usage pages and usages of HID that matter here (USB HID Usage Tables 1.5; HID Point of Sale Usage Tables 1.02).
const (
	pageDesktop  = 0x01
	pageKeyboard = 0x07
	pageLED      = 0x08
	ledCapsLock  = 0x02
	pageBarcode  = 0x8c
)

// A FieldKind says which way a field goes.
type FieldKind byte

const (
	Input FieldKind = iota
	Output
	Feature
)

// A Field is one main item of a report descriptor: count values of size bits each, beginning at a bit of the
// report. The bit counts from the start of the report as it is read, so a report ID byte is included.
type Field struct {
	Kind        FieldKind
	Report      byte // report ID, 0 where reports are not numbered
	Bit         int
	Size, Count int
	Array       bool // values are usages rather than states
	usages      []usageRange
}

type usageRange struct{ first, last uint32 } // page<<16 | usage

// A Descriptor is what a HID report descriptor says.
type Descriptor struct {
	Fields   []Field
	Numbered bool     // reports begin with an ID byte
	Apps     []uint32 // application collections, page<<16 | usage
	bits     map[reportKey]int
}

type reportKey struct {
	kind   FieldKind
	report byte
}

// Bounds keep a hostile descriptor from taking memory: the kernel takes 4096 bytes and 12 kB reports at most.
const (
	maxDescriptor = 4096
	maxReportBits = 12 << 13
	maxPush       = 8
)

type globals struct {
	page        uint32
	size, count int
	report      byte
}

// ParseDescriptor reads a report descriptor (USB HID 1.11, section 6.2.2). It never fails: what cannot be
// understood ends the reading, and what came before counts.
func ParseDescriptor(raw []byte) Descriptor {
	var (
		d     Descriptor
		g     globals
		stack []globals
		uses  []usageRange
		ends  [2]uint32 // of a range of usages, which come in either order
		given [2]bool
	)
	d.bits = map[reportKey]int{}
	raw = raw[:min(len(raw), maxDescriptor)]
	full := func(v uint32, n int) uint32 { // a usage of up to two bytes belongs to the page
		if n == 4 {
			return v
		}
		return g.page<<16 | v
	}
	for len(raw) > 0 {
		prefix := raw[0]
		n := int(prefix & 3)
		if n == 3 {
			n = 4
		}
		if prefix == 0xfe && len(raw) > 1 { // a long item, which means nothing here
			n = 2 + int(raw[1])
		}
		if len(raw) < 1+n {
			break
		}
		var v uint32
		for i := range n {
			v |= uint32(raw[1+i]) << (8 * i)
		}
		raw = raw[1+n:]
		switch prefix &^ 3 {
		case 0x04:
			g.page = v & 0xffff
		case 0x74:
			g.size = int(min(v, maxReportBits))
		case 0x94:
			g.count = int(min(v, maxReportBits))
		case 0x84:
			g.report = byte(v)
			d.Numbered = true
		case 0xa4:
			if len(stack) < maxPush {
				stack = append(stack, g)
			}
		case 0xb4:
			if len(stack) > 0 {
				g, stack = stack[len(stack)-1], stack[:len(stack)-1]
			}
		case 0x08:
			uses = append(uses, usageRange{full(v, n), full(v, n)})
		case 0x18, 0x28:
			end := (prefix &^ 3 >> 4) - 1
			ends[end], given[end] = full(v, n), true
			if given == [2]bool{true, true} {
				if ends[1] >= ends[0] {
					uses = append(uses, usageRange{ends[0], ends[1]})
				}
				given = [2]bool{}
			}
		case 0x80, 0x90, 0xb0:
			kind := map[byte]FieldKind{0x80: Input, 0x90: Output, 0xb0: Feature}[prefix&^3]
			key := reportKey{kind, g.report}
			bit, seen := d.bits[key]
			if !seen && g.report != 0 {
				bit = 8
			}
			if bit+g.size*g.count > maxReportBits {
				return d
			}
			if v&1 == 0 { // not constant padding
				d.Fields = append(d.Fields, Field{kind, g.report, bit, g.size, g.count, v&2 == 0, uses})
			}
			d.bits[key] = bit + g.size*g.count
			uses, given = nil, [2]bool{}
		case 0xa0:
			if v == 1 && len(uses) > 0 {
				d.Apps = append(d.Apps, uses[0].first)
			}
			uses, given = nil, [2]bool{}
		case 0xc0:
			uses, given = nil, [2]bool{}
		}
	}
	return d
}

// Has tells whether the descriptor has an application collection of that page and usage.
func (d Descriptor) Has(page, usage uint16) bool {
	for _, a := range d.Apps {
		if a == uint32(page)<<16|uint32(usage) {
			return true
		}
	}
	return false
}

// IsPOS tells whether the device calls itself a bar code scanner (page 8C, usage 02).
func (d Descriptor) IsPOS() bool { return d.Has(pageBarcode, 0x02) }

// IsKeyboard tells whether the device calls itself a keyboard or a keypad.
func (d Descriptor) IsKeyboard() bool { return d.Has(pageDesktop, 0x06) || d.Has(pageDesktop, 0x07) }

// find returns the first field of that kind that carries the usage as a state of its own, and the bit where it begins.
// An array of bytes carries one as its first value.
func (d Descriptor) find(kind FieldKind, page, usage uint16) (f Field, bit int, ok bool) {
	return d.findIn(d.Fields, kind, page, usage)
}

func (d Descriptor) findIn(fields []Field, kind FieldKind, page, usage uint16) (f Field, bit int, ok bool) {
	want := uint32(page)<<16 | uint32(usage)
	for _, f := range fields {
		if f.Kind != kind || f.Size == 0 || f.Array && f.Size != 8 {
			continue
		}
		i := 0
		for _, u := range f.usages {
			if want >= u.first && want <= u.last {
				i += int(want - u.first)
				if f.Array {
					i = 0
				}
				if i < f.Count {
					return f, f.Bit + i*f.Size, true
				}
			}
			i += int(u.last-u.first) + 1
		}
	}
	return Field{}, 0, false
}

// length returns the bytes of an input report as it is read, its ID byte included.
func (d Descriptor) length(report byte) int {
	return (d.bits[reportKey{Input, report}] + 7) / 8
}

// OutputLen returns the bytes of an output report, its ID byte included; 0 if there is none.
func (d Descriptor) OutputLen(report byte) int {
	return (d.bits[reportKey{Output, report}] + 7) / 8
}
