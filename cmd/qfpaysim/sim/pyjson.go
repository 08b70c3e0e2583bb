package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// pair and object keep the order of keys, which encoding/json does not.
type pair struct {
	key   string
	value any
}
type object []pair

func (o object) get(key string) any {
	for _, p := range o {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

func (o object) text(key string) string { s, _ := o.get(key).(string); return s }

// with changes a key that is there; without leaves one out.
func (o object) with(key string, value any) object {
	out := slices.Clone(o)
	for i := range out {
		if out[i].key == key {
			out[i].value = value
		}
	}
	return out
}

func (o object) without(key string) object {
	return slices.DeleteFunc(slices.Clone(o), func(p pair) bool { return p.key == key })
}

// whole leaves out the fields that are said to be missing.
func (o object) whole() object {
	return slices.DeleteFunc(o, func(p pair) bool { return p.value == noField })
}

// dumps encodes as Python's json.dumps does by default, which is what captured answers are made with: ", "
// and ": " between items, everything but printable ASCII as \u escapes. The signature covers these bytes.
func dumps(v any) string {
	var b strings.Builder
	dump(&b, v)
	return b.String()
}

func dump(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case string:
		quote(b, v)
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case int:
		b.WriteString(strconv.Itoa(v))
	case object:
		b.WriteByte('{')
		for i, p := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			quote(b, p.key)
			b.WriteString(": ")
			dump(b, p.value)
		}
		b.WriteByte('}')
	case []object:
		b.WriteByte('[')
		for i, o := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			dump(b, o)
		}
		b.WriteByte(']')
	default:
		panic(fmt.Sprintf("sim: cannot encode a %T", v))
	}
}

func quote(b *strings.Builder, s string) {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}
	b.WriteByte('"')
	for _, r := range s {
		switch esc, ok := short[r]; {
		case ok:
			b.WriteString(esc)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}
