package main

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
)

// minorDigits lists the currencies whose minor unit is not a hundredth (ISO 4217, table A.1).
var minorDigits = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
	"UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

// decimals tells how many digits follow the point in a currency; asked overrules the table where >= 0.
func decimals(currency string, asked int) int {
	if asked >= 0 {
		return asked
	}
	if n, ok := minorDigits[currency]; ok {
		return n
	}
	return 2
}

// maxMinor is the most that cpmd takes: 11 digits.
const maxMinor = 99999999999

// parseAmount reads "128.50" into minor units, digit by digit: no float comes near money.
func parseAmount(s string, decimals int) (int64, error) {
	whole, part, point := strings.Cut(s, ".")
	if whole == "" || strings.Trim(whole+part, "0123456789") != "" || point && part == "" {
		return 0, fmt.Errorf("-amount %q is not understood; write it like 128.50, without signs, commas or blanks", s)
	}
	if len(part) > decimals {
		return 0, fmt.Errorf("-amount %s has more than the currency's %d decimals", s, decimals)
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", decimals-len(part)), 10, 64)
	if err != nil || n > maxMinor {
		return 0, fmt.Errorf("-amount %s is too much; the most is %s", s, formatAmount(maxMinor, decimals))
	}
	if n == 0 {
		return 0, errors.New("-amount must be more than zero")
	}
	return n, nil
}

// formatAmount writes minor units with a point.
func formatAmount(minor int64, decimals int) string {
	s := fmt.Sprintf("%0*d", decimals+1, minor)
	if decimals == 0 {
		return s
	}
	return s[:len(s)-decimals] + "." + s[len(s)-decimals:]
}

// money writes an amount with its currency.
func money(minor int64, currency string) string {
	return currency + " " + formatAmount(minor, decimals(currency, -1))
}

func decimalsFlag(fs *flag.FlagSet) *int {
	return fs.Int("decimals", -1, "how many `DIGITS` follow the point, if not those of the currency (JPY, KRW, VND and others: none)")
}
