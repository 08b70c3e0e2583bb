package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rules for values that more than one section has.

func oneOf(choices ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(choices, s) {
			return "", todo("%q is not one of %q", s, choices)
		}
		return s, nil
	}
}

func between(low, high int64) func(int64) (int, error) {
	return func(n int64) (int, error) {
		if n < low || n > high {
			return 0, todo("%d is out of range; write a number from %d to %d", n, low, high)
		}
		return int(n), nil
	}
}

// letters accepts 1 to n of the letters, digits and other characters given.
func letters(n int, others string) func(string) (string, error) {
	ok := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(others, r)
	}
	return func(s string) (string, error) {
		if s == "" || len(s) > n || strings.ContainsFunc(s, func(r rune) bool { return !ok(r) }) {
			also := ""
			if others != "" {
				also = fmt.Sprintf(" and %q", others)
			}
			return "", todo("%q does not fit; write 1 to %d letters A-Z a-z, digits%s", s, n, also)
		}
		return s, nil
	}
}

func span(low, high time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, todo(`%q is not a time; write a number and a unit, such as "500ms", "60s" or "2m"`, s)
		}
		if d < low || d > high {
			return 0, todo("%q is out of range; write a time from %s to %s", s, short(low), short(high))
		}
		return d, nil
	}
}

// short writes a time as a person would: "1h", not "1h0m0s".
func short(d time.Duration) string {
	s := strings.TrimSuffix(d.String(), "m0s")
	if len(s) < len(d.String()) {
		s += "m"
	}
	if t := strings.TrimSuffix(s, "h0m"); len(t) < len(s) {
		s = t + "h"
	}
	return s
}
