package sim

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFieldRules(t *testing.T) {
	for _, c := range []struct{ field, value, want, msg string }{
		{"txamt", "1000", "0000", ""},
		{"txamt", "", "1104", "txamt is missing"},
		{"txamt", "0", "1103", "txamt"},
		{"txamt", "-5", "1103", "txamt"},
		{"txamt", "+5", "1103", "txamt"},
		{"txamt", "10.00", "1103", "txamt"},
		{"txamt", "007", "1103", "txamt"},
		{"txamt", "1,000", "1103", "txamt"},
		{"txamt", "10\n", "1103", "txamt"},
		{"txamt", "99999999999", "0000", ""},
		{"txamt", "100000000000", "1103", "txamt is longer"},
		{"txcurrcd", "-", "1104", "txcurrcd is missing"},
		{"txcurrcd", "hkd", "1103", "txcurrcd"},
		{"txcurrcd", "GBP", "1121", "GBP"},
		{"txcurrcd", "JPY", "0000", ""},
		{"pay_type", "801401", "1104", "filter error"},
		{"pay_type", "801208", "1104", "filter error"},
		{"pay_type", "80", "1103", "pay_type"},
		{"out_trade_no", "-", "1104", "out_trade_no is missing"},
		{"out_trade_no", strings.Repeat("a", 128), "0000", ""},
		{"out_trade_no", strings.Repeat("a", 129), "1103", "out_trade_no is longer"},
		{"out_trade_no", "a,b", "1103", "out_trade_no"},
		{"out_trade_no", "订单", "1103", "out_trade_no"},
		{"out_trade_no", "TS250515T000B0B-156684", "0000", ""},
		{"txdtm", "2026-02-30 12:00:00", "1103", "txdtm is no date"},
		{"txdtm", "2026-01-01T12:00:00", "1103", "txdtm"},
		{"txdtm", "2026-01-01 12:00:00 ", "1103", "txdtm"},
		{"txdtm", "2026-1-1 12:00:00", "1103", "txdtm"},
		{"auth_code", "-", "1104", "auth_code is missing"},
		{"auth_code", "2800000000 0000000", "1103", "auth_code"},
		{"auth_code", "4901234567894", "2005", ""},
		{"auth_code", "https://example.com/pay", "2005", ""},
		{"goods_name", "咖啡 & 奶茶+1", "0000", ""},
		{"goods_name", "", "1104", "goods_name is empty"},
		{"goods_name", strings.Repeat("咖", 22), "1103", "goods_name is longer"},
		{"goods_name", "\xff", "1103", "goods_name is not UTF-8"},
		{"txzone", "+0800", "0000", ""},
		{"txzone", "Asia/Hong_Kong", "1103", "txzone"},
		{"udid", strings.Repeat("u", 41), "1103", "udid is longer"},
		{"limit_pay", "no_credit", "0000", ""},
		{"limit_pay", "credit", "1103", "limit_pay"},
		{"mchid", "ZaMVg12345", "1104", "mchid must not be sent"},
		{"Txamt", "1000", "1104", `"Txamt" is not a parameter`},
		{"sign", "x", "1104", `"sign" is not a parameter`},
	} {
		t.Run(fmt.Sprintf("%s=%.20s", c.field, c.value), func(t *testing.T) {
			bubble(t, Config{}, func(s *shop) {
				f := order1("T1", AuthCode("alipay", "pay", 1), sampleTime)
				if f[c.field] = c.value; c.value == "-" {
					delete(f, c.field)
				}
				r := s.call("payment", f)
				if r.what != c.want || !strings.Contains(r.str("respmsg"), c.msg) {
					s.Errorf("%s, want %s %q", r.raw, c.want, c.msg)
				}
				if charged := s.gw.Ledger().Totals.Charges == 1; charged != (c.want == "0000") {
					s.Errorf("charged: %v", charged)
				}
			})
		})
	}
}

func TestLenient(t *testing.T) {
	bubble(t, Config{Lenient: true}, func(s *shop) {
		f := order1("T1", AuthCode("alipay", "pay", 1), sampleTime)
		f["channel_type"], f["goods_name"], f["product_name"] = "", "", "tea"
		s.want("unknown and empty fields", s.call("payment", f).what, "0000")
	})
}

func TestMchID(t *testing.T) {
	for sent, want := range map[string]string{"ZaMVg12345": "0000", "": "1104", "Other1": "1241"} {
		bubble(t, Config{MchID: "ZaMVg12345"}, func(s *shop) {
			s.mchid = sent
			s.want("mchid "+sent, s.pay("T1", AuthCode("alipay", "pay", 1)).what, want)
			s.want("mchid "+sent, s.call("query", map[string]string{"out_trade_no": "T1"}).what, want)
		})
	}
}

// A number is used once, by a payment or a refund; a code once, by a payment.
func TestOnce(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		code := AuthCode("alipay", "pay", 1)
		s.want("first", s.pay("T1", code).what, "0000")
		again := s.pay("T1", AuthCode("alipay", "pay", 2))
		s.want("number again", again.what, "1251")
		s.want("respmsg", again.str("respmsg"), "out_trade_no is used")
		s.want("the very same again", s.pay("T1", code).what, "1251")
		s.want("code again", s.pay("T2", code).what, "2005")
		s.want("query of that", s.ask("T2"), "2005")
		s.want("refund", s.giveBack("R1", "T1", "400").what, "0000")
		s.want("payment with a refund's number", s.pay("R1", AuthCode("alipay", "pay", 3)).what, "1251")
		s.want("refund with a payment's number", s.giveBack("T2", "T1", "400").what, "1251")
		s.books("T1", Paid, 1, 600)
		if p, _ := s.gw.Payment("T1"); p.Posts != 3 {
			s.Errorf("%d posts, 3 were made", p.Posts)
		}
	})
	bubble(t, Config{ReuseCodes: true}, func(s *shop) {
		s.pay("T1", AuthCode("alipay", "pay", 1))
		s.want("code again", s.pay("T2", AuthCode("alipay", "pay", 1)).what, "0000")
	})
}

// A number whose call QFPay never saw is free.
func TestDroppedNumberIsFree(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		code := AuthCode("alipay", "dropped", 1)
		s.pay("T1", code)
		if err := s.gw.Script(Script{OutTradeNo: "T1", Do: "pay"}); err != nil {
			s.Fatal(err)
		}
		s.want("again", s.pay("T1", code).what, "0000")
		s.books("T1", Paid, 1, 1000)
		if p, _ := s.gw.Payment("T1"); p.Posts != 2 || len(p.Requests) != 2 {
			s.Errorf("%d posts, %d requests; 2 were made", p.Posts, len(p.Requests))
		}
	})
}

func TestWallets(t *testing.T) {
	alipay, wechat, union := AuthCode("alipay", "pay", 1), AuthCode("wechat", "pay", 1), AuthCode("unionpay", "pay", 1)
	for _, c := range []struct{ payType, code, want, resolved string }{
		{"800008", alipay, "0000", "800108"},
		{"800008", wechat, "0000", "800208"},
		{"800008", union, "0000", "800708"},
		{"800008", AuthCode("payme", "pay", 1), "0000", "805808"},
		{"800108", alipay, "0000", "800108"},
		{"800208", wechat, "0000", "800208"},
		{"801008", wechat, "0000", "801008"},
		{"800708", union, "0000", "800708"},
		{"805808", AuthCode("payme", "pay", 1), "0000", "805808"},
		{"800108", wechat, "1144", "800108"},
		{"800208", alipay, "2006", "800208"},
		{"801008", alipay, "2006", "801008"},
		{"800108", "99887766554433221", "2005", "800108"},
		{"801208", "APTH7309962819735668", "0000", "801208"},
	} {
		bubble(t, Config{PayTypes: append([]string{"801208"}, defaultPayTypes...)}, func(s *shop) {
			f := order1("T1", c.code, sampleTime)
			f["pay_type"] = c.payType
			r := s.call("payment", f)
			s.want(c.payType+" "+c.code, r.what+" "+r.str("pay_type"), c.want+" "+c.resolved)
			s.want("query", s.ask("T1"), c.want)
		})
	}
}

func TestTransport(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		resp, err := s.http.Get("http://qfpay/trade/v1/payment")
		if err != nil {
			s.Fatal(err)
		}
		resp.Body.Close()
		s.want("GET", resp.Status[:3], "405")
		pipe := struct{ *strings.Reader }{strings.NewReader("txamt=1")} // not a type whose length net/http knows
		resp, err = s.http.Post("http://qfpay/trade/v1/payment", "application/x-www-form-urlencoded", pipe)
		if err != nil {
			s.Fatal(err)
		}
		resp.Body.Close()
		s.want("chunked", resp.Status[:3], "411")
	})
}

func TestRateLimit(t *testing.T) {
	bubble(t, Config{RatePerMinute: 3}, func(s *shop) {
		for _, want := range []string{"-", "-", "-", "429"} {
			s.want("query", s.ask("T1"), want)
		}
		time.Sleep(time.Minute)
		s.want("a minute later", s.ask("T1"), "-")
	})
}

// However many send the same number or code at once, one is charged.
func TestRaceForOneCharge(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() { s.pay("T1", AuthCode("alipay", "pay", i)) })
			wg.Go(func() { s.pay(fmt.Sprintf("U%d", i), AuthCode("wechat", "pay", 0)) })
		}
		wg.Wait()
		l := s.gw.Ledger()
		if l.Totals.Charges != 2 || l.Totals.Charged["HKD"] != 2000 {
			s.Errorf("%+v, want 2 charges", l.Totals)
		}
		s.books("T1", Paid, 1, 1000)
	})
}
