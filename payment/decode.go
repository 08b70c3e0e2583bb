package payment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An object is a JSON object with its values as received. QFPay sends the same scalar now as a string, now as a
// number, now as null, and adds fields as it likes.
type object struct {
	fields map[string]json.RawMessage
	hide   *strings.Replacer // takes our secrets out of whatever is shown
}

// parse reads one JSON object and nothing behind it. A field that comes twice is an error: which of the two would
// be believed is a matter of luck.
func parse(body []byte, hide *strings.Replacer) (object, error) {
	if !utf8.Valid(body) {
		return object{}, errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return object{}, errors.New("it is not a JSON object")
	}
	fields := make(map[string]json.RawMessage, 16)
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return object{}, errors.New("it is not valid JSON")
		}
		if _, twice := fields[name]; twice {
			return object{}, errors.New("it holds a field twice")
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return object{}, errors.New("it is not valid JSON")
		}
		fields[name] = v
	}
	if _, err := d.Token(); err != nil {
		return object{}, errors.New("it is not valid JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return object{}, errors.New("there is more after the JSON object")
	}
	return object{fields, hide}, nil
}

// text is a field as text: a string's content, nothing for null or a missing field, else the JSON as it stands.
// So the number 0 is "0" and never "0000". It is for comparing; the other methods are for keeping and showing.
func (o object) text(name string) string {
	v := o.fields[name]
	switch {
	case len(v) == 0 || string(v) == "null":
		return ""
	case v[0] == '"' && !bytes.ContainsRune(v, '\\'):
		return string(v[1 : len(v)-1])
	case v[0] == '"':
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s
		}
	}
	return string(v)
}

// shown is a field's text without what a server may have echoed of our secrets.
func (o object) shown(name string) string {
	if s := o.text(name); s != "" {
		return o.hide.Replace(s)
	}
	return ""
}

// id is a field that names something; what cannot be a name is left out.
func (o object) id(name string) string {
	s := o.shown(name)
	if len(s) > 128 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}

// code is a response code, unchanged but for its length.
func (o object) code(name string) string {
	s := o.id(name)
	return s[:min(len(s), 16)]
}

// says are QFPay's words for people.
func (o object) says(names ...string) string {
	var all []string
	for _, n := range names {
		if s := words(o.shown(n), 200); s != "" && (len(all) == 0 || all[0] != s) {
			all = append(all, s)
		}
	}
	return strings.Join(all, "; ")
}

// words makes a text fit for one line.
func words(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return s
}

const maxRows = 1000 // ten times what is asked for

// rows are the objects in a field that the docs call an object and every capture shows as a list. Nothing at all
// is an empty list; what is neither is an error, for it must not pass for an empty list.
func (o object) rows(name string) ([]object, error) {
	v := bytes.TrimSpace(o.fields[name])
	if len(v) == 0 || string(v) == "null" {
		return nil, nil
	}
	list := []json.RawMessage{v}
	if v[0] == '[' {
		list = nil // not v: what is decoded would be written over it, and the signature may still have to be checked
		if err := json.Unmarshal(v, &list); err != nil {
			return nil, fmt.Errorf("its %s is not valid JSON", name)
		}
		if len(list) > maxRows {
			return nil, fmt.Errorf("its %s holds more than %d items", name, maxRows)
		}
	}
	var rows []object
	for _, raw := range list {
		row, err := parse(raw, o.hide)
		if err != nil {
			return nil, fmt.Errorf("in its %s: %w", name, err)
		}
		if len(row.fields) == 0 && v[0] == '{' {
			return nil, nil
		}
		rows = append(rows, row)
	}
	return rows, nil
}
