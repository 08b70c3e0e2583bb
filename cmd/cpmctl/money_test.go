package main

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseAmount(t *testing.T) {
	for _, c := range []struct {
		s        string
		currency string
		want     int64 // 0: refused
	}{
		{"128.50", "HKD", 12850}, {"128.5", "HKD", 12850}, {"128", "HKD", 12800}, {"0.01", "HKD", 1}, {"0.29", "HKD", 29},
		{"1.15", "HKD", 115}, {"4.35", "HKD", 435}, {"007.10", "HKD", 710}, {"999999999.99", "HKD", 99999999999},
		{"500", "JPY", 500}, {"500", "KRW", 500}, {"500", "VND", 500}, {"1.234", "KWD", 1234},
		{"1000000000.00", "HKD", 0}, {"99999999999999999999", "HKD", 0}, {"0", "HKD", 0}, {"0.00", "HKD", 0}, {"", "HKD", 0},
		{".50", "HKD", 0}, {"1.", "HKD", 0}, {".", "HKD", 0}, {"-1", "HKD", 0}, {"+1", "HKD", 0}, {"1e2", "HKD", 0}, {"1,50", "HKD", 0},
		{"1 000", "HKD", 0}, {"1.2.3", "HKD", 0}, {"1.234", "HKD", 0}, {"1.5", "JPY", 0}, {"0x10", "HKD", 0}, {"１", "HKD", 0}, {"NaN", "HKD", 0},
	} {
		got, err := parseAmount(c.s, decimals(c.currency, -1))
		if got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%q %s: %d %v, want %d", c.s, c.currency, got, err, c.want)
		}
	}
	if n, err := parseAmount("1.5", decimals("JPY", 2)); n != 150 || err != nil {
		t.Errorf("-decimals 2: %d %v", n, err)
	}
}

func TestAmountsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor, places := rapid.Int64Range(1, maxMinor).Draw(t, "minor"), rapid.IntRange(0, 4).Draw(t, "decimals")
		s := formatAmount(minor, places)
		if got, err := parseAmount(s, places); got != minor || err != nil {
			t.Errorf("%d as %s came back as %d, %v", minor, s, got, err)
		}
		if _, part, _ := strings.Cut(s, "."); len(part) != places {
			t.Errorf("%s has not %d decimals", s, places)
		}
	})
}
