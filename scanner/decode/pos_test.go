package decode

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// posDescriptor is that of a Honeywell in HID POS mode: usages FB to FD, FE and FF of page 8C, byte count 3B,
// output report 4.
var posDescriptor = []byte{
	0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, // bar code scanner
	0x09, 0x12, 0xa1, 0x02, 0x85, 0x02, // scanned data report, ID 2
	0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08,
	0x95, 0x01, 0x05, 0x01, 0x09, 0x3b, 0x81, 0x02, // byte count
	0x95, 0x03, 0x05, 0x8c, 0x09, 0xfb, 0x09, 0xfc, 0x09, 0xfd, 0x81, 0x02, // identifier
	0x95, 0x38, 0x09, 0xfe, 0x82, 0x02, 0x01, // data
	0x95, 0x02, 0x06, 0x66, 0xff, 0x09, 0x04, 0x09, 0x00, 0x81, 0x02, // maker's own
	0x05, 0x8c, 0x95, 0x01, 0x75, 0x01, 0x25, 0x01, 0x09, 0xff, 0x81, 0x02, // continued
	0x95, 0x07, 0x81, 0x03,
	0xc0,
	0x09, 0x14, 0xa1, 0x02, 0x85, 0x04, 0x95, 0x08, 0x09, 0x5f, 0x91, 0x02, 0xc0,
	0xc0}

func TestPOSLayoutFromDescriptor(t *testing.T) {
	d := ParseDescriptor(posDescriptor)
	got, ok := d.POSReport()
	if !ok || got != honeywellReport || !d.IsPOS() || d.IsKeyboard() {
		t.Errorf("got %+v %v", got, ok)
	}
	if n := d.OutputLen(4); n != 2 {
		t.Errorf("output report 4 has %d bytes", n)
	}
}

// The reports of the LSR118 manual: a boarding pass of 60 characters.
func TestPOSBoardingPass(t *testing.T) {
	pass := "M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23 12345"
	pass += "6"
	reports := posReports(honeywellReport, "]Q0", pass)
	if len(reports) != 2 || reports[0][1] != 0x38 || reports[0][63] != 1 || reports[1][1] != 4 {
		t.Fatalf("reports %x", reports)
	}
	for _, opt := range []POSOptions{{}, {Report: honeywellReport}} {
		d := NewPOS(opt)
		r := d.Decode(reports[0], ms(0))
		if len(r.Codes) != 0 {
			t.Fatal("half a code came out")
		}
		r = d.Decode(reports[1], ms(1))
		if texts(r) != pass || r.Codes[0].Symbology != "Q0" {
			t.Errorf("got %q", texts(r))
		}
	}
}

func TestPOSLayouts(t *testing.T) {
	long := strings.Repeat("hQVDUFYwMQ==+/", 9)
	for _, tc := range []struct {
		name      string
		opt       POSOptions
		rep       POSReport
		symbology string
	}{
		{"Honeywell by descriptor", POSOptions{Report: honeywellReport}, honeywellReport, "C0"},
		{"Honeywell by look", POSOptions{}, honeywellReport, "C0"},
		{"Zebra and Datalogic with one more byte", POSOptions{}, spacedReport, "C0"},
		{"the same with a descriptor that is not true", POSOptions{Report: honeywellReport}, spacedReport, "C0"},
		{"Newland by look", POSOptions{}, newlandReport, ""},
		{"Newland by maker", POSOptions{Newland: true}, newlandReport, ""},
		{"Newland with a descriptor that is not true", POSOptions{Report: honeywellReport, Newland: true}, newlandReport, ""},
		{"Microscan", POSOptions{}, microscanReport, ""},
		{"packets of 8 bytes", POSOptions{Report: honeywellReport, Packet: 8}, honeywellReport, "C0"},
		{"packets of 64 bytes", POSOptions{Report: honeywellReport, Packet: 64}, honeywellReport, "C0"},
	} {
		for _, text := range []string{"280438849930815813", "1", long, long[:56], long[:62], long[:57]} {
			if tc.rep == newlandReport && tc.opt.Report.DataLen > 0 && text == "1" {
				continue
			}
			d := NewPOS(tc.opt)
			var rs []Result
			for i, p := range posReports(tc.rep, "]C0", text) {
				step := len(p)
				if tc.opt.Packet > 0 {
					step = tc.opt.Packet
				}
				for ; len(p) > 0; p = p[min(step, len(p)):] {
					rs = append(rs, d.Decode(p[:min(step, len(p))], ms(i)))
				}
			}
			if got := texts(rs...); got != text {
				t.Errorf("%s: got %q, want %q", tc.name, got, text)
			}
			for _, r := range rs {
				if len(r.Codes) > 0 && r.Codes[0].Symbology != tc.symbology {
					t.Errorf("%s: symbology %q", tc.name, r.Codes[0].Symbology)
				}
			}
		}
	}
}

// A single scan of Code 128 as Honeywell sends it.
func TestPOSHoneywellExample(t *testing.T) {
	p := append([]byte("\x02\x11]C028763443825664394"), make([]byte, 39)...)
	p = append(p, 0x6a, 0, 0)
	r := NewPOS(POSOptions{}).Decode(p, ms(0))
	if len(p) != 64 || texts(r) != "28763443825664394" || r.Codes[0].Symbology != "C0" {
		t.Errorf("%d bytes, got %+v", len(p), r)
	}
}

// A Voyager 1602g answers REVINF as if it had scanned something; Newland acknowledges commands in the same way.
func TestPOSAnswersAreNotScans(t *testing.T) {
	d := NewPOS(POSOptions{Report: honeywellReport})
	var rs []Result
	for _, p := range posReports(honeywellReport, "]X0", strings.Repeat("Product Name: ", 5)) {
		rs = append(rs, d.Decode(p, ms(0)))
	}
	for _, p := range posReports(honeywellReport, "]Z6", "REVINF\x06.") {
		rs = append(rs, d.Decode(p, ms(1)))
	}
	rs = append(rs, d.Decode(posReports(honeywellReport, "]C0", "28763443825664394")[0], ms(2)))
	if got := texts(rs...); got != "28763443825664394" {
		t.Errorf("got %q", got)
	}
	n := NewPOS(POSOptions{Newland: true})
	r := n.Decode(posReports(newlandReport, "", "\x02\x00\x00\x01\x00\x33\x31")[0], ms(0))
	if len(r.Codes) != 0 {
		t.Errorf("Newland's answer came out as a scan: %q", texts(r))
	}
}

func TestPOSHalfACodeIsNotJoinedToTheNext(t *testing.T) {
	half, next := posReports(honeywellReport, "]Q1", strings.Repeat("a", 60))[0], posReports(honeywellReport, "]C0", "280438849930815813")[0]
	for _, at := range []int{10, 700} { // another kind of code tells it, or the time
		for _, packet := range []int{0, 8} {
			d := NewPOS(POSOptions{Report: honeywellReport, Packet: packet})
			var rs []Result
			var told bool
			send := func(p []byte, at int) {
				for part := range slices.Chunk(p, cmp.Or(packet, len(p))) {
					r := d.Decode(part, ms(at))
					rs, told = append(rs, r), told || r.Fault == Unended
				}
			}
			send(half, 0)
			send(next, at)
			if got := texts(rs...); got != "280438849930815813" || rs[len(rs)-1].Codes[0].Symbology != "C0" || !told {
				t.Errorf("after %d ms, packets of %d: %q, told %t", at, packet, got, told)
			}
		}
	}
}

// A part that has no identifier, before or after one that has, is not known to be of another code.
func TestPOSPartsWithoutIdentifier(t *testing.T) {
	text := "280438849930815813" + strings.Repeat("x", 60)
	named, bare := posReports(honeywellReport, "]Q1", text), posReports(honeywellReport, "\x00\x00\x00", text)
	for _, parts := range [][][]byte{{named[0], bare[1]}, {bare[0], named[1]}} {
		d := NewPOS(POSOptions{Report: honeywellReport})
		if got := texts(d.Decode(parts[0], ms(0)), d.Decode(parts[1], ms(10))); got != text {
			t.Errorf("got %q", got)
		}
	}
}

func TestPOSCutsByLengthAndTakesOffTheSuffix(t *testing.T) {
	d := NewPOS(POSOptions{Report: honeywellReport})
	if got := texts(d.Decode(posReports(honeywellReport, "]Q1", "a\x00b\r")[0], ms(0))); got != "a\x00b" {
		t.Errorf("got %q", got)
	}
}

// What comes after a loss belongs to the code with the hole, up to its end.
func TestPOSDropsTheRestAfterALoss(t *testing.T) {
	d := NewPOS(POSOptions{Report: honeywellReport})
	long := posReports(honeywellReport, "]Q1", strings.Repeat("a", 150))
	d.Lost(ms(0))
	if got := texts(d.Decode(long[1], ms(1)), d.Decode(long[2], ms(2))); got != "" {
		t.Errorf("the rest came as a code: %q", got)
	}
	if got := texts(d.Decode(posReports(honeywellReport, "]Q1", "1234")[0], ms(3))); got != "1234" {
		t.Errorf("the next one: %q", got)
	}
}

// The rest of a code comes late: it is no code. The same code shown again is, and one of another kind.
func TestPOSRestIsNoCode(t *testing.T) {
	text := "280438849930815813" + strings.Repeat("x", 60)
	long := posReports(honeywellReport, "]Q1", text)
	for _, tc := range []struct {
		name string
		late []byte
		want string
	}{
		{"the rest", long[1], ""},
		{"the same code again", nil, text},
		{"another kind", posReports(honeywellReport, "]C0", "1234")[0], "1234"},
		{"the same kind", posReports(honeywellReport, "]Q1", "1234")[0], ""},
	} {
		d := NewPOS(POSOptions{Report: honeywellReport})
		d.Decode(long[0], ms(0))
		if r := d.Decode(nil, ms(600)); r.Fault != Unended {
			t.Errorf("%s: fault %d", tc.name, r.Fault)
		}
		var got string
		if tc.late == nil {
			got = texts(d.Decode(long[0], ms(5000)), d.Decode(long[1], ms(5001)))
		} else {
			got = texts(d.Decode(tc.late, ms(5000)))
		}
		if got != tc.want {
			t.Errorf("%s: %q", tc.name, got)
		}
		if got := texts(d.Decode(posReports(honeywellReport, "]Q1", "5678")[0], ms(9000))); got != "5678" {
			t.Errorf("%s: the next code is %q", tc.name, got)
		}
	}
}

// A report that stops between two packets: its other packets are not taken for the next report.
func TestPOSPacketsThatComeLate(t *testing.T) {
	for _, next := range []int{2100, 3000} { // right behind the late packets, or later
		d := NewPOS(POSOptions{Report: IBMReport, Packet: 8})
		p := posReports(IBMReport, "", "280438849930815813")[0]
		d.Decode(p[:8], ms(0))
		var rs []Result
		for i := 8; i < len(p); i += 8 {
			rs = append(rs, d.Decode(p[i:i+8], ms(2000+i)))
		}
		if got := texts(rs...); got != "" {
			t.Errorf("got %q", got)
		}
		rs = nil
		for at := range 3 { // the first of these may be the rest, for all that is known
			p := posReports(IBMReport, "", "12345678901234567"+string(rune('0'+at)))[0]
			for i := 0; i < len(p); i += 8 {
				rs = append(rs, d.Decode(p[i:i+8], ms(next+100*at+i)))
			}
		}
		if got := texts(rs...); got != "123456789012345671|123456789012345672" {
			t.Errorf("the next codes after %d ms: %q", next, got)
		}
	}
}

// IBM hand-held over HID (Zebra 05e0:0600): length, data, NULs.
func TestPOSIBM(t *testing.T) {
	d := NewPOS(POSOptions{Report: IBMReport, Packet: 64})
	p := append([]byte("\x12280438849930815813"), make([]byte, 45)...)
	if got := texts(d.Decode(p, ms(0)), d.Decode(p, ms(5000))); got != "280438849930815813|280438849930815813" {
		t.Errorf("got %q", got)
	}
	long := strings.Repeat("hQVDUFYwMQ==", 8)
	var rs []Result
	for i, p := range posReports(IBMReport, "", long) {
		rs = append(rs, d.Decode(p, ms(9000+i)))
	}
	if got := texts(rs...); got != long {
		t.Errorf("a code of two reports: %q", got)
	}
	p[0] = 64 // more than there is room for
	if r := d.Decode(p, ms(15_000)); len(r.Codes) != 0 || r.Fault != Damaged {
		t.Errorf("a wrong length: %+v", r)
	}
}

// Without a byte count the data ends where the NULs begin.
func TestPOSWithoutCount(t *testing.T) {
	d := ParseDescriptor([]byte{
		0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x85, 0x07, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08,
		0x95, 0x3f, 0x09, 0xfe, 0x82, 0x02, 0x01, 0xc0})
	rep, ok := d.POSReport()
	if want := (POSReport{ID: 7, Len: 64, Count: -1, AIM: -1, Data: 1, DataLen: 63, More: -1}); !ok || rep != want {
		t.Fatalf("got %+v %v, want %+v", rep, ok, want)
	}
	p := append([]byte("\x07280438849930815813\r"), make([]byte, 44)...)
	if got := texts(NewPOS(POSOptions{Report: rep}).Decode(p, ms(0))); got != "280438849930815813" {
		t.Errorf("got %q", got)
	}
	// A maker that has a count and tells less in its descriptor.
	rep.ID = 2
	for _, l := range []POSReport{honeywellReport, spacedReport} {
		if got := texts(NewPOS(POSOptions{Report: rep}).Decode(posReports(l, "]C0", "280438849930815813")[0], ms(0))); got != "280438849930815813" {
			t.Errorf("%+v: got %q", l, got)
		}
	}
}

// A count that says more than the report holds would give a part for the whole.
func TestPOSCountThatIsTooHigh(t *testing.T) {
	d := NewPOS(POSOptions{Report: honeywellReport})
	p := posReports(honeywellReport, "]C0", "280438849930815813")[0]
	p[1] = 57
	if r := d.Decode(p, ms(0)); len(r.Codes) != 0 || r.Fault != Damaged {
		t.Errorf("got %+v", r)
	}
	if r := d.Decode(posReports(honeywellReport, "]C0", "280438849930815813")[0][:20], ms(1)); len(r.Codes) != 0 || r.Fault != Damaged {
		t.Errorf("a report that was cut gave %+v", r)
	}
	p[63] = 1 // and it goes on
	if r := d.Decode(p, ms(2)); r.Fault != Damaged {
		t.Errorf("got %+v", r)
	}
	if got := texts(d.Decode(posReports(honeywellReport, "]C0", "5813")[0], ms(3)), d.Decode(posReports(honeywellReport, "]C0", "1234")[0], ms(4))); got != "1234" {
		t.Errorf("got %q", got)
	}
}

// The identifier of the report counts, not what the data looks like.
func TestPOSIdentifierInsideTheDataIsKept(t *testing.T) {
	d := NewPOS(POSOptions{Report: honeywellReport, Affixes: Affixes{AIM: true}})
	r := d.Decode(posReports(honeywellReport, "]C0", "]Q1234")[0], ms(0))
	if texts(r) != "]Q1234" || r.Codes[0].Symbology != "C0" {
		t.Errorf("got %+v", r)
	}
	r = d.Decode(posReports(honeywellReport, "\x00\x00\x00", "]Q1234")[0], ms(1))
	if texts(r) != "234" || r.Codes[0].Symbology != "Q1" {
		t.Errorf("without an identifier of the report: %+v", r)
	}
}

func TestPOSTooLong(t *testing.T) {
	d := NewPOS(POSOptions{Report: honeywellReport})
	var rs []Result
	fault := NoFault
	for i, p := range posReports(honeywellReport, "]C0", strings.Repeat("9", 5000)) {
		rs = append(rs, d.Decode(p, ms(i)))
		fault = max(fault, rs[i].Fault)
	}
	if texts(rs...) != "" || fault != TooLong {
		t.Errorf("got %d characters, fault %d", len(texts(rs...)), fault)
	}
	if got := texts(d.Decode(posReports(honeywellReport, "]C0", "1234")[0], ms(200))); got != "1234" {
		t.Errorf("the next one: %q", got)
	}
}

// What the maker's layout must be is told from the bytes, where the descriptor does not say.
func TestPOSGuess(t *testing.T) {
	fill := func(begin string) []byte { return append([]byte(begin), make([]byte, 64-len(begin))...) }
	for _, tc := range []struct {
		name   string
		opt    POSOptions
		report []byte
		want   string
	}{
		{"Honeywell without identifiers", POSOptions{}, fill("\x02\x04\x00\x00\x001234"), "1234"},
		{"Newland", POSOptions{}, fill("\x02\x041234"), "1234"},
		{"Newland that begins with a NUL and has no more", POSOptions{}, fill("\x02\x02\x001"), "\x001"},
		{"Newland whose data looks like an identifier", POSOptions{Newland: true}, fill("\x02\x05]C012"), "]C012"},
		{"Microscan", POSOptions{}, fill("\x01\x041234"), "1234"},
		{"report 1 of a descriptor with report 2", POSOptions{Report: honeywellReport}, fill("\x01\x041234"), ""},
		{"report 3", POSOptions{}, fill("\x03\x041234"), ""},
		{"a status of two bytes", POSOptions{}, []byte("\x02\x01"), ""},
		{"a report of three bytes", POSOptions{}, []byte("\x02\x011"), "1"},
		{"no number of the report", POSOptions{Report: IBMReport}, fill("\x041234"), "1234"},
		{"identifiers turned off", POSOptions{Report: honeywellReport}, fill("\x02\x04\x00\x00\x001234"), "1234"},
		{"five bytes that begin with a NUL", POSOptions{}, []byte("\x02\x03\x00ab"), "\x00ab"},
		{"five bytes with another descriptor", POSOptions{Report: honeywellReport}, []byte("\x02\x03123"), "123"},
		{"a status of two bytes, without a count", POSOptions{Report: POSReport{ID: 2, Len: 64, Count: -1, AIM: -1, Data: 1, DataLen: 63, More: -1}}, []byte("\x02\x00"), ""},
		{"two characters, and what is left of a code before", POSOptions{Report: IBMReport}, fill("\x02ab]C01234"), "ab"},
		{"identifiers come first by a descriptor that is not true", POSOptions{Report: identifierFirst}, fill("\x02\x04]C01234"), "1234"},
		{"a report without its last byte", POSOptions{Report: honeywellReport}, fill("\x02\x04]C01234")[:63], "1234"},
		{"a report that is full, and says that it is all", POSOptions{Report: continuedFirst}, []byte("\x00\x041234"), "1234"},
		{"a report that is full, and says that it goes on", POSOptions{Report: continuedFirst}, []byte("\x01\x041234"), ""},
		{"a report that is not full, and says that it goes on", POSOptions{Report: continuedFirst}, []byte("\x01\x02120\x00"), ""},
	} {
		if r := NewPOS(tc.opt).Decode(tc.report, ms(0)); texts(r) != tc.want || r.Fault != NoFault {
			t.Errorf("%s: %q and fault %d, want %q", tc.name, texts(r), r.Fault, tc.want)
		}
	}
}

// Layouts that no maker is known to have, but a descriptor may: the identifier or the bit for "goes on" in the first
// byte, and what others have first after the data.
var (
	identifierFirst = POSReport{Len: 64, Count: -1, AIM: 0, Data: 3, DataLen: 61, More: -1}
	continuedFirst  = POSReport{Len: 6, Count: 1, AIM: -1, Data: 2, DataLen: 4, More: 0, MoreMask: 1}
	dataFirst       = POSReport{Len: 13, Count: 8, AIM: 10, Data: 0, DataLen: 8, More: -1}
)

// Wherever the identifier is, it is that of the code.
func TestPOSIdentifierAtEitherEnd(t *testing.T) {
	for text, rep := range map[string]POSReport{"]C01234\x00": identifierFirst, "1234\x00\x00\x00\x00\x04\x00]C0": dataFirst} {
		r := NewPOS(POSOptions{Report: rep}).Decode([]byte(text), ms(0))
		if texts(r) != "1234" || r.Codes[0].Symbology != "C0" {
			t.Errorf("%q: %+v", text, r)
		}
	}
}

// A report that ends before its data or its count does is told, and gives no code.
func TestPOSCutReports(t *testing.T) {
	for _, tc := range []struct {
		rep  POSReport
		text string
	}{
		{honeywellReport, "\x02"}, {honeywellReport, "\x02\x04]C0"}, {honeywellReport, "\x02\x04]C0123"},
		{POSReport{ID: 7, Len: 64, Count: -1, AIM: -1, Data: 1, DataLen: 63, More: -1}, "\x07"},
		{dataFirst, "1234"}, {dataFirst, "1234\x00\x00\x00\x00"},
	} {
		if r := NewPOS(POSOptions{Report: tc.rep}).Decode([]byte(tc.text), ms(0)); len(r.Codes) > 0 || r.Fault != Damaged {
			t.Errorf("%q: %+v", tc.text, r)
		}
	}
	if r := NewPOS(POSOptions{Report: dataFirst}).Decode([]byte("1234\x00\x00\x00\x00\x04"), ms(0)); texts(r) != "1234" || r.Codes[0].Symbology != "" {
		t.Errorf("without its identifier: %+v", r)
	}
}

// The next report of a code may be late by half a second, and no more.
func TestPOSPauseBetweenReports(t *testing.T) {
	text := strings.Repeat("hQVDUFYwMQ==", 6)
	for pause, want := range map[int]string{500: text, 501: ""} {
		d := NewPOS(POSOptions{Report: honeywellReport})
		p := posReports(honeywellReport, "]Q1", text)
		if got := texts(d.Decode(p[0], ms(0)), d.Decode(p[1], ms(pause))); got != want {
			t.Errorf("a pause of %d ms: %q", pause, got)
		}
	}
}

// The longest code comes, a longer one does not.
func TestPOSLongestCode(t *testing.T) {
	for n, want := range map[int]int{MaxLen: MaxLen, MaxLen + 1: 0} {
		d := NewPOS(POSOptions{Report: honeywellReport})
		var rs []Result
		for i, p := range posReports(honeywellReport, "]Q1", strings.Repeat("9", n)) {
			rs = append(rs, d.Decode(p, ms(i)))
		}
		if got := len(texts(rs...)); got != want {
			t.Errorf("%d characters: %d came", n, got)
		}
	}
}

// Short packets end a report that is shorter than its descriptor says.
func TestPOSShortPackets(t *testing.T) {
	d := NewPOS(POSOptions{Report: honeywellReport, Packet: 8})
	p := posReports(honeywellReport, "]C0", "1234")[0][:9]
	if got := texts(d.Decode(p[:8], ms(0)), d.Decode(p[8:], ms(1))); got != "1234" {
		t.Errorf("got %q", got)
	}
	d.Decode(p[:8], ms(1000)) // the rest comes too late, in a short packet
	d.Decode(p[8:], ms(3000))
	var rs []Result
	for i := range 2 { // the first of these may be the rest, for all that is known
		rs = append(rs, d.Decode(p[:8], ms(4000+100*i)), d.Decode(p[8:], ms(4001+100*i)))
	}
	if got := texts(rs...); got != "1234" {
		t.Errorf("after a late packet: %q", got)
	}
}
