package decode

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A pauser gives one decoder what a scanner sends, with pauses that are told as silence, as the owner of a device
// tells it.
type pauser struct {
	d   Decoder
	at  time.Time
	got []string
	r   Result // what came last
}

func (p *pauser) send(data []byte) {
	p.r = p.d.Decode(data, p.at)
	p.got = append(p.got, strings.Split(texts(p.r), "|")...)
}

// pause lets time pass, told in steps of 50 ms for two seconds.
func (p *pauser) pause(d time.Duration) {
	for told := time.Duration(0); told+50*time.Millisecond <= d && told < 2*time.Second; {
		told += 50 * time.Millisecond
		p.r = p.d.Decode(nil, p.at.Add(told))
		p.got = append(p.got, strings.Split(texts(p.r), "|")...)
	}
	p.at = p.at.Add(d)
}

// texts of the codes that came, without the empty ones.
func (p *pauser) texts() []string {
	return slices.DeleteFunc(p.got, func(s string) bool { return s == "" })
}

// A talker is a sort of scanner: its decoder and what it sends for some codes, one by one.
type talker struct {
	name   string
	bare   bool // nothing comes after a code
	decode func() Decoder
	send   func(code string) [][]byte
}

func must(d Decoder, err error) Decoder {
	if err != nil {
		panic(err)
	}
	return d
}

func singly(text string) (parts [][]byte) {
	for _, b := range []byte(text) {
		parts = append(parts, []byte{b})
	}
	return parts
}

func keyed(terminator string) func() Decoder {
	return func() Decoder { return must(NewKeyboard(KeyboardOptions{Terminator: terminator})) }
}

func lined(terminator string) func() Decoder {
	return func() Decoder { return must(NewSerial(SerialOptions{Terminator: terminator})) }
}

// ssiParts are the packets of a code, seven characters in each.
func ssiParts(text string) (parts [][]byte) {
	for ; len(text) > 7; text = text[7:] {
		parts = append(parts, fromScanner(2, 3, text[:7]))
	}
	return append(parts, fromScanner(0, 3, text))
}

// short is a HID POS report with little room, so that a code has several.
var short = POSReport{ID: 2, Len: 16, Count: 1, AIM: 2, Data: 5, DataLen: 7, More: 15, MoreMask: 1}

var talkers = []talker{
	{"keyboard, auto", false, keyed("auto"), func(c string) [][]byte { return keyReports("us", c+"\r") }},
	{"keyboard, cr", false, keyed("cr"), func(c string) [][]byte { return keyReports("us", c+"\r") }},
	{"keyboard, auto, no end", true, keyed("auto"), func(c string) [][]byte { return keyReports("us", c) }},
	{"serial, auto", false, lined("auto"), func(c string) [][]byte { return singly(c + "\r") }},
	{"serial, auto, crlf", false, lined("auto"), func(c string) [][]byte { return singly(c + "\r\n") }},
	{"serial, crlf", false, lined("crlf"), func(c string) [][]byte { return singly(c + "\r\n") }},
	{"serial, cr of crlf", false, lined("cr"), func(c string) [][]byte { return singly(c + "\r\n") }},
	{"serial, etx", false, lined("etx"), func(c string) [][]byte { return singly("\x02" + c + "\x03") }},
	{"serial, auto, no end", true, lined("auto"), singly},
	{"ssi", false, func() Decoder { return NewSSI(Affixes{}) }, ssiParts},
	{"pos", false, func() Decoder { return NewPOS(POSOptions{Report: short}) }, func(c string) [][]byte { return posReports(short, "]C0", c) }},
}

func digits(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(r.IntN(10))
	}
	return string(b)
}

// However a scanner pauses inside its codes, what comes out is a whole code or nothing.
func TestNoPartOfACodeIsEverDelivered(t *testing.T) {
	const patterns = 10_000
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	delivered := 0
	for i := range patterns {
		s := talkers[i%len(talkers)]
		p := &pauser{d: s.decode(), at: t0}
		var sent []string
		for range 1 + r.IntN(4) {
			code := digits(r, 16+r.IntN(17))
			sent = append(sent, code)
			for _, part := range s.send(code) {
				if r.IntN(12) == 0 {
					longest := []int{100, 400, 1200, 5000, 40_000}[r.IntN(5)]
					p.pause(time.Duration(r.IntN(longest)) * time.Millisecond)
				}
				p.send(part)
				p.pause(time.Duration(r.IntN(8)) * time.Millisecond)
			}
			p.pause(time.Duration(2000+r.IntN(20_000)) * time.Millisecond)
		}
		delivered += len(p.texts())
		for _, text := range p.texts() {
			if !slices.Contains(sent, text) {
				t.Fatalf("seed %d, pattern %d, %s: %q came, of %q", seed, i, s.name, text, sent)
			}
		}
	}
	if delivered < patterns/4 {
		t.Errorf("seed %d: %d codes came of %d patterns: too few to say anything", seed, delivered, patterns)
	}
}

// Scanners pause up to a second inside a code; those that end their codes lose nothing by it.
func TestAPauseInsideACodeCostsNothing(t *testing.T) {
	const code = "280438849930815813"
	for _, s := range talkers {
		if s.bare {
			continue
		}
		for _, pause := range []int{40, 110, 150, 400, 700, 950} {
			p := &pauser{d: s.decode(), at: t0}
			parts := s.send(code)
			for i, part := range parts {
				if i == len(parts)/2 {
					p.pause(time.Duration(pause) * time.Millisecond)
				}
				p.send(part)
			}
			p.pause(3 * time.Second)
			if got := p.texts(); !slices.Equal(got, []string{code}) && !(s.name == "pos" && pause > 500) && !(s.name == "ssi" && pause > 500) {
				t.Errorf("%s: a pause of %d ms gave %q", s.name, pause, got)
			}
		}
	}
}
