package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// panel calls the control panel.
func (s *shop) panel(method, path, body string) (status int, text string) {
	s.Helper()
	req, err := http.NewRequest(method, "http://qfpay"+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (s *shop) script(body string) {
	s.Helper()
	if status, text := s.panel("POST", "/sim/script", body); status != 200 {
		s.Fatalf("script %s: %d %s", body, status, text)
	}
}

func TestScripts(t *testing.T) {
	code := AuthCode("alipay", "pay", 1)
	for _, c := range []struct{ script, answer, steps string }{
		{`{"next": true, "do": "lost"}`, "lost", "?=0000"},
		{`{"auth_code": "` + code + `", "do": "pending-1143"}`, "1143", "?=1143 ?=1143 ?=0000"},
		{`{"out_trade_no": "T1", "do": "pending-1143", "polls": 1, "then": "declined", "then_code": "2007"}`, "1143", "?=1143 ?=2007"},
		{`{"out_trade_no": "OTHER", "do": "lost"}`, "0000", "?=0000"},
		{`{"next": true, "code": "1145"}`, "1145", "?=0000"},
		{`{"next": true, "code": "1145", "polls": 1, "after": "5s"}`, "1145", "?=1145 ?=1145 +5s ?=0000"},
		{`{"next": true, "code": "1145", "polls": 1, "after": "5s"}`, "1145", "+5s ?=1145 ?=0000"},
		{`{"next": true, "code": "1298", "fate": "paid"}`, "1298", "?=0000"},
		{`{"next": true, "code": "1298", "fate": "pending", "polls": 1}`, "1298", "?=1143 ?=0000"},
		{`{"next": true, "code": "1298", "fate": "absent"}`, "1298", "?=-"},
		{`{"next": true, "do": "charged-1202", "hide": 1}`, "1202", "?=- ?=0000"},
		{`{"next": true, "code": "9999"}`, "9999", "?=9999"},
		{`{"next": true, "status": 503, "delay": "2s"}`, "503", "?=0000"},
		{`{"next": true, "fault": "nosyssn"}`, "0000", "?=0000"},
		{`{"next": true, "late": "30s", "fault": "lost"}`, "lost", "?=- +30s ?=0000"},
		{`[{"next": true, "do": "never"}, {"on": "query", "next": true, "fault": "nodata", "times": 2}]`, "1143", "?=- ?=- ?=1143"},
		{`{"on": "query", "out_trade_no": "T1", "times": -1, "code": "1100"}`, "0000", "?=1100 ?=1100 ?=1100"},
		{`{"next": true, "do": "never", "cancel": {"effect": "kept"}}`, "1143", "reversal=1260 ?=0000"},
		{`[{"next": true, "do": "never"}, {"on": "cancel", "next": true, "do": "cancel-lost"}]`, "1143", "reversal=lost ?=1142/1"},
		{`[{"next": true, "do": "never"}, {"on": "cancel", "auth_code": "` + code + `", "code": "1101", "cancel": {"effect": "none", "code": "1101"}}]`,
			"1143", "reversal=1101 ?=1143 reversal=0000"},
		{`{"on": "refund", "out_trade_no": "T1", "do": "refund-lost"}`, "0000", "refund:R1:400=lost ?=0000/5"},
		{`{"on": "refund", "out_trade_no": "R1", "code": "1269"}`, "0000", "refund:R1:400=1269 refund:R1:400=0000"},
		{`{"on": "refund", "next": true, "code": "1143", "polls": 1}`, "0000", "refund:R1:400=1143 r=1143 r=0000 ?=0000/5"},
		{`{"next": true, "refund": {"fate": "pending", "then": "declined"}}`, "0000", "refund:R1:400=1143 r=1155 ?=0000"},
	} {
		t.Run(c.script, func(t *testing.T) {
			bubble(t, Config{}, func(s *shop) {
				s.script(c.script)
				s.want("/payment", s.pay("T1", code).what, c.answer)
				for step := range strings.FieldsSeq(c.steps) {
					s.step(step)
				}
			})
		})
	}
}

// A script is used up, the oldest first.
func TestScriptsAreUsedUp(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.script(`[{"next": true, "code": "1202", "times": 2}, {"next": true, "code": "1201"}]`)
		for i, want := range []string{"1202", "1202", "1201", "0000"} {
			s.want("payment", s.pay("T"+string(rune('A'+i)), AuthCode("alipay", "pay", i)).what, want)
		}
		s.script(`{"next": true, "do": "lost"}`)
		if status, text := s.panel("DELETE", "/sim/script", ""); status != 200 || strings.TrimSpace(text) != "[]" {
			s.Errorf("DELETE: %d %s", status, text)
		}
		s.want("after DELETE", s.pay("T9", AuthCode("alipay", "pay", 9)).what, "0000")
	})
}

func TestScriptMistakesAreNamed(t *testing.T) {
	for script, says := range map[string]string{
		`{"do": "lost"}`:                                    "auth_code, out_trade_no or",
		`{"next": true, "do": "explode"}`:                   `"explode"`,
		`{"next": true, "polls": "3"}`:                      "polls",
		`{"next": true, "pols": 3}`:                         "pols",
		`{"next": true, "on": "pay"}`:                       `"pay"`,
		`{"next": true, "code": "12"}`:                      `"12"`,
		`{"next": true, "fault": "evil"}`:                   `"evil"`,
		`{"next": true, "fate": "rich"}`:                    `"rich"`,
		`{"next": true, "status": 200}`:                     "200",
		`{"next": true, "also": "x"}`:                       `"x"`,
		`{"next": true, "after": "soon"}`:                   "soon",
		`{"next": true, "after": "-1s"}`:                    "negative",
		`{"next": true, "cancel": {"effect": "x"}}`:         `"x"`,
		`[{"next": true}, {"next": true, "do": "code-12"}]`: `"12"`,
		``: "JSON",
	} {
		bubble(t, Config{}, func(s *shop) {
			status, text := s.panel("POST", "/sim/script", script)
			if status != 400 || !strings.Contains(text, says) {
				s.Errorf("%s: %d %q does not name %s", script, status, text, says)
			}
			s.want("nothing is taken of it", s.pay("T1", AuthCode("alipay", "pay", 1)).what, "0000")
		})
	}
}

func TestClock(t *testing.T) {
	bubble(t, Config{Skew: -8 * time.Minute}, func(s *shop) {
		r := s.pay("T1", AuthCode("alipay", "pending-90s", 1))
		s.want("sysdtm with -clock-skew", r.str("sysdtm"), "2000-01-01 07:52:00")
		for _, c := range []struct{ ask, says string }{
			{`{"advance": "89s"}`, "2000-01-01T07:53:29+08:00"},
			{`{"skew": "1h"}`, "2000-01-01T09:00:00+08:00"},
			{`{"now": "2026-01-31T23:59:58+08:00"}`, "2026-01-31T23:59:58+08:00"},
		} {
			if status, text := s.panel("POST", "/sim/clock", c.ask); status != 200 || !strings.Contains(text, c.says) {
				s.Errorf("%s: %d %s, want %s", c.ask, status, text, c.says)
			}
		}
		s.books("T1", Paid, 1, 1000)
		for _, ask := range []string{``, `{}`, `{"skew": "fast"}`, `{"sku": "1h"}`, `{"now": "today"}`} {
			if status, text := s.panel("POST", "/sim/clock", ask); status != 400 || !strings.Contains(text, "advance") {
				s.Errorf("%s: %d %s", ask, status, text)
			}
		}
		s.panel("POST", "/sim/reset", "")
		if _, text := s.panel("GET", "/sim/clock", ""); !strings.Contains(text, "07:52:00") {
			s.Errorf("after reset: %s", text)
		}
		if l := s.gw.Ledger(); len(l.Payments) != 0 || l.Totals.Requests != 0 {
			s.Errorf("after reset: %+v", l)
		}
	})
}

// GET /sim/ledger tells all calls about each payment, and those that were about none.
func TestLedger(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.pay("T1", AuthCode("alipay", "lost", 1))
		s.ask("T1")
		s.pay("T1", AuthCode("alipay", "pay", 2))
		s.undo("reversal", "T1")
		s.giveBack("R1", "T1", "400")
		s.ask("R1")
		s.pay("T2", AuthCode("alipay", "dropped", 3))
		s.header = map[string]string{"X-QF-SIGN": "00"}
		s.pay("T1", AuthCode("alipay", "pay", 4))
		s.pay("T3", AuthCode("alipay", "pay", 5))
		_, text := s.panel("GET", "/sim/ledger", "")
		var l struct {
			Payments []struct {
				OutTradeNo string `json:"out_trade_no"`
				AuthCode   string `json:"auth_code"`
				State      string
				Charged    int64
				Charges    int
				Posts      int
				Requests   []struct{ Call, RespCD, Fault string }
			}
			Refunds []struct {
				Of, State string
				Posts     int
				Requests  []struct{ Call string }
			}
			Strays []struct {
				OutTradeNo string `json:"out_trade_no"`
				RespCD     string
			}
			Totals struct {
				Requests, Charges int
				Charged           map[string]int64
			}
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil || len(l.Payments) != 2 || len(l.Refunds) != 1 || len(l.Strays) != 1 {
			s.Fatalf("%v: %s", err, text)
		}
		p := l.Payments[0]
		if p.State != "paid" || p.Charged != 600 || p.Charges != 1 || p.Posts != 3 || p.AuthCode != "3000**********0010" {
			s.Errorf("T1: %+v", p)
		}
		var calls []string
		for _, r := range p.Requests {
			calls = append(calls, strings.TrimSpace(r.Call+" "+r.RespCD+" "+r.Fault))
		}
		want := "payment 0000 lost, query 0000, payment 1251, reversal 1260, payment 1108"
		s.want("calls about T1", strings.Join(calls, ", "), want)
		if p := l.Payments[1]; p.State != "absent" || p.Posts != 1 || p.Charges != 0 {
			s.Errorf("T2: %+v", p)
		}
		if r := l.Refunds[0]; r.Of != "T1" || r.State != "refunded" || r.Posts != 1 || len(r.Requests) != 2 {
			s.Errorf("R1: %+v", r)
		}
		s.want("stray", l.Strays[0].OutTradeNo+" "+l.Strays[0].RespCD, "T3 1108")
		if l.Totals.Requests != 9 || l.Totals.Charges != 1 || l.Totals.Charged["HKD"] != 600 {
			s.Errorf("totals: %+v", l.Totals)
		}
	})
}

// Neither the key nor an auth code shows in the ledger, the scripts or the log.
func TestNothingSecretShows(t *testing.T) {
	code := "287654321012345678"
	var log bytes.Buffer
	bubble(t, Config{Log: &log}, func(s *shop) {
		s.script(`{"auth_code": "` + code + `", "do": "query-500", "times": 2}`)
		_, scripts := s.panel("GET", "/sim/script", "")
		s.pay("T1", code)
		s.ask("T1")
		s.pay("T1", code)
		s.header = map[string]string{"X-QF-SIGN": "00"}
		s.pay("T2", code)
		_, ledger := s.panel("GET", "/sim/ledger", "")
		for name, text := range map[string]string{"scripts": scripts, "ledger": ledger, "log": log.String()} {
			if text == "" || strings.Contains(text, code) || strings.Contains(text, testKey) {
				s.Errorf("%s: %s", name, text)
			}
		}
	})
}

func TestHelpNamesEverything(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		status, text := s.panel("GET", "/sim/help", "")
		if status != 200 || text != Help() {
			s.Fatalf("%d %s", status, text)
		}
		for _, b := range everything {
			if !strings.Contains(text, b.Digits+"  "+b.Name) {
				s.Errorf("help does not tell %s", b.Name)
			}
		}
	})
}

// With the same seed the same calls get the same bytes.
func TestDeterministic(t *testing.T) {
	run := func(seed int64) (text string) {
		bubble(t, Config{Seed: seed}, func(s *shop) {
			for i, b := range behaviours {
				number := "T" + b.Digits
				text += s.pay(number, AuthCode("wechat", b.Name, i)).raw
				text += s.call("query", map[string]string{"out_trade_no": number}).raw
				text += s.undo("close", number).raw
			}
		})
		return text
	}
	one := run(1)
	if run(1) != one {
		t.Error("two runs with one seed differ")
	}
	if run(2) == one {
		t.Error("the seed changes nothing")
	}
}
