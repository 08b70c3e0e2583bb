package sale

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var hongKong = time.FixedZone("+08:00", 8*3600)

func paidView() View {
	return View{ID: "T1-000123", Lane: "1", Ticket: "88211", Amount: 12850, Currency: "HKD", State: Paid, Final: true, Wallet: "alipay",
		Operator: "陳大文", Shift: "morning", Payments: []PaymentView{
			{OutTradeNo: "C1", RespCD: "1202", AuthCode: "1346**********4254", State: "declined"},
			{OutTradeNo: "C2", SysSN: "20261122000100020000000001", ChnlSN: "2026112222001400000000001", AuthCode: "2804**********5813", State: "paid"}}}
}

var paidAt = time.Date(2026, 11, 22, 20, 29, 7, 123, time.UTC)

func TestReceipt(t *testing.T) {
	refunds := []RefundView{
		{ID: "R1", Amount: 2850, Currency: "HKD", State: Refunded, SysSN: "20261123000100020000000002", UpdatedAt: paidAt.Add(time.Hour)},
		{ID: "R2", Amount: 500, Currency: "HKD", State: Refunding}, {ID: "R3", Amount: 600, Currency: "HKD", State: NotRefunded}}
	r, err := ReceiptOf(paidView(), paidAt, refunds, 2, NarrowReceipt, hongKong)
	if err != nil {
		t.Fatal(err)
	}
	if r.AmountText != "HKD 128.50" || r.OutTradeNo != "C2" || r.AuthCode != "2804**********5813" || r.PaidAt.Format(time.RFC3339) != "2026-11-23T04:29:07+08:00" ||
		len(r.Refunds) != 1 || r.Refunded != 2850 || r.KeptText != "HKD 100.00" {
		t.Errorf("got %+v", r)
	}
	want := `
            RECEIPT
--------------------------------
Sale                   T1-000123
Ticket                     88211
Lane                           1
Operator                  陳大文
Shift                    morning
Paid         2026-11-23 04:29:07
--------------------------------
AMOUNT                HKD 128.50
--------------------------------
Wallet                    alipay
Code          2804**********5813
Order                         C2
QFPay 20261122000100020000000001
Wallet no.
       2026112222001400000000001
--------------------------------
REFUND                 HKD 28.50
Refund no.                    R1
Refunded     2026-11-23 05:29:07
QFPay 20261123000100020000000002
--------------------------------
LEFT                  HKD 100.00
`
	if diff := cmp.Diff(want[1:], r.Text); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Nothing is said of refunds where there is none that was done.
func TestReceiptWithoutRefunds(t *testing.T) {
	r, err := ReceiptOf(paidView(), paidAt, []RefundView{{ID: "R3", Amount: 600, Currency: "HKD", State: NotRefunded}}, 2, NarrowReceipt, hongKong)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.Text, "LEFT") || strings.Contains(r.Text, "REFUND") || strings.HasSuffix(r.Text, "--\n") {
		t.Error(r.Text)
	}
}

// A value stands beside its name where a space is left between them, and otherwise on lines of its own, each as full as it can be.
func TestReceiptRows(t *testing.T) {
	for value, want := range map[string]string{
		"12345":     "AB 12345\n",
		"123456":    "AB\n  123456\n",
		"12345678":  "AB\n12345678\n",
		"123456789": "AB\n12345678\n       9\n",
		"陳陳陳陳陳":     "AB\n陳陳陳陳\n      陳\n",
		"":          "",
	} {
		p := paper{width: 8}
		p.row("AB", value)
		if p.String() != want {
			t.Errorf("%q:\n%s", value, p.String())
		}
	}
}

// Nothing but a paid sale has a receipt, whatever it may become.
func TestNoReceipt(t *testing.T) {
	for _, s := range States {
		v := paidView()
		v.State = s
		_, err := ReceiptOf(v, paidAt, nil, 2, WideReceipt, hongKong)
		refused, _ := errors.AsType[*Error](err)
		if s == Paid && err != nil || s != Paid && (refused == nil || refused.Code != NoReceipt || !strings.Contains(refused.Detail, string(s))) {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// No line is wider than the paper, and no digit of an amount or number is lost.
func TestReceiptFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := paidView()
		text := rapid.StringOfN(rapid.RuneFrom([]rune("aZ9 -中文ｶあ한é")), 0, 64, -1)
		v.ID, v.Ticket, v.Operator = rapid.StringMatching(`[A-Za-z0-9._-]{1,64}`).Draw(t, "id"), text.Draw(t, "ticket"), text.Draw(t, "operator")
		v.Amount = rapid.Int64Range(1, 99999999999).Draw(t, "amount")
		width := rapid.SampledFrom([]int{NarrowReceipt, WideReceipt}).Draw(t, "width")
		r, err := ReceiptOf(v, paidAt, nil, rapid.IntRange(0, 4).Draw(t, "decimals"), width, hongKong)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(r.Text, "\n") {
			if columns(line) > width {
				t.Errorf("%d columns: %q", columns(line), line)
			}
		}
		flat := strings.Join(strings.Fields(r.Text), "")
		for _, must := range []string{v.ID, v.Ticket, v.Operator, r.AmountText, r.SysSN} {
			if !strings.Contains(flat, strings.Join(strings.Fields(must), "")) {
				t.Errorf("%q is not in\n%s", must, r.Text)
			}
		}
	})
}
