package till

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cpmd/queue/sale"
)

// A place says where a field stands in an HTTP request. In the line dialect all fields are members of params.
type place byte

const (
	inBody place = iota
	inPath
	inQuery
)

// A field is one thing that a till can say in a request.
type field struct {
	name  string
	place place
	need  bool
	set   setter
}

// A setter checks a value and puts it into the ask. Its error reads on after the field's name, says what to
// do, and never repeats the value, which may be an auth code.
type setter func(a *ask, v value) error

// fill sets the fields from what was sent. where names the place that members came from, for people.
func fill(a *ask, fields []field, sent []member, where string) error {
	given := make([]bool, len(fields))
	for _, m := range sent {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == m.name })
		if i < 0 {
			return unknownField(m.name, fields, where)
		}
		if m.kind == bare && m.text == "" && !fields[i].need {
			continue
		}
		if given[i] {
			return refuse("%s is given twice; send it once", m.name)
		}
		given[i] = true
		if err := fields[i].set(a, m.value); err != nil {
			return refuse("%s %v", m.name, err)
		}
	}
	for i, f := range fields {
		if f.need && !given[i] {
			return refuse("%s is missing; it %v", f.name, f.set(&ask{}, value{}))
		}
	}
	return nil
}

func unknownField(name string, fields []field, where string) error {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
		if strings.EqualFold(f.name, name) {
			return refuse("%s is not known in %s; write %s", quoted(name), where, f.name)
		}
	}
	if len(names) == 0 {
		return refuse("%s is not known in %s; no fields are accepted there", quoted(name), where)
	}
	return refuse("%s is not known in %s; known are %s", quoted(name), where, strings.Join(names, ", "))
}

// refuse makes the error for a request that cannot be understood.
func refuse(format string, args ...any) error {
	return &sale.Error{Code: sale.InvalidRequest, Detail: fmt.Sprintf(format, args...)}
}

// A rule checks a text; its error says what the text must be.
type rule func(s string) error

// word takes a text that keeps the rule. An empty one counts as left out, unless the rule takes it.
func word[S ~string](into func(a *ask) *S, keeps rule) setter {
	return func(a *ask, v value) error {
		if v.kind != text && v.kind != bare {
			if err := keeps(""); err != nil {
				return err
			}
			return errors.New("must be a string in quotes; omit it where there is none")
		}
		if err := keeps(v.text); err != nil {
			return err
		}
		*into(a) = S(v.text)
		return nil
	}
}

// optional lets an empty text through.
func optional(keeps rule) rule {
	return func(s string) error {
		if s == "" {
			return nil
		}
		return keeps(s)
	}
}

const maxIDLen = 64

func isID(s string) error {
	ok := len(s) >= 1 && len(s) <= maxIDLen && s != "." && s != ".." // which are folders in a path
	for _, c := range []byte(s) {
		ok = ok && (c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' ||
			c == '.' || c == '_' || c == '-')
	}
	if !ok {
		return errors.New(`must be a string of 1 to 64 characters from A-Z a-z 0-9 . _ -, and not "." or ".."`)
	}
	return nil
}

// isPrintable takes 1 to 64 printable characters. U+FFFD is what JSON decoding makes of half a surrogate pair.
func isPrintable(s string) error {
	n := utf8.RuneCountInString(s)
	if n < 1 || n > 64 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsPrint(r) || r == utf8.RuneError
	}) {
		return errors.New("must be a string of 1 to 64 printable characters")
	}
	return nil
}

// isCode takes what a scanner can have read. What a payment code looks like is the desk's to judge.
func isCode(s string) error {
	if len(s) < 1 || len(s) > 512 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("must be the scanned code, a string of 1 to 512 ASCII characters without spaces")
	}
	return nil
}

func isCurrency(s string) error {
	if len(s) != 3 || strings.ContainsFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return errors.New("must be a currency in three capital letters, such as HKD")
	}
	return nil
}

func isDay(s string) error {
	if _, err := time.Parse(time.DateOnly, s); err != nil || s[0] == '0' {
		return errors.New("must be a day written as YYYY-MM-DD, such as 2026-11-22")
	}
	return nil
}

func isState(s string) error {
	if slices.Contains(sale.States, sale.State(s)) {
		return nil
	}
	return fmt.Errorf("must be one of %s", strings.Trim(fmt.Sprint(sale.States), "[]"))
}

// settle takes the older way of saying confirm_delivery.
func settle(a *ask, v value) error {
	if v.kind == text && v.text == "" {
		return nil
	}
	if v.kind != text && v.kind != bare || v.text != "till" {
		return errors.New(`must be "till", or be left out; better write "confirm_delivery": true`)
	}
	a.sale.ConfirmDelivery = true
	return nil
}

// oneOf takes one of a few words.
func oneOf[S ~string](words ...S) rule {
	return func(s string) error {
		if slices.Contains(words, S(s)) {
			return nil
		}
		return fmt.Errorf("must be %s", sale.AnyOf(words))
	}
}

// isOperator takes a name that cannot be taken for anything else in a by.
func isOperator(s string) error {
	if len(s) > 64 || strings.Trim(s, " ") != s || strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.Letter, unicode.Mark, unicode.Digit) && !strings.ContainsRune(" ._-", r) || r == utf8.RuneError
	}) {
		return errors.New("must be a name of at most 64 bytes: letters, digits, blanks, dots and dashes")
	}
	return nil
}

// isNote takes a person's words.
func isNote(s string) error {
	if len(s) < 1 || len(s) > 500 || strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsPrint(r) || r == utf8.RuneError
	}) {
		return errors.New("must say why, in 1 to 500 bytes")
	}
	return nil
}

// yesNo takes true or false; in a URL or form 1 and 0 too.
func yesNo(into func(a *ask) *bool) setter {
	return func(a *ask, v value) error {
		if v.kind == boolean || v.kind == bare {
			switch v.text {
			case "true", "1":
				*into(a) = true
				return nil
			case "false", "0":
				*into(a) = false
				return nil
			}
		}
		return errors.New("must be true or false")
	}
}

// texts takes a flat object of texts.
func texts(into func(a *ask) *map[string]string) setter {
	return func(a *ask, v value) error {
		wrong := errors.New("must be a flat object of at most 16 strings")
		if v.kind != object {
			return wrong
		}
		all, err := members(v.raw)
		if err != nil || len(all) > 16 {
			return wrong
		}
		m := map[string]string{}
		for _, x := range all {
			if x.kind != text || x.name == "" {
				return wrong
			}
			m[x.name] = x.text
		}
		if len(m) > 0 {
			*into(a) = m
		}
		return nil
	}
}

// maxAmountDigits bounds amounts well below what overflows anywhere on their way.
const maxAmountDigits = 11

// amount takes a positive integer of minor units. It looks at the literal, so that no float comes near money.
func amount(into func(a *ask) *int64) setter {
	return func(a *ask, v value) error {
		n, ok := digits(v.text)
		if v.kind != number && v.kind != bare || !ok || n == 0 || len(v.text) > maxAmountDigits {
			return errors.New("must be a whole number of minor units, such as 12850 for 128.50, from 1 to 99999999999")
		}
		*into(a) = n
		return nil
	}
}

// integer takes a whole number within bounds.
func integer[N int | int64](into func(a *ask) *N, least, most int64) setter {
	return func(a *ask, v value) error {
		n, ok := digits(v.text)
		if v.kind != number && v.kind != bare || !ok || n < least || n > most {
			return fmt.Errorf("must be a whole number from %d to %d", least, most)
		}
		*into(a) = N(n)
		return nil
	}
}

// columns takes the width of a receipt.
func columns(a *ask, v value) error {
	n, ok := digits(v.text)
	if v.kind != number && v.kind != bare || !ok || n != sale.NarrowReceipt && n != sale.WideReceipt {
		return fmt.Errorf("must be %d or %d", sale.NarrowReceipt, sale.WideReceipt)
	}
	a.width = int(n)
	return nil
}

// digits reads decimal digits and nothing else.
func digits(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// MaxWait is the longest that a request waits for a change; longer wishes are cut to it.
const MaxWait = 60 * time.Second

// duration takes seconds ("25" or 25) or Go's form ("25s").
func duration(into func(a *ask) *time.Duration) setter {
	return func(a *ask, v value) error {
		s := v.text
		if _, ok := digits(s); ok {
			s += "s"
		}
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return errors.New("must be a time to wait, such as 25s, and at most 60s")
		}
		*into(a) = min(d, MaxWait)
		return nil
	}
}
