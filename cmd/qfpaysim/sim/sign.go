package sim

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// sum is the upper-case hex of a plain hash of text and key (QFPay docs, signature-generation page).
func sum(kind, text, key string) string {
	if kind == "SHA256" {
		return fmt.Sprintf("%X", sha256.Sum256([]byte(text+key)))
	}
	return fmt.Sprintf("%X", md5.Sum([]byte(text+key)))
}

// signed is the string that a request's signature covers: the raw values, sorted by name.
func signed(form map[string]string) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name + "=" + form[name]
	}
	return strings.Join(parts, "&")
}

// signType is the algorithm a request names; MD5 where it names none.
func signType(h http.Header) (kind string, ok bool) {
	switch v := h.Get("X-QF-SIGNTYPE"); v {
	case "", "MD5":
		return "MD5", true
	case "SHA256":
		return v, true
	}
	return "MD5", false
}

// authentic returns what is wrong with a request's app code or signature; "" if nothing. Letter case of the hex
// does not matter: QFPay's samples send both.
func (g *Gateway) authentic(h http.Header, form map[string]string) string {
	kind, ok := signType(h)
	got := h.Get("X-QF-SIGN")
	switch {
	case h.Get("X-QF-APPCODE") == "":
		return "X-QF-APPCODE is missing"
	case h.Get("X-QF-APPCODE") != g.cfg.AppCode:
		return "app code is unknown here"
	case !ok:
		return "X-QF-SIGNTYPE is MD5 or SHA256"
	case got == "":
		return "X-QF-SIGN is missing"
	case !strings.EqualFold(got, sum(kind, signed(form), g.cfg.ClientKey)):
		return "sign error"
	}
	return ""
}

// parseForm reads a form body. Spaces may come as +, %20 or raw: QFPay's samples do all three. A name that
// comes twice, or a broken escape, cannot have been signed and is refused.
func parseForm(body string) (map[string]string, error) {
	form := map[string]string{}
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, fmt.Errorf("body has a broken %% escape")
		}
		if _, twice := form[name]; twice {
			return nil, fmt.Errorf("%s comes twice", name)
		}
		form[name] = value
	}
	return form, nil
}
