package sim

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testApp = "A6A49A66B4C"
	testKey = "615ED178BA524459976CE40FAB78000F"
)

// pipes is a network inside a synctest bubble: net/http's own server and client over net.Pipe.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	mine, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return mine, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// shop is a client of the gateway: a till that signs by hand.
type shop struct {
	*testing.T
	gw     *Gateway
	http   *http.Client
	header map[string]string // over the usual ones; "" takes one away
	mchid  string
}

// bubble runs a real HTTP server and client on fake time.
func bubble(t *testing.T, cfg Config, f func(s *shop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.AppCode, cfg.ClientKey = testApp, testKey
		gw := New(cfg)
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		srv := &http.Server{Handler: gw}
		stopped := make(chan struct{})
		go func() { defer close(stopped); _ = srv.Serve(p) }()
		tr := &http.Transport{DialContext: p.dial}
		defer func() {
			gw.Close()
			tr.CloseIdleConnections()
			_ = srv.Close()
			<-stopped
		}()
		f(&shop{T: t, gw: gw, http: &http.Client{Transport: tr, Timeout: 60 * time.Second}, mchid: cfg.MchID})
	})
}

// A reply is what the shop saw.
type reply struct {
	what string // respcd, or what went wrong in a word
	raw  string
	body map[string]any
}

func (r reply) str(key string) string { s, _ := r.body[key].(string); return s }

// signedBody is a form and its signature, made as QFPay's Python sample does.
func signedBody(fields map[string]string, key string) (body, sign string) {
	var names, plain []string
	for k := range fields {
		names = append(names, k)
	}
	sort.Strings(names)
	form := url.Values{}
	for _, k := range names {
		plain = append(plain, k+"="+fields[k])
		form.Set(k, fields[k])
	}
	h := md5.Sum([]byte(strings.Join(plain, "&") + key))
	return form.Encode(), strings.ToUpper(hex.EncodeToString(h[:]))
}

func (s *shop) call(name string, fields map[string]string) reply {
	s.Helper()
	if s.mchid != "" {
		fields["mchid"] = s.mchid
	}
	body, sign := signedBody(fields, testKey)
	return s.send(name, body, sign)
}

func (s *shop) send(name, body, sign string) reply {
	s.Helper()
	req, err := http.NewRequest("POST", "http://qfpay/trade/v1/"+name, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	h := map[string]string{"X-QF-APPCODE": testApp, "X-QF-SIGN": sign, "Content-Type": "application/x-www-form-urlencoded"}
	for k, v := range s.header {
		h[k] = v
	}
	for k, v := range h {
		if v != "" {
			req.Header.Set(k, v)
		}
	}
	resp, err := s.http.Do(req)
	if err != nil {
		var ne net.Error
		switch {
		case errors.As(err, &ne) && ne.Timeout():
			return reply{what: "hang"}
		case errors.Is(err, io.EOF):
			return reply{what: "lost"}
		}
		s.Fatalf("%s: %v", name, err)
	}
	defer resp.Body.Close()
	if d, err := http.ParseTime(resp.Header.Get("Date")); err != nil || s.gw.Now().Sub(d).Abs() > 2*time.Second {
		s.Errorf("%s: dated %q, it is %s", name, resp.Header.Get("Date"), s.gw.Now())
	}
	raw, err := io.ReadAll(resp.Body)
	r := reply{raw: string(raw)}
	h16 := md5.Sum([]byte(r.raw + testKey))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		r.what = "cut"
	case err != nil:
		s.Fatal(err)
	case resp.StatusCode != 200:
		r.what = resp.Status[:3]
	case json.Unmarshal(raw, &r.body) != nil:
		r.what = "nojson"
	case resp.Header.Get("X-QF-SIGN") == "":
		r.what = "unsigned " + r.str("respcd")
	case resp.Header.Get("X-QF-SIGN") != strings.ToUpper(hex.EncodeToString(h16[:])):
		r.what = "badsign " + r.str("respcd")
	case r.str("respcd") == "":
		r.what = "nocode"
	default:
		r.what = r.str("respcd")
	}
	return r
}

func order1(number, code, txdtm string) map[string]string {
	return map[string]string{
		"txamt": "1000", "txcurrcd": "HKD", "pay_type": "800008", "out_trade_no": number, "txdtm": txdtm, "auth_code": code,
	}
}

const sampleTime = "2026-01-01 12:00:00"

func (s *shop) pay(number, code string) reply {
	s.Helper()
	return s.call("payment", order1(number, code, sampleTime))
}

// ask queries a number and tells what is listed: respcd/cancel of each payment item, or what went wrong.
func (s *shop) ask(number string) string {
	s.Helper()
	r := s.call("query", map[string]string{"out_trade_no": number})
	if r.what != "0000" {
		return r.what
	}
	data, ok := r.body["data"].([]any)
	if !ok {
		return "nodata"
	}
	var out []string
	for _, x := range data {
		item := x.(map[string]any)
		word := item["respcd"].(string)
		if c := field1(item, "cancel"); c != "0" {
			word += "/" + c
		}
		if kind := field1(item, "order_type"); kind != "payment" {
			word = kind + ":" + word
		}
		out = append(out, word)
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, "+")
}

// field1 is a text of an item, or says why there is none.
func field1(item map[string]any, name string) string {
	switch v, ok := item[name]; {
	case !ok:
		return "missing"
	case v == nil:
		return "null"
	default:
		return v.(string)
	}
}

func (s *shop) undo(call, number string) reply {
	s.Helper()
	return s.call(call, map[string]string{"out_trade_no": number, "txamt": "1000", "txdtm": sampleTime})
}

func (s *shop) giveBack(number, of, amount string) reply {
	s.Helper()
	p, ok := s.gw.Payment(of)
	if !ok {
		s.Fatalf("no payment %s", of)
	}
	return s.call("refund", map[string]string{"syssn": p.SysSN, "out_trade_no": number, "txamt": amount, "txdtm": sampleTime})
}

// books asserts what the ledger says of a payment.
func (s *shop) books(number string, state State, charges int, kept int64) {
	s.Helper()
	p, ok := s.gw.Payment(number)
	if !ok || p.State != state || p.Charges != charges || p.Charged != kept {
		s.Errorf("ledger of %s: %s, %d charges, %d kept (on record: %v); want %s, %d, %d",
			number, p.State, p.Charges, p.Charged, ok, state, charges, kept)
	}
}

func (s *shop) want(what, got, want string) {
	s.Helper()
	if got != want {
		s.Errorf("%s: %s, want %s", what, got, want)
	}
}
