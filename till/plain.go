package till

import (
	"mime"
	"net/http"
	"strings"
)

// Plain mode is for tills whose language has no JSON.

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
