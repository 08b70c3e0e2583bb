package payment

import (
	"fmt"
	"slices"
)

// A PayType is a pay_type that takes a code the customer shows at the counter.
type PayType struct {
	Code   string
	Wallet string // short name for totals and receipts; empty where QFPay finds the wallet out by itself
	Name   string // for people
	Cancel string // the endpoint that cancels: "reversal", "close" or, where none is known to, ""
}

// PayTypes are the CPM pay types (QFPay docs, paytypes page of 2026, and its table of 2025 for the regional
// ones). QFPay enables them merchant by merchant.
//
// Which endpoint cancels what differs between editions of QFPay's docs; this is the newest one (reversal page
// of 2026), which names no way for wallets other than Alipay and WeChat Pay.
var PayTypes = []PayType{
	{"800008", "", "WeChat Pay, Alipay, UnionPay or PayMe, found out by QFPay", "close"},
	{"800108", "alipay", "Alipay and AlipayHK", "reversal"},
	{"800208", "wechat", "WeChat Pay", "close"},
	{"801008", "wechat", "WeChat Pay HK", "close"},
	{"805808", "payme", "PayMe", ""},
	{"800708", "unionpay", "UnionPay QuickPass", ""},
	{"801208", "linepay", "LINE Pay", ""},
	{"801408", "airpay", "AirPay", ""},
	{"801908", "origami", "Origami", ""},
	{"803008", "ewallet", "eWallet", ""},
	{"803108", "via", "VIA", ""},
	{"803208", "touchngo", "Touch 'n Go", ""},
	{"803308", "razer", "Razer Pay", ""},
	{"803808", "dash", "Dash", ""},
	{"804008", "boost", "Boost", ""},
	{"804108", "maybank", "Maybank", ""},
	{"804208", "grabpay", "GrabPay", ""},
	{"805208", "truemoney", "TrueMoney", ""},
}

// notCounter are pay types that people try at a counter and that cannot work there.
var notCounter = map[string]string{
	"803701": "Octopus shows no code that a shop can scan",
	"803712": "Octopus shows no code that a shop can scan",
	"803714": "Octopus shows no code that a shop can scan",
	"802001": "FPS shows no code that a shop can scan",
	"802808": "it is for card terminals",
	"806708": "it is for card terminals",
	"806808": "it is for card terminals",
	"801801": "it is a pre-authorisation",
	"801808": "it is a pre-authorisation",
}

// CheckPayType returns why a pay type cannot take codes at a counter, and what to write instead; nil if it can.
func CheckPayType(payType string) error {
	if _, ok := lookup(payType); ok {
		return nil
	}
	why, ok := notCounter[payType]
	switch {
	case ok:
	case len(payType) == 6 && payType[4:] == "01":
		why = "pay types that end in 01 show a code for the customer to scan"
	default:
		why = "it is not in QFPay's table of counter pay types"
	}
	return fmt.Errorf("pay_type %q cannot be used to scan a customer's code: %s; use 800008, which finds the wallet out, "+
		"or the one QFPay enabled for you", payType, why)
}

// KnownPayType reports whether a pay type is in PayTypes.
func KnownPayType(payType string) bool { return CheckPayType(payType) == nil }

// CanCancel reports whether QFPay documents a way to cancel an unfinished payment of that pay type.
func CanCancel(payType string) bool { return cancelEndpoint(payType) != "" }

func cancelEndpoint(payType string) string {
	p, _ := lookup(payType)
	return p.Cancel
}

// Wallet names the wallet of a pay type, also of one that is not for the counter: the first four digits name the
// wallet, the last two the way of paying. It is "" for 800008 and for what is not known.
func Wallet(payType string) string {
	if len(payType) != 6 {
		return ""
	}
	for _, p := range PayTypes {
		if p.Code[:4] == payType[:4] {
			return p.Wallet
		}
	}
	return ""
}

func lookup(payType string) (PayType, bool) {
	i := slices.IndexFunc(PayTypes, func(p PayType) bool { return p.Code == payType })
	if i < 0 {
		return PayType{}, false
	}
	return PayTypes[i], true
}
