package sim

import (
	"time"
)

// cancel is POST /trade/v1/reversal and /trade/v1/close.
func (g *Gateway) cancel(call string, form map[string]string, now time.Time) *answer {
	o := g.orderOf(form)
	if o == nil {
		a := refusal("1136", "", form)
		if ghost := g.byNo[form["out_trade_no"]]; ghost != nil {
			a.orders = []*order{ghost}
		}
		return a
	}
	plan := g.cancelPlan(o)
	respcd, id := g.undo(call, o, form, plan, now)
	if plan.Again > 0 {
		o.copyOf, o.copyAt = call, now.Add(time.Duration(plan.Again))
	}
	if plan.Code != "" {
		respcd = plan.Code
	}
	a := &answer{reply: plan.Reply, orders: []*order{o}}
	if c := catOf(respcd); c != catOK && c != catWait {
		a.body = refusal(respcd, "", form).body
		return a
	}
	if id == "" {
		id = g.serial(now, call, o.number, now.String())
	}
	o.undoIDs = append(o.undoIDs, id)
	a.body = g.shaped(call, map[string]any{
		"orig_syssn": o.syssn, "syssn": id, "out_trade_no": o.number, "txamt": g.txamt(o.amount, o.number),
		"txcurrcd": o.currency, "txdtm": o.txdtm, "sysdtm": now.Format(timeForm), "udid": o.udid, "respcd": respcd,
		"resperr": textOf(respcd), "surcharge_fee": "0", "surcharge_rate": "0",
	})
	return a
}

// orderOf finds the recorded payment that a call names by syssn, out_trade_no or both.
func (g *Gateway) orderOf(form map[string]string) *order {
	for _, o := range g.orders {
		if o.real() && (form["syssn"] == "" || o.syssn == form["syssn"]) &&
			(form["out_trade_no"] == "" || form["syssn"] != "" || o.number == form["out_trade_no"]) {
			if form["out_trade_no"] != "" && o.number != form["out_trade_no"] {
				return nil
			}
			return o
		}
	}
	return nil
}

// undo does what a cancel does and returns the true respcd.
func (g *Gateway) undo(call string, o *order, form map[string]string, plan CancelPlan, now time.Time) (respcd, id string) {
	switch {
	case amount(form) != o.amount:
		return "1266", ""
	case form["txdtm"] != o.txdtm:
		return "1267", ""
	}
	pays := func() {
		if o.state == Pending {
			o.charge(now)
		}
	}
	switch plan.Effect {
	case "race":
		pays()
	case "kept":
		if pays(); o.state == Paid {
			return "1260", ""
		}
	case "returned":
		if pays(); o.state == Paid {
			o.undone(now)
			return "0000", ""
		}
	case "unsupported":
		return "1297", ""
	case "none":
		return "0000", ""
	case "later":
		if o.state == Pending || o.state == Paid {
			o.undo = &Course{Polls: plan.Polls, After: plan.After, from: now}
			return "1145", ""
		}
	case "overtaken":
		if o.state == Pending {
			o.course = Course{After: plan.After, from: now}
			return "0000", ""
		}
	}
	return g.byWallet(call, o, now), ""
}

// byWallet is what a cancel does without a plan.
func (g *Gateway) byWallet(call string, o *order, now time.Time) string {
	switch {
	case o.wallet.Cancels == "none":
		return "1297"
	case !o.cancelBy(call):
		return "1101"
	case o.undo != nil:
		return "1145"
	case o.wallet.Revokes && now.Sub(o.created) < g.cfg.WeChatCloseAfter:
		return "1297"
	}
	switch o.state {
	case Pending:
		o.undone(now)
		return "0000"
	case Paid:
		if o.refunded > 0 {
			return "1262"
		}
		if !o.wallet.Revokes {
			return "1260"
		}
		o.undone(now)
		return "0000"
	case Closed:
		return "1264"
	case Reversed:
		return "1263"
	case Refunded:
		return "1262"
	}
	return "1142"
}
