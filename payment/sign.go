package payment

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// A form is the fields of one request, sorted by name and without empty ones: QFPay wants those left out of the
// body and of the signature alike (QFPay docs, signature-generation page).
type form []field

type field struct{ name, value string }

func newForm(fields ...field) form {
	f := make(form, 0, len(fields))
	for _, x := range fields {
		if x.value != "" {
			f = append(f, x)
		}
	}
	slices.SortFunc(f, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return f
}

// with returns the form with more fields.
func (f form) with(fields ...field) form { return newForm(append(slices.Clone(f), fields...)...) }

// raw is what is signed: names and values as they are.
func (f form) raw() string {
	return f.join(func(s string) string { return s })
}

// encode is what is sent: the same, percent-encoded.
func (f form) encode() string { return f.join(url.QueryEscape) }

func (f form) join(value func(string) string) string {
	var b strings.Builder
	b.Grow(256)
	for i, x := range f {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(x.name)
		b.WriteByte('=')
		b.WriteString(value(x.value))
	}
	return b.String()
}

const (
	headerAppCode  = "X-QF-APPCODE"
	headerSign     = "X-QF-SIGN"
	headerSignType = "X-QF-SIGNTYPE"
)

// A signer holds the merchant's credentials.
type signer struct {
	appCode, key, algorithm string
}

// sign is the plain hash (not an HMAC) of the text with the key behind it, in upper-case hex.
func (s *signer) sign(text string) string {
	size := md5.Size
	if s.algorithm == "SHA256" {
		size = sha256.Size
	}
	return strings.ToUpper(hex.EncodeToString(s.digest(size, []byte(text))))
}

func (s *signer) digest(size int, text []byte) []byte {
	h := md5.New()
	if size == sha256.Size {
		h = sha256.New()
	}
	h.Write(text)
	h.Write([]byte(s.key))
	return h.Sum(nil)
}
