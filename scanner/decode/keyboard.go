package decode

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Person is the pace of keys, in time per key, above which a person is taken to type. Scanners need 1 to 16 ms,
// slow settings 50 ms.
const Person = 80 * time.Millisecond

// capsRest is how long no key came when a code has surely ended, and with it what the scanner did to Caps Lock.
const capsRest = 1500 * time.Millisecond

// minUnended is how many characters a code has at least if only silence ends it: a person who types slowly would
// otherwise scan single letters.
const minUnended = 4

// KeyboardOptions say how a scanner that types is set up.
type KeyboardOptions struct {
	Affixes
	Layout     string        // one of Layouts
	Terminator string        // one of Terminators
	Idle       time.Duration // 0: DefaultIdle
	Habit      *Habit        // what was learned of this scanner; nil: nothing
	InvertCaps bool          // the scanner swaps capitals and small letters
	Report     KeyReport     // zero: BootReport
}

type keyboard struct {
	framer
	opt    KeyboardOptions
	layout *layout

	held  []byte // keys down in the last report
	mods  byte   // modifiers in it
	caps  bool
	blind bool   // caps may be wrong
	calm  bool   // no key came for capsRest
	alt   []byte // keypad digits while Alt is down
	dead  rune   // waits for the next character
	press time.Time
	gaps  []time.Duration // between the keys of the code so far
}

// NewKeyboard decodes the reports of a scanner that types. It errs for an unknown layout or terminator.
//
// Only a key that was not down in the report before counts, so that repeated reports do no harm. Keys of one
// report count in the order of its array, with the modifiers of that report. A key that the layout does not have
// spoils the code that it is in.
func NewKeyboard(opt KeyboardOptions) (Decoder, error) {
	if opt.Layout == "" {
		opt.Layout = "us"
	}
	l, ok := layouts[opt.Layout]
	if !ok {
		return nil, fmt.Errorf("layout %q is not one of %s", opt.Layout, strings.Join(Layouts, ", "))
	}
	if opt.Report.Count == 0 {
		opt.Report = BootReport
	}
	f, err := newFramer(opt.Terminator, opt.Idle, opt.Habit)
	return &keyboard{framer: f, opt: opt, layout: l, caps: opt.InvertCaps}, err
}

func (k *keyboard) Decode(p []byte, at time.Time) (r Result) {
	if len(p) == 0 {
		if text, ok, half := k.quiet(at); ok {
			k.emit(&r, text, k.last, false)
		} else if half {
			if r.Fault = Unended; k.slow() {
				r.Fault = Typed
			}
		}
		if len(k.buf) == 0 {
			k.gaps = k.gaps[:0]
			k.rested(at)
		}
		return r
	}
	mods, keys, ok := k.opt.Report.split(p)
	if !ok || len(keys) > 0 && allErrors(keys) {
		return r // somebody else's report, or more keys than the array holds: what was down stays down
	}
	if k.mods&modifierLeft != 0 && mods&modifierLeft == 0 {
		if c, ok := altCode(string(k.alt)); ok {
			k.char(&r, c, at)
		} else if len(k.alt) > 0 {
			k.spoil(&r, at)
		}
		k.alt = k.alt[:0]
	}
	if pressed := 0; k.opt.Report.Bitmap {
		for _, key := range keys {
			if !slices.Contains(k.held, key) {
				pressed++
			}
		}
		if pressed > 1 { // nobody knows in which order
			k.spoil(&r, at)
		}
	}
	for i, key := range keys {
		if key > keyErrorLast && !slices.Contains(k.held, key) && !slices.Contains(keys[:i], key) {
			k.key(&r, key, mods, at)
		}
	}
	k.held, k.mods = append(k.held[:0], keys...), mods
	return r
}

func (k *keyboard) Lost(at time.Time) {
	k.lost(at)
	k.held, k.mods, k.alt, k.dead, k.gaps = k.held[:0], 0, k.alt[:0], 0, k.gaps[:0]
	k.caps, k.blind, k.calm = k.opt.InvertCaps, true, false
}

// rested sets Caps Lock right after a silence between codes. Where it was not as before, a press of it was lost, or
// the one before a code came: so capitals and small letters of the next code cannot be trusted.
func (k *keyboard) rested(at time.Time) {
	if k.calm || at.Sub(k.press) < capsRest {
		return
	}
	k.calm, k.blind = true, k.caps != k.opt.InvertCaps
	k.caps = k.opt.InvertCaps
}

// spoil drops the code that is coming.
func (k *keyboard) spoil(r *Result, at time.Time) {
	k.lost(at)
	k.dead, r.Fault = 0, Unknown
}

func allErrors(keys []byte) bool {
	for _, key := range keys {
		if key < keyRollOver || key > keyErrorLast {
			return false
		}
	}
	return true
}

func (k *keyboard) key(r *Result, key, mods byte, at time.Time) {
	k.pace(at)
	switch {
	case key == keyCapsLock:
		k.caps = !k.caps
		return
	case key == keyNumLock || key == keyScrollLock:
		return
	case mods&modifierLeft != 0:
		if c, _, ok := k.layout.char(key, 0, false); ok && key >= keypad1 && key <= keypad0 && len(k.alt) < 8 {
			k.alt = append(k.alt, byte(c))
		} else {
			k.spoil(r, at)
		}
		return
	case mods&modifiersGUI != 0:
		return
	case key == keyEnter || key == keypadEnter:
		k.char(r, '\r', at)
		return
	case key == keyTab:
		k.char(r, '\t', at)
		return
	}
	c, dead, ok := k.layout.char(key, mods, k.caps)
	switch {
	case !ok:
		k.spoil(r, at)
	case mods&modifiersCtrl != 0:
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '[' && c <= '_' {
			k.char(r, c&0x1f, at)
		} else {
			k.spoil(r, at)
		}
	case k.dead != 0:
		joined := compose(k.dead, c)
		k.dead = 0
		for _, c := range joined {
			k.char(r, c, at)
		}
	case dead:
		k.dead = c
	default:
		k.char(r, c, at)
	}
}

// pace notes how long after the key before this one came.
func (k *keyboard) pace(at time.Time) {
	if !k.press.IsZero() && len(k.buf) > 0 && len(k.gaps) < MaxLen {
		k.gaps = append(k.gaps, at.Sub(k.press))
	}
	k.press, k.calm = at, false
}

// slow reports whether the keys of the code so far came at a person's pace.
func (k *keyboard) slow() bool {
	slices.Sort(k.gaps)
	return len(k.gaps) > 0 && k.gaps[len(k.gaps)/2] > max(Person, k.opt.Idle)
}

func (k *keyboard) char(r *Result, c rune, at time.Time) {
	for _, b := range []byte(string(c)) {
		skipped := k.rest.due
		text, ok := k.add(b, at)
		if ok {
			k.emit(r, text, at, true)
		} else if k.rest.due && !skipped {
			r.Fault = TooLong
		}
	}
}

func (k *keyboard) emit(r *Result, text string, at time.Time, ended bool) {
	slow := k.slow()
	k.gaps, k.dead = k.gaps[:0], 0
	switch {
	case text == "":
	case slow, !ended && len(text) < minUnended:
		r.Fault = Typed
	case k.blind && strings.ToUpper(text) != strings.ToLower(text):
		r.Fault = Damaged
	default:
		k.opt.Affixes.add(r, Code{Text: text, At: at, End: k.by})
	}
}
