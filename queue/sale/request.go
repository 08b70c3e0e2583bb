package sale

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cpmd/payment"
)

var validID = regexp.MustCompile(`^(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}|\.[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}|\.\.[A-Za-z0-9._-]{1,62})$`)

// maxAmount is the largest that QFPay's txamt takes: Int(11).
const maxAmount = 99_999_999_999

// maxTicket is how many characters a ticket may have.
const maxTicket = 64

func Invalid(format string, args ...any) *Error {
	return &Error{Code: InvalidRequest, Detail: fmt.Sprintf(format, args...)}
}

// check reports what is wrong with the request. currencies and lanes are those of the configuration; where there is
// one lane, a request without one is for it.
func (r *Request) Check(currencies map[string]int, lanes []string) error {
	if !validID.MatchString(r.ID) {
		return Invalid("the sale's id must be 1 to 64 of the characters A-Z a-z 0-9 . _ -")
	}
	if r.Amount <= 0 || r.Amount > maxAmount {
		return Invalid("amount must be a whole number of minor units from 1 to %d, such as 12850 for 128.50", int64(maxAmount))
	}
	if _, ok := currencies[r.Currency]; !ok {
		return Invalid("currency %s is not configured; use one of %s, or add it to gateway.currencies", Quote(r.Currency), strings.Join(slices.Sorted(maps.Keys(currencies)), ", "))
	}
	if utf8.RuneCountInString(r.Ticket) > maxTicket || strings.ContainsFunc(r.Ticket, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return Invalid("ticket must be at most %d characters of printable text", maxTicket)
	}
	if r.Lane == "" {
		if len(lanes) > 1 {
			return &Error{Code: UnknownLane, Detail: "name the lane: there are " + strings.Join(lanes, ", ")}
		}
		r.Lane = lanes[0]
	}
	if !slices.Contains(lanes, r.Lane) {
		return NoSuchLane(r.Lane, lanes)
	}
	if r.Settle != SettleAtOnce && r.Settle != SettleByTill {
		return Invalid(`settle must be "till", or left out`)
	}
	if r.AuthCode != "" && !IsPaymentCode(r.AuthCode.Reveal()) {
		return Invalid("auth_code cannot be a payment code; leave it out to let cpmd scan")
	}
	return nil
}

func NoSuchLane(name string, lanes []string) *Error {
	return &Error{Code: UnknownLane, Detail: fmt.Sprintf("there is no lane %s; there are %s", Quote(name), strings.Join(lanes, ", "))}
}

// check reports what is wrong with the request.
func (r *RefundRequest) Check() error {
	if !validID.MatchString(r.ID) {
		return Invalid("the refund's id must be 1 to 64 of the characters A-Z a-z 0-9 . _ -")
	}
	if r.Amount <= 0 || r.Amount > maxAmount {
		return Invalid("amount must be a whole number of minor units, such as 12850 for 128.50")
	}
	return nil
}

// check reports what is wrong with the decision.
func (d *Resolution) Check() error {
	if d.Outcome != Paid && d.Outcome != NotPaid {
		return Invalid(`outcome must be "paid" or "not_paid"`)
	}
	if d.Note = strings.TrimSpace(d.Note); d.Note == "" || len(d.Note) > 500 || !utf8.ValidString(d.Note) {
		return Invalid("note must say why, in 1 to 500 bytes: where you saw that the money was taken or not")
	}
	return nil
}

// check reports what is wrong with the filter.
func (f *Filter) Check() error {
	if f.State != "" && !slices.Contains(States, f.State) {
		return Invalid("state must be one of %v", States)
	}
	if f.Limit < 0 || f.Limit > 1000 {
		return Invalid("limit must be from 1 to 1000")
	}
	return nil
}

// quote shows a till's own word back to it, cut to a sane length.
func Quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// fingerprint tells whether a repeated request is the same. The code in it is a hash of a hash, never the code.
func (r Request) Fingerprint() string {
	code := ""
	if r.AuthCode != "" {
		code = Mask(r.AuthCode).Hash
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %q %q %s %s", r.Amount, r.Currency, r.Lane, r.Ticket, code, r.Settle))
	return hex.EncodeToString(sum[:])
}

// A SaleRequest asks to collect an amount. ID, Amount and Currency are required.
type Request struct {
	ID       string // the till's own: [A-Za-z0-9._-], 1 to 64 characters
	Amount   int64  // minor units, > 0
	Currency string // ISO 4217; must be configured
	Lane     string // may be empty where there is one lane
	Ticket   string // the till's bill number; may be empty; printable, at most 64 characters
	AuthCode payment.AuthCode
	Settle   Settle // "till": once paid, the till says that the goods are handed over, or the money goes back
	By       string // who asks: an endpoint and, where known, a user; not part of what makes a request the same
}

// A RefundRequest asks to give money of a paid sale back.
type RefundRequest struct {
	ID     string // as a sale's; refunds have ids of their own
	Sale   string
	Amount int64  // minor units, > 0
	By     string // as a sale's
}

// A Decision is an operator's word on an unresolved sale.
type Resolution struct {
	Sale    string
	Outcome State  // paid or not_paid
	Note    string // why; required
	By      string // who
}

// A SaleFilter chooses sales for a list; empty fields choose all.
type Filter struct {
	State  State
	Lane   string
	Day    string // YYYY-MM-DD in the configured time zone
	Ticket string
	Limit  int // 0: 100; at most 1000
}
