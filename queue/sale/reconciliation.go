package sale

import (
	"fmt"
	"time"

	"cpmd/payment"
)

// A Reconciliation compares a day's payments and refunds in the journal with QFPay's list.
type Reconciliation struct {
	Day       string     `json:"day"`
	Agreed    int        `json:"agreed"`
	OnlyHere  []Mismatch `json:"only_here"`  // in the journal, not at QFPay
	OnlyThere []Mismatch `json:"only_there"` // at QFPay, not in the journal: another till or shop of the merchant, or a loss
	Different []Mismatch `json:"different"`
	Totals    Totals     `json:"totals"` // of the journal
}

// Clean says that nothing differs.
func (r Reconciliation) Clean() bool {
	return len(r.OnlyHere)+len(r.OnlyThere)+len(r.Different) == 0
}

// A Mismatch is one number on which the books disagree.
type Mismatch struct {
	OutTradeNo string `json:"out_trade_no"`
	SysSN      string `json:"syssn"`
	Sale       string `json:"sale"`
	Refund     string `json:"refund"`
	Amount     int64  `json:"amount"` // minor units
	Currency   string `json:"currency"`
	Here       string `json:"here"`
	There      string `json:"there"`
}

// book is what the journal says of one number.
type Book struct {
	Mismatch
	Sent     time.Time
	IsRefund bool
	Final    bool // final here
	Kept     bool // the money moved
	Refunded int64
}

// differs says whether the books disagree on the money. An unfinished payment always counts: it needs an eye.
func Differs(b Book, i payment.Item) bool {
	if !b.Final || i.Amount != b.Amount || i.Currency != "" && i.Currency != b.Currency {
		return true
	}
	moved := i.RespCD == "0000" && (i.Cancel == "" || i.Cancel == "0" || i.Cancel == "5" || b.Refunded > 0)
	return moved != b.Kept
}

func There(i payment.Item) string {
	s := fmt.Sprintf("%s %s", i.OrderType, i.RespCD)
	if i.Cancel != "" && i.Cancel != "0" {
		s += " cancel " + i.Cancel
	}
	return s
}
