package decode

import "strings"

// Affixes are what a scanner puts around every code: its own prefix, an AIM identifier, its own suffix, in the
// order of the makers' manuals. All is taken off.
type Affixes struct {
	AIM            bool // codes begin with an AIM identifier ("]C0")
	Prefix, Suffix string
}

// add adds what is left of a text to the result. A text without the prefix or the suffix is not the whole of what
// the scanner sent, and is dropped.
func (a Affixes) add(r *Result, c Code) {
	text, begins := strings.CutPrefix(c.Text, a.Prefix)
	text, ends := strings.CutSuffix(text, a.Suffix)
	if !begins || !ends {
		r.Fault = Unframed
		return
	}
	if c.Text = text; a.AIM && c.Symbology == "" {
		c.Symbology, c.Text = SplitAIM(text)
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
