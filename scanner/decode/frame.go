package decode

import (
	"fmt"
	"strings"
	"time"
)

// Terminators are the names that a configuration may give for what ends a code; "" means "auto".
var Terminators = []string{"auto", "cr", "lf", "crlf", "tab", "etx", "none"}

// halfCode is how long the rest of a code may be overdue before it is given up, where a terminator is promised.
const halfCode = time.Second

// patience is how long silence must be where silence counts as an end, but the last codes all had a better one.
const patience = 500 * time.Millisecond

// A framer cuts a stream of bytes into codes.
type framer struct {
	ends    string        // bytes that each end a code
	crlf    bool          // only CR followed by LF ends a code
	flush   bool          // silence ends a code; otherwise it drops an unfinished one
	silence time.Duration // how much of it
	buf     []byte
	last    time.Time // when the last byte came
	ended   int       // codes with an end, one after the other
	skip    bool      // dropping up to the next end: too long, or something is missing
}

func newFramer(terminator string, idle time.Duration) (framer, error) {
	if idle <= 0 {
		idle = DefaultIdle
	}
	f := framer{silence: max(idle, halfCode)}
	switch terminator {
	case "", "auto":
		f.ends, f.flush, f.silence = "\r\n\t\x03", true, idle
	case "cr":
		f.ends = "\r"
	case "lf":
		f.ends = "\n"
	case "crlf":
		f.crlf = true
	case "tab":
		f.ends = "\t"
	case "etx":
		f.ends = "\x03"
	case "none":
		f.flush, f.silence = true, idle
	default:
		return f, fmt.Errorf("terminator %q is not one of %s", terminator, strings.Join(Terminators, ", "))
	}
	return f, nil
}

// add takes one byte. ok says that it ended a code; the text may still be empty, as between CR and LF.
func (f *framer) add(b byte, at time.Time) (text string, ok bool) {
	f.last = at
	if f.crlf {
		ok = b == '\n' && len(f.buf) > 0 && f.buf[len(f.buf)-1] == '\r'
	} else {
		ok = strings.IndexByte(f.ends, b) >= 0
	}
	if ok {
		if text = f.take(); text != "" {
			f.ended++
		}
		return text, true
	}
	if len(f.buf) >= MaxLen {
		f.skip = true
		f.buf = f.buf[:0] // what follows is kept only to know the CR of a CR LF
	}
	f.buf = append(f.buf, b)
	return "", false
}

// quiet says that nothing came up to now.
func (f *framer) quiet(now time.Time) (text string, ok bool) {
	limit := f.silence
	if f.flush && f.ended >= 2 {
		limit = max(limit, patience)
	}
	if len(f.buf) == 0 && !f.skip || now.Sub(f.last) < limit {
		return "", false
	}
	f.ended = 0
	if !f.flush {
		f.take()
		return "", false
	}
	return f.take(), true
}

// take returns what was collected, without the control characters that scanners put around a code, and starts
// afresh. It is empty if the code had to be dropped.
func (f *framer) take() string {
	text := strings.Trim(string(f.buf), "\x00\x02\x03\r\n\t")
	if f.skip {
		text = ""
	}
	f.buf, f.skip = f.buf[:0], false
	return text
}

// lost drops what was collected and what comes up to the next end.
func (f *framer) lost(at time.Time) {
	f.buf, f.skip, f.last = f.buf[:0], true, at
}
