package decode

import "strings"

// telling is how many characters tell two codes apart: where as many are the same it is the same code, shown again.
const telling = 7

// A rest is what may still come of a code that was given up: all up to the next end. It is never a code, however
// late it comes.
type rest struct {
	due  bool
	half string // what was given up; empty where it is not known
	kind string // its symbology; empty where it is not known
}

// of says that the rest of a code is due.
func (r *rest) of(half, kind string) { *r = rest{true, half, kind} }

// other says what kind of code comes next. A code of another kind than the one given up is no rest of it.
func (r *rest) other(kind string) {
	if r.kind != "" && kind != "" && kind != r.kind {
		*r = rest{}
	}
}

// end reports whether a text that came to its end is a whole code: nothing was due, or it begins like what was
// given up and so is the same code, shown again.
func (r *rest) end(text string) bool {
	whole := !r.due || len(r.half) >= telling && strings.HasPrefix(text, r.half)
	*r = rest{}
	return whole
}
