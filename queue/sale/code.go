package sale

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"cpmd/payment"
)

// looksLikePayment says whether a text can be a payment code. Wallets change their formats, so it refuses only
// what surely is none: goods (EAN-8, UPC-A, EAN-13, GTIN-14), addresses, and what is too short, too long (QFPay,
// auth_code String(128)) or not printable ASCII.
func IsPaymentCode(text string) bool {
	if len(text) < 10 || len(text) > 128 {
		return false
	}
	digits := true
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' {
			return false
		}
		digits = digits && '0' <= c && c <= '9'
	}
	if digits {
		switch len(text) {
		case 12, 13, 14: // and 8, which is too short anyway
			return false
		}
	}
	lower := strings.ToLower(text)
	return !strings.Contains(lower, "://") && !strings.HasPrefix(lower, "www.") && !strings.HasPrefix(lower, "http:") && !strings.HasPrefix(lower, "https:")
}

// A Mark stands for an auth code that is not kept: what may be shown of it, and a hash that tells it again.
type MaskedCode struct {
	Mask string
	Hash string // hex SHA-256
}

// MarkOf makes the Mark of a code.
func Mask(code payment.AuthCode) MaskedCode {
	sum := sha256.Sum256([]byte(code.Reveal()))
	return MaskedCode{Mask: code.String(), Hash: hex.EncodeToString(sum[:])}
}
