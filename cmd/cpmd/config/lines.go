package config

import (
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// The decoder lists the keys of a document in the order in which they stand there, but not their lines. A scan
// finds the lines of whatever introduces a key, in the same order, without having to understand the keys; the
// two lists side by side say where each key is.

// A mark is a place in the text that introduces something.
type mark struct {
	kind byte // '=' a key, '[' a table header, 'A' a header of an array of tables, '{' an inline table in a list
	line int
	of   int // of '{': the number of the key whose list it is in, from 0
}

// scan finds the marks of a valid TOML text, and how deep its brackets nest. It does not fail on an invalid one.
func scan(src string) (marks []mark, depth int) {
	type bracket struct {
		open byte
		of   int
	}
	var (
		stack []bracket
		line  = 1
		keys  = 0    // marks so far that have a key
		fresh = true // nothing but blanks on this line yet
	)
	for i := 0; i < len(src); i++ {
		c := src[i]
		wasFresh := fresh
		fresh = fresh && (c == ' ' || c == '\t' || c == '\r')
		switch c {
		case '\n':
			line, fresh = line+1, true
		case '#':
			for i+1 < len(src) && src[i+1] != '\n' {
				i++
			}
		case '"', '\'':
			end := quoted(src, i)
			line += strings.Count(src[i:end], "\n")
			i = end - 1
		case '=':
			marks = append(marks, mark{kind: '=', line: line})
			keys++
		case '[', '{':
			if c == '[' && len(stack) == 0 && wasFresh {
				kind := c
				if i+1 < len(src) && src[i+1] == '[' {
					kind = 'A'
					i++
				}
				marks = append(marks, mark{kind: kind, line: line})
				keys++
				continue
			}
			b := bracket{c, keys - 1}
			if n := len(stack); n > 0 && stack[n-1].open == '[' {
				b.of = stack[n-1].of
				if c == '{' {
					marks = append(marks, mark{kind: '{', line: line, of: b.of})
				}
			}
			stack = append(stack, b)
			depth = max(depth, len(stack))
		case ']', '}':
			if n := len(stack); n > 0 {
				stack = stack[:n-1]
			}
		}
	}
	return marks, depth
}

// quoted returns where the string that starts at i ends.
func quoted(src string, i int) int {
	q := src[i : i+1]
	long := strings.Repeat(q, 3)
	many := strings.HasPrefix(src[i:], long)
	if many {
		i += 3
	} else {
		i++
	}
	for ; i < len(src); i++ {
		switch {
		case q == `"` && src[i] == '\\':
			i++
		case many && strings.HasPrefix(src[i:], long):
			i += 3
			for n := 0; n < 2 && strings.HasPrefix(src[i:], q); n++ {
				i++ // up to two more belong to the text: """"quoted""""
			}
			return i
		case !many && (src[i:i+1] == q || src[i] == '\n'):
			return i + 1
		}
	}
	return len(src)
}

// lines returns the line of each key by its place: the dotted key, with the number of the element after an
// array of tables, such as "lane[1].scanner.port". A table that has no header is where its first key is.
func lines(marks []mark, keys []toml.Key) map[string]int {
	at := map[string]int{}
	note := func(place string, line int) {
		if _, ok := at[place]; !ok {
			at[place] = line
		}
	}
	elements := map[string]int{} // so far, by the place of their array
	places := make([]string, 0, len(keys))
	for _, m := range marks {
		if m.kind == '{' {
			if m.of >= 0 && m.of < len(places) {
				place := places[m.of]
				note(element(place, elements[place]), m.line)
				elements[place]++
			}
			continue
		}
		if len(places) == len(keys) {
			break
		}
		var place string
		key := keys[len(places)]
		for i, part := range key {
			place = join(place, part)
			note(place, m.line)
			if m.kind == 'A' && i == len(key)-1 {
				elements[place]++
			}
			if n := elements[place]; n > 0 {
				place = element(place, n-1)
				note(place, m.line)
			}
		}
		places = append(places, place)
	}
	return at
}

func join(place, key string) string {
	if place == "" {
		return toml.Key{key}.String()
	}
	return place + "." + toml.Key{key}.String()
}

func element(place string, i int) string { return place + "[" + strconv.Itoa(i) + "]" }
