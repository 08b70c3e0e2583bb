package sale

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// A Receipt is what a customer is given for a paid sale.
type Receipt struct {
	Sale       string          `json:"sale"`
	Ticket     string          `json:"ticket"`
	Lane       string          `json:"lane"`
	Operator   string          `json:"operator"`
	Shift      string          `json:"shift"`
	PaidAt     time.Time       `json:"paid_at"` // in the configured time zone
	Amount     int64           `json:"amount"`  // minor units
	Currency   string          `json:"currency"`
	AmountText string          `json:"amount_text"` // such as "HKD 128.50"
	Wallet     string          `json:"wallet"`
	AuthCode   string          `json:"auth_code"` // masked
	OutTradeNo string          `json:"out_trade_no"`
	SysSN      string          `json:"syssn"`
	ChnlSN     string          `json:"chnlsn"`
	Refunds    []ReceiptRefund `json:"refunds"`
	Refunded   int64           `json:"refunded"`  // minor units
	KeptText   string          `json:"kept_text"` // what is left after the refunds
	Text       string          `json:"text"`      // ready to print
}

// A ReceiptRefund is money that went back.
type ReceiptRefund struct {
	ID         string    `json:"id"`
	At         time.Time `json:"at"`
	Amount     int64     `json:"amount"` // minor units
	AmountText string    `json:"amount_text"`
	OutTradeNo string    `json:"out_trade_no"`
	SysSN      string    `json:"syssn"`
}

// The columns of a receipt's text: paper of 58 mm and of 80 mm.
const (
	NarrowReceipt = 32
	WideReceipt   = 42
)

// ReceiptOf makes the receipt of a paid sale, with text of so many columns. paidAt is when it became paid, decimals are
// those of its currency. Of the refunds only those that are done are on it: a receipt promises nothing.
func ReceiptOf(v View, paidAt time.Time, refunds []RefundView, decimals, width int, loc *time.Location) (Receipt, error) {
	if v.State != Paid {
		return Receipt{}, &Error{Code: NoReceipt, Sale: v.ID,
			Detail: fmt.Sprintf("sale %s is %s; there is a receipt only for a sale that is paid", v.ID, v.State)}
	}
	money := func(minor int64) string { return v.Currency + " " + Decimal(minor, decimals) }
	r := Receipt{Sale: v.ID, Ticket: v.Ticket, Lane: v.Lane, Operator: v.Operator, Shift: v.Shift, PaidAt: paidAt.In(loc).Truncate(time.Second),
		Amount: v.Amount, Currency: v.Currency, AmountText: money(v.Amount), Wallet: v.Wallet, Refunds: []ReceiptRefund{}}
	if i := slices.IndexFunc(v.Payments, func(p PaymentView) bool { return p.State == string(OutcomePaid) }); i >= 0 {
		p := v.Payments[i]
		r.AuthCode, r.OutTradeNo, r.SysSN, r.ChnlSN = p.AuthCode, p.OutTradeNo, p.SysSN, p.ChnlSN
	}
	for _, f := range refunds {
		if f.State == Refunded {
			r.Refunded += f.Amount
			r.Refunds = append(r.Refunds, ReceiptRefund{ID: f.ID, At: f.UpdatedAt.In(loc).Truncate(time.Second), Amount: f.Amount,
				AmountText: money(f.Amount), OutTradeNo: f.OutTradeNo, SysSN: f.SysSN})
		}
	}
	r.KeptText = money(v.Amount - r.Refunded)
	r.Text = r.print(width)
	return r, nil
}

// PlainText is what a till that asks for plain text gets.
func (r Receipt) PlainText() string { return r.Text }

// Decimal writes minor units with a point.
func Decimal(minor int64, decimals int) string {
	s := fmt.Sprintf("%0*d", decimals+1, minor)
	if decimals == 0 {
		return s
	}
	return s[:len(s)-decimals] + "." + s[len(s)-decimals:]
}

func (r Receipt) print(width int) string {
	const at = "2006-01-02 15:04:05"
	p := paper{width: width}
	p.line(strings.Repeat(" ", (width-len("RECEIPT"))/2) + "RECEIPT")
	p.rule()
	p.row("Sale", r.Sale)
	p.row("Ticket", r.Ticket)
	p.row("Lane", r.Lane)
	p.row("Operator", r.Operator)
	p.row("Shift", r.Shift)
	p.row("Paid", r.PaidAt.Format(at))
	p.rule()
	p.row("AMOUNT", r.AmountText)
	p.rule()
	p.row("Wallet", r.Wallet)
	p.row("Code", r.AuthCode)
	p.row("Order", r.OutTradeNo)
	p.row("QFPay", r.SysSN)
	p.row("Wallet no.", r.ChnlSN)
	for _, f := range r.Refunds {
		p.rule()
		p.row("REFUND", f.AmountText)
		p.row("Refund no.", f.ID)
		p.row("Refunded", f.At.Format(at))
		p.row("QFPay", f.SysSN)
	}
	if len(r.Refunds) > 0 {
		p.rule()
		p.row("LEFT", r.KeptText)
	}
	return p.String()
}

// A paper takes lines of a fixed width.
type paper struct {
	strings.Builder
	width int
}

func (p *paper) line(s string) { p.WriteString(s + "\n") }
func (p *paper) rule()         { p.line(strings.Repeat("-", p.width)) }

// row puts a name on the left and its value on the right; a value too long for that is on lines of its own. Without a
// value there is no row.
func (p *paper) row(name, value string) {
	if value == "" {
		return
	}
	if room := p.width - len(name) - columns(value); room > 0 {
		p.line(name + strings.Repeat(" ", room) + value)
		return
	}
	p.line(name)
	for value != "" {
		end, used := 0, 0
		for i, c := range value {
			if used += columnsOf(c); used > p.width {
				break
			}
			end = i + len(string(c))
		}
		part := value[:end]
		p.line(strings.Repeat(" ", p.width-columns(part)) + part)
		value = value[end:]
	}
}

func columns(s string) (n int) {
	for _, c := range s {
		n += columnsOf(c)
	}
	return n
}

// columnsOf is how wide a character is on a receipt: those of East Asia take two columns (Unicode TR 11).
func columnsOf(c rune) int {
	switch {
	case unicode.In(c, unicode.Mn, unicode.Me):
		return 0
	case unicode.In(c, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana),
		c >= 0x3000 && c <= 0x303f, c >= 0xff01 && c <= 0xff60, c >= 0x1f300 && c <= 0x1faff:
		return 2
	}
	return 1
}
