package sim

import "strings"

// A Wallet is what a payment code belongs to.
type Wallet struct {
	Name    string
	PayType string // that an order under 800008 resolves to
	codes   []codeForm
	// Cancels is the call that undoes an order: reversal, close or none (QFPay docs, reversal page).
	Cancels string
	// Revokes: cancelling a paid order gives the money back (WeChat); otherwise it is refused with 1260.
	Revokes bool
}

type codeForm struct {
	prefixes string // two digits each
	min, max int    // length
}

// Wallets, with the code forms that their own pages state. PayMe's form is not published: the one here is
// invented, so that 800008 can resolve to it.
var Wallets = []*Wallet{
	{Name: "alipay", PayType: "800108", codes: []codeForm{{"25 26 27 28 29 30", 16, 24}}, Cancels: "reversal"},
	{Name: "wechat", PayType: "800208", codes: []codeForm{{"10 11 12 13 14 15", 18, 18}}, Cancels: "close", Revokes: true},
	{Name: "unionpay", PayType: "800708", codes: []codeForm{{"62", 19, 19}}, Cancels: "none"},
	{Name: "payme", PayType: "805808", codes: []codeForm{{"90", 18, 18}}, Cancels: "none"},
}

// regional wallets have pay types of their own and no code form that could be told apart; any code will do.
var regional = &Wallet{Name: "other", Cancels: "none"}

const anyWallet = "800008"

var (
	defaultPayTypes   = []string{anyWallet, "800108", "800208", "801008", "805808", "800708"}
	defaultCurrencies = []string{"AED", "CNY", "EUR", "HKD", "IDR", "JPY", "MMK", "MYR", "SGD", "THB", "USD", "CAD", "AUD"}
)

// walletOf finds the wallet of a code by its prefix and length; nil if it is none's.
func walletOf(code string) *Wallet {
	if strings.Trim(code, "0123456789") != "" {
		return nil
	}
	for _, w := range Wallets {
		for _, f := range w.codes {
			if len(code) >= f.min && len(code) <= f.max && strings.Contains(f.prefixes, code[:2]) {
				return w
			}
		}
	}
	return nil
}

// resolve finds the wallet that pays a code under a pay type, the pay type that answers show, and the respcd
// if the two do not go together.
func resolve(payType, code string) (w *Wallet, resolved, respcd string) {
	w = walletOf(code)
	if payType == anyWallet {
		if w == nil {
			return nil, payType, "2005"
		}
		return w, w.PayType, ""
	}
	want := payType
	if payType == "801008" {
		want = "800208" // WeChat Pay HK reads the same codes
	}
	for _, known := range Wallets {
		if known.PayType != want {
			continue
		}
		switch {
		case w == known:
			return w, payType, ""
		case w != nil && w.Name == "wechat" && want == "800108":
			return known, payType, "1144" // 2018 reference: a WeChat code scanned as Alipay
		case w != nil:
			return known, payType, "2006"
		}
		return known, payType, "2005"
	}
	return regional, payType, ""
}

// cancelBy reports whether an order is cancelled by the call ("reversal" or "close"). QFPay's page names 800108 for
// reversal, and 800008, 800208 and 801008 for close; an order under 800008 also takes its wallet's own call.
func (o *order) cancelBy(call string) bool {
	if o.wallet.Cancels == "none" {
		return false
	}
	return call == o.wallet.Cancels || call == "close" && o.asked == anyWallet
}

// mask keeps the first and the last four characters where at least eight stay hidden.
func mask(code string) string {
	keep := min(4, len(code)/4)
	return code[:keep] + strings.Repeat("*", len(code)-2*keep) + code[len(code)-keep:]
}
