package decode

import "time"

// SerialOptions say how a serial scanner begins and ends its codes.
type SerialOptions struct {
	Affixes
	Terminator string        // one of Terminators
	Idle       time.Duration // 0: DefaultIdle
	Habit      *Habit        // what was learned of this scanner; nil: nothing
	ACK        bool          // the scanner waits for ACK (06) after each code
}

type serial struct {
	framer
	opt SerialOptions
}

// NewSerial decodes text that comes over a serial line, a USB CDC port included. It errs for an unknown
// terminator.
//
// With terminator "auto" any of CR, LF, Tab and ETX ends a code, and silence does once the scanner has shown that
// it sends none of them.
func NewSerial(opt SerialOptions) (Decoder, error) {
	f, err := newFramer(opt.Terminator, opt.Idle, opt.Habit)
	return &serial{f, opt}, err
}

func (s *serial) Decode(p []byte, at time.Time) (r Result) {
	if len(p) == 0 {
		if text, ok, half := s.quiet(at); ok {
			s.emit(&r, text, s.last)
		} else if half {
			r.Fault = Unended
		}
		return r
	}
	for _, b := range p {
		skipped := s.rest.due
		text, ok := s.add(b, at)
		if ok {
			s.emit(&r, text, at)
		} else if s.rest.due && !skipped {
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
	if s.opt.ACK {
		r.Reply = append(r.Reply, 0x06)
	}
	s.opt.Affixes.add(r, Code{Text: text, At: at, End: s.by})
}
