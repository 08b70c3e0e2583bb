package decode

import (
	"slices"
	"strings"
)

// Layouts are the keyboard layouts that a configuration may name; "" means "us".
var Layouts = []string{"us", "uk", "de", "fr", "es", "it"}

// Usages of the keyboard page (HID Usage Tables, section 10).
const (
	keyA           = 0x04
	keyEnter       = 0x28
	keyBackspace   = 0x2a
	keyTab         = 0x2b
	keySpace       = 0x2c
	keyCapsLock    = 0x39
	keyScrollLock  = 0x47
	keyNumLock     = 0x53
	keypadSlash    = 0x54
	keypadEnter    = 0x58
	keypad1        = 0x59
	keypad0        = 0x62
	keypadDot      = 0x63
	keypadEqual    = 0x67
	keyRollOver    = 0x01
	keyErrorLast   = 0x03
	keyModifiers   = 0xe0
	modifierLeft   = 1 << 2 // left Alt
	modifierAltGr  = 1 << 6
	modifiersShift = 1<<1 | 1<<5
	modifiersCtrl  = 1<<0 | 1<<4
	modifiersGUI   = 1<<3 | 1<<7
)

// keyOrder is the order of the keys in the strings of a layout: letters as on a US keyboard, digits 1 to 0, then
// the keys right of them.
var keyOrder = func() (o []byte) {
	for k := byte(keyA); k <= 0x27; k++ {
		o = append(o, k)
	}
	return append(o, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x64)
}()

// A layout says what a key means. ' ' in a string means nothing.
type layout struct {
	plain, shift string
	altGr        map[byte]rune // by key
	altGrShift   map[byte]rune
	dead         string            // characters that wait for a second one
	deadOn       map[byte][2]bool  // keys whose plain or shifted character is dead, where the character alone does not tell
	keys         map[byte][2]rune  // from plain and shift
	letters      map[byte]struct{} // keys that Caps Lock turns
}

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	azerty  = "qbcdefghijkl,noparstuvzxyw"
	qwertz  = "abcdefghijklmnopqrstuvwxzy"
)

var layouts = map[string]*layout{
	"us": {
		plain: letters + "1234567890" + `-=[]\\;'` + "`" + `,./\`,
		shift: strings.ToUpper(letters) + "!@#$%^&*()" + `_+{}||:"~<>?|`,
	},
	"uk": {
		plain: letters + "1234567890" + `-=[]##;'` + "`" + `,./\`,
		shift: strings.ToUpper(letters) + `!"£$%^&*()` + `_+{}~~:@¬<>?|`,
		altGr: map[byte]rune{0x21: '€', 0x35: '¦'},
	},
	"de": {
		plain: qwertz + "1234567890" + `ß´ü+##öä^,.-<`,
		shift: strings.ToUpper(qwertz) + `!"§$%&/()=` + "?`Ü*''ÖÄ°;:_>",
		altGr: map[byte]rune{0x14: '@', 0x08: '€', 0x10: 'µ', 0x1f: '²', 0x20: '³', 0x24: '{', 0x25: '[',
			0x26: ']', 0x27: '}', 0x2d: '\\', 0x30: '~', 0x64: '|'},
		dead: "´`^",
	},
	"fr": {
		plain: azerty + `&é"'(-è_çà` + `)=^$**mù²;:!<`,
		shift: strings.ToUpper(strings.Replace(azerty, ",", "?", 1)) + "1234567890" + `°+¨£µµM% ./§>`,
		altGr: map[byte]rune{0x08: '€', 0x1f: '~', 0x20: '#', 0x21: '{', 0x22: '[', 0x23: '|', 0x24: '`',
			0x25: '\\', 0x26: '^', 0x27: '@', 0x2d: ']', 0x2e: '}', 0x30: '¤'},
		deadOn: map[byte][2]bool{0x2f: {true, true}},
	},
	"es": {
		plain: letters + "1234567890" + "'¡`+ççñ´º,.-<",
		shift: strings.ToUpper(letters) + `!"·$%&/()=` + `?¿^*ÇÇÑ¨ª;:_>`,
		altGr: map[byte]rune{0x08: '€', 0x1e: '|', 0x1f: '@', 0x20: '#', 0x21: '~', 0x23: '¬', 0x2f: '[', 0x30: ']',
			0x31: '}', 0x32: '}', 0x34: '{', 0x35: '\\'},
		dead: "`´^¨",
	},
	"it": {
		plain:      letters + "1234567890" + `'ìè+ùùòà\,.-<`,
		shift:      strings.ToUpper(letters) + `!"£$%&/()=` + `?^é*§§ç°|;:_>`,
		altGr:      map[byte]rune{0x08: '€', 0x2f: '[', 0x30: ']', 0x33: '@', 0x34: '#'},
		altGrShift: map[byte]rune{0x2f: '{', 0x30: '}'},
	},
}

func init() {
	for name, l := range layouts {
		plain, shift := []rune(l.plain), []rune(l.shift)
		if len(plain) != len(keyOrder) || len(shift) != len(keyOrder) {
			panic("decode: layout " + name + " has not as many characters as keys")
		}
		l.keys, l.letters = map[byte][2]rune{}, map[byte]struct{}{}
		for i, k := range keyOrder {
			l.keys[k] = [2]rune{plain[i], shift[i]}
			if u := []rune(strings.ToUpper(string(plain[i]))); len(u) == 1 && u[0] != plain[i] && u[0] == shift[i] {
				l.letters[k] = struct{}{}
			}
		}
	}
}

// char returns what a key means with these modifiers; dead reports whether it waits for a second character.
func (l *layout) char(key, mods byte, caps bool) (r rune, dead, ok bool) {
	switch {
	case key == keySpace:
		return ' ', false, true
	case key >= keypadSlash && key < keypadEnter:
		return rune("/*-+"[key-keypadSlash]), false, true
	case key >= keypad1 && key < keypad0:
		return rune('1' + key - keypad1), false, true
	case key == keypad0:
		return '0', false, true
	case key == keypadDot:
		return '.', false, true
	case key == keypadEqual:
		return '=', false, true
	}
	shift := mods&modifiersShift != 0
	if mods&modifierAltGr != 0 {
		m := l.altGr
		if shift {
			m = l.altGrShift
		}
		r, ok = m[key]
		return r, false, ok
	}
	pair, ok := l.keys[key]
	if _, letter := l.letters[key]; letter && caps {
		shift = !shift
	}
	r, i := pair[0], 0
	if shift {
		r, i = pair[1], 1
	}
	if !ok || r == ' ' {
		return 0, false, false
	}
	return r, strings.ContainsRune(l.dead, r) || l.deadOn[key][i], true
}

// accents maps a dead character to pairs of letter and accented letter.
var accents = map[rune]string{
	'´': "aáeéiíoóuúyýAÁEÉIÍOÓUÚYÝ",
	'`': "aàeèiìoòuùAÀEÈIÌOÒUÙ",
	'^': "aâeêiîoôuûAÂEÊIÎOÔUÛ",
	'¨': "aäeëiïoöuüyÿAÄEËIÏOÖUÜ",
}

// compose joins a dead character with the one after it, as the layouts of a PC do.
func compose(dead, next rune) string {
	if next == ' ' {
		return string(dead)
	}
	pairs := []rune(accents[dead])
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == next {
			return string(pairs[i+1])
		}
	}
	return string(dead) + string(next)
}

// altCode returns the character that Alt and these keypad digits make: with a leading 0 from Windows-1252,
// otherwise from code page 437.
func altCode(digits string) (r rune, ok bool) {
	n := 0
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	switch {
	case digits == "" || n == 0 || n > 255:
		return 0, false
	case n < 128:
		return rune(n), true
	case digits[0] != '0':
		return cp437[n-128], true
	case n < 160:
		r = windows1252[n-128]
		return r, r != ' '
	}
	return rune(n), true
}

var (
	cp437 = []rune("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
		"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0")
	windows1252 = []rune("€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ")
)

// KnownLayout tells whether a configuration may name this layout.
func KnownLayout(name string) bool { return name == "" || slices.Contains(Layouts, name) }
