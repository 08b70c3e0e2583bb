package sale

import (
	"cmp"
	"fmt"
	"time"

	"cpmd/payment"
)

// A Reconciliation compares a day's payments and refunds in the journal with QFPay's list.
type Reconciliation struct {
	Day       string     `json:"day"`
	At        time.Time  `json:"at"` // when it was made
	By        string     `json:"by"` // who asked; "day_end" or "outage" where cpmd did by itself
	Agreed    int        `json:"agreed"`
	OnlyHere  []Mismatch `json:"only_here"`  // in the journal, not at QFPay
	OnlyThere []Mismatch `json:"only_there"` // at QFPay, not in the journal: another till or shop of the merchant, or a loss
	Different []Mismatch `json:"different"`
	Totals    Totals     `json:"totals"` // of the journal
}

// Clean reports whether nothing differs.
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

// Alarm is what a person is told of the mismatch.
func (m Mismatch) Alarm(day string) string {
	subject := "number " + m.OutTradeNo
	switch {
	case m.Refund != "":
		subject = "refund " + m.Refund
	case m.Sale != "":
		subject = "sale " + m.Sale
	}
	next := ""
	if m.Sale != "" && m.Refund == "" && m.Here != "" { // what is at QFPay alone is nothing to ask about
		next = ". cpmd asks QFPay about it again; if another alarm then says that cpmd refunds the payment, and the goods went out, settle that one"
	}
	return fmt.Sprintf("the books of %s disagree on %s (%s, %d minor units): here %s, at QFPay %s. "+
		"Look it up in QFPay's portal; what was charged and is not owed must go back", day, subject, m.OutTradeNo, m.Amount,
		cmp.Or(m.Here, "nothing"), cmp.Or(m.There, "nothing")) + next
}

// A Book is what the journal says of one number.
type Book struct {
	Mismatch
	Sent     time.Time
	Orig     string // of a refund: QFPay's id (syssn) of the payment
	IsRefund bool
	Final    bool // final here
	Kept     bool // the money moved
	// GaveBack is what refunds and give-backs of this payment have returned, minor units.
	GaveBack int64
}

// Differs reports whether the books disagree on the money: on the amount, on whether it moved, or on how much of it went
// back. An unfinished payment always counts: it needs an eye.
func Differs(b Book, i payment.Item) bool {
	if b.SysSN != "" && i.SysSN != "" && b.SysSN != i.SysSN || b.Orig != "" && i.OrigSysSN != "" && b.Orig != i.OrigSysSN {
		return true
	}
	if !b.Final || i.Amount != b.Amount || i.Currency != "" && i.Currency != b.Currency {
		return true
	}
	success := i.RespCD == "0000"
	if b.IsRefund {
		return success != b.Kept
	}
	switch {
	case !b.Kept && b.GaveBack == 0: // no money was taken, or it was reversed
		undone := i.Cancel == "1" || i.Cancel == "2" || i.Cancel == "3"
		return !(success && undone) && !payment.Failed(i.RespCD) // what is still open may yet take money
	case !success:
		return true
	}
	// What went back shows in cancel (QFPay docs, transaction-enquiry page): 0 nothing, 5 a part, 1 or 3 the whole.
	switch b.GaveBack {
	case 0:
		return i.Cancel != "0"
	case b.Amount:
		return i.Cancel != "1" && i.Cancel != "3"
	}
	return i.Cancel != "5"
}

// There puts QFPay's row into words.
func There(i payment.Item) string {
	s := fmt.Sprintf("%s %s", cmp.Or(i.OrderType, "row"), i.RespCD)
	if i.Cancel != "" && i.Cancel != "0" {
		s += " cancel " + i.Cancel
	}
	return s + ", " + i.Sum()
}
