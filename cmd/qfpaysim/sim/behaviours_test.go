package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// stories tell of each behaviour what a shop sees: the answer to /payment, then what happens step by step, and the
// ledger at the end. Steps: "?" queries and must list what stands behind "=", "+30s" lets time pass, "reversal",
// "close" and "refund:NUMBER:AMOUNT" call and must be answered so.
var stories = map[string]struct {
	wallet, answer, steps string
	state                 State
	charges               int
	kept                  int64
}{
	"pay":                {"alipay", "0000", "?=0000", Paid, 1, 1000},
	"pending-1143":       {"wechat", "1143", "?=1143 ?=1143 ?=0000 ?=0000", Paid, 1, 1000},
	"pending-1145":       {"alipay", "1145", "?=1145 ?=1145 ?=0000", Paid, 1, 1000},
	"pending-5s":         {"alipay", "1143", "?=1143 +4s ?=1143 +1s ?=0000", Paid, 1, 1000},
	"pending-declined":   {"alipay", "1143", "?=1143 ?=1143 ?=2007", Declined, 0, 0},
	"never":              {"alipay", "1143", "?=1143 +24h ?=1143 reversal=0000 ?=1142/1 reversal=1264", Closed, 0, 0},
	"pending-closed-45s": {"wechat", "1143", "+44s ?=1143 +1s ?=1142", Declined, 0, 0},
	"pending-30s":        {"alipay", "1143", "+29s ?=1143 +1s ?=0000", Paid, 1, 1000},
	"pending-90s":        {"alipay", "1143", "+89s ?=1143 +1s ?=0000", Paid, 1, 1000},
	"pending-10":         {"alipay", "1143", "?=1143 ?=1143 ?=1143 ?=1143 ?=1143 ?=1143 ?=1143 ?=1143 ?=1143 ?=1143 ?=0000", Paid, 1, 1000},

	"lost":          {"alipay", "lost", "?=0000", Paid, 1, 1000},
	"cut":           {"alipay", "cut", "?=0000", Paid, 1, 1000},
	"dropped":       {"alipay", "lost", "?=-", Absent, 0, 0},
	"hang":          {"alipay", "hang", "?=0000", Paid, 1, 1000},
	"hang-dropped":  {"alipay", "hang", "?=-", Absent, 0, 0},
	"lost-pending":  {"alipay", "lost", "?=1143 ?=1143 ?=0000", Paid, 1, 1000},
	"lost-never":    {"wechat", "lost", "?=1143 close=0000 ?=1142/1", Closed, 0, 0},
	"late":          {"alipay", "hang", "?=0000", Paid, 1, 1000}, // the shop's client waits 60 s; see TestLate
	"lost-declined": {"alipay", "lost", "?=1202", Declined, 0, 0},

	"slow-5s":          {"alipay", "0000", "?=0000", Paid, 1, 1000},
	"slow-35s":         {"alipay", "0000", "?=0000", Paid, 1, 1000},
	"http-500":         {"alipay", "500", "?=0000", Paid, 1, 1000},
	"http-500-dropped": {"alipay", "500", "?=-", Absent, 0, 0},
	"http-502":         {"alipay", "502", "?=0000", Paid, 1, 1000},
	"http-503-dropped": {"alipay", "503", "?=-", Absent, 0, 0},
	"http-429":         {"alipay", "429", "?=-", Absent, 0, 0},
	"http-504-30s":     {"alipay", "504", "?=0000", Paid, 1, 1000},

	"bad-signature":  {"alipay", "badsign 0000", "?=0000", Paid, 1, 1000},
	"no-signature":   {"alipay", "unsigned 0000", "?=0000", Paid, 1, 1000},
	"wrong-amount":   {"alipay", "0000", "?=0000", Paid, 1, 1000}, // see TestWrongEcho
	"wrong-number":   {"alipay", "0000", "?=0000", Paid, 1, 1000},
	"wrong-currency": {"alipay", "0000", "?=0000", Paid, 1, 1000},
	"garbage":        {"alipay", "nojson", "?=0000", Paid, 1, 1000},
	"truncated":      {"alipay", "nojson", "?=0000", Paid, 1, 1000},
	"forged":         {"alipay", "badsign 0000", "?=1202", Declined, 0, 0},
	"empty":          {"alipay", "nojson", "?=0000", Paid, 1, 1000},
	"bare-code":      {"alipay", "nocode", "?=0000", Paid, 1, 1000},

	"hidden":              {"alipay", "lost", "?=- ?=- ?=0000", Paid, 1, 1000},
	"hidden-pending":      {"alipay", "1143", "?=- ?=- ?=1143 ?=1143 ?=0000", Paid, 1, 1000},
	"query-500":           {"alipay", "lost", "?=500 ?=500 ?=500 ?=0000", Paid, 1, 1000},
	"query-1100":          {"alipay", "lost", "?=1100 ?=1100 ?=1100 ?=0000", Paid, 1, 1000},
	"query-lost":          {"alipay", "lost", "?=lost ?=lost ?=lost ?=0000", Paid, 1, 1000},
	"query-bad-signature": {"alipay", "lost", "?=badsign_0000 ?=badsign_0000 ?=0000", Paid, 1, 1000},
	"attempts":            {"alipay", "lost", "?=1181+refund:0000+0000", Paid, 1, 1000},
	"attempts-never":      {"alipay", "1143", "?=1181+refund:0000+1143 reversal=0000 ?=1181+refund:0000+1142/1", Closed, 0, 0},
	"query-hang":          {"alipay", "1143", "?=hang ?=0000", Paid, 1, 1000},
	"query-wrong-amount":  {"alipay", "lost", "?=0000", Paid, 1, 1000},

	"cancel-race":        {"wechat", "1143", "?=1143 close=0000 ?=0000/1", Reversed, 1, 0},
	"cancel-kept":        {"wechat", "1143", "?=1143 close=1260 ?=0000", Paid, 1, 1000},
	"cancel-returned":    {"alipay", "1143", "?=1143 reversal=0000 ?=0000/1", Reversed, 1, 0},
	"cancel-unsupported": {"alipay", "1143", "reversal=1297 ?=1143", Pending, 0, 0},
	"cancel-1150":        {"alipay", "1143", "reversal=1150 ?=1143", Pending, 0, 0},
	"cancel-lost":        {"alipay", "1143", "reversal=lost ?=1142/1 reversal=1264", Closed, 0, 0},
	"cancel-dropped":     {"alipay", "1143", "reversal=lost ?=1143 reversal=0000 ?=1142/1", Closed, 0, 0},
	"cancel-later":       {"alipay", "1143", "reversal=1145 ?=1143 ?=1143 ?=1142/1", Closed, 0, 0},
	"cancel-500":         {"wechat", "1143", "close=500 ?=1143 close=0000", Closed, 0, 0},
	"cancel-overtaken":   {"wechat", "1143", "close=0000 ?=1143 +5s ?=0000", Paid, 1, 1000},
	"cancel-ignored":     {"wechat", "1143", "close=0000 ?=1143 close=0000 ?=1143", Pending, 0, 0},
	"cancel-race-lost":   {"alipay", "1143", "reversal=lost ?=0000 reversal=1260", Paid, 1, 1000},

	"refund-pending": {"alipay", "0000", "refund:R1:400=1143 ?=0000 r=1143 r=1143 r=0000 ?=0000/5", Paid, 1, 600},
	"refund-2999":    {"alipay", "0000", "refund:R1:1000=2999 r=2999 r=2999 r=0000 ?=0000/3", Refunded, 1, 0},
	"refund-denied":  {"alipay", "0000", "refund:R1:1000=1143 r=1143 r=1143 r=1155 ?=0000", Paid, 1, 1000},
	"refund-lost":    {"alipay", "0000", "refund:R1:1000=lost r=0000 ?=0000/3 refund:R1:1000=1251 refund:R2:1000=1264", Refunded, 1, 0},
	"refund-dropped": {"alipay", "0000", "refund:R1:1000=lost r=- ?=0000 refund:R1:1000=0000", Refunded, 1, 0},
	"refund-1265":    {"alipay", "0000", "refund:R1:1000=1265 r=- refund:R1:1000=0000", Refunded, 1, 0},
	"refund-1269":    {"alipay", "0000", "refund:R1:1000=1269 refund:R1:1000=0000", Refunded, 1, 0},
	"refund-1270":    {"alipay", "0000", "refund:R1:400=1270 refund:R2:1000=0000", Refunded, 1, 0},
	"refund-1271":    {"alipay", "0000", "refund:R1:400=1271 refund:R2:1000=0000", Refunded, 1, 0},
	"refund-1155":    {"alipay", "0000", "refund:R1:400=1155 refund:R2:1000=1155", Paid, 1, 1000},
	"refund-500":     {"alipay", "0000", "refund:R1:1000=500 r=0000", Refunded, 1, 0},
	"refund-never":   {"alipay", "0000", "refund:R1:1000=1143 +24h r=1143 ?=0000", Paid, 1, 1000},

	"revived":          {"alipay", "2007", "?=2007 +89s ?=2007 +1s ?=0000", Paid, 1, 1000},
	"revived-unlisted": {"alipay", "1205", "?=- +89s ?=- +1s ?=0000", Paid, 1, 1000},
	"revived-10m":      {"wechat", "1147", "+9m ?=1147 +1m ?=0000", Paid, 1, 1000},
	"revived-1201":     {"alipay", "1201", "+179s ?=- +1s ?=0000", Paid, 1, 1000},
	"revived-closed":   {"alipay", "1143", "+5m ?=1143 reversal=0000 ?=1142/1 +119s ?=1142/1 +1s ?=0000", Paid, 1, 1000},

	"unsure-1298":   {"alipay", "1298", "?=- reversal=1136 +119s ?=- +1s ?=0000", Paid, 1, 1000},
	"unsure-1161":   {"alipay", "1161", "+6m ?=0000", Paid, 1, 1000},
	"unsure-1252":   {"alipay", "1252", "+69s ?=- +1s ?=1143 +30s ?=0000", Paid, 1, 1000},
	"late-4m":       {"alipay", "hang", "?=- +179s ?=- +1s ?=0000", Paid, 1, 1000}, // the shop's client waits 60 s
	"late-lost-20m": {"alipay", "lost", "+19m ?=- +1m ?=0000", Paid, 1, 1000},

	"list-lag":          {"alipay", "lost", "?=- +19s ?=- +1s ?=0000", Paid, 1, 1000},
	"list-lag-3m":       {"wechat", "lost", "+179s ?=- +1s ?=0000 close=0000 ?=0000 +3m ?=0000/1", Reversed, 1, 0},
	"list-flap":         {"alipay", "lost", "?=0000 ?=0000 ?=- ?=- ?=0000 ?=0000 ?=-", Paid, 1, 1000},
	"list-flap-pending": {"alipay", "1143", "?=1143 ?=- +5s ?=0000 ?=- ?=0000", Paid, 1, 1000},
	"list-miss":         {"alipay", "lost", "?=- +24h ?=- reversal=1260", Paid, 1, 1000},
	"list-twice":        {"alipay", "lost", "?=0000+0000", Paid, 1, 1000},

	"cancel-none":  {"alipay", "lost", "?=0000/missing", Paid, 1, 1000},
	"cancel-null":  {"alipay", "lost", "?=0000/null", Paid, 1, 1000},
	"cancel-empty": {"alipay", "lost", "?=0000/", Paid, 1, 1000},
	"cancel-4":     {"alipay", "lost", "?=0000/4", Paid, 1, 1000},
	"cancel-6":     {"alipay", "lost", "?=0000/6", Paid, 1, 1000},
	"type-none":    {"alipay", "lost", "?=missing:0000", Paid, 1, 1000},
	"type-odd":     {"alipay", "lost", "?=pay:0000", Paid, 1, 1000},
	"code-odd":     {"alipay", "lost", "?=8888", Paid, 1, 1000},
	"answer-odd":   {"alipay", "8888", "?=0000", Paid, 1, 1000},

	"reversal-late":     {"alipay", "1143", "reversal=0000 ?=1143 +8s ?=0000 +81s ?=0000 +1s ?=0000/1", Reversed, 1, 0},
	"reversal-late-10m": {"alipay", "1143", "+10s reversal=1145 +80s ?=0000 +519s ?=0000 +1s ?=0000/1", Reversed, 1, 0},
	"cancel-copy":       {"wechat", "1143", "close=1101 +90s ?=0000 +209s ?=0000 +1s ?=0000/1", Reversed, 1, 0},

	"refund-late":        {"alipay", "0000", "refund:R1:400=lost r=- ?=0000 +119s r=- +1s r=0000 ?=0000/5", Paid, 1, 600},
	"refund-late-20m":    {"alipay", "0000", "refund:R1:400=1296 +19m r=- +1m r=0000", Paid, 1, 600},
	"refund-booked-late": {"alipay", "0000", "refund:R1:1000=0000 r=- ?=0000 +90s r=0000 ?=0000/3", Refunded, 1, 0},
	"refund-1251":        {"alipay", "0000", "refund:R1:400=1251 +24h r=- ?=0000", Paid, 1, 1000},
	"refund-1251-done":   {"alipay", "0000", "refund:R1:400=1251 r=- ?=0000/5", Paid, 1, 600},
	"refund-unlisted":    {"alipay", "0000", "refund:R1:1000=0000 r=- ?=0000/3", Refunded, 1, 0},
	"refund-denied-done": {"alipay", "0000", "refund:R1:1000=1155 r=- +30s r=0000 ?=0000/3", Refunded, 1, 0},

	"fields-signed": {"alipay", "badsign_0000", "?=0000", Paid, 1, 1000}, // to a client that knows the other way; see TestSignedByFields
}

func TestEveryBehaviour(t *testing.T) {
	for _, b := range everything {
		story, ok := stories[b.Name]
		if !ok {
			t.Errorf("behaviour %s (%s) has no story", b.Name, b.Digits)
			continue
		}
		t.Run(b.Name, func(t *testing.T) {
			bubble(t, Config{AnyMonth: true}, func(s *shop) {
				r := s.pay("T1", AuthCode(story.wallet, b.Name, 1))
				s.want("/payment", r.what, strings.ReplaceAll(story.answer, "_", " "))
				for step := range strings.FieldsSeq(story.steps) {
					s.step(step)
				}
				s.books("T1", story.state, story.charges, story.kept)
				if p, _ := s.gw.Payment("T1"); p.Posts != 1 || p.Behaviour != b.Name {
					s.Errorf("ledger: %d posts of %s", p.Posts, p.Behaviour)
				}
			})
		})
	}
}

func (s *shop) step(step string) {
	s.Helper()
	do, want, _ := strings.Cut(step, "=")
	want = strings.ReplaceAll(want, "_", " ")
	words := strings.Split(do, ":")
	switch {
	case do[0] == '+':
		d, err := time.ParseDuration(do[1:])
		if err != nil {
			s.Fatal(err)
		}
		time.Sleep(d)
	case do == "?":
		s.want(step, s.ask("T1"), want)
	case do == "r":
		s.want(step, strings.TrimPrefix(s.ask("R1"), "refund:"), want)
	case do == "reversal", do == "close":
		s.want(step, s.undo(do, "T1").what, want)
	case words[0] == "refund":
		s.want(step, s.giveBack(words[1], "T1", words[2]).what, want)
	default:
		s.Fatalf("no step %q", step)
	}
}

func TestEveryResponseCode(t *testing.T) {
	for _, c := range Codes {
		if c.Cat == catOK {
			continue
		}
		t.Run(c.Code, func(t *testing.T) {
			bubble(t, Config{}, func(s *shop) {
				s.want("not charged", s.pay("T1", AuthCode("alipay", "code-"+c.Code, 1)).what, c.Code)
				switch fateOf(c.Code) {
				case FateAbsent:
					s.want("query", s.ask("T1"), "-")
					s.books("T1", Absent, 0, 0)
				case FatePending:
					s.want("query", s.ask("T1"), c.Code)
					s.books("T1", Pending, 0, 0)
				default:
					s.want("query", s.ask("T1"), c.Code)
					s.books("T1", Declined, 0, 0)
				}
				s.want("charged", s.pay("T2", AuthCode("alipay", "charged-"+c.Code, 2)).what, c.Code)
				s.want("query", s.ask("T2"), "0000")
				s.books("T2", Paid, 1, 1000)
				s.want("absent", s.pay("T3", AuthCode("alipay", "absent-"+c.Code, 3)).what, c.Code)
				s.want("query", s.ask("T3"), "-")
				s.books("T3", Absent, 0, 0)
			})
		})
	}
}

// The codes that QFPay's samples use pay at once, whatever their digits.
func TestSampleCodes(t *testing.T) {
	for _, code := range []string{"280438849930815813", "283854702356157409", "287255838063025836", "134676275354204254", "120061098828009406"} {
		bubble(t, Config{}, func(s *shop) {
			s.want(code, s.pay("T1", code).what, "0000")
			s.books("T1", Paid, 1, 1000)
		})
	}
}

func TestWrongEcho(t *testing.T) {
	for name, field := range map[string]string{"wrong-amount": "txamt", "wrong-number": "out_trade_no", "wrong-currency": "txcurrcd"} {
		bubble(t, Config{}, func(s *shop) {
			sent := order1("T1", AuthCode("wechat", name, 1), sampleTime)
			r := s.call("payment", sent)
			for _, f := range []string{"txamt", "out_trade_no", "txcurrcd"} {
				if same := fmt.Sprint(r.body[f]) == sent[f]; same == (f == field) {
					s.Errorf("%s: %s is %v, sent %s", name, f, r.body[f], sent[f])
				}
			}
		})
	}
	bubble(t, Config{}, func(s *shop) {
		s.pay("T1", AuthCode("alipay", "query-wrong-amount", 1))
		r := s.call("query", map[string]string{"out_trade_no": "T1"})
		if got := r.body["data"].([]any)[0].(map[string]any)["txamt"]; fmt.Sprint(got) == "1000" {
			s.Errorf("query-wrong-amount lists txamt %v", got)
		}
	})
}

// A call that QFPay gets late is charged although the shop found nothing and could cancel nothing.
func TestLate(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.http.Timeout = 10 * time.Second
		s.want("/payment", s.pay("T1", AuthCode("alipay", "late", 1)).what, "hang")
		s.want("query", s.ask("T1"), "-")
		s.want("reversal", s.undo("reversal", "T1").what, "1136")
		time.Sleep(39 * time.Second)
		s.want("query at 49 s", s.ask("T1"), "-")
		time.Sleep(time.Second)
		s.books("T1", Paid, 1, 1000)
		s.want("query at 50 s", s.ask("T1"), "0000")
		s.want("the same again", s.pay("T1", AuthCode("alipay", "pay", 2)).what, "1251")
		s.books("T1", Paid, 1, 1000)
	})
}

// A late call whose number has been used meanwhile changes nothing.
func TestLateFindsNumberUsed(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.http.Timeout = time.Second
		s.pay("T1", AuthCode("alipay", "late", 1))
		s.want("again", s.pay("T1", AuthCode("alipay", "pay", 2)).what, "0000")
		time.Sleep(time.Minute)
		s.books("T1", Paid, 1, 1000)
		if p, _ := s.gw.Payment("T1"); p.Posts != 2 {
			s.Errorf("%d posts, want 2", p.Posts)
		}
	})
}

func TestSlowAnswersTakeTheirTime(t *testing.T) {
	bubble(t, Config{Latency: 100 * time.Millisecond}, func(s *shop) {
		for name, want := range map[string]time.Duration{
			"pay": 100 * time.Millisecond, "slow-5s": 5100 * time.Millisecond, "http-504-30s": 30100 * time.Millisecond,
		} {
			start := time.Now()
			s.pay("T_"+strings.ReplaceAll(name, "-", "_"), AuthCode("alipay", name, 1))
			if took := time.Since(start); took != want {
				s.Errorf("%s took %v, want %v", name, took, want)
			}
		}
	})
}

// Closing the gateway lets go of callers that would wait for ever.
func TestCloseLetsGo(t *testing.T) {
	bubble(t, Config{}, func(s *shop) {
		s.http.Timeout = 0
		got := make(chan string)
		go func() { got <- s.pay("T1", AuthCode("alipay", "hang", 1)).what }()
		time.Sleep(time.Hour)
		s.gw.Close()
		s.want("after Close", <-got, "lost")
	})
}
