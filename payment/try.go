package payment

import "context"

// nobodys is a number that no transaction has: ours have more characters (queue's newNumber), and begin with a capital.
const nobodys = "cpmd_asks"

// Try asks QFPay about a transaction that cannot exist, and returns what stands in the way of payments; nothing if all
// is well. No money moves, and nothing is left behind. It waits for its turn as an Audit does, behind whatever concerns
// a customer.
func (c *Client) Try(ctx context.Context) []Trouble {
	f := newForm(field{"out_trade_no", nobodys}, field{"page", "1"}, field{"page_size", "10"})
	return c.troubles(endQuery, c.exchange(ctx, endQuery, f, "", claim{class: audit}))
}
