package sim

import (
	"fmt"
	"slices"
	"time"
)

// A refund is one out_trade_no of a refund.
type refund struct {
	number, syssn string
	of            *order
	amount        int64
	txdtm, udid   string
	created, done time.Time
	arrives       time.Time // of one that is on its way
	list          ListPlan
	looks         int
	state         State // Absent, Pending, Refunded or Declined
	respcd        string
	course        Course
	posts         int
	requests      []Request
}

func (r *refund) real() bool { return r != nil && r.state != Absent }

func (r *refund) isAny(numbers, syssns []string) bool {
	return slices.Contains(numbers, r.number) || slices.Contains(syssns, r.syssn)
}

// refund is POST /trade/v1/refund.
func (g *Gateway) refund(form map[string]string, now time.Time) *answer {
	number := form["out_trade_no"]
	if g.used(number) {
		a := refusal("1251", "out_trade_no is used", form)
		if r := g.backNo[number]; r != nil {
			a.backs = []*refund{r}
		} else {
			a.orders = []*order{g.byNo[number]}
		}
		return a.about(form["syssn"])
	}
	o := g.orderOf(map[string]string{"syssn": form["syssn"]})
	if o == nil {
		return refusal("1268", "", form).about(form["syssn"])
	}
	r := g.backNo[number]
	if r == nil {
		r = &refund{number: number}
		g.refunds, g.backNo[number] = append(g.refunds, r), r
	}
	r.of, r.amount, r.txdtm, r.udid, r.created = o, amount(form), form["txdtm"], or(form["udid"], "qiantai2"), now
	r.state, r.done, r.arrives = Absent, time.Time{}, time.Time{}
	form["txcurrcd"] = o.currency
	if respcd, respmsg, resperr := g.refundRule(r, now); respcd != "" {
		r.respcd = respcd
		a := refusal(respcd, respmsg, form).about(o.syssn)
		if resperr != "" {
			a.body = a.body.with("resperr", resperr)
		}
		a.backs = []*refund{r}
		return a
	}
	plan := g.refundPlan(r)
	if plan.List != nil {
		r.list = *plan.List
	}
	if plan.Late > 0 {
		return g.refundLate(r, plan, form, now)
	}
	fate := plan.Fate
	if fate == "" {
		if fate = fateOf(plan.Code); fate == FateDeclined {
			fate = FateAbsent
		}
	}
	respcd := "0000"
	switch fate {
	case FateAbsent:
		r.respcd = or(plan.Code, "1100")
		a := refusal(r.respcd, "", form).about(o.syssn)
		a.reply, a.backs = plan.Reply, []*refund{r}
		return a
	case FateDeclined:
		respcd = or(plan.Code, "1155")
		r.state, r.respcd = Declined, respcd
	case FatePending:
		respcd = "1143"
		r.state, r.respcd = Pending, respcd
		r.course = Course{Polls: plan.Polls, After: plan.After, Then: plan.Then, from: now}
	default:
		r.succeed(now, g.cfg.Shape)
	}
	r.syssn = g.serial(now, "refund", number)
	respcd = or(plan.Code, respcd)
	if r.state == Pending {
		r.respcd = respcd
	}
	return &answer{reply: plan.Reply, backs: []*refund{r}, body: g.refundBody(r, respcd, now)}
}

func (g *Gateway) refundBody(r *refund, respcd string, now time.Time) object {
	o := r.of
	return g.shaped("refund", map[string]any{
		"orig_syssn": o.syssn, "sysdtm": now.Format(timeForm), "paydtm": when(r.done), "txdtm": r.txdtm, "udid": r.udid,
		"txcurrcd": o.currency, "txamt": g.txamt(r.amount, r.number), "resperr": textOf(respcd), "respmsg": "",
		"out_trade_no": r.number, "syssn": r.syssn, "respcd": respcd, "chnlsn": o.chnlsn, "cardcd": "",
	})
}

// refundLate answers now for a refund that comes into the books later.
func (g *Gateway) refundLate(r *refund, plan RefundPlan, form map[string]string, now time.Time) *answer {
	r.arrives = now.Add(time.Duration(plan.Late))
	a := refusal(or(plan.Code, "1100"), "", form).about(r.of.syssn)
	if c := catOf(plan.Code); plan.Code != "" && (c == catOK || c == catWait) {
		r.syssn = g.serial(now, "refund", r.number)
		a.body = g.refundBody(r, plan.Code, now)
	}
	a.reply, a.backs = plan.Reply, []*refund{r}
	return a
}

// arrive books a refund that was on its way, if it is due and its payment still has the money.
func (g *Gateway) arrive(r *refund, now time.Time) {
	if r.arrives.IsZero() || now.Before(r.arrives) {
		return
	}
	at := r.arrives
	r.arrives = time.Time{}
	if respcd, _, _ := g.refundRule(r, at); respcd != "" {
		r.respcd = respcd
		return
	}
	if r.syssn == "" {
		r.syssn = g.serial(at, "refund", r.number)
	}
	r.created = at
	r.succeed(at, g.cfg.Shape)
}

// about names the payment that a refused refund was for.
func (a *answer) about(syssn string) *answer {
	a.body = append(object{{"orig_syssn", syssn}}, a.body...)
	return a
}

// refundRule returns why a refund is refused; "" if it is not.
func (g *Gateway) refundRule(r *refund, now time.Time) (respcd, respmsg, resperr string) {
	o := r.of
	if m := now.Hour()*60 + now.Minute(); !g.cfg.AnyHour && (m >= 23*60+30 || m < 30) {
		return "1265", "", ""
	}
	switch o.state {
	case Pending, Declined:
		return "1261", "", ""
	case Closed, Refunded:
		return "1264", "wrong cancel", "" // captured for a second refund
	case Reversed:
		return "1263", "wrong cancel", ""
	}
	left := o.kept()
	busy := o.undo != nil
	for _, other := range g.refunds {
		if other.of == o && other != r && other.real() {
			if other.state == Pending {
				left -= other.amount
			}
			busy = busy || other.state == Pending || other.state == Refunded && now.Sub(other.created) < time.Second
		}
	}
	switch {
	case r.amount > left:
		return "1272", "", ""
	case busy:
		return "1297", "an earlier refund is still processing", ""
	}
	if funds := g.takenToday(o, now); g.cfg.SameDayFunds && funds < r.amount {
		return "1269", "", fmt.Sprintf("Today this payment method refundable balance is %d %s, not enough.(1269)", funds, o.currency)
	}
	return "", "", ""
}

// takenToday is what is left of the day's takings in the payment's wallet and currency.
func (g *Gateway) takenToday(like *order, now time.Time) int64 {
	day := now.Format("20060102")
	var sum int64
	for _, o := range g.orders {
		if o.charges > 0 && o.payType == like.payType && o.currency == like.currency {
			if o.paid.In(g.cfg.Zone).Format("20060102") == day {
				sum += int64(o.charges)*o.amount - o.returned
			}
		}
	}
	for _, r := range g.refunds {
		if r.state == Refunded && r.of.payType == like.payType && r.of.currency == like.currency &&
			r.done.In(g.cfg.Zone).Format("20060102") == day {
			sum -= r.amount
		}
	}
	return sum
}

func (r *refund) succeed(now time.Time, shape string) {
	r.state, r.respcd, r.done = Refunded, "0000", now
	o := r.of
	o.refunded += r.amount
	switch {
	case o.kept() > 0:
		o.cancel = "5"
	case shape == "2017":
		o.state, o.cancel = Refunded, "2" // captured then
	default:
		o.state, o.cancel = Refunded, "3"
	}
	o.mark(now)
}

func (r *refund) settle(now time.Time, shape string) {
	if r.state != Pending || !r.course.due(now) {
		return
	}
	if r.course.Then == FateDeclined {
		r.state, r.respcd = Declined, "1155"
		return
	}
	r.succeed(r.course.end(now), shape)
}

func (g *Gateway) refundItem(r *refund) map[string]any {
	o := r.of
	v := map[string]any{
		"syssn": r.syssn, "out_trade_no": r.number, "chnlsn": o.chnlsn, "txcurrcd": o.currency, "origssn": o.syssn,
		"pay_type": o.payType, "order_type": "refund", "txdtm": r.txdtm, "txamt": g.txamt(r.amount, r.number),
		"sysdtm": r.created.Format(timeForm), "cancel": "0", "paydtm": when(r.done), "userid": "2605489",
		"respcd": r.respcd, "errmsg": textOf(r.respcd), "clisn": r.syssn[len(r.syssn)-6:], "cardtp": "5",
	}
	if g.cfg.Shape == "2017" {
		v["txcurrcd"], v["syssn"] = "", ""
	}
	return v
}
