package payment

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// A Secret is a credential whose every printed form is "***". Reveal gives the value to the code that signs.
type Secret string

const hidden = "***"

// String, Format and the Marshal methods keep the value out of whatever prints it. Format is there for the
// verbs that do not ask String, such as a mistaken %d.
func (Secret) String() string               { return hidden }
func (Secret) Format(f fmt.State, _ rune)   { io.WriteString(f, hidden) }
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

// An AuthCode is the one-time code that a wallet shows: a bearer token for about a minute. Every printed form
// is masked; Reveal gives the text to the code that sends or hashes it.
type AuthCode string

// String returns the masked form.
func (c AuthCode) String() string               { return Mask(string(c)) }
func (c AuthCode) Format(f fmt.State, _ rune)   { io.WriteString(f, c.String()) }
func (c AuthCode) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
func (c AuthCode) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// Reveal returns the text.
func (c AuthCode) Reveal() string { return string(c) }

// Mask keeps the first and the last four characters where at least eight stay hidden, and fewer of a shorter code.
func Mask(code string) string {
	r := []rune(code)
	keep := min(4, len(r)/4)
	return string(r[:keep]) + strings.Repeat("*", len(r)-2*keep) + string(r[len(r)-keep:])
}

// A scrubber takes secrets out of text that came from outside: a server that echoes what it was sent must not
// bring them into a log. What is shorter than six characters is no secret and would only mangle the text.
func scrubber(secrets map[string]string) *strings.Replacer {
	var pairs []string
	for value, shown := range secrets {
		if len(value) >= 6 {
			pairs = append(pairs, value, shown)
		}
	}
	return strings.NewReplacer(pairs...)
}
