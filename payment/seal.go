package payment

import (
	"crypto/hmac"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// A seal is what the signature of an answer is worth.
type seal int

const (
	unsigned seal = iota // no signature: TLS alone vouches for it
	genuine
	forged
	stripped // no signature, although answers have been signed before
)

func (s seal) String() string { return [...]string{"", "genuine", "wrong", ""}[s] }

// check compares the signature of an answer. QFPay's pages contradict each other about what is signed: the body
// exactly as received (API reference Japan, 3.4, with an example that fits, and async-notifications page), or the
// fields sorted by name and joined as in a request (response-format page). Either is the merchant's key at work. MD5
// or SHA256 is told by the length, letter case does not matter.
func (s *signer) check(h http.Header, body []byte, o object) seal {
	result := unsigned
	for _, v := range h.Values(headerSign) {
		if v = strings.TrimSpace(v); v == "" {
			continue
		}
		got, err := hex.DecodeString(v)
		if err != nil || !s.signed(got, body) && !slices.ContainsFunc(o.canonical(), func(text string) bool { return s.signed(got, []byte(text)) }) {
			return forged
		}
		result = genuine
	}
	return result
}

func (s *signer) signed(got, text []byte) bool { return hmac.Equal(got, s.digest(len(got), text)) }

// canonical are the texts that a signature over sorted fields can be over: those of the object itself, or those of
// its data if there is nothing beside it that such a signature would leave open; without empty fields or with them.
func (o object) canonical() (texts []string) {
	all := []object{o}
	if rows, err := o.rows("data"); err == nil && len(rows) == 1 && o.isEnvelope() {
		all = append(all, rows[0])
	}
	for _, o := range all {
		for _, empty := range []bool{false, true} {
			if text, ok := o.joined(empty); ok && text != "" {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// isEnvelope reports whether an object holds nothing about a transaction but in its data.
func (o object) isEnvelope() bool {
	for name := range o.fields {
		if !slices.Contains([]string{"data", "respcd", "resperr", "respmsg", "page", "page_size"}, name) {
			return false
		}
	}
	return true
}

// joined writes the fields sorted by name, as name=value with & between them. It is false where the text could be
// read in another way as well: then its signature says nothing.
func (o object) joined(empty bool) (string, bool) {
	var f form
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		value := o.text(name)
		if strings.ContainsAny(name, "&=") || strings.Contains(value, "&") {
			return "", false
		}
		if value != "" || empty {
			f = append(f, field{name, value})
		}
	}
	return f.raw(), true
}
