package sale

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"cpmd/payment"
)

// IsPaymentCode reports whether a text can be a payment code. Wallets change their formats, so it refuses only
// what surely is none: goods (EAN-8, UPC-A, EAN-13, GTIN-14), addresses, what is too short, and what
// payment.CheckAuthCode refuses.
func IsPaymentCode(text string) bool {
	if len(text) < 10 || payment.CheckAuthCode(payment.AuthCode(text)) != nil {
		return false
	}
	if strings.Trim(text, "0123456789") == "" {
		switch len(text) {
		case 12, 13, 14: // and 8, which is too short anyway
			return false
		}
	}
	return true
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
