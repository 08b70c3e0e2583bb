package sale

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"cpmd/payment"
)

// IsPaymentCode reports whether a text can be a payment code. Wallets change their formats, so it refuses only
// what surely is none: goods and addresses, what is too short, and what payment.CheckAuthCode refuses.
func IsPaymentCode(text string) bool {
	return len(text) >= 10 && !IsGoods(text) && payment.CheckAuthCode(payment.AuthCode(text)) == nil
}

// IsGoods reports whether a text is a goods barcode (EAN-8, UPC-A, EAN-13, GTIN-14) or an address, which a lane's
// scanner may read while a sale waits.
func IsGoods(text string) bool {
	lower := strings.ToLower(text)
	if strings.Contains(lower, "://") || strings.HasPrefix(lower, "www.") || strings.HasPrefix(lower, "http:") || strings.HasPrefix(lower, "https:") {
		return true
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	switch len(text) {
	case 8, 12, 13, 14:
		return true
	}
	return false
}

// A MaskedCode stands for an auth code that is not kept: what may be shown of it, and a hash that tells it again.
type MaskedCode struct {
	Mask string
	Hash string // hex SHA-256
}

// Mask makes the MaskedCode of a code.
func Mask(code payment.AuthCode) MaskedCode {
	sum := sha256.Sum256([]byte(code.Reveal()))
	return MaskedCode{Mask: code.String(), Hash: hex.EncodeToString(sum[:])}
}
