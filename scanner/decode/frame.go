package decode

import (
	"fmt"
	"strings"
	"time"
)

// Terminators are the names that a configuration may give for what ends a code; "" means "auto".
var Terminators = []string{"auto", "cr", "lf", "crlf", "tab", "etx", "none"}

var endNames = map[byte]string{'\r': "cr", '\n': "lf", '\t': "tab", '\x03': "etx"}

// halfCode is how long the rest of a code may be overdue before it is given up, where an end is to come.
const halfCode = time.Second

// A silence that ends codes is this many times the longest pause that was seen inside one, up to silenceMost.
const (
	silenceTimes = 3
	silenceMost  = 2 * time.Second
)

// A Habit is what was learned of how one scanner ends its codes. It outlives the openings of the device.
type Habit struct {
	Bare    bool          // nothing comes after a code: silence ends it
	Silence time.Duration // how much of it; 0: what is configured
}

// A framer cuts a stream of bytes into codes: each whole, or not at all.
//
// Where an end is to come (a named terminator, or "auto"), silence ends nothing: a code that stops in the middle is
// given up, and with it all up to the next end, which is the rest of it. Only what begins like the part that was
// given up is the same code, shown again. With "auto" a scanner may turn out to send no end: the same code shown
// twice, without one, is a whole code, and from then on silence ends its codes.
type framer struct {
	ends  string // bytes that each end a code
	crlf  bool   // only CR followed by LF ends a code
	auto  bool
	habit *Habit

	buf   []byte
	last  time.Time     // when the last byte came
	pause time.Duration // the silence since then, as far as it was told
	ended bool          // an end came since the device was opened
	by    string        // what ended the last code, one of Terminators
	rest  rest          // given up, too long, or something is missing
}

func newFramer(terminator string, idle time.Duration, habit *Habit) (framer, error) {
	if habit == nil {
		habit = new(Habit)
	}
	f := framer{habit: habit}
	habit.Silence = max(habit.Silence, idle)
	if habit.Silence == 0 {
		habit.Silence = DefaultIdle
	}
	switch terminator {
	case "", "auto":
		f.ends, f.auto = "\r\n\t\x03", true
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
		habit.Bare = true
		return f, nil
	default:
		return f, fmt.Errorf("terminator %q is not one of %s", terminator, strings.Join(Terminators, ", "))
	}
	habit.Bare = habit.Bare && f.auto
	return f, nil
}

// add takes one byte. ok reports whether it ended a code; the text may still be empty, as between CR and LF.
func (f *framer) add(b byte, at time.Time) (text string, ok bool) {
	if len(f.buf) > 0 {
		f.habit.Silence = max(f.habit.Silence, min(silenceTimes*f.pause, silenceMost))
	}
	f.last, f.pause = at, 0
	if f.crlf {
		ok = b == '\n' && len(f.buf) > 0 && f.buf[len(f.buf)-1] == '\r'
	} else {
		ok = strings.IndexByte(f.ends, b) >= 0
	}
	if ok {
		if text = f.take(); text == "" && !f.rest.due {
			return "", true
		}
		f.ended, f.habit.Bare, f.by = true, false, endNames[b]
		if f.crlf {
			f.by = "crlf"
		}
		if !f.rest.end(text) {
			text = ""
		}
		return text, true
	}
	if len(f.buf) >= MaxLen {
		f.rest.of("", "")
		f.buf = f.buf[:0] // what follows is kept only to know the CR of a CR LF
	}
	f.buf = append(f.buf, b)
	return "", false
}

// quiet tells that nothing came up to now. ok reports whether this ended a code, half whether one was given up.
func (f *framer) quiet(now time.Time) (text string, ok, half bool) {
	f.pause, f.by = now.Sub(f.last), "none"
	switch {
	case f.habit.Bare && f.pause >= f.habit.Silence:
		if text = f.take(); f.rest.due {
			text = ""
		}
		f.rest = rest{}
		return text, text != "", false
	case f.habit.Bare || len(f.buf) == 0 || f.pause < halfCode:
		return "", false, false
	}
	text = f.take()
	switch {
	case !strings.ContainsFunc(text, visible): // noise, or what comes after an end
		return "", false, false
	case f.auto && !f.ended && text == f.rest.half && len(text) >= telling:
		f.habit.Bare, f.rest = true, rest{}
		return text, true, false
	}
	f.rest.of(text, "")
	return "", false, true
}

func visible(c rune) bool { return c > ' ' && c <= '~' }

// take returns what was collected, without the control characters that scanners put around a code.
func (f *framer) take() string {
	text := strings.Trim(string(f.buf), "\x00\x02\x03\r\n\t")
	f.buf = f.buf[:0]
	return text
}

// lost drops what was collected and what comes up to the next end.
func (f *framer) lost(at time.Time) {
	f.buf, f.last, f.pause = f.buf[:0], at, 0
	f.rest.of("", "")
}
