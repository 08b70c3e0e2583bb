package sale

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cpmd/payment"
)

// A Request asks to collect an amount. ID, Amount and Currency are required.
type Request struct {
	ID       string // the till's own: [A-Za-z0-9._-], 1 to 64 characters
	Amount   int64  // minor units, > 0
	Currency string // ISO 4217; must be configured
	Lane     string // may be empty where there is one lane
	Ticket   string // the till's bill number; may be empty; printable, at most 64 characters
	AuthCode payment.AuthCode
	// ConfirmDelivery: once paid, the till says that the goods are handed over, or the money goes back.
	ConfirmDelivery bool
	Again           bool // charge a ticket that was paid today once more
	Operator        string
	Shift           string
	Metadata        map[string]string
	By              string // who asked: the endpoint, and the user behind it where that is known
}

// A RefundRequest asks to give money of a paid sale back.
type RefundRequest struct {
	ID     string // as a sale's; refunds have ids of their own
	Sale   string
	Amount int64 // minor units, > 0
	By     string
}

// A Resolution is an operator's word on an unresolved sale or refund, or on a sale whose money cpmd cannot return.
type Resolution struct {
	ID         string // of the sale or refund
	Outcome    State  // of a sale: paid, not_paid or returned; of a refund: refunded or not_refunded
	Note       string // why; required
	EvenThough bool   // decide against what QFPay said last
	By         string // who
}

// A Filter chooses sales for a list; empty fields choose all.
type Filter struct {
	State  State
	Lane   string
	Day    string // YYYY-MM-DD in the configured time zone, by when the sale was opened
	Ticket string
	By     string // opened by this till
	Limit  int    // 0: 100; at most 1000
}

// The limits of what a till may send.
const (
	maxTicket       = 64   // characters
	maxName         = 64   // characters of operator and shift
	maxMetadata     = 16   // entries
	maxMetadataSize = 2048 // bytes as JSON
	maxNote         = 500  // bytes
	MaxList         = 1000 // sales in one list
)

var validID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// checkID refuses "." and ".." too: no URL can name them.
func checkID(what, id string) error {
	if !validID.MatchString(id) || id == "." || id == ".." {
		return Invalid("the %s's id must be 1 to 64 of the characters A-Z a-z 0-9 . _ - and more than dots", what)
	}
	return nil
}

func checkAmount(amount int64) error {
	if amount <= 0 || amount > payment.MaxAmount {
		return Invalid("amount must be a whole number of minor units from 1 to %d, such as 12850 for 128.50", int64(payment.MaxAmount))
	}
	return nil
}

func checkText(name, text string, most int) error {
	if utf8.RuneCountInString(text) > most || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return Invalid("%s must be at most %d characters of printable text", name, most)
	}
	return nil
}

// Check reports what is wrong with the request. currencies and lanes are those of the configuration; where there is
// one lane, a request without one is for it.
func (r *Request) Check(currencies map[string]int, lanes []string) error {
	if err := checkID("sale", r.ID); err != nil {
		return err
	}
	if err := checkAmount(r.Amount); err != nil {
		return err
	}
	if _, ok := currencies[r.Currency]; !ok {
		return Invalid("currency %s is not configured; use one of %s, or add it to gateway.currencies",
			Quote(r.Currency), strings.Join(slices.Sorted(maps.Keys(currencies)), ", "))
	}
	r.Ticket = strings.TrimSpace(r.Ticket) // a till that pads its numbers means the same bill
	for _, f := range []struct {
		name, text string
		most       int
	}{{"ticket", r.Ticket, maxTicket}, {"operator", r.Operator, maxName}, {"shift", r.Shift, maxName}} {
		if err := checkText(f.name, f.text, f.most); err != nil {
			return err
		}
	}
	if b, _ := json.Marshal(r.Metadata); len(r.Metadata) > maxMetadata || len(b) > maxMetadataSize {
		return Invalid("metadata must be at most %d texts, %d bytes in all", maxMetadata, maxMetadataSize)
	}
	if r.Lane == "" {
		if len(lanes) != 1 {
			return &Error{Code: UnknownLane, Detail: "name one of the lanes " + strings.Join(lanes, ", ")}
		}
		r.Lane = lanes[0]
	}
	if !slices.Contains(lanes, r.Lane) {
		return NoSuchLane(r.Lane, lanes)
	}
	if r.AuthCode != "" && !IsPaymentCode(r.AuthCode.Reveal()) {
		return Invalid("auth_code cannot be a payment code; leave it out to let cpmd scan")
	}
	return nil
}

// NoSuchLane is the refusal of a lane that is not configured.
func NoSuchLane(name string, lanes []string) *Error {
	return &Error{Code: UnknownLane, Detail: fmt.Sprintf("there is no lane %s; the lanes are %s", Quote(name), strings.Join(lanes, ", "))}
}

// Check reports what is wrong with the request.
func (r *RefundRequest) Check() error {
	if err := checkID("refund", r.ID); err != nil {
		return err
	}
	return checkAmount(r.Amount)
}

// Check reports what is wrong with a decision whose outcome must be one of these.
func (d *Resolution) Check(outcomes ...State) error {
	if !slices.Contains(outcomes, d.Outcome) {
		return Invalid("outcome must be %s", AnyOf(outcomes))
	}
	return CheckNote(&d.Note)
}

// AnyOf names what may stand in a field: "paid", "not_paid" or "returned".
func AnyOf[S ~string](words []S) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", w)
	}
	return b.String()
}

// CheckNote trims a person's note and reports what is wrong with it.
func CheckNote(note *string) error {
	if *note = strings.TrimSpace(*note); *note == "" || len(*note) > maxNote || !utf8.ValidString(*note) {
		return Invalid("note must say why, in 1 to %d bytes: where you saw what became of the money", maxNote)
	}
	return nil
}

// Check reports what is wrong with the filter.
func (f *Filter) Check() error {
	if f.State != "" && !slices.Contains(States, f.State) {
		return Invalid("state must be one of %v", States)
	}
	if f.Limit < 0 || f.Limit > MaxList {
		return Invalid("limit must be from 1 to %d", MaxList)
	}
	return nil
}

// Invalid is the refusal of a request that is wrong in itself.
func Invalid(format string, args ...any) *Error {
	return &Error{Code: InvalidRequest, Detail: fmt.Sprintf(format, args...)}
}

// Quote shows a till's own word back to it, cut to a sane length.
func Quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// Fingerprint is equal for requests that are the same. The code in it is a hash of a hash, never the code.
func (r Request) Fingerprint() string {
	code, delivery := "", ""
	if r.AuthCode != "" {
		code = Mask(r.AuthCode).Hash
	}
	if r.ConfirmDelivery {
		delivery = "till" // as it was called first: journals hold fingerprints made so
	}
	text := fmt.Appendf(nil, "%d %s %q %q %s %s", r.Amount, r.Currency, r.Lane, r.Ticket, code, delivery)
	if r.Again || r.Operator != "" || r.Shift != "" || len(r.Metadata) > 0 {
		more, _ := json.Marshal(r.Metadata) // sorted by key
		text = fmt.Appendf(text, " %v %q %q %s", r.Again, r.Operator, r.Shift, more)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
