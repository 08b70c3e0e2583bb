package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// A Deed is what people do to the books from outside: staff in the merchant portal, another till, the customer, or
// QFPay's own. One of the first five names what is done, and to which out_trade_no.
type Deed struct {
	Refund   string `json:"refund,omitempty"`   // give back amount of it, all that is left if 0
	Reverse  string `json:"reverse,omitempty"`  // undo it: what was paid goes back, what was not is closed
	Complete string `json:"complete,omitempty"` // the customer pays it after all, whatever became of it
	Sell     string `json:"sell,omitempty"`     // another till is paid under this number
	Relist   string `json:"relist,omitempty"`   // lists show this payment or refund as list says

	Amount   int64     `json:"amount,omitempty"`
	Currency string    `json:"currency,omitempty"` // of a sale; default HKD
	Number   string    `json:"number,omitempty"`   // of the refund; else one is made up
	Quiet    bool      `json:"quiet,omitempty"`    // the refund has no item of its own, only the payment's cancel changes
	List     *ListPlan `json:"list,omitempty"`
}

// Do does it at once. The rules for API calls do not bind the portal: it refunds at any hour and on any day.
func (g *Gateway) Do(d Deed) error {
	named := 0
	for _, s := range []string{d.Refund, d.Reverse, d.Complete, d.Sell, d.Relist} {
		if s != "" {
			named++
		}
	}
	if named != 1 {
		return errors.New("sim: one of refund, reverse, complete, sell or relist names an out_trade_no")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.settle(now)
	if d.Sell != "" {
		return g.sell(d, now)
	}
	if d.Relist != "" {
		return g.relist(d)
	}
	number := or(d.Refund, or(d.Reverse, d.Complete))
	o := g.byNo[number]
	if !o.real() {
		return fmt.Errorf("sim: QFPay knows no payment %s", number)
	}
	switch {
	case d.Complete != "":
		if o.state == Paid || o.charges > 0 {
			return fmt.Errorf("sim: %s was paid already", number)
		}
		o.charge(now)
	case d.Reverse != "":
		if o.state != Paid && o.state != Pending {
			return fmt.Errorf("sim: %s is %s, there is nothing to reverse", number, o.state)
		}
		o.undone(now)
	default:
		return g.refundByHand(o, d, now)
	}
	return nil
}

func (g *Gateway) refundByHand(o *order, d Deed, now time.Time) error {
	amount := d.Amount
	if amount == 0 {
		amount = o.kept()
	}
	number := or(d.Number, "PORTAL"+g.serial(now, "portal", o.number, now.String()))
	switch {
	case amount <= 0 || amount > o.kept():
		return fmt.Errorf("sim: %d of %s cannot be given back, %d is left", amount, o.number, o.kept())
	case g.used(number):
		return fmt.Errorf("sim: the number %s is used", number)
	}
	r := &refund{number: number, of: o, amount: amount, txdtm: now.Format(timeForm), udid: "portal", created: now, list: ListPlan{Miss: d.Quiet}}
	r.syssn = g.serial(now, "refund", number)
	g.refunds, g.backNo[number] = append(g.refunds, r), r
	r.succeed(now, g.cfg.Shape)
	return nil
}

// sell books a payment that came from elsewhere.
func (g *Gateway) sell(d Deed, now time.Time) error {
	if g.used(d.Sell) {
		return fmt.Errorf("sim: the number %s is used", d.Sell)
	}
	if d.Amount <= 0 {
		return errors.New("sim: a sale has an amount")
	}
	w := Wallets[0]
	o := &order{number: d.Sell, asked: w.PayType, payType: w.PayType, wallet: w, amount: d.Amount, currency: or(d.Currency, "HKD"),
		txdtm: now.Format(timeForm), udid: "elsewhere", plan: Plan{List: d.List, name: "sold elsewhere"}}
	g.begin(o, now)
	return nil
}

func (g *Gateway) relist(d Deed) error {
	var list ListPlan
	if d.List != nil {
		list = *d.List
	}
	if err := list.check(); err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	if o := g.byNo[d.Relist]; o.real() {
		o.list, o.looks = list, 0
		return nil
	}
	if r := g.backNo[d.Relist]; r.real() {
		r.list, r.looks = list, 0
		return nil
	}
	return fmt.Errorf("sim: QFPay knows no payment or refund %s", d.Relist)
}

// portal is the same over HTTP; it answers with the ledger's lines about the number.
func (g *Gateway) portal(w http.ResponseWriter, r *http.Request) {
	var deed Deed
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	d.DisallowUnknownFields()
	err := d.Decode(&deed)
	if err == nil {
		err = g.Do(deed)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p, _ := g.Payment(or(or(deed.Refund, deed.Reverse), or(or(deed.Complete, deed.Sell), deed.Relist)))
	writeJSON(w, p)
}
