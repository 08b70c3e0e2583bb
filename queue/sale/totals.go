package sale

import (
	"cmp"

	"cpmd/payment"
)

func Sum(day string, sales []Sale, refunds []Refund) Totals {
	t := Totals{Day: day, Rows: []TotalRow{}}
	type key struct{ currency, wallet string }
	at := map[key]int{}
	rowOf := func(s Sale) *TotalRow {
		k := key{currency: s.Currency}
		if n := len(s.Payments); n > 0 {
			p := s.Payments[n-1]
			k.wallet = payment.Wallet(cmp.Or(p.Resolved, p.PayType))
		}
		if _, ok := at[k]; !ok {
			at[k] = len(t.Rows)
			t.Rows = append(t.Rows, TotalRow{Currency: k.currency, Wallet: k.wallet})
		}
		return &t.Rows[at[k]]
	}
	bySale := map[string][]Refund{}
	for _, f := range refunds {
		if f.State == Refunded {
			bySale[f.Sale] = append(bySale[f.Sale], f)
		}
	}
	for _, s := range sales {
		switch s.State {
		case Paid:
			r := rowOf(s)
			r.Sales++
			r.Amount += s.Amount
			for _, f := range bySale[s.ID] {
				r.Refunds++
				r.RefundedTotal += f.Amount
			}
		case NotPaid:
			rowOf(s).NotPaid++
		default:
			t.Unfinished++
		}
	}
	return t
}

// Totals are a day's sums, by currency and wallet.
type Totals struct {
	Day  string     `json:"day"` // YYYY-MM-DD in the configured time zone, by the sale's creation
	Rows []TotalRow `json:"rows"`
	// Unfinished counts the day's sales that are not final yet.
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
