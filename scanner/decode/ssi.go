package decode

import (
	"strings"
	"time"
)

// Opcodes of Zebra's Simple Serial Interface (SSI Programmer's Guide).
const (
	ssiCmdACK     = 0xd0
	ssiCmdNAK     = 0xd1
	ssiDecodeData = 0xf3
	ssiHost       = 0x04                   // source of a packet: the host; 0 is the scanner
	ssiCharTime   = 200 * time.Millisecond // between the bytes of one packet
	ssiPartTime   = 3 * time.Second        // between the packets of one code: an answer may take 2 s
)

// SSIPacket builds a packet from the host to a Zebra scanner: length, opcode, source, status, data and the
// two's complement of their sum (SSI Programmer's Guide). Data is at most 251 bytes.
func SSIPacket(opcode, status byte, data ...byte) []byte {
	p := append([]byte{byte(4 + len(data)), opcode, ssiHost, status}, data...)
	ck := ssiChecksum(p)
	return append(p, byte(ck>>8), byte(ck))
}

func ssiChecksum(p []byte) uint16 {
	var sum uint16
	for _, b := range p {
		sum += uint16(b)
	}
	return -sum
}

type ssi struct {
	fix  Affixes
	buf  []byte
	text []byte // packets of an unfinished code
	prev string // the last data packet, to know a repetition
	last time.Time
	long bool
	open bool // text is unfinished
	torn bool // a packet was not understood; it comes again, or its code does not
	rest rest
	kind byte
}

// NewSSI decodes the packets of a Zebra scanner in SSI mode. Each is answered: ACK, or NAK to have it sent again.
func NewSSI(fix Affixes) Decoder { return &ssi{fix: fix} }

func (s *ssi) Decode(p []byte, at time.Time) (r Result) {
	if len(s.buf) > 0 && at.Sub(s.last) >= ssiCharTime {
		s.buf = s.buf[:0]
		s.reject(&r)
	}
	if s.open && at.Sub(s.last) >= ssiPartTime {
		s.rest.of(string(s.text), string(s.kind))
		s.open = false
		r.Fault = Unended
	}
	if len(p) == 0 {
		return r
	}
	s.last = at
	s.buf = append(s.buf, p...)
	for len(s.buf) > 0 {
		n := int(s.buf[0])
		if n < 4 { // the wake-up byte 00, or noise
			s.buf = s.buf[1:]
			continue
		}
		if len(s.buf) < n+2 {
			return r
		}
		packet := s.buf[:n]
		if ck := ssiChecksum(packet); s.buf[n] != byte(ck>>8) || s.buf[n+1] != byte(ck) {
			s.buf = s.buf[:0]
			s.reject(&r)
			return r
		}
		s.packet(&r, packet, at)
		s.buf = s.buf[n+2:]
	}
	return r
}

// Lost gives up what is unfinished: whole packets may be missing, which no checksum tells.
func (s *ssi) Lost(time.Time) {
	s.buf, s.open = s.buf[:0], false
	s.rest.of("", "")
}

// reject asks for the last packet again; reason 1 is a wrong checksum.
func (s *ssi) reject(r *Result) {
	s.torn = true
	r.Fault = Damaged
	r.Reply = append(r.Reply, SSIPacket(ssiCmdNAK, 0, 1)...)
}

func (s *ssi) packet(r *Result, p []byte, at time.Time) {
	op, status := p[1], p[3]
	if op == ssiCmdACK || op == ssiCmdNAK {
		return
	}
	r.Reply = append(r.Reply, SSIPacket(ssiCmdACK, 0)...)
	if op != ssiDecodeData || len(p) < 5 {
		return
	}
	repeated := status&1 != 0 && string(p[4:]) == s.prev // our ACK was lost
	s.prev = string(p[4:])
	if repeated {
		return
	}
	if s.torn && status&1 == 0 { // another code: the scanner has given up the one with the torn packet
		s.open = false
	}
	s.torn = false
	if !s.open {
		s.text, s.long = s.text[:0], false
		s.rest.other(string(p[4]))
	}
	s.kind = p[4]
	s.text = append(s.text, p[5:]...)
	if len(s.text) > MaxLen {
		s.text, s.long = s.text[:0], true
	}
	if s.open = status&2 != 0; s.open { // more packets follow
		return
	}
	text := trimEnd(s.text)
	switch whole := s.rest.end(text); {
	case s.long:
		r.Fault = TooLong
	case whole && text != "":
		s.fix.add(r, Code{Text: text, Symbology: ssiSymbology[s.kind], At: at})
	}
}

// trimEnd takes off what scanners add to a code even where its length is told, and what fills a report.
func trimEnd(p []byte) string { return strings.TrimRight(string(p), "\r\n\t\x00") }

// ssiSymbology maps SSI code types to AIM identifiers (SSI Programmer's Guide, code types).
var ssiSymbology = map[byte]string{
	0x01: "A0", 0x02: "F0", 0x03: "C0", 0x06: "I0", 0x07: "G0", 0x08: "E0", 0x09: "E0", 0x0a: "E4", 0x0b: "E0",
	0x0f: "C1", 0x11: "L0", 0x1b: "d1", 0x1c: "Q1", 0x2d: "z0",
}
