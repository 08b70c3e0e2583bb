package sim

import "slices"

// A Customer is whoever showed an auth code, and what that came to.
type Customer struct {
	AuthCode  string           `json:"auth_code"` // masked
	Numbers   []string         `json:"out_trade_nos"`
	Charges   int              `json:"charges"`
	Charged   map[string]int64 `json:"charged"` // by currency, before anything went back
	GivenBack map[string]int64 `json:"given_back"`
	Net       map[string]int64 `json:"net"` // what the customer is out of pocket

	code string
}

// Code is the auth code as it was shown.
func (c Customer) Code() string { return c.code }

// customers sums the books up by auth code, in the order in which codes came.
func (g *Gateway) customers() []Customer {
	all := []Customer{}
	for _, o := range g.orders {
		if !o.real() || o.code == "" {
			continue
		}
		i := slices.IndexFunc(all, func(c Customer) bool { return c.code == o.code })
		if i < 0 {
			i = len(all)
			all = append(all, Customer{AuthCode: mask(o.code), code: o.code,
				Charged: map[string]int64{}, GivenBack: map[string]int64{}, Net: map[string]int64{}})
		}
		c := &all[i]
		c.Numbers = append(c.Numbers, o.number)
		c.Charges += o.charges
		c.Charged[o.currency] += int64(o.charges) * o.amount
		c.GivenBack[o.currency] += o.returned + o.refunded
		c.Net[o.currency] += o.kept()
	}
	return all
}
