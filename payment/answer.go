package payment

import (
	"fmt"
	"strconv"
)

const (
	wrongSignature = "the answer's signature is wrong"
	noSignature    = "QFPay says 0000 in an answer without a signature, although its answers are signed: it is not believed"
)

// An echo is what an answer has to repeat of the request. What it leaves out is no contradiction, but a payment or
// refund is believed only with its number and amount.
type echo struct {
	outTradeNo string
	origSysSN  string // of a cancel or refund: the payment's
	amount     int64
	currency   string
}

// answer returns what the reply to a payment, cancel or refund means.
func (r reply) answer(in column, want echo) Answer {
	a := r.judged(in, want)
	a.Genuine = r.err == nil && r.seal == genuine
	return a
}

func (r reply) judged(in column, want echo) Answer {
	if a, ok := r.unusable(); ok {
		return a
	}
	o := r.object
	a := meaning(o.code("respcd"), in)
	a.RespCD, a.Text = o.code("respcd"), o.says("resperr", "respmsg")
	unknown := func(why string, args ...any) Answer {
		return Answer{Meaning: Unknown, RespCD: a.RespCD, Text: a.Text, Alarm: fmt.Sprintf(why, args...)}
	}
	if why := want.contradiction(o); why != "" {
		return unknown("the answer (respcd %s) is for another request: %s", a.RespCD, why)
	}
	a.SysSN, a.ChnlSN, a.PayType = o.id("syssn"), o.id("chnlsn"), o.id("pay_type")
	if a.Meaning == Paid {
		switch {
		case r.status/100 != 2:
			return unknown("QFPay says 0000 with HTTP status %d", r.status)
		case r.seal == stripped:
			return unknown(noSignature)
		case o.text("out_trade_no") == "" && (want.origSysSN == "" || o.text("orig_syssn") == ""), o.text("txamt") == "":
			return unknown("QFPay says 0000 without repeating what for")
		case o.shownByShop():
			return unknown("QFPay made a code for the customer to scan instead of taking the customer's (pay_type %s)", a.PayType)
		}
	}
	return a
}

// unusable is the answer where the reply holds none to go by.
func (r reply) unusable() (Answer, bool) {
	switch {
	case r.err != nil && !r.sent:
		return Answer{Meaning: NotSent, Err: r.err}, true
	case r.err != nil && r.seal == forged:
		return Answer{Meaning: Unknown, Err: r.err, Alarm: wrongSignature + "; check the client key"}, true
	case r.err != nil:
		return Answer{Meaning: Unknown, Err: r.err, Throttled: r.status == 429}, true
	}
	a := Answer{Meaning: Unknown, RespCD: r.object.code("respcd"), Text: r.object.says("resperr", "respmsg")}
	switch {
	case r.seal == forged:
		a.Alarm = fmt.Sprintf("%s (its respcd is %q); check the client key", wrongSignature, a.RespCD)
		return a, true
	case r.status == 429, r.status/100 != 2 && r.status/100 != 4:
		a.Err, a.Throttled = fmt.Errorf("HTTP %d", r.status), r.status == 429
		return a, true
	}
	return Answer{}, false
}

// contradiction names the field that does not repeat the request; "" if none.
func (e echo) contradiction(o object) string {
	for _, f := range []field{
		{"out_trade_no", e.outTradeNo}, {"orig_syssn", e.origSysSN},
		{"txamt", strconv.FormatInt(e.amount, 10)}, {"txcurrcd", e.currency},
	} {
		if got := o.text(f.name); got != "" && f.value != "" && got != f.value {
			return fmt.Sprintf("%s is %q instead of %q", f.name, words(o.hide.Replace(got), 40), f.value)
		}
	}
	return ""
}

// shownByShop tells the answer to an order that the customer has yet to scan and pay: 0000 means no more there
// than that the order was made (QFPay docs, payment page; pay types that end in 01).
func (o object) shownByShop() bool {
	for _, name := range []string{"qrcode", "code_url", "pay_url"} {
		if o.text(name) != "" {
			return true
		}
	}
	payType := o.text("pay_type")
	return len(payType) == 6 && payType[4:] == "01"
}
