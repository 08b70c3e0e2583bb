package certify

import (
	"maps"
	"slices"
	"strconv"

	"cpmd/queue/sale"
)

// expect waits for the till's end and judges what it said: by what is true of the bill at that moment, and by what the case
// wanted to hear.
func (w *world) expect(r *run, broken rule, wanted ...verdict) {
	if w.err != nil {
		return
	}
	said := r.verdict()
	found := len(w.findings)
	w.judgeTruth(said, broken)
	if len(w.findings) == found && !slices.Contains(wanted, said) {
		want := wanted[0].String()
		for _, v := range wanted[1:] {
			want += " or " + v.String()
		}
		w.find(broken, false, "%s; right was %s", r.said(w.plan.Limit), want)
	}
}

// judgeTruth compares what the till said with the sales of the bill.
func (w *world) judgeTruth(said verdict, broken rule) {
	paid, open := 0, sale.State("")
	for _, v := range w.ours() {
		switch {
		case v.State == sale.Paid:
			paid++
		case !v.Final:
			open = v.State
		}
	}
	switch {
	case said == saysPaid && paid == 0:
		w.find(ruleStop, true, `it said "paid", and nothing was paid: the goods are gone for nothing`)
	case said == saysNotPaid && paid > 0:
		w.find(broken, true, `it said "not paid", and the customer had paid: the bill will be charged again`)
	case said == saysNotPaid && open != "":
		w.find(broken, true, `it said "not paid" while the sale was %s: the customer may still pay, and the bill be charged again`, open)
	}
}

// judgeCalls looks at what the till asked, at the end of a case.
func (w *world) judgeCalls() {
	charges := 0
	for _, v := range w.ours() {
		if v.State == sale.Paid {
			charges++
		}
	}
	if charges > 1 {
		w.find(ruleNotAgain, true, "the customer was charged %d times", charges)
	}
	puts := w.front.Calls(putSale)
	if len(puts) == 0 {
		w.find(ruleStop, false, "it never opened a sale (PUT /v1/sales/{id} or sale.put)")
		return
	}
	asked := map[string]call{} // by id
	for _, c := range puts {
		before, again := asked[c.id]
		if again && !maps.Equal(before.fields, c.fields) {
			w.find(ruleSame, false, "it opened %s twice with different content: %v, then %v", c.id, before.fields, c.fields)
		}
		asked[c.id] = c
		if c.fields["again"] == "true" {
			w.find(rulePaidToday, true, `it sent "again":true by itself: that is a person's decision`)
		}
	}
	if !w.newIDs && len(asked) > 1 {
		w.find(ruleID, true, "it opened the same bill under %d ids: %v", len(asked), w.front.IDs())
	}
	last := puts[len(puts)-1].fields
	if last["amount"] != strconv.FormatInt(w.bill.Amount, 10) || last["currency"] != w.bill.Currency {
		w.find(ruleAmount, true, "it asked for %s %s, and the bill is %d %s in minor units", last["amount"], last["currency"], w.bill.Amount, w.bill.Currency)
	}
	if last["ticket"] == "" {
		w.find(ruleTicket, false, "it sends no ticket, so that cpmd cannot see that a bill is charged twice")
	}
}
