package sim

import (
	"testing"
	"time"
)

// The table of docs/qfpaysim.md: what reversal and close do by wallet and state.
func TestCancelByWallet(t *testing.T) {
	for _, c := range []struct {
		wallet, payType, name, call, want string
		state                             State
		kept                              int64
	}{
		{"alipay", "800108", "never", "reversal", "0000", Closed, 0},
		{"alipay", "800108", "never", "close", "1101", Pending, 0},
		{"alipay", "800108", "pay", "reversal", "1260", Paid, 1000},
		{"alipay", "800008", "never", "reversal", "0000", Closed, 0},
		{"alipay", "800008", "never", "close", "0000", Closed, 0},
		{"alipay", "800008", "pay", "close", "1260", Paid, 1000},
		{"wechat", "800208", "never", "close", "0000", Closed, 0},
		{"wechat", "800208", "never", "reversal", "1101", Pending, 0},
		{"wechat", "800208", "pay", "close", "0000", Reversed, 0},
		{"wechat", "801008", "pay", "close", "0000", Reversed, 0},
		{"wechat", "800008", "pay", "close", "0000", Reversed, 0},
		{"wechat", "800008", "never", "reversal", "1101", Pending, 0},
		{"unionpay", "800708", "never", "close", "1297", Pending, 0},
		{"unionpay", "800708", "never", "reversal", "1297", Pending, 0},
		{"unionpay", "800008", "never", "close", "1297", Pending, 0},
		{"payme", "805808", "never", "close", "1297", Pending, 0},
		{"alipay", "800108", "code-1202", "reversal", "1142", Declined, 0},
	} {
		t.Run(c.wallet+c.payType+c.name+c.call, func(t *testing.T) {
			bubble(t, Config{}, func(s *shop) {
				f := order1("T1", AuthCode(c.wallet, c.name, 1), sampleTime)
				f["pay_type"] = c.payType
				s.call("payment", f)
				r := s.undo(c.call, "T1")
				s.want("first", r.what, c.want)
				if (r.str("syssn") != "") != (c.want == "0000") {
					s.Errorf("syssn %q with %s", r.str("syssn"), r.what)
				}
				p, _ := s.gw.Payment("T1")
				if p.State != c.state || p.Charged != c.kept {
					s.Errorf("%s, %d kept; want %s, %d", p.State, p.Charged, c.state, c.kept)
				}
				switch c.state {
				case Closed:
					s.want("again", s.undo(c.call, "T1").what, "1264")
				case Reversed:
					s.want("again", s.undo(c.call, "T1").what, "1263")
					s.want("refund of it", s.giveBack("R1", "T1", "1000").what, "1263")
				default:
					s.want("again", s.undo(c.call, "T1").what, c.want)
				}
			})
		})
	}
}

func TestCancelNeedsTheOriginal(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.pay("T1", AuthCode("alipay", "never", 1))
		s.pay("T2", AuthCode("alipay", "never", 2))
		p, _ := s.gw.Payment("T1")
		for name, c := range map[string]struct {
			fields map[string]string
			want   string
		}{
			"other amount":       {map[string]string{"out_trade_no": "T1", "txamt": "999", "txdtm": sampleTime}, "1266"},
			"other time":         {map[string]string{"out_trade_no": "T1", "txamt": "1000", "txdtm": "2026-01-01 12:00:01"}, "1267"},
			"unknown number":     {map[string]string{"out_trade_no": "T9", "txamt": "1000", "txdtm": sampleTime}, "1136"},
			"unknown syssn":      {map[string]string{"syssn": "20260101", "txamt": "1000", "txdtm": sampleTime}, "1136"},
			"number not syssn's": {map[string]string{"syssn": p.SysSN, "out_trade_no": "T2", "txamt": "1000", "txdtm": sampleTime}, "1136"},
			"neither":            {map[string]string{"txamt": "1000", "txdtm": sampleTime}, "1104"},
			"no time":            {map[string]string{"out_trade_no": "T1", "txamt": "1000"}, "1104"},
		} {
			s.want(name, s.call("reversal", c.fields).what, c.want)
		}
		s.books("T1", Pending, 0, 0)
		s.books("T2", Pending, 0, 0)
		s.want("by syssn", s.call("reversal", map[string]string{"syssn": p.SysSN, "txamt": "1000", "txdtm": sampleTime}).what, "0000")
		s.books("T1", Closed, 0, 0)
		s.books("T2", Pending, 0, 0)
	})
}

func TestWeChatCloseAfter(t *testing.T) {
	bubble(t, Config{WeChatCloseAfter: 15 * time.Second}, func(s *shop) {
		s.pay("T1", AuthCode("wechat", "never", 1))
		time.Sleep(14 * time.Second)
		s.want("too early", s.undo("close", "T1").what, "1297")
		s.books("T1", Pending, 0, 0)
		time.Sleep(time.Second)
		s.want("in time", s.undo("close", "T1").what, "0000")
		s.books("T1", Closed, 0, 0)
	})
}

// A cancel under way ends by the clock too, and gives back what was paid meanwhile.
func TestCancelTakesTime(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		err := s.gw.Script(
			Script{Next: true, Plan: wait(Course{After: 5 * second})},
			Script{On: "cancel", OutTradeNo: "T1", Plan: Plan{Cancel: &CancelPlan{Effect: "later", After: 8 * second}}})
		if err != nil {
			s.Fatal(err)
		}
		s.want("pay", s.pay("T1", AuthCode("alipay", "pay", 1)).what, "1143")
		s.want("cancel", s.undo("reversal", "T1").what, "1145")
		s.want("cancel again", s.undo("reversal", "T1").what, "1145")
		s.want("at once", s.ask("T1"), "1143")
		time.Sleep(5 * time.Second)
		s.want("after 5 s", s.ask("T1"), "0000")
		time.Sleep(3 * time.Second)
		s.want("after 8 s", s.ask("T1"), "0000/1")
		s.books("T1", Reversed, 1, 0)
	})
}
