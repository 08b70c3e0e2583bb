package till

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Requests are read member by member and not into structs, because encoding/json matches names whatever their
// case, lets the last of two equal names win, and mends broken UTF-8: three ways to charge another amount than
// the till's programmer sees in the log.

// A kind is what sort of JSON value a request holds.
type kind byte

const (
	null kind = iota
	boolean
	number
	text
	list
	object
	bare // not JSON: from the path or the query of a URL, or a form
)

// A value is one value of a request. It may be an auth code, so it is never printed.
type value struct {
	kind kind
	text string          // of a text or bare: the text; of a number: its literal
	raw  json.RawMessage // of a list or object
}

// A member is a named value.
type member struct {
	name string
	value
}

// members reads one JSON object and nothing else. Its errors are for the till's programmer.
func members(data []byte) ([]member, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("the text is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, notJSON(dec, "a JSON object must begin with {")
	}
	var all []member
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		name, isName := t.(string)
		if err != nil || !isName {
			return nil, notJSON(dec, "a name in quotes must come next")
		}
		if seen[name] {
			return nil, fmt.Errorf("%s is given twice; send it once", quoted(name))
		}
		seen[name] = true
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, notJSON(dec, "the value of "+quoted(name)+" is broken")
		}
		all = append(all, member{name, valueOf(raw)})
	}
	if _, err := dec.Token(); err != nil {
		return nil, notJSON(dec, "the object must end with }")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, notJSON(dec, "something follows the object; send one object only")
	}
	return all, nil
}

func notJSON(dec *json.Decoder, why string) error {
	return fmt.Errorf("this is not JSON: near byte %d: %s", dec.InputOffset(), why)
}

// valueOf tells a valid JSON value's kind by its first byte.
func valueOf(raw json.RawMessage) value {
	switch raw[0] {
	case 'n':
		return value{kind: null}
	case 't', 'f':
		return value{kind: boolean, text: string(raw)}
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return value{kind: null}
		}
		return value{kind: text, text: s}
	case '[':
		return value{kind: list, raw: raw}
	case '{':
		return value{kind: object, raw: raw}
	}
	return value{kind: number, text: string(raw)}
}

// quoted shows a name that a till sent, cut where it is long.
func quoted(name string) string {
	const most = 40
	if r := []rune(name); len(r) > most {
		name = string(r[:most]) + "..."
	}
	return fmt.Sprintf("%q", name)
}
