package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
)

// A table is one TOML table while it is read. Whatever is not asked for by the time of done is a fault.
//
// It reads the generic tree instead of decoding into structs: a decoder stops at the first wrong type, takes
// "URL" for "url", and cannot tell an unknown key of the first lane from one of the second.
type table struct {
	*source
	key    string // dotted, without element numbers, for faults; empty: the root
	place  string // dotted, with element numbers, for lines
	line   int
	values map[string]any
	broken bool     // it is not a table, which was reported already
	asked  []string // keys
}

// add records a fault. Whatever the file holds, it prints as one line and commands no terminal.
func (s *source) add(line int, key, format string, args ...any) {
	printable := func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}
	text := strings.Map(printable, fmt.Sprintf(format, args...))
	s.faults = append(s.faults, Fault{File: s.name, Line: line, Key: strings.Map(printable, key), Text: text})
}

// fault records a fault of a key of this table, at the table's own line if the key is absent.
func (t *table) fault(key, format string, args ...any) {
	t.add(t.lineOf(key), join(t.key, key), format, args...)
}

func (t *table) lineOf(key string) int {
	if line, ok := t.lines[join(t.place, key)]; ok {
		return line
	}
	return t.line
}

// outdated records that a key has another name now. It is told by Check, and no fault.
func (t *table) outdated(key, text string) {
	t.old = append(t.old, Fault{File: t.name, Line: t.lineOf(key), Key: join(t.key, key), Text: text})
}

// knows records that key is one of this table's, and its default.
func (t *table) knows(key, def string) {
	t.asked = append(t.asked, key)
	t.known[join(t.key, key)] = def
}

// read returns what parse makes of the key's value, or of def where the key is absent. After a fault it
// returns the zero value.
func read[In, Out any](t *table, key string, def In, parse func(In) (Out, error)) (out Out) {
	t.knows(key, literal(def))
	v := def
	if raw, ok := t.values[key]; ok {
		if v, ok = raw.(In); !ok {
			example := ""
			if !reflect.ValueOf(def).IsZero() {
				example = fmt.Sprintf(", such as %s = %s", key, literal(def))
			}
			t.fault(key, "is %s; write %s%s", kind(raw), kind(def), example)
			return out
		}
	}
	if t.broken {
		return out
	}
	got, err := parse(v)
	if err != nil {
		t.fault(key, "%v", err)
		return out
	}
	return got
}

// need is read for a key that has no default.
func need[In, Out any](t *table, key string, example In, parse func(In) (Out, error)) (out Out) {
	if _, ok := t.values[key]; !ok {
		under := ""
		if t.values == nil {
			under = "[" + t.key + "] with "
		}
		if !t.broken {
			t.fault(key, "is missing; add %sa line such as %s = %s", under, key, literal(example))
		}
		t.knows(key, "required")
		return out
	}
	out = read(t, key, example, parse)
	t.known[join(t.key, key)] = "required"
	return out
}

// table returns the table under key; an empty one where there is none.
func (t *table) table(key string) *table {
	t.asked = append(t.asked, key)
	sub := &table{source: t.source, key: join(t.key, key), place: join(t.place, key), line: t.lineOf(key)}
	switch v := t.values[key].(type) {
	case nil:
	case map[string]any:
		sub.values = v
	default:
		sub.broken = true
		t.fault(key, "is %s; write it as one table: [%s]", kind(v), sub.key)
	}
	return sub
}

// tables returns the elements of the array of tables under key.
func (t *table) tables(key string) (subs []*table) {
	t.asked = append(t.asked, key)
	var elements []any
	switch v := t.values[key].(type) {
	case nil:
		t.fault(key, "is missing; add at least one [[%s]]", key)
		return nil
	case []map[string]any:
		for _, e := range v {
			elements = append(elements, e)
		}
	case []any:
		elements = v
	}
	for i, e := range elements {
		values, ok := e.(map[string]any)
		if !ok {
			elements = nil
			break
		}
		place := element(join(t.place, key), i)
		subs = append(subs, &table{source: t.source, key: join(t.key, key), place: place, line: t.lines[place], values: values})
	}
	if len(elements) == 0 {
		t.fault(key, "is %s; write each one under a header of its own, with two brackets: [[%s]]", kind(t.values[key]), key)
		return nil
	}
	return subs
}

// done records the keys that nobody asked for.
func (t *table) done() {
	slices.Sort(t.asked)
	for _, key := range slices.Sorted(maps.Keys(t.values)) {
		if _, ok := slices.BinarySearch(t.asked, key); !ok {
			t.fault(key, "is not a known key; known here: %s", strings.Join(slices.Compact(t.asked), ", "))
		}
	}
}

// kind names the TOML type of a value for a person.
func kind(v any) string {
	switch v := v.(type) {
	case string:
		return "text in quotes"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case bool:
		return "true or false"
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "one table"
	case []map[string]any:
		return "a list of tables"
	case []any:
		if len(v) == 0 {
			return "an empty list"
		}
		return "a list"
	}
	return "something else"
}

// literal writes a value as TOML does.
func literal(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, literal(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}
