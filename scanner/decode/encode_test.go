package decode

import (
	"fmt"
	"unicode"
)

// keyFor finds key and modifiers of a character in a layout; alt reports whether it has none and goes by Alt and keypad.
func keyFor(l *layout, r rune) (key, mods byte, alt bool) {
	if r == ' ' {
		return keySpace, 0, false
	}
	for _, mods := range []byte{0, 1 << 1, modifierAltGr, modifierAltGr | 1<<1} {
		for k := byte(keyA); k < 0x65; k++ {
			if k >= keypadSlash && k <= keypadDot {
				continue
			}
			if c, dead, ok := l.char(k, mods, false); ok && !dead && c == r {
				return k, mods, false
			}
		}
	}
	return 0, 0, true
}

func report(mods byte, keys ...byte) []byte {
	p := make([]byte, 8)
	p[0] = mods
	copy(p[2:], keys)
	return p
}

// keyReports types a text as a scanner does: press, release.
func keyReports(layoutName, text string) (reports [][]byte) {
	l := layouts[layoutName]
	for _, r := range text {
		if r == '\r' {
			reports = append(reports, report(0, keyEnter), report(0))
			continue
		}
		key, mods, alt := keyFor(l, r)
		if !alt {
			reports = append(reports, report(mods, key), report(0))
			continue
		}
		reports = append(reports, report(modifierLeft))
		for _, c := range fmt.Sprintf("%03d", r) {
			k := byte(keypad0)
			if c != '0' {
				k = keypad1 + byte(c-'1')
			}
			reports = append(reports, report(modifierLeft, k), report(modifierLeft))
		}
		reports = append(reports, report(0))
	}
	return reports
}

// posReports makes the reports of a code in one of the makers' layouts.
func posReports(rep POSReport, aim, text string) (reports [][]byte) {
	for {
		p := make([]byte, rep.Len)
		n := min(len(text), rep.DataLen, rep.Len-rep.Data)
		p[0] = rep.ID
		p[rep.Count] = byte(n)
		if rep.AIM >= 0 {
			copy(p[rep.AIM:rep.AIM+3], aim)
		}
		copy(p[rep.Data:], text[:n])
		text = text[n:]
		if text != "" && rep.More >= 0 {
			p[rep.More] |= rep.MoreMask
		}
		reports = append(reports, p)
		if text == "" && (rep.More >= 0 || n < rep.DataLen) {
			return reports
		}
	}
}

var asciiTable = &unicode.RangeTable{R16: []unicode.Range16{{Lo: ' ', Hi: '~', Stride: 1}}, LatinOffset: 1}
