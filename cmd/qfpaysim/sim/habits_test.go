package sim

import (
	"crypto/md5"
	"fmt"
	"net/http/httptest"
	"sort"
	"strings"
	"testing"
	"time"
)

func (s *shop) habits(body string) {
	s.Helper()
	if status, text := s.panel("POST", "/sim/habits", body); status != 200 {
		s.Fatalf("%s: %d %s", body, status, text)
	}
}

// listPage is a page of the month's list, as out_trade_nos.
func (s *shop) listPage(page, size int) string {
	s.Helper()
	r := s.call("query", map[string]string{"start_time": "2000-01-01 00:00:00", "end_time": "2000-01-31 23:59:59",
		"page": fmt.Sprint(page), "page_size": fmt.Sprint(size)})
	var out []string
	data, isList := r.body["data"].([]any)
	if r.what != "0000" || !isList {
		return r.what + " without a list"
	}
	for _, x := range data {
		out = append(out, x.(map[string]any)["out_trade_no"].(string))
	}
	return strings.Join(out, " ")
}

func TestPages(t *testing.T) {
	for _, c := range []struct{ name, habits, want string }{
		{"as asked", `{}`, "T7 T6 T5 T4|T3 T2 T1||"},
		{"smaller", `{"page_size": 2}`, "T7 T6|T5 T4|T3 T2|T1"},
		{"larger", `{"page_size": 50}`, "T7 T6 T5 T4 T3 T2 T1|||"},
		{"the last again", `{"page_repeats": true}`, "T7 T6 T5 T4|T3 T2 T1|T3 T2 T1|T3 T2 T1"},
		{"some are missing", `{"list_misses": 3}`, "T7 T6 T4 T3|T1||"},
		{"empty", `{"list_empty": true}`, "|||"},
		{"late", `{"list_lag": "3500ms"}`, "T4 T3 T2 T1|||"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{}, func(s *shop) {
				for i := range 7 {
					s.pay(fmt.Sprintf("T%d", i+1), AuthCode("alipay", "pay", i))
					time.Sleep(time.Second)
				}
				s.habits(c.habits)
				var pages []string
				for p := range 4 {
					pages = append(pages, s.listPage(p+1, 4))
				}
				s.want(c.habits, strings.Join(pages, "|"), c.want)
			})
		})
	}
}

// While QFPay is busy nothing is booked, and then all is as before.
func TestBusy(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.habits(`{"busy": "2m"}`)
		s.want("payment", s.pay("T1", AuthCode("alipay", "pay", 1)).what, "429")
		time.Sleep(119 * time.Second)
		s.want("query", s.ask("T1"), "429")
		time.Sleep(time.Second)
		s.want("query", s.ask("T1"), "-")
		s.want("payment", s.pay("T1", AuthCode("alipay", "pay", 1)).what, "0000")
	})
}

// Answers that were signed can lose their signature, or get a wrong one, from one moment to the next.
func TestSignaturesChange(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.want("at first", s.pay("T1", AuthCode("alipay", "pay", 1)).what, "0000")
		s.habits(`{"answer_sign": "none"}`)
		s.want("none", s.pay("T2", AuthCode("alipay", "pay", 2)).what, "unsigned 0000")
		s.habits(`{"answer_sign": "wrong"}`)
		s.want("wrong", s.pay("T3", AuthCode("alipay", "pay", 3)).what, "badsign 0000")
		for _, bad := range []string{`{"answer_sign": "RSA"}`, `{"page_size": -1}`, `{"list_lag": "soon"}`, `{"bussy": "1m"}`} {
			if status, text := s.panel("POST", "/sim/habits", bad); status != 400 || text == "" {
				s.Errorf("%s: %d %s", bad, status, text)
			}
		}
		s.panel("POST", "/sim/reset", "")
		s.want("after reset", s.pay("T1", AuthCode("alipay", "pay", 1)).what, "0000")
	})
}

// A signature over the sorted fields: of name=value joined by &, the client key behind.
func TestSignedByFields(t *testing.T) {
	gw := New(Config{AppCode: testApp, ClientKey: testKey, AnswerSign: "fields", Seed: 3})
	body, sign := signedBody(order1("T1", AuthCode("alipay", "pay", 1), sampleTime), testKey)
	req := httptest.NewRequest("POST", "/trade/v1/payment", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-QF-APPCODE", testApp)
	req.Header.Set("X-QF-SIGN", sign)
	w := httptest.NewRecorder()
	gw.ServeHTTP(w, req)
	var parts []string
	for pair := range strings.SplitSeq(strings.Trim(w.Body.String(), "{}"), ", \"") {
		name, value, _ := strings.Cut(pair, "\": ")
		if value = strings.Trim(value, `"`); value != "" {
			if name = strings.Trim(name, `"`); name == "resperr" {
				value = "交易成功"
			}
			parts = append(parts, name+"="+value)
		}
	}
	sort.Strings(parts)
	want := fmt.Sprintf("%X", md5.Sum([]byte(strings.Join(parts, "&")+testKey)))
	if got := w.Header().Get("X-QF-SIGN"); got != want {
		t.Errorf("X-QF-SIGN %s, want %s over %s", got, want, strings.Join(parts, "&"))
	}
}
