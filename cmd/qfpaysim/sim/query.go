package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// An entry is one item of a query's list before paging.
type entry struct {
	at   time.Time // sysdtm, which the window filters on
	item map[string]any
	kind string
}

// query is POST /trade/v1/query. Top-level respcd 0000 says that the query worked, nothing more.
func (g *Gateway) query(form map[string]string, now time.Time) *answer {
	numbers, syssns := list(form["out_trade_no"]), list(form["syssn"])
	byID := len(numbers)+len(syssns) > 0
	if !byID && (form["start_time"] == "" || form["end_time"] == "") {
		return refusal("1104", "syssn, out_trade_no or a time range is needed", form)
	}
	from, to, fault := g.window(form, now)
	if fault != "" {
		return refusal("1103", fault, form)
	}
	inWindow := func(t time.Time) bool {
		return byID && g.cfg.AnyMonth || !t.Truncate(time.Second).Before(from) && !t.After(to)
	}
	a := &answer{}
	scripted, isScripted := g.queryScript(numbers, syssns)
	if isScripted {
		a.reply = scripted
	}
	var found []entry
	for _, o := range slices.Clone(g.orders) {
		if byID && !o.isAny(numbers, syssns) {
			continue
		}
		if byID {
			a.orders = append(a.orders, o)
		}
		if !o.real() {
			continue
		}
		if byID && !isScripted && o.queryPlan.Times != 0 && a.reply == (Reply{}) {
			o.queryPlan.Times--
			a.reply = o.queryPlan.Reply
		}
		if !inWindow(o.created) {
			continue
		}
		if byID && o.hide > 0 {
			if a.reply == (Reply{}) {
				o.hide--
			}
			continue
		}
		found = append(found, g.listings(o, now)...)
		if byID && a.reply == (Reply{}) {
			o.seen()
		}
	}
	for _, r := range g.refunds {
		if !r.real() || byID && !r.isAny(numbers, syssns) || !inWindow(r.created) {
			continue
		}
		found = append(found, g.backListings(r, now)...)
		if byID {
			a.backs = append(a.backs, r)
			if a.reply == (Reply{}) {
				r.course.asked()
			}
		}
	}
	a.body = g.queryBody(form, found, a.reply)
	return a
}

// seen counts a query that was answered truly.
func (o *order) seen() {
	if o.state == Pending {
		o.course.asked()
	}
	if o.undo != nil {
		o.undo.asked()
	}
}

func (o *order) isAny(numbers, syssns []string) bool {
	if slices.Contains(numbers, o.number) {
		return true
	}
	if !o.real() {
		return false
	}
	return slices.Contains(syssns, o.syssn) || slices.ContainsFunc(o.undoIDs, func(id string) bool { return slices.Contains(syssns, id) })
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// window is the range that a query searches: by default the current month, never across two.
func (g *Gateway) window(form map[string]string, now time.Time) (from, to time.Time, fault string) {
	zone := g.zone(form)
	now = now.In(zone)
	from = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, zone)
	to = from.AddDate(0, 1, 0).Add(-time.Nanosecond)
	if s := form["start_time"]; s != "" {
		from, _ = time.ParseInLocation(timeForm, s, zone)
	}
	if s := form["end_time"]; s != "" {
		to, _ = time.ParseInLocation(timeForm, s, zone)
		to = to.Add(time.Second - time.Nanosecond)
	}
	switch {
	case to.Before(from):
		fault = "end_time is before start_time"
	case from.Year() != to.Year() || from.Month() != to.Month():
		fault = "start_time and end_time are not in one month"
	}
	return from, to, fault
}

func (g *Gateway) queryBody(form map[string]string, found []entry, reply Reply) object {
	found = slices.DeleteFunc(found, func(e entry) bool {
		return form["respcd"] != "" && e.item["respcd"] != form["respcd"] ||
			form["pay_type"] != "" && !slices.Contains(list(form["pay_type"]), e.item["pay_type"].(string))
	})
	slices.SortStableFunc(found, func(a, b entry) int { return b.at.Compare(a.at) })
	page, size := number(form["page"], 1), number(form["page_size"], 10)
	data := []object{}
	if reply.Fault != "nodata" && !g.habits.ListEmpty {
		for _, e := range g.page(found, page, size) {
			data = append(data, g.shaped(e.kind, e.item).whole())
		}
	}
	code := or(reply.Code, "0000")
	v := map[string]any{"respcd": code, "resperr": "请求成功", "respmsg": "", "data": data, "page": page, "page_size": size}
	if code != "0000" {
		v["resperr"] = textOf(code)
	}
	if g.pick(4, "page", form["out_trade_no"], form["syssn"]) == 0 { // captured answers have both
		v["page"], v["page_size"] = strconv.Itoa(page), strconv.Itoa(size)
	}
	body := g.shaped("query", v)
	if code != "0000" {
		body = body.without("data")
	}
	return body
}

func number(s string, missing int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return missing
}

// itemsOf is what a query lists for a payment: one item, and with also=attempts two more under the same number.
func (g *Gateway) itemsOf(o *order) []entry {
	item := g.item(o)
	out := []entry{{o.created, item, "item"}}
	if o.plan.Also == "attempts" {
		failed, back := g.item(o), g.item(o)
		failed["respcd"], failed["errmsg"], failed["paydtm"], failed["chnlsn"], failed["cancel"] = "1181", textOf("1181"), "", "", "0"
		failed["syssn"] = o.syssn[:8] + "9" + o.syssn[9:]
		back["order_type"], back["respcd"], back["errmsg"], back["syssn"] = "refund", "0000", textOf("0000"), ""
		back["origssn"], back["cancel"] = failed["syssn"], "0"
		out = append([]entry{{o.created, failed, "item"}, {o.created, back, "refunditem"}}, out...)
	}
	return out
}

func (g *Gateway) item(o *order) map[string]any {
	v := map[string]any{
		"cardtp": "5", "cancel": o.cancel, "pay_type": o.payType, "order_type": "payment", "clisn": o.syssn[len(o.syssn)-6:],
		"txdtm": o.txdtm, "out_trade_no": o.number, "syssn": o.syssn, "sysdtm": o.created.Format(timeForm),
		"paydtm": when(o.paid), "goods_name": o.goods, "txcurrcd": o.currency, "udid": o.udid, "userid": "2605489",
		"txamt": g.txamt(o.amount, o.number), "chnlsn": o.chnlsn, "respcd": o.respcd, "errmsg": textOf(o.respcd),
		"origssn": nil, "cash_fee": strconv.FormatInt(o.amount, 10), "cash_fee_type": o.currency,
	}
	if g.cfg.Shape == "2017" {
		v["txcurrcd"] = ""
	}
	return v
}
