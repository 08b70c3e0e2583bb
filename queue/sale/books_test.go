package sale

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpmd/payment"
)

func codeOf(err error) Code {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// The books agree only where number, amount, currency, and what was kept and given back do.
func TestDiffers(t *testing.T) {
	kept := Book{Mismatch: Mismatch{SysSN: "S1", Amount: 100, Currency: "HKD"}, Final: true, Kept: true}
	with := func(change func(b *Book)) Book { b := kept; change(&b); return b }
	none := with(func(b *Book) { b.Kept = false })
	part := with(func(b *Book) { b.GaveBack = 40 })
	whole := with(func(b *Book) { b.GaveBack = 100 })
	back := with(func(b *Book) { b.IsRefund, b.Orig = true, "P1" })
	row := func(respCD, cancel string) payment.Item {
		return payment.Item{SysSN: "S1", Amount: 100, Currency: "HKD", RespCD: respCD, Cancel: cancel}
	}
	for _, c := range []struct {
		name string
		b    Book
		i    payment.Item
		want bool
	}{
		{"kept", kept, row("0000", "0"), false},
		{"another number", kept, payment.Item{SysSN: "S2", Amount: 100, Currency: "HKD", RespCD: "0000", Cancel: "0"}, true},
		{"another amount", kept, payment.Item{SysSN: "S1", Amount: 99, Currency: "HKD", RespCD: "0000", Cancel: "0"}, true},
		{"another currency", kept, payment.Item{SysSN: "S1", Amount: 100, Currency: "JPY", RespCD: "0000", Cancel: "0"}, true},
		{"no currency", kept, payment.Item{SysSN: "S1", Amount: 100, RespCD: "0000", Cancel: "0"}, false},
		{"not final", with(func(b *Book) { b.Final = false }), row("0000", "0"), true},
		{"kept, undone there", kept, row("0000", "2"), true},
		{"kept, in part there", kept, row("0000", "5"), true},
		{"kept, failed there", kept, row("1201", ""), true},
		{"not kept, failed there", none, row("1201", ""), false},
		{"not kept, undone there", none, row("0000", "3"), false},
		{"not kept, paid there", none, row("0000", "0"), true},
		{"not kept, not understood there", none, row("7777", ""), true},
		{"part back", part, row("0000", "5"), false},
		{"part back, not there", part, row("0000", "0"), true},
		{"part back, whole there", part, row("0000", "3"), true},
		{"whole back", whole, row("0000", "3"), false},
		{"whole back, part there", whole, row("0000", "5"), true},
		{"refund", back, row("0000", ""), false},
		{"refund, failed there", back, row("1269", ""), true},
		{"refund of another", back, payment.Item{SysSN: "S1", OrigSysSN: "P2", Amount: 100, RespCD: "0000"}, true},
	} {
		if got := Differs(c.b, c.i); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A day's sums hold what is paid and what went back to customers, not what is under way or was never the shop's.
func TestSum(t *testing.T) {
	alipay := []Payment{{PayType: "800008", Resolved: "800108"}}
	got := Sum("2026-11-22", []Sale{
		{ID: "a", State: Paid, Amount: 100, Currency: "HKD", Payments: alipay}, {ID: "b", State: Paid, Amount: 50, Currency: "HKD", Payments: alipay},
		{ID: "c", State: Paid, Amount: 7, Currency: "JPY", Payments: alipay}, {ID: "d", State: NotPaid, Amount: 9, Currency: "HKD", Payments: alipay},
		{ID: "e", State: Unresolved, Amount: 9, Currency: "HKD"},
	}, []Refund{
		{Sale: "a", State: Refunded, Amount: 30, Currency: "HKD"}, {Sale: "a", State: Refunding, Amount: 1, Currency: "HKD"},
		{Sale: "a", State: RefundUnresolved, Amount: 2, Currency: "HKD"}, {Sale: "a", State: NotRefunded, Amount: 4, Currency: "HKD"},
		{Sale: "a", State: Refunded, GiveBack: true, Amount: 100, Currency: "HKD"},
	}, func(string) string { return "alipay" })
	want := Totals{Day: "2026-11-22", Unfinished: 1, Rows: []TotalRow{
		{Currency: "HKD", Wallet: "alipay", Sales: 2, Amount: 150, Refunds: 1, RefundedTotal: 30, NotPaid: 1},
		{Currency: "JPY", Wallet: "alipay", Sales: 1, Amount: 7}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// texts is metadata of n texts.
func texts(n int) map[string]string {
	m := make(map[string]string, n)
	for i := range n {
		m[strconv.Itoa(i)] = "x"
	}
	return m
}

// A till's own word is shown back to it whole, unless it is long.
func TestQuote(t *testing.T) {
	for n, want := range map[int]int{40: 42, 41: 45, 1000: 45} {
		if got := Quote(strings.Repeat("a", n)); len(got) != want {
			t.Errorf("%d letters: %s", n, got)
		}
	}
}

// A sale without a payment has no wallet.
func TestWalletOf(t *testing.T) {
	if got := WalletOf(Sale{}); got != "" {
		t.Errorf("got %q", got)
	}
	if got := WalletOf(Sale{Payments: []Payment{{PayType: "800108"}, {PayType: "800208"}}}); got != payment.Wallet("800208") {
		t.Errorf("got %q", got)
	}
}

func TestRequestLimits(t *testing.T) {
	good := Request{ID: "a", Amount: 1, Currency: "HKD", Lane: "1"}
	for _, c := range []struct {
		name   string
		change func(r *Request)
		want   Code
	}{
		{"good", func(*Request) {}, ""},
		{"no id", func(r *Request) { r.ID = "" }, InvalidRequest},
		{"64 characters", func(r *Request) { r.ID = strings.Repeat("a", 64) }, ""},
		{"65 characters", func(r *Request) { r.ID = strings.Repeat("a", 65) }, InvalidRequest},
		{"dots", func(r *Request) { r.ID = ".." }, InvalidRequest},
		{"nothing to pay", func(r *Request) { r.Amount = 0 }, InvalidRequest},
		{"less than nothing", func(r *Request) { r.Amount = -1 }, InvalidRequest},
		{"the most", func(r *Request) { r.Amount = payment.MaxAmount }, ""},
		{"more", func(r *Request) { r.Amount = payment.MaxAmount + 1 }, InvalidRequest},
		{"currency", func(r *Request) { r.Currency = "USD" }, InvalidRequest},
		{"64 Chinese characters", func(r *Request) { r.Ticket = strings.Repeat("單", 64) }, ""},
		{"65 Chinese characters", func(r *Request) { r.Ticket = strings.Repeat("單", 65) }, InvalidRequest},
		{"line break", func(r *Request) { r.Ticket = "a\nb" }, InvalidRequest},
		{"operator", func(r *Request) { r.Operator = strings.Repeat("o", 65) }, InvalidRequest},
		{"shift", func(r *Request) { r.Shift = strings.Repeat("s", 65) }, InvalidRequest},
		{"metadata", func(r *Request) { r.Metadata = map[string]string{"a": strings.Repeat("x", 2048)} }, InvalidRequest},
		{"as much metadata as fits", func(r *Request) { r.Metadata = map[string]string{"a": strings.Repeat("x", maxMetadataSize-8)} }, ""},
		{"a byte more of metadata", func(r *Request) { r.Metadata = map[string]string{"a": strings.Repeat("x", maxMetadataSize-7)} }, InvalidRequest},
		{"the most texts of metadata", func(r *Request) { r.Metadata = texts(maxMetadata) }, ""},
		{"one text of metadata more", func(r *Request) { r.Metadata = texts(maxMetadata + 1) }, InvalidRequest},
		{"lane", func(r *Request) { r.Lane = "3" }, UnknownLane},
		{"no lane", func(r *Request) { r.Lane = "" }, UnknownLane},
		{"goods as code", func(r *Request) { r.AuthCode = "4891028164456" }, InvalidRequest},
		{"code", func(r *Request) { r.AuthCode = "280438849930815813" }, ""},
	} {
		r := good
		c.change(&r)
		if got := codeOf(r.Check(map[string]int{"HKD": 2}, []string{"1", "2"})); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	r := good
	r.Lane = ""
	if err := r.Check(map[string]int{"HKD": 2}, []string{"1"}); err != nil || r.Lane != "1" {
		t.Errorf("the only lane: %q %v", r.Lane, err)
	}
}

func TestGoodsAndCodes(t *testing.T) {
	for text, want := range map[string]bool{
		"280438849930815813": true, "134567890123456789": true, "2804388499": true, "280438849": false,
		"96385074": false, "123456789012": false, "4891028164456": false, "14891028164453": false, "1489102816445": false,
		"https://qr.example/x": false, "www.example.com/abc": false, "": false, strings.Repeat("1", 128): true, strings.Repeat("1", 129): false,
	} {
		if got := IsPaymentCode(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Every word of a request is in its fingerprint, so that no other sale is taken for the same one.
func TestFingerprint(t *testing.T) {
	good := Request{ID: "a", Amount: 1, Currency: "HKD", Lane: "1"}
	seen := map[string]string{good.Fingerprint(): "nothing"}
	for name, change := range map[string]func(r *Request){
		"amount": func(r *Request) { r.Amount = 2 }, "currency": func(r *Request) { r.Currency = "JPY" }, "lane": func(r *Request) { r.Lane = "2" },
		"ticket": func(r *Request) { r.Ticket = "t" }, "code": func(r *Request) { r.AuthCode = "280438849930815813" },
		"another code": func(r *Request) { r.AuthCode = "280438849930815814" }, "delivery": func(r *Request) { r.ConfirmDelivery = true },
		"again": func(r *Request) { r.Again = true }, "operator": func(r *Request) { r.Operator = "o" }, "shift": func(r *Request) { r.Shift = "o" },
		"metadata": func(r *Request) { r.Metadata = map[string]string{"a": "b"} },
	} {
		r := good
		change(&r)
		if other, ok := seen[r.Fingerprint()]; ok {
			t.Errorf("%s and %s look the same", name, other)
		}
		seen[r.Fingerprint()] = name
	}
	// Journals hold these: a changed one makes a till's repeated request an id_reused.
	if got := good.Fingerprint(); got != "358b2ac59d283b782cbd1fad1cd4b3b96fbfe2fe12866b259765b3673dc9fefd" {
		t.Errorf("a plain request: %s", got)
	}
	good.Metadata = map[string]string{"b": "2", "a": "1"}
	if got := good.Fingerprint(); got != "4c5156a2393b069ff1c7b59cc60f534b168131d657cb66d4aa53c0f4563fd1bb" {
		t.Errorf("with metadata: %s", got)
	}
}

// A person decides only what is unresolved, and against QFPay's last word only with a second word.
func TestResolve(t *testing.T) {
	last := func(m payment.Meaning, success bool) Sale {
		return Sale{ID: "S", State: Unresolved, Payments: []Payment{{OutTradeNo: "N1", Progress: Progress{Last: m, Success: success}}}}
	}
	for _, c := range []struct {
		name string
		s    Sale
		to   State
		want Code
	}{
		{"unknown, paid", last("", false), Paid, ""},
		{"unknown, not paid", last("", false), NotPaid, ""},
		{"pending, not paid", last(payment.Pending, false), NotPaid, ContradictsGateway},
		{"pending, paid", last(payment.Pending, false), Paid, ContradictsGateway},
		{"listed as successful, not paid", last(payment.Unknown, true), NotPaid, ContradictsGateway},
		{"declined, paid", last(payment.Declined, false), Paid, ContradictsGateway},
		{"undone, paid", last(payment.Undone, false), Paid, ContradictsGateway},
		{"not there, paid", last(payment.NotFound, false), Paid, ContradictsGateway},
		{"declined, not paid", last(payment.Declined, false), NotPaid, ""},
		{"confirming", Sale{State: Confirming}, Paid, NotUnresolved},
		{"paid already", Sale{State: Paid}, Paid, ""},
		{"paid, not paid", Sale{State: Paid}, NotPaid, NotUnresolved},
	} {
		if got := codeOf(CheckResolve(c.s, Resolution{Outcome: c.to})); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := codeOf(CheckResolve(c.s, Resolution{Outcome: c.to, EvenThough: true})); c.want == ContradictsGateway && got != "" {
			t.Errorf("%s, even though: %q", c.name, got)
		}
	}
}

// A till is told until when the outcome is known: not before that is true.
func TestDecideBy(t *testing.T) {
	l := begin(t)
	waits := l.s
	waits.State, waits.Payments, waits.ScanBy = Waiting, nil, t0.Add(time.Minute)
	if v := ViewOf(waits, l.Rules); v.DecideBy == nil || !v.DecideBy.Equal(t0.Add(time.Minute+l.GiveUp)) || !v.ScanBy.Equal(waits.ScanBy) {
		t.Errorf("waiting: %v", v.DecideBy)
	}
	l.s.Payments[0].GiveUpBy = t0.Add(1500 * time.Millisecond)
	if v := ViewOf(l.s, l.Rules); v.DecideBy == nil || !v.DecideBy.Equal(t0.Add(2*time.Second)) {
		t.Errorf("paying: %v", v.DecideBy)
	}
	l.s.State = Unresolved
	if v := ViewOf(l.s, l.Rules); v.DecideBy != nil || v.Final {
		t.Errorf("unresolved: %v", v.DecideBy)
	}
}

// Every limit goes with the clock.
func TestLimitsGoWithTheClock(t *testing.T) {
	at := t0.Add(time.Minute)
	s := Sale{State: Reversing, ScanBy: at, NextAt: at, Payments: []Payment{{OutTradeNo: "N1", SentAt: t0, ConfirmBy: at, GiveUpBy: at,
		Progress: Progress{WindowFrom: at, CancelAt: at, QuietAt: at, PaidAt: at}}}}
	got, _ := Reduce(DefaultRules(), s, Event{Kind: ClockMoved, At: t0, Moved: time.Hour})
	at = at.Add(time.Hour)
	want := Sale{State: Reversing, ScanBy: at, NextAt: at, Payments: []Payment{{OutTradeNo: "N1", SentAt: t0, ConfirmBy: at, GiveUpBy: at,
		Progress: Progress{WindowFrom: at, CancelAt: at, QuietAt: at, PaidAt: at, Moved: time.Hour}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An operator's word that the money went back leaves QFPay's number of the payment, though it was learned after the end: should the
// word be wrong, it is what a refund needs.
func TestReturnedByWordKeepsTheNumber(t *testing.T) {
	p := Payment{OutTradeNo: "N1", Outcome: OutcomePaid, Progress: Progress{Decided: true, Audit: Audit{SysSN: "7", Missing: true}}}
	s := Sale{ID: "a", State: Paid, Amount: 100, ConfirmDelivery: true, Delivery: Returning, Payments: []Payment{p}}
	s, _ = Reduce(DefaultRules(), s, Event{Kind: Decided, Outcome: State(Returned), Note: "seen in the portal", At: t0})
	if s.Delivery != Returned || s.Payments[0].GatewayID() != "7" {
		t.Errorf("delivery %s, QFPay's number %q", s.Delivery, s.Payments[0].GatewayID())
	}
}
