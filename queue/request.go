package queue

import "cpmd/payment"

// A SaleRequest asks to collect an amount. ID, Amount and Currency are required.
type SaleRequest struct {
	ID       string // the till's own: [A-Za-z0-9._-], 1 to 64 characters
	Amount   int64  // minor units, > 0
	Currency string // ISO 4217; must be configured
	Lane     string // may be empty where there is one lane
	Ticket   string // the till's bill number; may be empty; printable, at most 64 characters
	AuthCode payment.AuthCode
	Settle   Settle // "till": once paid, the till says that the goods are handed over, or the money goes back
}

// A RefundRequest asks to give money of a paid sale back.
type RefundRequest struct {
	ID     string // as a sale's; refunds have ids of their own
	Sale   string
	Amount int64 // minor units, > 0
}

// A Decision is an operator's word on an unresolved sale.
type Decision struct {
	Sale    string
	Outcome State  // paid or not_paid
	Note    string // why; required
	By      string // who
}

// A SaleFilter chooses sales for a list; empty fields choose all.
type SaleFilter struct {
	State  State
	Lane   string
	Day    string // YYYY-MM-DD in the configured time zone
	Ticket string
	Limit  int // 0: 100; at most 1000
}
