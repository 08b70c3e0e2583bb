package decode

import (
	"bytes"
	"strings"
	"time"
)

// partTime is how long after one report of a code, or one packet of a report, the next may come.
const partTime = 500 * time.Millisecond

// A POSReport says where in a HID POS report a code is. Offsets count from the first byte as read; -1 is "not there".
type POSReport struct {
	ID       byte // report ID, 0 where reports are not numbered
	Len      int  // bytes of a whole report
	Count    int  // the byte with the number of data bytes; -1: the data is filled up with NULs
	AIM      int  // the first of three bytes with the AIM identifier
	Data     int
	DataLen  int
	More     int // the byte with the "continued" bit
	MoreMask byte
}

// The layouts that makers document. Honeywell's is shared by Hand Held Products, Metrologic, Access-IS, Zebra and
// Datalogic (Hand Held Products USB guide, page 1-11); Newland's engine is in ID-Tech, Unitech and Quio too
// (NLS-FM420 user guide); Microscan's is in the MS-4 manual: a report with 62 bytes is continued.
var (
	honeywellReport = POSReport{ID: 2, Len: 64, Count: 1, AIM: 2, Data: 5, DataLen: 56, More: 63, MoreMask: 1}
	spacedReport    = POSReport{ID: 2, Len: 64, Count: 1, AIM: 3, Data: 6, DataLen: 56, More: 63, MoreMask: 1}
	newlandReport   = POSReport{ID: 2, Len: 64, Count: 1, AIM: -1, Data: 2, DataLen: 56, More: 63, MoreMask: 1}
	microscanReport = POSReport{ID: 1, Len: 64, Count: 1, AIM: -1, Data: 2, DataLen: 62, More: -1}
)

// IBMReport is what IBM hand-held scanners send over HID: length, data, NULs (the kernel's symbolserial.c).
var IBMReport = POSReport{Len: 64, Count: 0, AIM: -1, Data: 1, DataLen: 63, More: -1}

// POSReport returns where a code is according to the descriptor; ok is false where it does not say.
// The usages are of the HID Point of Sale Usage Tables 1.02: symbology identifiers FB to FD, decoded data FE,
// continued FF, and the byte count 3B of the desktop page.
func (d Descriptor) POSReport() (r POSReport, ok bool) {
	data, bit, ok := d.find(Input, pageBarcode, 0xfe)
	if !ok || bit%8 != 0 || data.Size != 8 {
		return POSReport{}, false
	}
	r = POSReport{ID: data.Report, Len: d.length(data.Report), Count: -1, AIM: -1, Data: bit / 8, DataLen: data.Count - (bit-data.Bit)/8, More: -1}
	if f, bit, ok := d.find(Input, pageDesktop, 0x3b); ok && f.Report == r.ID && bit%8 == 0 && f.Size == 8 {
		r.Count = bit / 8
	}
	if f, bit, ok := d.find(Input, pageBarcode, 0xfb); ok && f.Report == r.ID && bit%8 == 0 && bit/8+3 <= r.Len {
		r.AIM = bit / 8
	}
	if f, bit, ok := d.find(Input, pageBarcode, 0xff); ok && f.Report == r.ID {
		r.More, r.MoreMask = bit/8, 1<<(bit%8)
	}
	return r, true
}

// POSOptions say what is known of a HID POS scanner.
type POSOptions struct {
	Report  POSReport // from the descriptor; the zero value goes by the makers' layouts
	Newland bool      // the maker is Newland: data without identifier, answers that look like scans
	Affixes           // AIM: where the report has no place for an identifier the data begins with it
	Packet  int       // bytes of a USB packet; a longer report comes in several; 0: one packet is one report
}

type pos struct {
	opt  POSOptions
	part []byte // packets of an unfinished report
	owed int    // bytes that are still to come of a report that was given up
	text []byte // reports of an unfinished code
	id   string // its identifier
	open bool   // text is unfinished
	rest rest
	last time.Time
}

// NewPOS decodes the reports of a scanner in HID POS mode. Answers to commands, which scanners send as if they
// were scans (AIM "X0" and "Z6"), are left out.
func NewPOS(opt POSOptions) Decoder { return &pos{opt: opt} }

func (s *pos) Decode(p []byte, at time.Time) (r Result) {
	if (s.open || len(s.part) > 0) && at.Sub(s.last) > partTime {
		s.giveUp(&r)
	}
	if len(p) == 0 {
		return r
	}
	s.last = at
	if s.owed > 0 {
		if s.owed -= len(p); len(p) < s.opt.Packet {
			s.owed = 0
		}
		return r
	}
	s.part = append(s.part, p...)
	if len(s.part) < s.opt.Report.Len && len(p) == s.opt.Packet {
		return r
	}
	p, s.part = s.part, s.part[:0]
	rep, ok := s.layout(p)
	if !ok {
		return r
	}
	s.report(&r, rep, p, at)
	return r
}

// giveUp drops a code whose next report, or a report whose next packet, does not come.
func (s *pos) giveUp(r *Result) {
	s.rest.of(string(s.text), s.id)
	if len(s.part) > 0 {
		s.owed = s.opt.Report.Len - len(s.part)
	}
	if !s.open {
		s.rest.of("", "")
	}
	s.open, s.part = false, s.part[:0]
	r.Fault = Unended
}

func (s *pos) Lost(at time.Time) {
	s.open, s.part, s.owed, s.last = false, s.part[:0], 0, at
	s.rest.of("", "")
}

// layout chooses the layout of one report.
func (s *pos) layout(p []byte) (POSReport, bool) {
	rep := s.opt.Report
	if rep.DataLen > 0 {
		if rep.ID != 0 && p[0] != rep.ID {
			return rep, false
		}
		if rep.Count < 0 && rep.Data == 1 && len(p) > 2 && p[0] == 2 && (identifier(p[2:]) || identifier(p[3:])) {
			// the data begins where makers have the count: the maker's descriptor tells less than there is
			return s.guess(p)
		}
		if rep.AIM < 0 || rep.AIM+3 > len(p) || identifier(p[rep.AIM:]) || p[rep.AIM] == 0 && !identifier(p[rep.AIM+1:]) {
			return rep, true
		}
		// the place of the identifier holds something else: the maker's descriptor is not true
	}
	return s.guess(p)
}

// guess goes by the makers' layouts.
func (s *pos) guess(p []byte) (rep POSReport, ok bool) {
	switch {
	case len(p) < 3:
		return rep, false
	case p[0] == 1 && s.opt.Report.DataLen == 0:
		return microscanReport, true
	case p[0] != 2:
		return rep, false
	case s.opt.Newland:
		return newlandReport, true
	case identifier(p[2:]):
		return honeywellReport, true
	case identifier(p[3:]):
		return spacedReport, true
	case p[2] == 0 && len(p) > 5 && p[5] != 0: // identifiers are turned off
		return honeywellReport, true
	}
	return newlandReport, true
}

// identifier tells whether p begins with an AIM identifier.
func identifier(p []byte) bool {
	return len(p) >= 3 && p[0] == ']' && letter(p[1]) && (letter(p[2]) || digit(p[2]))
}

func (s *pos) report(r *Result, rep POSReport, p []byte, at time.Time) {
	room, n := min(rep.DataLen, len(p)-rep.Data), 0
	switch {
	case room <= 0 || rep.Count >= len(p):
		n = -1
	case rep.Count < 0:
		n = len(bytes.TrimRight(p[rep.Data:rep.Data+room], "\x00"))
	default:
		n = int(p[rep.Count])
	}
	more := rep.More >= 0 && rep.More < len(p) && p[rep.More]&rep.MoreMask != 0 || rep.More < 0 && n == rep.DataLen
	if n < 0 || n > room { // it says that it holds more than it does
		if r.Fault, s.open, s.rest = Damaged, false, (rest{}); more {
			s.rest.of("", "")
		}
		return
	}
	id := ""
	if rep.AIM >= 0 && rep.AIM+3 <= len(p) && identifier(p[rep.AIM:]) {
		id = string(p[rep.AIM+1 : rep.AIM+3])
	}
	if s.open && id != s.id && id != "" && s.id != "" && s.id != tooLong { // another code: the rest of the one before is missing
		r.Fault, s.open = Unended, false
	}
	if !s.open {
		s.text, s.id = s.text[:0], id
		s.rest.other(id)
	}
	s.text = append(s.text, p[rep.Data:rep.Data+n]...)
	if len(s.text) > MaxLen {
		s.text, s.id = s.text[:MaxLen], tooLong
		r.Fault = TooLong
	}
	if s.open = more; more {
		return
	}
	text := trimEnd(s.text)
	if whole := s.rest.end(text); !whole || text == "" || s.id == tooLong {
		return
	}
	// answers to commands
	if s.id == "X0" || s.id == "Z6" || s.opt.Newland && strings.HasPrefix(text, "\x02\x00") {
		return
	}
	s.opt.Affixes.add(r, Code{Text: text, Symbology: s.id, At: at})
}

// tooLong stands for the identifier of a code that is dropped when its end comes.
const tooLong = "-"
