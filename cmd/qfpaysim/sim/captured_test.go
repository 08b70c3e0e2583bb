package sim

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// capture is what one captured or documented answer of QFPay looks like.
type capture struct {
	ID, Source, Shape string
	Keys, Item        []string
	Shows             struct {
		OrderType string `json:"order_type"`
		RespCD    string `json:"respcd"`
		Cancel    string `json:"cancel"`
	}
}

// Answers have the keys of the captured ones, no more and no less, and list the same in the same situation.
func TestCapturedShapes(t *testing.T) {
	raw, err := os.ReadFile("testdata/captured.json")
	if err != nil {
		t.Fatal(err)
	}
	var captures []capture
	if err := json.Unmarshal(raw, &captures); err != nil {
		t.Fatal(err)
	}
	for _, c := range captures {
		t.Run(c.ID, func(t *testing.T) {
			bubble(t, Config{Shape: c.Shape}, func(s *shop) {
				r, ok := situations[c.ID], false
				if r == nil {
					t.Fatalf("no situation makes %s", c.ID)
				}
				got := r(s)
				sameKeys(t, "answer", slices.Sorted(maps.Keys(got.body)), c.Keys)
				if c.Item == nil {
					return
				}
				var item map[string]any
				for _, x := range got.body["data"].([]any) {
					item, ok = x.(map[string]any)
				}
				if !ok {
					t.Fatalf("nothing listed in %s", got.raw)
				}
				sameKeys(t, "item", slices.Sorted(maps.Keys(item)), c.Item)
				for key, want := range map[string]string{"order_type": c.Shows.OrderType, "respcd": c.Shows.RespCD, "cancel": c.Shows.Cancel} {
					if item[key] != want {
						t.Errorf("item's %s is %v, captured %s", key, item[key], want)
					}
				}
			})
		})
	}
}

func sameKeys(t *testing.T, what string, got, want []string) {
	t.Helper()
	if d := cmp.Diff(slices.Sorted(slices.Values(want)), got); d != "" {
		t.Errorf("%s: keys differ (-captured +ours):\n%s", what, d)
	}
}

func paid(s *shop) reply { return s.pay("T1", AuthCode("wechat", "pay", 1)) }
func query(s *shop, number string) reply {
	return s.call("query", map[string]string{"out_trade_no": number})
}
func querySyssn(s *shop, syssn string) reply {
	return s.call("query", map[string]string{"syssn": syssn})
}

var situations = map[string]func(*shop) reply{
	"cpm_payment_doc":  paid,
	"cpm_payment_jpn":  paid,
	"cpm_payment_2017": paid,
	"query_after_payment_2017": func(s *shop) reply {
		return querySyssn(s, paid(s).str("syssn"))
	},
	"query_after_reversal_2017": func(s *shop) reply { // by the reversal's own syssn
		s.pay("T1", AuthCode("alipay", "cancel-returned", 1))
		return querySyssn(s, s.undo("reversal", "T1").str("syssn"))
	},
	"query_original_after_refund_2017": func(s *shop) reply {
		paid(s)
		s.giveBack("R1", "T1", "1000")
		return query(s, "T1")
	},
	"query_refund_item_2017": func(s *shop) reply {
		paid(s)
		return querySyssn(s, s.giveBack("R1", "T1", "1000").str("syssn"))
	},
	"query_pending_1145_2017": func(s *shop) reply {
		s.pay("T1", AuthCode("wechat", "pending-1145", 1))
		return query(s, "T1")
	},
	"query_pending_1143_jpn": func(s *shop) reply {
		s.pay("T1", AuthCode("wechat", "never", 1))
		return query(s, "T1")
	},
	"query_paid_mirror": func(s *shop) reply { paid(s); return query(s, "T1") },
	"query_paid_2023":   func(s *shop) reply { paid(s); return query(s, "T1") },
	"query_partly_refunded_2025": func(s *shop) reply {
		paid(s)
		s.giveBack("R1", "T1", "400")
		r := query(s, "T1")
		if !strings.Contains(r.raw, `"origssn": null`) {
			s.Errorf("origssn is not null in %s", r.raw)
		}
		return r
	},
	"query_refund_pending_2025": func(s *shop) reply {
		s.pay("T1", AuthCode("wechat", "refund-never", 1))
		s.giveBack("R1", "T1", "1000")
		return query(s, "R1")
	},
	"reversal_2017": func(s *shop) reply {
		s.pay("T1", AuthCode("alipay", "never", 1))
		return s.undo("reversal", "T1")
	},
	"reversal_doc": func(s *shop) reply {
		s.pay("T1", AuthCode("alipay", "never", 1))
		return s.undo("reversal", "T1")
	},
	"close_jpn":   func(s *shop) reply { paid(s); return s.undo("close", "T1") },
	"refund_2017": func(s *shop) reply { paid(s); return s.giveBack("R1", "T1", "1000") },
	"refund_doc":  func(s *shop) reply { paid(s); return s.giveBack("R1", "T1", "1000") },
}

// Values have the captured forms: serial numbers that begin with the day, times in +0800, both kinds of txamt,
// Python's spacing and escapes.
func TestCapturedForms(t *testing.T) {
	forms := map[string]*regexp.Regexp{
		"syssn":  regexp.MustCompile(`^20000101\d{18}$`), // a bubble's clock starts at 2000-01-01 00:00 UTC
		"sysdtm": regexp.MustCompile(`^2000-01-01 08:00:00$`),
		"txdtm":  regexp.MustCompile(`^2026-01-01 12:00:00$`),
		"udid":   regexp.MustCompile(`^qiantai2$`),
		"chnlsn": regexp.MustCompile(`^\d{28}$`),
	}
	bubble(t, Config{}, func(s *shop) {
		kinds := map[string]bool{}
		for i := range 40 {
			r := s.pay("T"+strings.Repeat("x", i), AuthCode([]string{"alipay", "wechat"}[i%2], "pay", i))
			for key, form := range forms {
				if !form.MatchString(r.str(key)) {
					t.Errorf("%s is %q", key, r.str(key))
				}
			}
			switch r.body["txamt"] {
			case "1000":
				kinds["string"] = true
			case 1000.0:
				kinds["number"] = true
			default:
				t.Errorf("txamt is %v", r.body["txamt"])
			}
			if !strings.Contains(r.raw, `"resperr": "\u4ea4\u6613\u6210\u529f", "respmsg": "OK"`) {
				t.Fatalf("not Python's spacing and escapes: %s", r.raw)
			}
		}
		if len(kinds) != 2 {
			t.Errorf("txamt came only as %v", kinds)
		}
	})
}
