package sim

import (
	"strconv"
	"time"
)

// payment is POST /trade/v1/payment.
func (g *Gateway) payment(form map[string]string, now time.Time) *answer {
	number, code, payType := form["out_trade_no"], form["auth_code"], form["pay_type"]
	if g.used(number) {
		a := refusal("1251", "out_trade_no is used", form)
		if o := g.byNo[number]; o != nil {
			a.orders = []*order{o}
		} else {
			a.backs = []*refund{g.backNo[number]}
		}
		return a
	}
	o := &order{
		number: number, asked: payType, code: code, amount: amount(form), currency: form["txcurrcd"],
		txdtm: form["txdtm"], udid: or(form["udid"], "qiantai2"), goods: form["goods_name"],
		created: now, state: Absent,
	}
	if !g.payTypes[payType] {
		return g.unrecorded(o, refusal("1104", "filter error", form))
	}
	w, resolved, respcd := resolve(payType, code)
	if w == nil {
		w = regional
	}
	o.wallet, o.payType = w, resolved
	if respcd == "" && g.codes[code] && !g.cfg.ReuseCodes {
		respcd = "2005"
	}
	if respcd != "" {
		o.plan = Plan{Reply: Reply{Code: respcd}, Fate: FateDeclined, name: "refused code"}
		fresh := !g.codes[code]
		g.begin(o, now)
		if fresh {
			delete(g.codes, code) // a code of another wallet is not used up
		}
		return &answer{body: g.paymentBody(o, respcd), reply: Reply{}, orders: []*order{o}}
	}
	o.plan = g.planFor(o)
	reply := o.plan.Reply
	switch {
	case o.plan.Late > 0:
		a := g.unrecorded(o, refusal(or(reply.Code, "1100"), "", form))
		o.arrives = now.Add(time.Duration(o.plan.Late))
		g.late = append(g.late, o)
		a.reply = reply
		return a
	case o.plan.fate() == FateAbsent:
		a := g.unrecorded(o, refusal(or(reply.Code, "1100"), "", form))
		a.reply = reply
		return a
	}
	if o.plan.Booked > 0 {
		o.syssn = g.serial(now, "payment", o.number)
		o.arrives = now.Add(time.Duration(o.plan.Booked))
		g.late = append(g.late, o)
		a := g.unrecorded(o, &answer{body: g.paymentBody(o, or(reply.Code, answerTo(o.plan.fate())))})
		a.reply = reply
		return a
	}
	g.begin(o, now)
	respcd = o.respcd
	if reply.Code != "" {
		respcd = reply.Code
	}
	return &answer{body: g.paymentBody(o, respcd), reply: reply, orders: []*order{o}}
}

// answerTo is what a call is answered whose payment has that fate.
func answerTo(f Fate) string {
	switch f {
	case FatePaid:
		return "0000"
	case FatePending:
		return "1143"
	}
	return "1142"
}

// used reports whether a number is taken: numbers are unique over payments and refunds together.
func (g *Gateway) used(number string) bool {
	return g.byNo[number].real() || g.backNo[number].real()
}

// unrecorded keeps a call for the ledger that QFPay's books know nothing of.
func (g *Gateway) unrecorded(o *order, a *answer) *answer {
	if have := g.byNo[o.number]; have != nil {
		a.orders = []*order{have}
		return a
	}
	g.orders = append(g.orders, o)
	g.byNo[o.number] = o
	a.orders = []*order{o}
	return a
}

func (g *Gateway) paymentBody(o *order, respcd string) object {
	msg := ""
	if respcd == "0000" {
		msg = "OK"
	}
	v := map[string]any{
		"pay_type": o.payType, "sysdtm": o.created.Format(timeForm), "paydtm": when(o.paid),
		"txdtm": o.txdtm, "udid": o.udid, "txcurrcd": o.currency, "txamt": g.txamt(o.amount, o.number),
		"resperr": textOf(respcd), "respmsg": msg, "out_trade_no": o.number, "syssn": o.syssn,
		"respcd": respcd, "chnlsn": "", "cardcd": "",
	}
	if respcd == "0000" {
		v["chnlsn"], v["cardcd"] = o.chnlsn, o.payer()
		if o.chnlsn == "" { // an answer that lies
			v["paydtm"], v["chnlsn"] = o.created.Format(timeForm), o.wallet.receipt(o.syssn)
		}
	}
	return g.shaped("payment", v)
}

// txamt is a string, and now and then a number: captured answers have both.
func (g *Gateway) txamt(n int64, number string) any {
	if g.pick(4, "txamt", number) == 0 {
		return n
	}
	return strconv.FormatInt(n, 10)
}

// payer is who paid, as the wallet tells it.
func (o *order) payer() string {
	if o.wallet.Name == "alipay" {
		return "2088" + o.syssn[len(o.syssn)-12:]
	}
	return "payer" + o.syssn[len(o.syssn)-8:]
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(timeForm)
}
