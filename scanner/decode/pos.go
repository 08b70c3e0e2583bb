package decode

import (
	"strings"
	"time"
)

// partTime is how long after one report of a code the next may come.
const partTime = 500 * time.Millisecond

// A POSReport says where in a HID POS report a code is. Offsets count from the first byte as read; -1 is "not there".
type POSReport struct {
	ID       byte // report ID, 0 where reports are not numbered
	Len      int  // bytes of a whole report
	Count    int  // the byte with the number of data bytes
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

// POSReport returns where a code is according to the descriptor; ok is false where it does not say.
// The usages are of the HID Point of Sale Usage Tables 1.02: symbology identifiers FB to FD, decoded data FE,
// continued FF, and the byte count 3B of the desktop page.
func (d Descriptor) POSReport() (r POSReport, ok bool) {
	data, bit, ok := d.find(Input, pageBarcode, 0xfe)
	if !ok || bit%8 != 0 || data.Size != 8 || data.Count == 0 {
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
	// Nobody knows where the data ends, or the descriptor contradicts itself.
	if r.Count < 0 || r.Count >= r.Len || r.More >= r.Len || r.DataLen <= 0 || r.Data+r.DataLen > r.Len {
		return POSReport{}, false
	}
	return r, true
}

// POSOptions say what is known of a HID POS scanner.
type POSOptions struct {
	Report  POSReport // from the descriptor; the zero value goes by the makers' layouts
	Newland bool      // the maker is Newland: data without identifier, answers that look like scans
	AIM     bool      // where the report has no place for an identifier: the data begins with it
	Packet  int       // bytes of a USB packet; a longer report comes in several; 0: one packet is one report
}

type pos struct {
	opt  POSOptions
	part []byte // packets of an unfinished report
	text []byte // reports of an unfinished code
	id   string // its identifier
	open bool   // text is unfinished
	skip bool   // dropping up to the end of a code
	last time.Time
}

// NewPOS decodes the reports of a scanner in HID POS mode. Answers to commands, which scanners send as if they
// were scans (AIM "X0" and "Z6"), are left out.
func NewPOS(opt POSOptions) Decoder { return &pos{opt: opt} }

func (s *pos) Decode(p []byte, at time.Time) (r Result) {
	if (s.open || s.skip || len(s.part) > 0) && at.Sub(s.last) > partTime {
		s.open, s.skip, s.part = false, false, s.part[:0]
		r.Fault = Damaged
	}
	if len(p) == 0 {
		return r
	}
	s.last = at
	if want := s.opt.Report.Len; s.opt.Packet > 0 && want > s.opt.Packet {
		s.part = append(s.part, p...)
		if len(s.part) < want && len(p) == s.opt.Packet {
			return r
		}
		p = s.part
		s.part = nil
	}
	rep, ok := s.layout(p)
	if !ok {
		return r
	}
	s.report(&r, rep, p, at)
	return r
}

func (s *pos) Lost(at time.Time) {
	s.open, s.skip, s.part, s.last = false, true, s.part[:0], at
}

// layout chooses the layout of one report.
func (s *pos) layout(p []byte) (POSReport, bool) {
	rep := s.opt.Report
	if rep.DataLen > 0 {
		if rep.ID != 0 && p[0] != rep.ID {
			return rep, false
		}
		if rep.AIM < 0 || rep.AIM+3 > len(p) || identifier(p[rep.AIM:]) || p[rep.AIM] == 0 && !identifier(p[rep.AIM+1:]) {
			return rep, true
		}
		// the place of the identifier holds something else: the maker's descriptor is not true
	}
	switch {
	case len(p) < 3:
		return rep, false
	case p[0] == 1 && rep.DataLen == 0:
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
	if rep.Data >= len(p) || rep.Count >= len(p) {
		r.Fault = Damaged
		s.open = false
		return
	}
	n := min(int(p[rep.Count]), rep.DataLen, len(p)-rep.Data)
	if !s.open {
		s.text, s.id = s.text[:0], ""
		if rep.AIM >= 0 && rep.AIM < len(p) && identifier(p[rep.AIM:]) {
			s.id = string(p[rep.AIM+1 : rep.AIM+3])
		}
	}
	s.text = append(s.text, p[rep.Data:rep.Data+n]...)
	s.open = rep.More >= 0 && rep.More < len(p) && p[rep.More]&rep.MoreMask != 0 || rep.More < 0 && n == rep.DataLen
	if len(s.text) > MaxLen {
		s.text, s.id = s.text[:MaxLen], "X0" // dropped when its end comes
		r.Fault = TooLong
	}
	if s.open {
		return
	}
	if s.skip {
		s.skip = false
		return
	}
	text := strings.TrimRight(string(s.text), "\r\n\t")
	if s.opt.AIM && s.id == "" {
		s.id, text = SplitAIM(text)
	}
	answer := s.id == "X0" || s.id == "Z6" || s.opt.Newland && strings.HasPrefix(text, "\x02\x00")
	if text != "" && !answer {
		r.Codes = append(r.Codes, Code{text, s.id, at})
	}
}
