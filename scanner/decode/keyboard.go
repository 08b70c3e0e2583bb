package decode

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Person is the pace of keys, in time per key, from which on a person is taken to type. Scanners need 1 to 16 ms,
// slow settings 50 ms.
const Person = 80 * time.Millisecond

// minUnended is how many characters a code has at least if only silence ends it: a person who types slowly would
// otherwise scan single letters.
const minUnended = 4

// A KeyReport says where the keys are in a keyboard's reports.
type KeyReport struct {
	ID    byte // report ID, 0 where reports are not numbered
	Mods  int  // the byte with the modifiers
	Keys  int  // the first byte of the key array
	Count int  // keys in the array
}

// BootReport is the report of every keyboard in boot protocol (USB HID 1.11, appendix B.1).
var BootReport = KeyReport{Mods: 0, Keys: 2, Count: 6}

// KeyReport returns where the keys are according to the descriptor, or BootReport where it does not say.
func (d Descriptor) KeyReport() KeyReport {
	mods, modBit, ok := d.find(Input, pageKeyboard, keyModifiers)
	if !ok || mods.Array || mods.Size != 1 || modBit%8 != 0 {
		return BootReport
	}
	for _, f := range d.Fields {
		if f.Kind != Input || f.Report != mods.Report || !f.Array || f.Size != 8 || f.Bit%8 != 0 || f.Count == 0 || len(f.usages) == 0 {
			continue
		}
		if f.usages[0].first>>16 == pageKeyboard {
			return KeyReport{ID: mods.Report, Mods: modBit / 8, Keys: f.Bit / 8, Count: f.Count}
		}
	}
	return BootReport
}

// KeyboardOptions say how a scanner that types is set up.
type KeyboardOptions struct {
	Layout     string        // one of Layouts
	Terminator string        // one of Terminators
	Idle       time.Duration // 0: DefaultIdle
	AIM        bool          // codes begin with an AIM identifier, which is taken off
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
	alt   []byte // keypad digits while Alt is down
	dead  rune   // waits for the next character
	press time.Time
	gaps  []time.Duration // between the keys of the code so far
}

// NewKeyboard decodes the reports of a scanner that types. It errs for an unknown layout or terminator.
//
// Only a key that was not down in the report before counts, so that repeated reports do no harm. Keys of one
// report count in the order of its array, with the modifiers of that report.
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
	f, err := newFramer(opt.Terminator, opt.Idle)
	return &keyboard{framer: f, opt: opt, layout: l, caps: opt.InvertCaps}, err
}

func (k *keyboard) Decode(p []byte, at time.Time) (r Result) {
	if len(p) == 0 {
		last := k.last
		if text, ok := k.quiet(at); ok {
			k.emit(&r, text, last, false)
		} else if len(k.buf) == 0 {
			k.gaps = k.gaps[:0]
		}
		return r
	}
	mods, keys, ok := k.split(p)
	if !ok || len(keys) > 0 && allErrors(keys) {
		return r // somebody else's report, or more keys than the array holds: what was down stays down
	}
	if k.mods&modifierLeft != 0 && mods&modifierLeft == 0 {
		if c, ok := altCode(string(k.alt)); ok {
			k.char(&r, c, at)
		}
		k.alt = k.alt[:0]
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
}

// split finds modifiers and keys in a report.
func (k *keyboard) split(p []byte) (mods byte, keys []byte, ok bool) {
	rep := k.opt.Report
	switch {
	case rep.ID != 0 && p[0] != rep.ID:
		return 0, nil, false
	case rep.ID == 0 && len(p) == 9 && rep == BootReport: // numbered after all (Microscan: 02 mod 00 k1..k6)
		p = p[1:]
	}
	if rep.Mods >= len(p) || rep.Keys >= len(p) {
		return 0, nil, false
	}
	return p[rep.Mods], p[rep.Keys:min(rep.Keys+rep.Count, len(p))], true
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
	case mods&modifierLeft != 0:
		if c, _, ok := k.layout.char(key, 0, false); ok && key >= keypad1 && key <= keypad0 && len(k.alt) < 8 {
			k.alt = append(k.alt, byte(c))
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
	case mods&modifiersCtrl != 0:
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '[' && c <= '_' {
			k.char(r, c&0x1f, at)
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
	k.press = at
}

func (k *keyboard) char(r *Result, c rune, at time.Time) {
	for _, b := range []byte(string(c)) {
		skipped := k.skip
		text, ok := k.add(b, at)
		if ok {
			k.emit(r, text, at, true)
		} else if k.skip && !skipped {
			r.Fault = TooLong
		}
	}
}

func (k *keyboard) emit(r *Result, text string, at time.Time, ended bool) {
	slices.Sort(k.gaps)
	slow := len(k.gaps) > 0 && k.gaps[len(k.gaps)/2] > max(Person, k.opt.Idle)
	k.gaps, k.dead = k.gaps[:0], 0
	switch {
	case text == "":
		return
	case slow, !ended && len(text) < minUnended:
		r.Fault = Typed
		return
	}
	c := Code{Text: text, At: at}
	if k.opt.AIM {
		c.Symbology, c.Text = SplitAIM(text)
	}
	if c.Text != "" {
		r.Codes = append(r.Codes, c)
	}
}
