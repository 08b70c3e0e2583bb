package sim

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is called in whatever order, the books balance: a number is charged at most once, no more is given back
// than was taken, what a query shows agrees with the money, and nothing is charged without a /payment.
func TestBooksBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 1, 15, 4, 0, 0, 0, time.UTC)
		g := New(Config{AppCode: testApp, ClientKey: testKey, Clock: func() time.Time { return now }, AnyMonth: true})
		post := func(call string, fields map[string]string) {
			body, sign := signedBody(fields, testKey)
			r := httptest.NewRequest("POST", "/trade/v1/"+call, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-QF-APPCODE", testApp)
			r.Header.Set("X-QF-SIGN", sign)
			defer func() {
				if p := recover(); p != nil && p != http.ErrAbortHandler {
					panic(p)
				}
			}()
			g.ServeHTTP(httptest.NewRecorder(), r)
		}
		names := make([]string, 0, len(behaviours))
		for _, b := range behaviours { // those that wait need a server
			hangs := b.plan.Fault == "hang" || b.plan.Query != nil && b.plan.Query.Fault == "hang"
			if b.plan.Late > 0 || !hangs && b.plan.Delay == 0 {
				names = append(names, b.Name)
			}
		}
		number := rapid.SampledFrom([]string{"A", "B", "C", "D"})
		posted := map[string]bool{}
		for i := range rapid.IntRange(1, 40).Draw(t, "calls") {
			n := number.Draw(t, "number")
			switch rapid.IntRange(0, 6).Draw(t, "call") {
			case 0, 1:
				wallet := rapid.SampledFrom(Wallets).Draw(t, "wallet").Name
				name := rapid.SampledFrom(names).Draw(t, "behaviour")
				f := order1(n, AuthCode(wallet, name, rapid.IntRange(0, 9).Draw(t, "code")), sampleTime)
				if name == "late" {
					if err := g.Script(Script{OutTradeNo: n, Plan: Plan{Reply: lost, Late: 50 * second}}); err != nil {
						t.Fatal(err)
					}
				}
				posted[n] = true
				post("payment", f)
			case 2, 3:
				post("query", map[string]string{"out_trade_no": n})
			case 4:
				call := rapid.SampledFrom([]string{"reversal", "close"}).Draw(t, "cancel")
				post(call, map[string]string{"out_trade_no": n, "txamt": "1000", "txdtm": sampleTime})
			case 5:
				if p, ok := g.Payment(n); ok && p.SysSN != "" {
					amount := fmt.Sprint(rapid.IntRange(1, 1200).Draw(t, "amount"))
					post("refund", map[string]string{"syssn": p.SysSN, "out_trade_no": fmt.Sprintf("R%d", i%5), "txamt": amount, "txdtm": sampleTime})
				}
			case 6:
				now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "seconds")) * time.Second)
			}
			balance(t, g, posted)
		}
	})
}

func balance(t *rapid.T, g *Gateway, posted map[string]bool) {
	l := g.Ledger()
	back := map[string]int64{}
	for _, r := range l.Refunds {
		if r.State == Refunded {
			back[r.Of] += r.Amount
		}
	}
	var kept int64
	for _, p := range l.Payments {
		kept += p.Charged
		holds := p.State == Paid && p.RespCD == "0000" && (p.Cancel == "0" || p.Cancel == "5")
		switch {
		case p.Charges > 1, p.Charges == 1 && !posted[p.OutTradeNo]:
			t.Fatalf("%s charged %d times", p.OutTradeNo, p.Charges)
		case p.Charged < 0, p.Charged != int64(p.Charges)*p.Amount-p.Refunded-p.Reversed, p.Refunded != back[p.OutTradeNo]:
			t.Fatalf("%s does not balance: %+v, refunds of %d", p.OutTradeNo, p, back[p.OutTradeNo])
		case holds != (p.Charged > 0):
			t.Fatalf("%s keeps %d but shows %s %s/%s", p.OutTradeNo, p.Charged, p.State, p.RespCD, p.Cancel)
		case p.Charges == 0 && p.RespCD == "0000":
			t.Fatalf("%s shows 0000 without a charge", p.OutTradeNo)
		}
	}
	if kept != l.Totals.Charged["HKD"] {
		t.Fatalf("totals keep %d, payments %d", l.Totals.Charged["HKD"], kept)
	}
}
