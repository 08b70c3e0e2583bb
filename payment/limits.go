package payment

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

const (
	// MaxAmount is the largest amount in minor units: txamt is Int(11) (QFPay docs, payment page).
	MaxAmount = 99_999_999_999
	// MaxAuthCode is the length of the longest auth code: String(128) (QFPay docs, CPM page).
	MaxAuthCode = 128
)

// The characters of what is signed. The text that a signature is over has the values as they are, so one that holds
// an & would read as two fields, and an = may only stand at a value's end: then each text can be read in one way.
var (
	numberForm   = regexp.MustCompile(`^[A-Za-z0-9_]{1,32}$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
	sysSNForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{0,128}$`)
	udidForm     = regexp.MustCompile(`^[ -%'-<>-~]{0,40}$`) // printable ASCII but & and =
	authCodeForm = regexp.MustCompile(`^[A-Za-z0-9+/_-]+={0,2}$`)
)

// CheckAuthCode returns an error if no wallet shows such a code: it is empty, longer than MaxAuthCode, or holds other
// characters than wallets use. Those are digits (WeChat Pay, Alipay, UnionPay), letters (AirPay) and base64, also in
// its form for addresses (EMVCo's consumer-presented codes). The error does not hold the code.
func CheckAuthCode(code AuthCode) error {
	switch text := code.Reveal(); {
	case text == "":
		return errors.New("the auth code is empty")
	case len(text) > MaxAuthCode:
		return fmt.Errorf("the auth code is longer than %d characters, which no wallet's is", MaxAuthCode)
	case !authCodeForm.MatchString(text):
		return errors.New("the auth code holds characters that no wallet shows; scan the code in the customer's wallet")
	}
	return nil
}

func checkFields(number, sysSN string, amount int64, currency, txDTM, udid string) error {
	switch {
	case !numberForm.MatchString(number):
		return errors.New("out_trade_no must be 1 to 32 letters, digits or _")
	case !sysSNForm.MatchString(sysSN):
		return errors.New("the syssn is too long or holds characters that QFPay's do not")
	case amount <= 0 || amount > MaxAmount:
		return fmt.Errorf("the amount must be 1 to %d minor units", int64(MaxAmount))
	case !currencyForm.MatchString(currency):
		return errors.New("the currency must be three capital letters")
	case !udidForm.MatchString(udid):
		return errors.New("the udid must be at most 40 ASCII characters, without & and =")
	}
	if _, err := time.Parse(timeLayout, txDTM); err != nil {
		return errors.New("txdtm must be made by FormatTime")
	}
	return nil
}

// checkCredential returns an error if a credential cannot be right. Its value is not in it.
func checkCredential(name, value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("the %s holds a space, a line break or another odd character; write it without", name)
	}
	if name == "mchid" && strings.ContainsAny(value, "&=") {
		return errors.New("the mchid holds a & or =, which QFPay's do not; write only the id")
	}
	return nil
}
