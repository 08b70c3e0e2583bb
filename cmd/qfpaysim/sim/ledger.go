package sim

import "time"

// A Ledger is what the gateway knows at one moment. Amounts are minor units; keys of sums are currencies.
type Ledger struct {
	Now      time.Time `json:"now"`
	Payments []Payment `json:"payments"` // in the order of arrival, absent ones too
	Refunds  []Refund  `json:"refunds"`
	Strays   []Request `json:"strays"` // calls that were about nothing known

	Customers []Customer `json:"customers"` // by auth code
	Totals    Totals     `json:"totals"`
}

// A Payment is one out_trade_no that /payment was called with.
type Payment struct {
	OutTradeNo string    `json:"out_trade_no"`
	SysSN      string    `json:"syssn"`
	Amount     int64     `json:"amount"`
	Currency   string    `json:"currency"`
	PayType    string    `json:"pay_type"` // as sent
	Wallet     string    `json:"wallet"`
	AuthCode   string    `json:"auth_code"` // masked
	Behaviour  string    `json:"behaviour"`
	State      State     `json:"state"`
	RespCD     string    `json:"respcd"` // that a query shows
	Cancel     string    `json:"cancel"`
	Charged    int64     `json:"charged"` // kept by the shop, after what was given back
	Charges    int       `json:"charges"` // how often the customer was charged
	Refunded   int64     `json:"refunded"`
	Reversed   int64     `json:"reversed"` // given back by a cancel
	Posts      int       `json:"posts"`    // calls to /payment
	Created    time.Time `json:"created"`
	Requests   []Request `json:"requests"`
}

// A Refund is one out_trade_no that /refund was called with.
type Refund struct {
	OutTradeNo string    `json:"out_trade_no"`
	SysSN      string    `json:"syssn"`
	Of         string    `json:"of"` // out_trade_no of the payment
	Amount     int64     `json:"amount"`
	Currency   string    `json:"currency"`
	State      State     `json:"state"`
	RespCD     string    `json:"respcd"`
	Posts      int       `json:"posts"` // calls to /refund
	Created    time.Time `json:"created"`
	Requests   []Request `json:"requests"`
}

// A Request is one call and how it was answered.
type Request struct {
	At         time.Time `json:"at"`
	Call       string    `json:"call"`
	OutTradeNo string    `json:"out_trade_no"` // as sent
	RespCD     string    `json:"respcd"`       // in the answer, if one was sent
	Reply
}

// Totals sum the ledger up.
type Totals struct {
	Requests int              `json:"requests"`
	Payments int              `json:"payments"` // numbers on record
	Charges  int              `json:"charges"`
	Charged  map[string]int64 `json:"charged"`  // kept
	Refunded map[string]int64 `json:"refunded"` // by refunds
	Reversed map[string]int64 `json:"reversed"` // by cancels
}

// Ledger reads the books, after making happen what is due.
func (g *Gateway) Ledger() Ledger {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.settle(now)
	l := Ledger{Now: now, Payments: []Payment{}, Refunds: []Refund{}, Strays: append([]Request{}, g.strays...)}
	l.Totals = Totals{Requests: g.count, Charged: map[string]int64{}, Refunded: map[string]int64{}, Reversed: map[string]int64{}}
	for _, o := range g.orders {
		l.Payments = append(l.Payments, o.line())
		if !o.real() {
			continue
		}
		l.Totals.Payments++
		l.Totals.Charges += o.charges
		l.Totals.Charged[o.currency] += o.kept()
		l.Totals.Refunded[o.currency] += o.refunded
		l.Totals.Reversed[o.currency] += o.returned
	}
	for _, r := range g.refunds {
		l.Refunds = append(l.Refunds, Refund{
			OutTradeNo: r.number, SysSN: r.syssn, Of: r.of.number, Amount: r.amount, Currency: r.of.currency,
			State: r.state, RespCD: r.respcd, Posts: r.posts, Created: r.created, Requests: append([]Request{}, r.requests...),
		})
	}
	l.Customers = g.customers()
	return l
}

// Payment is one line of the ledger.
func (g *Gateway) Payment(outTradeNo string) (Payment, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settle(g.now())
	o := g.byNo[outTradeNo]
	if o == nil {
		return Payment{}, false
	}
	return o.line(), true
}

func (o *order) line() Payment {
	wallet := ""
	if o.wallet != nil {
		wallet = o.wallet.Name
	}
	return Payment{
		OutTradeNo: o.number, SysSN: o.syssn, Amount: o.amount, Currency: o.currency, PayType: o.asked, Wallet: wallet,
		AuthCode: mask(o.code), Behaviour: o.plan.name, State: o.state, RespCD: o.respcd, Cancel: o.cancel,
		Charged: o.kept(), Charges: o.charges, Refunded: o.refunded, Reversed: o.returned, Posts: o.posts,
		Created: o.created, Requests: append([]Request{}, o.requests...),
	}
}
