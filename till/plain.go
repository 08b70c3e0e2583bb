package till

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain mode is for tills whose language has no JSON: a form goes in, key=value lines come out.

const plainType = "text/plain; charset=utf-8"

// wantsText reports whether a till asks for plain text. It does so by name: whoever takes anything gets JSON.
func wantsText(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for _, one := range strings.Split(line, ",") {
			if t, _, err := mime.ParseMediaType(one); err == nil && (t == "text/plain" || t == "application/json") {
				return t == "text/plain" // the first of the two
			}
		}
	}
	return false
}

// A plainWriter marks a request that is to be answered in plain text.
type plainWriter struct{ http.ResponseWriter }

// Unwrap lets http.ResponseController reach the writer itself.
func (w plainWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// isForm reports whether a body is a form. Many a till sends JSON under a form's name, and no form begins as JSON does.
func isForm(r *http.Request, body []byte) bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && t == "application/x-www-form-urlencoded" && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))
}

// metadataMark begins the names of a form's fields that are the members of metadata.
const metadataMark = "metadata."

// formMembers reads a form (WHATWG URL, section "application/x-www-form-urlencoded"), as strictly as [members] reads JSON.
func formMembers(body []byte) (all []member, err error) {
	seen, metadata := map[string]bool{}, map[string]string{}
	for _, pair := range strings.Split(strings.Trim(string(body), "\r\n"), "&") {
		if pair == "" {
			continue
		}
		name, v, ok := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(v)
		switch {
		case !ok || err1 != nil || err2 != nil:
			return nil, errors.New("this is not a form; write it as name=value&name=value, percent-encoded")
		case !utf8.ValidString(name) || !utf8.ValidString(v):
			return nil, errors.New("the text is not UTF-8")
		case seen[name]:
			return nil, fmt.Errorf("%s is given twice; send it once", quoted(name))
		case name == "metadata":
			return nil, errors.New("write each member of metadata as metadata.NAME=VALUE")
		}
		seen[name] = true
		if key, is := strings.CutPrefix(name, metadataMark); is {
			metadata[key] = v
			continue
		}
		all = append(all, member{name, value{kind: bare, text: v}})
	}
	if len(metadata) > 0 {
		raw, err := json.Marshal(metadata)
		if err != nil {
			return nil, err
		}
		all = append(all, member{"metadata", value{kind: object, raw: raw}})
	}
	return all, nil
}

// plainText writes an answer as key=value lines, in the order of its JSON form.
func plainText(v any) ([]byte, error) {
	if p, own := v.(interface{ PlainText() string }); own {
		return []byte(p.PlainText()), nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var all, top []member
	if all, err = flatten(nil, "", data); err != nil {
		return nil, err
	}
	// A list tells first how long it is.
	if only, err := members(data); err == nil && len(only) == 1 && only[0].kind == list {
		top = []member{{"count", all[0].value}}
		all = all[1:]
	}
	return plainLines(append(top, all...)), nil
}

// flatten gives every value a name of its own: payments.1.syssn.
func flatten(all []member, name string, raw json.RawMessage) ([]member, error) {
	v := valueOf(bytes.TrimSpace(raw))
	under := func(s string) string {
		if name == "" {
			return s
		}
		return name + "." + s
	}
	switch v.kind {
	case object:
		inside, err := members(v.raw)
		if err != nil {
			return nil, err
		}
		for _, m := range inside {
			if all, err = flatten(all, under(m.name), m.json()); err != nil {
				return nil, err
			}
		}
		return all, nil
	case list:
		var inside []json.RawMessage
		if err := json.Unmarshal(v.raw, &inside); err != nil {
			return nil, err
		}
		all = append(all, member{under("count"), value{text: strconv.Itoa(len(inside))}})
		for i, one := range inside {
			var err error
			if all, err = flatten(all, under(strconv.Itoa(i+1)), one); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	return append(all, member{name, v}), nil
}

// json is the value as it was sent.
func (v value) json() json.RawMessage {
	switch v.kind {
	case null:
		return json.RawMessage("null")
	case text:
		b, _ := json.Marshal(v.text)
		return b
	case boolean, number:
		return json.RawMessage(v.text)
	}
	return v.raw
}

// plainLines writes a line for each member. No text can make a line of its own, nor a name pass for another one.
func plainLines(all []member) []byte {
	var b bytes.Buffer
	for _, m := range all {
		escape(&b, m.name, "=")
		b.WriteByte('=')
		escape(&b, m.text, "")
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func escape(b *bytes.Buffer, s, also string) {
	for _, c := range s {
		switch {
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\n':
			b.WriteString(`\n`)
		case unicode.IsControl(c), c == '\u2028', c == '\u2029', strings.ContainsRune(also, c):
			fmt.Fprintf(b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
}

// PlainText is a problem in plain mode.
func (p *Problem) PlainText() string {
	all := []member{{"code", value{text: string(p.Code)}}, {"detail", value{text: p.Detail}}, {"status", value{text: strconv.Itoa(p.Status)}}}
	if p.Sale != "" {
		all = append(all, member{"sale", value{text: p.Sale}})
	}
	return string(plainLines(all))
}
