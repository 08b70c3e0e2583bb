package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// listed are the numbers that a query lists, in order.
func (s *shop) listed(fields map[string]string) string {
	s.Helper()
	r := s.call("query", fields)
	if r.what != "0000" {
		return r.what + " " + r.str("respmsg")
	}
	var out []string
	for _, x := range r.body["data"].([]any) {
		out = append(out, x.(map[string]any)["out_trade_no"].(string))
	}
	return strings.Join(out, " ")
}

func (s *shop) clock(t string) {
	s.Helper()
	at, err := time.ParseInLocation(timeForm, t, time.FixedZone("", 8*3600))
	if err != nil {
		s.Fatal(err)
	}
	s.gw.Advance(at.Sub(s.gw.Now()))
}

// The trap at the turn of the month: a query by number finds what the current month has, unless it names the month.
func TestQueryMonth(t *testing.T) {
	january := map[string]string{"start_time": "2026-01-01 00:00:00", "end_time": "2026-01-31 23:59:59"}
	with := func(m map[string]string, kv ...string) map[string]string {
		out := map[string]string{}
		for k, v := range m {
			out[k] = v
		}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i]] = kv[i+1]
		}
		return out
	}
	bubble(t, Config{}, func(s *shop) {
		s.clock("2026-01-31 23:59:59")
		s.pay("T1", AuthCode("alipay", "pay", 1))
		s.want("by number, same month", s.listed(map[string]string{"out_trade_no": "T1"}), "T1")
		s.clock("2026-02-01 00:00:00")
		s.pay("T2", AuthCode("alipay", "pay", 2))
		s.want("by number, next month", s.listed(map[string]string{"out_trade_no": "T1"}), "")
		s.want("by number and month", s.listed(with(january, "out_trade_no", "T1")), "T1")
		s.want("by number, the other month", s.listed(with(january, "out_trade_no", "T2")), "")
		s.want("by month", s.listed(january), "T1")
		s.want("the last second", s.listed(with(january, "start_time", "2026-01-31 23:59:59")), "T1")
		s.want("up to a second before", s.listed(with(january, "end_time", "2026-01-31 23:59:58")), "")
		s.want("across months", s.listed(with(january, "end_time", "2026-02-01 00:00:00")), "1103 start_time and end_time are not in one month")
		s.want("backwards", s.listed(with(january, "start_time", "2026-02-01 00:00:00")), "1103 end_time is before start_time")
		s.want("only a start", s.listed(map[string]string{"out_trade_no": "T2", "start_time": "2026-02-01 00:00:00"}), "T2")
		s.want("only a start, no number", s.listed(map[string]string{"start_time": "2026-02-01 00:00:00"}), "1104 syssn, out_trade_no or a time range is needed")
		s.want("UTC", s.listed(map[string]string{"start_time": "2026-01-31 16:00:00", "end_time": "2026-01-31 16:00:00", "txzone": "+0000"}), "T2")
		s.want("nothing to go by", s.listed(map[string]string{"pay_type": "800108"}), "1104 syssn, out_trade_no or a time range is needed")
	})
	bubble(t, Config{AnyMonth: true}, func(s *shop) {
		s.clock("2026-01-31 23:59:59")
		s.pay("T1", AuthCode("alipay", "pay", 1))
		s.clock("2026-02-01 00:00:00")
		s.want("any month", s.listed(map[string]string{"out_trade_no": "T1"}), "T1")
		s.want("any month, range ignored", s.listed(map[string]string{"out_trade_no": "T1",
			"start_time": "2026-02-01 00:00:00", "end_time": "2026-02-01 00:00:00"}), "T1")
	})
}

func TestQueryLists(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.clock("2026-01-15 12:00:00")
		for i := 1; i <= 12; i++ {
			wallet := []string{"alipay", "wechat"}[i%2]
			name := "pay"
			if i == 5 {
				name = "never"
			}
			s.pay(fmt.Sprintf("T%d", i), AuthCode(wallet, name, i))
			time.Sleep(time.Second)
		}
		s.giveBack("R1", "T2", "400")
		day := func(kv ...string) map[string]string {
			m := map[string]string{"start_time": "2026-01-15 00:00:00", "end_time": "2026-01-15 23:59:59"}
			for i := 0; i < len(kv); i += 2 {
				m[kv[i]] = kv[i+1]
			}
			return m
		}
		s.want("newest ten", s.listed(day()), "R1 T12 T11 T10 T9 T8 T7 T6 T5 T4")
		s.want("the rest", s.listed(day("page", "2")), "T3 T2 T1")
		s.want("beyond", s.listed(day("page", "3")), "")
		s.want("a hundred", s.listed(day("page_size", "100", "respcd", "1143")), "T5")
		s.want("more than a hundred", s.listed(day("page_size", "101")), "1103 page_size is 1 to 100")
		s.want("page 0", s.listed(day("page", "0")), "1103 page is a number from 1")
		s.want("Page", s.listed(day("Page", "1")), `1104 "Page" is not a parameter of this call`)
		s.want("one wallet", s.listed(day("pay_type", "800208", "page_size", "3")), "T11 T9 T7")
		s.want("two wallets", s.listed(day("pay_type", "800208,800108", "page_size", "3")), "R1 T12 T11")
		s.want("several numbers", s.listed(map[string]string{"out_trade_no": "T3,T9,R1,NONE"}), "R1 T9 T3")
		p, _ := s.gw.Payment("T7")
		s.want("syssn and number", s.listed(map[string]string{"syssn": p.SysSN, "out_trade_no": "T3"}), "T7 T3")
	})
}

// A query that fails, or lists by time, is not one of those that see a payment pending.
func TestQueriesThatCount(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.pay("T1", AuthCode("alipay", "pending-1143", 1))
		s.header = map[string]string{"X-QF-SIGN": "00"}
		for range 3 {
			s.want("unsigned", s.ask("T1"), "1108")
		}
		s.header = nil
		for range 3 {
			s.listed(map[string]string{"start_time": "2000-01-01 00:00:00", "end_time": "2000-01-31 00:00:00"})
		}
		if err := s.gw.Script(Script{On: "query", OutTradeNo: "T1", Times: 3, Do: "lost"}); err != nil {
			s.Fatal(err)
		}
		for _, want := range []string{"lost", "lost", "lost", "1143", "1143", "0000"} {
			s.want("query", s.ask("T1"), want)
		}
	})
}
