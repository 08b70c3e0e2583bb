package decode

import "time"

// SerialOptions say how a serial scanner ends and begins its codes.
type SerialOptions struct {
	Terminator string        // one of Terminators
	Idle       time.Duration // 0: DefaultIdle
	AIM        bool          // codes begin with an AIM identifier ("]C0"), which is taken off
	ACK        bool          // the scanner waits for ACK (06) after each code
}

type serial struct {
	framer
	opt SerialOptions
}

// NewSerial decodes text that comes over a serial line, a USB CDC port included. It errs for an unknown
// terminator.
//
// With terminator "auto" any of CR, LF, Tab and ETX ends a code and so does silence (a longer one once the scanner
// has shown that it ends its codes); with a named one, silence drops what has no end, so half a code is never
// taken for a whole one.
func NewSerial(opt SerialOptions) (Decoder, error) {
	f, err := newFramer(opt.Terminator, opt.Idle)
	return &serial{f, opt}, err
}

func (s *serial) Decode(p []byte, at time.Time) (r Result) {
	if len(p) == 0 {
		last := s.last
		if text, ok := s.quiet(at); ok {
			s.emit(&r, text, last)
		}
		return r
	}
	for _, b := range p {
		skipped := s.skip
		text, ok := s.add(b, at)
		if ok {
			s.emit(&r, text, at)
		} else if s.skip && !skipped {
			r.Fault = TooLong
		}
	}
	return r
}

func (s *serial) Lost(at time.Time) { s.lost(at) }

func (s *serial) emit(r *Result, text string, at time.Time) {
	if text == "" {
		return
	}
	c := Code{Text: text, At: at}
	if s.opt.AIM {
		c.Symbology, c.Text = SplitAIM(text)
	}
	if s.opt.ACK {
		r.Reply = append(r.Reply, 0x06)
	}
	if c.Text != "" {
		r.Codes = append(r.Codes, c)
	}
}

// SplitAIM takes an AIM identifier ("]", a letter, a digit or letter; ISO/IEC 15424) off the front of a text.
// The identifier is returned without "]"; it is empty where there is none.
func SplitAIM(text string) (id, rest string) {
	if len(text) < 3 || text[0] != ']' || !letter(text[1]) || !letter(text[2]) && !digit(text[2]) {
		return "", text
	}
	return text[1:3], text[3:]
}

func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }
func digit(b byte) bool  { return b >= '0' && b <= '9' }
