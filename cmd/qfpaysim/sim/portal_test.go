package sim

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func (s *shop) portal(body string) {
	s.Helper()
	if status, text := s.panel("POST", "/sim/portal", body); status != 200 {
		s.Fatalf("%s: %d %s", body, status, text)
	}
}

// What is done by hand is what queries show then, also on a later day and at an hour when calls are refused.
func TestPortal(t *testing.T) {
	for _, c := range []struct {
		name, behaviour, wait, deed, want string
		state                             State
		charges                           int
		kept                              int64
	}{
		{"part", "pay", "1s", `{"refund": "T1", "amount": 400, "number": "P1"}`, "0000/5", Paid, 1, 600},
		{"whole", "pay", "1s", `{"refund": "T1", "number": "P1"}`, "0000/3", Refunded, 1, 0},
		{"a later day, at midnight", "pay", "64h", `{"refund": "T1", "number": "P1"}`, "0000/3", Refunded, 1, 0},
		{"reversed when paid", "pay", "10m", `{"reverse": "T1"}`, "0000/1", Reversed, 1, 0},
		{"reversed when not", "never", "10m", `{"reverse": "T1"}`, "1142/1", Closed, 0, 0},
		{"completed when declined", "code-1201", "1h", `{"complete": "T1"}`, "0000", Paid, 1, 1000},
		{"completed when pending", "never", "1h", `{"complete": "T1"}`, "0000", Paid, 1, 1000},
		{"other values", "pay", "1s", `{"relist": "T1", "list": {"show": {"cancel": "2", "order_type": "sale"}, "copies": 1}}`,
			"sale:0000/2+sale:0000/2", Paid, 1, 1000},
		{"a twin", "pay", "1s", `{"relist": "T1", "list": {"twins": 1}}`, "0000+0000", Paid, 1, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{AnyMonth: true}, func(s *shop) {
				s.pay("T1", AuthCode("alipay", c.behaviour, 1))
				d, _ := time.ParseDuration(c.wait)
				time.Sleep(d)
				s.portal(c.deed)
				s.want("query", s.ask("T1"), c.want)
				s.books("T1", c.state, c.charges, c.kept)
				if strings.Contains(c.deed, "P1") {
					s.want("the refund", s.ask("P1"), "refund:0000")
				}
			})
		})
	}
}

// A closed order that its customer completes is paid, and the shop cannot cancel it any more.
func TestPortalCompletesWhatWasClosed(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.pay("T1", AuthCode("alipay", "never", 1))
		s.want("reversal", s.undo("reversal", "T1").what, "0000")
		s.portal(`{"complete": "T1"}`)
		s.want("query", s.ask("T1"), "0000")
		s.want("reversal", s.undo("reversal", "T1").what, "1260")
	})
}

// A refund by hand can leave no trace but the payment's cancel; and a payment can come from elsewhere.
func TestPortalQuietAndElsewhere(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.pay("T1", AuthCode("alipay", "pay", 1))
		s.portal(`{"refund": "T1", "amount": 400, "number": "P1", "quiet": true}`)
		s.want("the payment", s.ask("T1"), "0000/5")
		s.want("the refund", s.ask("P1"), "-")
		s.portal(`{"sell": "E1", "amount": 700, "currency": "JPY"}`)
		s.want("elsewhere", s.ask("E1"), "0000")
		s.books("E1", Paid, 1, 700)
	})
}

func TestPortalMistakesAreNamed(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.pay("T1", AuthCode("alipay", "pay", 1))
		for body, says := range map[string]string{
			`{}`:                                "one of refund",
			`{"refund": "T1", "reverse": "T1"}`: "one of refund",
			`{"refund": "T2"}`:                  "no payment T2",
			`{"refund": "T1", "amount": 1001}`:  "1000 is left",
			`{"complete": "T1"}`:                "paid already",
			`{"sell": "T1", "amount": 5}`:       "T1 is used",
			`{"sell": "T5"}`:                    "amount",
			`{"relist": "T9"}`:                  "T9",
			`{"return": "T1"}`:                  "return",
		} {
			if status, text := s.panel("POST", "/sim/portal", body); status != 400 || !strings.Contains(text, says) {
				s.Errorf("%s: %d %q does not name %s", body, status, text, says)
			}
		}
		s.books("T1", Paid, 1, 1000)
	})
}

// The customer's side of the books: what was charged with one code, and what came back.
func TestCustomers(t *testing.T) {
	bubble(t, Config{ReuseCodes: true}, func(s *shop) {
		code := AuthCode("alipay", "pay", 1)
		s.pay("T1", code)
		s.pay("T2", code)
		s.pay("T3", AuthCode("alipay", "never", 2))
		s.giveBack("R1", "T1", "1000")
		s.portal(`{"refund": "T2", "amount": 100}`)
		all := s.gw.Ledger().Customers
		if len(all) != 2 {
			s.Fatalf("%+v", all)
		}
		if c := all[0]; c.Code() != code || c.AuthCode == code || c.Charges != 2 || c.Charged["HKD"] != 2000 ||
			c.GivenBack["HKD"] != 1100 || c.Net["HKD"] != 900 || strings.Join(c.Numbers, " ") != "T1 T2" {
			s.Errorf("%+v", c)
		}
		if c := all[1]; c.Charges != 0 || c.Net["HKD"] != 0 {
			s.Errorf("%+v", c)
		}
	})
}

// The deeds and habits that docs/qfpaysim.md shows are taken.
func TestDocumentedDeeds(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/qfpaysim.md")
	if err != nil {
		t.Fatal(err)
	}
	bubble(t, Config{}, func(s *shop) {
		n := 0
		for _, m := range regexp.MustCompile("(?s)```json\nPOST (\\S+)\n(.*?)```").FindAllStringSubmatch(string(raw), -1) {
			for line := range strings.Lines(m[2]) {
				s.panel("POST", "/sim/reset", "")
				if strings.Contains(line, "complete") {
					s.pay("T1", AuthCode("alipay", "never", 1))
				} else {
					s.pay("T1", AuthCode("alipay", "pay", 1))
				}
				deed := line
				if status, text := s.panel("POST", m[1], strings.ReplaceAll(deed, "4000", "400")); status != 200 {
					s.Errorf("%s %s: %d %s", m[1], line, status, text)
				}
				n++
			}
		}
		if n < 5 {
			s.Errorf("only %d are shown", n)
		}
	})
}
