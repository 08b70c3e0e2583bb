package decode

import (
	"slices"
	"testing"
)

// bootKeyboard is appendix B.1 of USB HID 1.11.
var bootKeyboard = []byte{
	0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01,
	0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01,
	0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x25, 0x65,
	0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0xc0}

// nkro is a keyboard with a bit for each key up to 67 hex, as keyboards "without ghosting" and some scanners have it.
var nkro = []byte{
	0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x85, 0x05, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01,
	0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x19, 0x00, 0x29, 0x67, 0x75, 0x01, 0x95, 0x68, 0x81, 0x02, 0xc0}

// Push and pop keep and bring back the global items (USB HID 1.11, section 6.2.2.7).
func TestDescriptorPushAndPop(t *testing.T) {
	d := ParseDescriptor([]byte{
		0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x85, 0x02, 0x75, 0x08, 0x95, 0x01, // page 8C, report 2, bytes
		0x05, 0x01, 0x09, 0x3b, 0x81, 0x02, // count, page 01
		0x05, 0x8c, 0x95, 0x38, // 56 bytes of page 8C
		0xa4,                                                                   // push
		0x05, 0x0c, 0x85, 0x09, 0x75, 0x10, 0x95, 0x01, 0x09, 0x01, 0x81, 0x02, // something else, in report 9
		0xb4,                          // pop
		0x09, 0xfe, 0x81, 0x02, 0xc0}) // data
	want := POSReport{ID: 2, Len: 58, Count: 1, AIM: -1, Data: 2, DataLen: 56, More: -1}
	if got, ok := d.POSReport(); !ok || got != want {
		t.Errorf("got %+v %v, want %+v", got, ok, want)
	}
}

func TestKeyReportFromDescriptor(t *testing.T) {
	d := ParseDescriptor(bootKeyboard)
	if got := d.KeyReport(); got != BootReport || !d.IsKeyboard() || d.IsPOS() {
		t.Errorf("got %+v", got)
	}
	numbered := append(append([]byte{}, bootKeyboard[:6]...), 0x85, 0x02)
	numbered = append(numbered, bootKeyboard[6:]...)
	if got, want := ParseDescriptor(numbered).KeyReport(), (KeyReport{ID: 2, Mods: 1, Keys: 3, Count: 6}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for n := range bootKeyboard {
		if rep := ParseDescriptor(bootKeyboard[:n]).KeyReport(); rep.Count == 0 {
			t.Errorf("cut at %d: %+v", n, rep)
		}
	}
}

// Items of a report descriptor that tests put together: 8-bit fields of an application, in report 2.
var (
	barcodeApp = []byte{0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x85, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08}
	byteCount  = []byte{0x05, 0x01, 0x95, 0x01, 0x09, 0x3b, 0x81, 0x02, 0x05, 0x8c}
	dataBytes  = []byte{0x95, 0x38, 0x09, 0xfe, 0x82, 0x02, 0x01}
	oneBit     = []byte{0x75, 0x01, 0x95, 0x01, 0x81, 0x03, 0x75, 0x08} // of padding
)

func TestPOSReportFromOddDescriptors(t *testing.T) {
	plain := POSReport{ID: 2, Len: 58, Count: 1, AIM: -1, Data: 2, DataLen: 56, More: -1}
	honeywell := POSReport{ID: 2, Len: 61, Count: 1, AIM: 2, Data: 5, DataLen: 56, More: -1}
	aim := func(at POSReport, aim, shift int) POSReport {
		at.AIM, at.Data, at.Len = aim, at.Data+shift, at.Len+shift
		return at
	}
	for _, tc := range []struct {
		name  string
		items [][]byte
		want  POSReport // zero: the descriptor does not say
	}{
		{"count and data", [][]byte{byteCount, dataBytes}, plain},
		{"identifiers as a range", [][]byte{byteCount, {0x95, 0x03, 0x19, 0xfb, 0x29, 0xfd, 0x81, 0x02}, dataBytes}, aim(plain, 2, 3)},
		{"identifiers after another usage", [][]byte{byteCount, {0x95, 0x04, 0x09, 0x10, 0x19, 0xfb, 0x29, 0xfd, 0x81, 0x02}, dataBytes}, aim(plain, 3, 4)},
		{"identifiers after a range", [][]byte{byteCount, {0x95, 0x06, 0x19, 0x10, 0x29, 0x12, 0x19, 0xfb, 0x29, 0xfd, 0x81, 0x02}, dataBytes}, aim(plain, 5, 6)},
		{"identifiers inside a range", [][]byte{byteCount, {0x95, 0x04, 0x19, 0xfa, 0x29, 0xfd, 0x81, 0x02}, dataBytes}, aim(plain, 3, 4)},
		{"identifiers beyond the field's count", [][]byte{byteCount, {0x95, 0x01, 0x09, 0x10, 0x19, 0xfb, 0x29, 0xfd, 0x81, 0x02}, dataBytes}, aim(plain, -1, 1)},
		{"a usage of four bytes", [][]byte{byteCount, {0x95, 0x03, 0x0b, 0xfb, 0x00, 0x8c, 0x00, 0x81, 0x02}, dataBytes}, aim(plain, 2, 3)},
		{"a range that ends before it begins", [][]byte{byteCount, {0x95, 0x03, 0x19, 0xfd, 0x29, 0xfb, 0x81, 0x02}, dataBytes}, aim(plain, -1, 3)},
		{"a range of one", [][]byte{byteCount, {0x95, 0x38, 0x19, 0xfe, 0x29, 0xfe, 0x82, 0x02, 0x01}}, plain},
		{"data as an array", [][]byte{byteCount, {0x95, 0x38, 0x09, 0xfe, 0x82, 0x00, 0x01}}, plain},
		{"a page of two bytes", [][]byte{byteCount, {0x06, 0x8c, 0x00}, dataBytes}, plain},
		{"a page of another two bytes", [][]byte{byteCount, {0x06, 0x8c, 0xff}, dataBytes}, POSReport{}},
		{"a long item", [][]byte{{0xfe, 0x02, 0x00, 0x05, 0x01}, byteCount, dataBytes}, plain},
		{"a long item of nothing", [][]byte{{0xfe, 0x00, 0x00}, byteCount, dataBytes}, plain},
		{"a long item whose data looks like items", [][]byte{{0xfe, 0x03, 0x00, 0x85, 0x09, 0xc0}, byteCount, dataBytes}, plain},
		{"a long item without its size", [][]byte{byteCount, dataBytes, {0xfe}}, plain},
		{"a long item that is cut", [][]byte{byteCount, dataBytes, {0xfe, 0x04, 0x00, 0x05, 0x01, 0x09}}, plain},
		{"an item that is cut", [][]byte{byteCount, dataBytes, {0x26, 0xff}}, plain},
		{"a count that begins within a byte", [][]byte{oneBit, byteCount, {0x75, 0x07, 0x95, 0x01, 0x81, 0x03, 0x75, 0x08}, dataBytes},
			POSReport{ID: 2, Len: 59, Count: -1, AIM: -1, Data: 3, DataLen: 56, More: -1}},
		{"identifiers that begin within a byte", [][]byte{byteCount, oneBit, {0x95, 0x03, 0x19, 0xfb, 0x29, 0xfd, 0x81, 0x02, 0x75, 0x07, 0x95, 0x01, 0x81, 0x03, 0x75, 0x08}, dataBytes}, aim(plain, -1, 4)},
		{"identifiers that the report has no room for", [][]byte{byteCount, dataBytes, {0x95, 0x02, 0x09, 0xfb, 0x81, 0x02}}, POSReport{ID: 2, Len: 60, Count: 1, AIM: -1, Data: 2, DataLen: 56, More: -1}},
		{"identifiers at the end", [][]byte{byteCount, dataBytes, {0x95, 0x03, 0x09, 0xfb, 0x81, 0x02}}, POSReport{ID: 2, Len: 61, Count: 1, AIM: 58, Data: 2, DataLen: 56, More: -1}},
		{"the third bit says that it goes on", [][]byte{byteCount, dataBytes, {0x75, 0x01, 0x95, 0x02, 0x81, 0x03, 0x95, 0x01, 0x09, 0xff, 0x81, 0x02}},
			POSReport{ID: 2, Len: 59, Count: 1, AIM: -1, Data: 2, DataLen: 56, More: 58, MoreMask: 4}},
		{"the bit for that in another report", [][]byte{byteCount, dataBytes, {0x85, 0x03, 0x09, 0xff, 0x81, 0x02}}, plain},
		{"identifiers in another report", [][]byte{byteCount, dataBytes, {0x85, 0x03, 0x95, 0x03, 0x09, 0xfb, 0x81, 0x02}}, plain},
		{"a count in another report", [][]byte{dataBytes, {0x85, 0x03}, byteCount}, POSReport{ID: 2, Len: 57, Count: -1, AIM: -1, Data: 1, DataLen: 56, More: -1}},
		{"data that begins within a byte", [][]byte{byteCount, oneBit, dataBytes}, POSReport{}},
		{"data of 16 bits", [][]byte{byteCount, {0x75, 0x10}, dataBytes}, POSReport{}},
		{"a count of no bytes", [][]byte{dataBytes, {0x05, 0x01, 0x95, 0x00, 0x09, 0x3b, 0x81, 0x02}}, POSReport{ID: 2, Len: 57, Count: -1, AIM: -1, Data: 1, DataLen: 56, More: -1}},
		{"a continued bit without a bit", [][]byte{byteCount, dataBytes, {0x75, 0x00, 0x95, 0x01, 0x09, 0xff, 0x81, 0x02}}, plain},
		{"identifiers and data in one field", [][]byte{byteCount, {0x95, 0x3b, 0x19, 0xfb, 0x29, 0xfe, 0x82, 0x02, 0x01}}, honeywell},
		{"no data", [][]byte{byteCount, {0x95, 0x00, 0x09, 0xfe, 0x82, 0x02, 0x01}}, POSReport{}},
		{"data is only a feature", [][]byte{byteCount, {0x95, 0x38, 0x09, 0xfe, 0xb2, 0x02, 0x01}}, POSReport{}},
	} {
		got, ok := ParseDescriptor(slices.Concat(append([][]byte{barcodeApp}, tc.items...)...)).POSReport()
		if ok != (tc.want != POSReport{}) || ok && got != tc.want {
			t.Errorf("%s: got %+v %t, want %+v", tc.name, got, ok, tc.want)
		}
	}
}

// Whatever a descriptor says, it takes bounded memory: what is beyond ends the reading, and what came before counts.
func TestDescriptorBounds(t *testing.T) {
	big := func(bits int) []byte { // one field of so many bits, which fill the largest report
		return slices.Concat(barcodeApp, []byte{0x75, 0x01, 0x97, byte(bits), byte(bits >> 8), byte(bits >> 16), 0, 0x09, 0x10, 0x81, 0x02, 0x09, 0x11, 0xb1, 0x02})
	}
	const most = maxReportBits - 8 // after the report's number
	if d := ParseDescriptor(big(most)); len(d.Fields) != 2 || d.Fields[0].Count != most {
		t.Errorf("the largest report: %d fields", len(d.Fields))
	}
	if d := ParseDescriptor(big(most + 1)); len(d.Fields) != 0 {
		t.Errorf("a larger report: %d fields", len(d.Fields))
	}
	nested := slices.Concat(slices.Repeat([]byte{0xa4, 0x05, 0x01}, maxPush+1), slices.Repeat([]byte{0xb4}, maxPush+2), barcodeApp, byteCount, dataBytes)
	if _, ok := ParseDescriptor(nested).POSReport(); !ok {
		t.Error("what comes after many pushes and pops is lost")
	}
	d := ParseDescriptor(slices.Concat([]byte{0x05, 0x07}, slices.Repeat([]byte{0xa4}, maxPush+1), []byte{0x05, 0x01}, []byte{0xb4}, []byte{0x09, 0x06, 0xa1, 0x01}))
	if !d.Has(pageKeyboard, 0x06) {
		t.Errorf("a pop after too many pushes: %x", d.Apps)
	}
	var deep []byte
	for page := range byte(maxPush + 1) {
		deep = append(deep, 0x05, 0x10+page, 0xa4)
	}
	d = ParseDescriptor(slices.Concat(deep, []byte{0x05, 0x01, 0xb4, 0x09, 0x06, 0xa1, 0x01}))
	if !d.Has(0x10+maxPush-1, 0x06) {
		t.Errorf("more pushes are kept than there is room for: %x", d.Apps)
	}
	long := slices.Concat(slices.Repeat([]byte{0x15, 0x00}, maxDescriptor/2-2), []byte{0x05, 0x01, 0x09, 0x06}, []byte{0xa1, 0x01})
	if d := ParseDescriptor(long); len(d.Apps) != 0 {
		t.Error("what is beyond the longest descriptor was read")
	}
}

func TestWhatADescriptorIs(t *testing.T) {
	for _, tc := range []struct {
		page, usage   byte
		pos, keyboard bool
	}{{0x8c, 0x02, true, false}, {0x01, 0x06, false, true}, {0x01, 0x07, false, true}, {0x01, 0x02, false, false}, {0x0c, 0x01, false, false}} {
		d := ParseDescriptor([]byte{0x05, tc.page, 0x09, tc.usage, 0xa1, 0x01, 0xc0})
		if d.IsPOS() != tc.pos || d.IsKeyboard() != tc.keyboard {
			t.Errorf("page %x usage %x: %t %t", tc.page, tc.usage, d.IsPOS(), d.IsKeyboard())
		}
	}
	if d := ParseDescriptor([]byte{0xa1, 0x01, 0xc0, 0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0xc0}); !d.IsKeyboard() || len(d.Apps) != 1 {
		t.Errorf("after an application without usage: %x", d.Apps)
	}
	d := ParseDescriptor([]byte{0x05, 0x01, 0x09, 0x06, 0xa1, 0x00, 0xc0}) // a physical collection
	if d.IsKeyboard() {
		t.Error("a physical collection is taken for an application")
	}
}

// Descriptors of which only a part is as usual: where the keys are not where they may be, the boot layout is right.
func TestKeyReportFromOddDescriptors(t *testing.T) {
	head := []byte{0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07}
	mods := []byte{0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02}
	array := []byte{0x95, 0x03, 0x75, 0x08, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00}
	bitmap := []byte{0x75, 0x01, 0x95, 0x20, 0x19, 0x04, 0x29, 0x23, 0x81, 0x02}
	for _, tc := range []struct {
		name  string
		items [][]byte
		want  KeyReport
	}{
		{"modifiers, array", [][]byte{head, mods, array}, KeyReport{Mods: 0, Keys: 1, Count: 3}},
		{"array, modifiers", [][]byte{head, array, mods}, KeyReport{Mods: 3, Keys: 0, Count: 3}},
		{"an array of all keys, modifiers", [][]byte{head, {0x95, 0x03, 0x75, 0x08, 0x19, 0x00, 0x29, 0xff, 0x81, 0x00}, mods}, KeyReport{Mods: 3, Keys: 0, Count: 3}},
		{"ranges that give their last usage first", [][]byte{head, {0x95, 0x03, 0x75, 0x08, 0x29, 0x65, 0x19, 0x00, 0x81, 0x00},
			{0x29, 0xe7, 0x19, 0xe0, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02}}, KeyReport{Mods: 3, Keys: 0, Count: 3}},
		{"a bitmap and an array", [][]byte{head, mods, bitmap, array}, KeyReport{Mods: 0, Keys: 5, Count: 3}},
		{"a bitmap", [][]byte{head, mods, bitmap}, KeyReport{Mods: 0, Keys: 8, Count: 0x20, Bitmap: true, First: 4}},
		{"two bitmaps", [][]byte{head, mods, bitmap, {0x75, 0x01, 0x95, 0x08, 0x19, 0x24, 0x29, 0x2b, 0x81, 0x02}}, KeyReport{Mods: 0, Keys: 8, Count: 0x20, Bitmap: true, First: 4}},
		{"a bitmap of more bits than keys", [][]byte{head, mods, {0x75, 0x01, 0x95, 0x20, 0x19, 0x04, 0x29, 0x13, 0x81, 0x02}}, KeyReport{Keys: 8, Count: 0x10, Bitmap: true, First: 4}},
		{"modifiers in the bitmap", [][]byte{head, {0x75, 0x01, 0x95, 0xe8, 0x19, 0x00, 0x29, 0xe7, 0x81, 0x02}}, KeyReport{Mods: 28, Keys: 0, Count: 0xe0, Bitmap: true}},
		{"a bitmap that begins late, with the modifiers", [][]byte{head, {0x75, 0x01, 0x95, 0xe0, 0x19, 0x08, 0x29, 0xe7, 0x81, 0x02}}, KeyReport{Mods: 27, Keys: 0, Count: 0xd8, Bitmap: true, First: 8}},
		{"an array of another page", [][]byte{head, mods, {0x05, 0x0c, 0x95, 0x03, 0x75, 0x08, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00}}, BootReport},
		{"an array in another report", [][]byte{head, {0x85, 0x01}, mods, {0x85, 0x02}, array}, BootReport},
		{"an array of nothing", [][]byte{head, mods, {0x95, 0x00, 0x75, 0x08, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00}}, BootReport},
		{"an array within a byte", [][]byte{head, mods, {0x75, 0x01, 0x95, 0x04, 0x81, 0x03}, array}, BootReport},
		{"modifiers within a byte", [][]byte{head, {0x75, 0x01, 0x95, 0x04, 0x81, 0x03}, mods, array}, BootReport},
		{"no modifiers", [][]byte{head, array}, BootReport},
	} {
		if got := ParseDescriptor(slices.Concat(tc.items...)).KeyReport(); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
}
