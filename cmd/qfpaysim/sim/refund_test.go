package sim

import (
	"strings"
	"testing"
	"time"
)

func TestRefundSums(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.pay("T1", AuthCode("alipay", "pay", 1))
		steps := []struct{ number, amount, want, shows string }{
			{"R1", "400", "0000", "0000/5"},
			{"R2", "601", "1272", "0000/5"},
			{"R2", "100", "0000", "0000/5"}, // a refused refund leaves its number free
			{"R2", "100", "1251", "0000/5"},
			{"R3", "500", "0000", "0000/3"},
			{"R4", "1", "1264", "0000/3"},
		}
		for _, c := range steps {
			time.Sleep(2 * time.Second)
			r := s.giveBack(c.number, "T1", c.amount)
			s.want("refund "+c.number+" of "+c.amount, r.what, c.want)
			s.want("payment then", s.ask("T1"), c.shows)
			if c.want == "1264" {
				s.want("respmsg", r.str("respmsg"), "wrong cancel")
			}
		}
		s.books("T1", Refunded, 1, 0)
		l := s.gw.Ledger()
		if l.Totals.Refunded["HKD"] != 1000 || l.Totals.Charged["HKD"] != 0 || len(l.Refunds) != 4 {
			t.Errorf("ledger: %+v, %d refunds", l.Totals, len(l.Refunds))
		}
	})
}

func TestRefundNeedsAPaidPayment(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.pay("P", AuthCode("alipay", "never", 1))
		s.pay("D", AuthCode("alipay", "code-1202", 2))
		s.pay("C", AuthCode("alipay", "never", 3))
		s.undo("reversal", "C")
		for of, want := range map[string]string{"P": "1261", "D": "1261", "C": "1264"} {
			s.want("refund of "+of, s.giveBack("R"+of, of, "1000").what, want)
		}
		r := s.call("refund", map[string]string{"syssn": "20260101000300020000000000", "out_trade_no": "R9", "txamt": "1", "txdtm": sampleTime})
		s.want("unknown syssn", r.what, "1268")
		s.want("number of it", s.ask("R9"), "-")
	})
}

// No refunds from 23:30 to 00:30 by the gateway's clock.
func TestRefundHours(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.clock("2026-01-15 12:00:00")
		for i, c := range []struct{ at, want string }{
			{"2026-01-15 23:29:59", "0000"}, {"2026-01-15 23:30:00", "1265"}, {"2026-01-16 00:29:59", "1265"}, {"2026-01-16 00:30:00", "0000"},
		} {
			number := string(rune('A' + i))
			s.pay(number, AuthCode("alipay", "pay", i))
			s.clock(c.at)
			s.want(c.at, s.giveBack("R"+number, number, "1000").what, c.want)
		}
	})
	bubble(t, Config{AnyHour: true}, func(s *shop) {
		s.clock("2026-01-15 12:00:00")
		s.pay("A", AuthCode("alipay", "pay", 1))
		s.clock("2026-01-15 23:45:00")
		s.want("at any hour", s.giveBack("RA", "A", "1000").what, "0000")
	})
}

// A second refund is refused while the first is processing or a second old.
func TestRefundBusy(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.pay("T1", AuthCode("alipay", "pay", 1))
		s.pay("T2", AuthCode("alipay", "refund-pending", 2))
		s.want("first", s.giveBack("R1", "T1", "100").what, "0000")
		s.want("at once", s.giveBack("R2", "T1", "100").what, "1297")
		time.Sleep(time.Second)
		s.want("a second later", s.giveBack("R2", "T1", "100").what, "0000")
		s.want("pending", s.giveBack("R3", "T2", "600").what, "1143")
		time.Sleep(time.Minute)
		s.want("while pending", s.giveBack("R4", "T2", "400").what, "1297")
		s.want("more than is left", s.giveBack("R4", "T2", "401").what, "1272")
		s.books("T2", Paid, 1, 1000)
		for _, want := range []string{"refund:1143", "refund:1143", "refund:0000"} {
			s.want("query", s.ask("R3"), want)
		}
		s.books("T2", Paid, 1, 400)
	})
}

// With SameDayFunds a refund comes out of the day's takings in its wallet and currency.
func TestRefundFunds(t *testing.T) {
	bubble(t, Config{SameDayFunds: true}, func(s *shop) {
		s.clock("2026-01-15 12:00:00")
		s.pay("T1", AuthCode("alipay", "pay", 1))
		s.clock("2026-01-16 12:00:00")
		r := s.giveBack("R1", "T1", "1000")
		s.want("next day", r.what, "1269")
		if !strings.Contains(r.str("resperr"), "refundable balance is 0 HKD") {
			t.Errorf("resperr %q", r.str("resperr"))
		}
		s.pay("T2", AuthCode("wechat", "pay", 2))
		s.want("money of another wallet", s.giveBack("R2", "T1", "1000").what, "1269")
		s.pay("T3", AuthCode("alipay", "pay", 3))
		s.want("money of this wallet", s.giveBack("R3", "T1", "1000").what, "0000")
		s.want("it is used up", s.giveBack("R4", "T3", "1").what, "1269")
	})
}
