package sale

import "cpmd/payment"

// Sum adds a day up: the sales and refunds that ended on it. What ends later counts on its own day, so a day that is
// over never changes.
func Sum(day string, sales []Sale, refunds []Refund, walletOf func(sale string) string) Totals {
	t := Totals{Day: day, Rows: []TotalRow{}}
	type key struct{ currency, wallet string }
	at := map[key]int{}
	row := func(currency, wallet string) *TotalRow {
		k := key{currency, wallet}
		if _, ok := at[k]; !ok {
			at[k] = len(t.Rows)
			t.Rows = append(t.Rows, TotalRow{Currency: currency, Wallet: wallet})
		}
		return &t.Rows[at[k]]
	}
	for _, s := range sales {
		switch s.State {
		case Paid:
			r := row(s.Currency, WalletOf(s))
			r.Sales++
			r.Amount += s.Amount
		case NotPaid:
			row(s.Currency, WalletOf(s)).NotPaid++
		default:
			t.Unfinished++
		}
	}
	for _, f := range refunds {
		if f.State == Refunded && !f.GiveBack {
			r := row(f.Currency, walletOf(f.Sale))
			r.Refunds++
			r.RefundedTotal += f.Amount
		}
	}
	return t
}

// WalletOf is the wallet of the sale's last payment; empty where it is not known.
func WalletOf(s Sale) string {
	if n := len(s.Payments); n > 0 {
		return payment.Wallet(s.Payments[n-1].payType())
	}
	return ""
}

// Totals are a day's sums, by currency and wallet.
type Totals struct {
	Day  string     `json:"day"` // YYYY-MM-DD in the configured time zone
	Rows []TotalRow `json:"rows"`
	// Unfinished counts the sales opened on the day that are not final yet.
	Unfinished int `json:"unfinished"`
}

// A TotalRow sums one currency and wallet.
type TotalRow struct {
	Currency      string `json:"currency"`
	Wallet        string `json:"wallet"`
	Sales         int    `json:"sales"`          // paid
	Amount        int64  `json:"amount"`         // minor units
	Refunds       int    `json:"refunds"`        // refunded
	RefundedTotal int64  `json:"refunded_total"` // minor units
	NotPaid       int    `json:"not_paid"`
}
