package payment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	for code, want := range map[string]string{
		"": "", "1": "*", "1234": "1**4", "123456": "1****6", "12345678": "12****78", "280438849930815813": "2804**********5813",
	} {
		if got := Mask(code); got != want {
			t.Errorf("%s: %s instead of %s", code, got, want)
		}
	}
}

// canaries that no print may hold. Parts of them would do as well.
var canaries = []string{testKey, testApp, testCode.Reveal(), testCode.Reveal()[4:14]}

func TestSecretsDoNotPrint(t *testing.T) {
	c := newTestClient(t, "http://127.0.0.1:1")
	cfg := Config{AppCode: testApp, ClientKey: testKey}
	var out strings.Builder
	for _, v := range []any{c, []*Client{c}, order, &order, cfg, &cfg, order.AuthCode, cfg.ClientKey, []AuthCode{testCode}, map[Secret]AuthCode{testKey: testCode}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%10.3v"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, v := range []any{order, cfg.AppCode, cfg.ClientKey, []AuthCode{testCode}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	mustNotLeak(t, out.String())
}

func mustNotLeak(t *testing.T, out string) {
	t.Helper()
	for _, secret := range canaries {
		for _, form := range []string{secret, strings.ToLower(secret), fmt.Sprintf("%x", secret)} {
			if i := strings.Index(out, form); i >= 0 {
				t.Errorf("%s in %s", form, out[max(0, i-100):min(len(out), i+100)])
			}
		}
	}
}

// Promise: no payment code and no credential in a log, even if the server sends back all it got.
func TestSecretsStayOutOfLogsAndErrors(t *testing.T) {
	var out bytes.Buffer
	observe := func(_ context.Context, e Exchange) { fmt.Fprintf(&out, "%+v\n", e) }
	for name, echo := range echoes(t, testKey, testApp, testCode.Reveal()) {
		c := newTestClient(t, listen(t, func(c *conn) { c.request(); echo(c) }).url, func(c *Config) { c.Observe = observe })
		fmt.Fprintf(&out, "%s: %+v\n%+v\n", name, c.Pay(t.Context(), order), c.Health())
	}
	for name, echo := range echoes(t, testKey, testApp) {
		c := newTestClient(t, listen(t, func(c *conn) { c.request(); echo(c) }).url, func(c *Config) { c.Observe = observe })
		fmt.Fprintf(&out, "%s: %+v\n%+v\n", name, c.Query(t.Context(), question), c.Refund(t.Context(), refund))
		fmt.Fprintf(&out, "%s: %+v\n%+v\n", name, c.Cancel(t.Context(), undoing), c.Health())
	}
	bad := order
	bad.AuthCode += " "
	c := newTestClient(t, "http://127.0.0.1:1", func(c *Config) {
		c.Observe = observe
		c.HTTP = &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			return nil, fmt.Errorf("no way to %s for %s", addr, testKey+testCode.Reveal())
		}}
	})
	fmt.Fprintf(&out, "%+v\n%+v\n%+v\n", c.Pay(t.Context(), bad), c.Pay(t.Context(), order), c)
	mustNotLeak(t, out.String())
	if !strings.Contains(out.String(), "1202") {
		t.Errorf("nothing was printed: %s", out.String())
	}
}

// A secret of six characters is one. What is shorter would only mangle what is shown.
func TestShortSecrets(t *testing.T) {
	for key, want := range map[Secret]string{"123456": "your key is ***", "12345": "your key is 12345"} {
		g := says(t, 200, `{"respcd":"1143","resperr":"your key is `+key.Reveal()+`"}`)
		c := newTestClient(t, g.url, func(c *Config) { c.AppCode = key })
		if a := c.Pay(t.Context(), order); a.Text != want {
			t.Errorf("%d characters: %q", len(key), a.Text)
		}
	}
}

// echoes are servers that give back what they know, wherever there is room for it in an answer.
func echoes(t *testing.T, secrets ...string) map[string]func(c *conn) {
	all, ids, code := strings.Join(secrets, " "), strings.Join(secrets, ""), secrets[len(secrets)-1]
	return map[string]func(c *conn){
		"status line": func(c *conn) { io.WriteString(c, "HTTP/1.1 "+all+"\r\n\r\n") },
		"no HTTP":     func(c *conn) { io.WriteString(c, all+"\r\n\r\n") },
		"header":      func(c *conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n"+all+"\r\n\r\n") },
		"encoding":    func(c *conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: "+all+"\r\n\r\n") },
		"text":        func(c *conn) { c.answer("", all) },
		"words":       func(c *conn) { c.answer("", with(t, paidBody, map[string]any{"respcd": "1202", "resperr": all})) },
		"ids": func(c *conn) {
			c.answer("", with(t, paidBody, map[string]any{"syssn": ids, "chnlsn": ids, "pay_type": ids}))
		},
		"respcd": func(c *conn) { c.answer("", `{"respcd":"`+code+`"}`) },
		"number": func(c *conn) { c.answer("", with(t, paidBody, map[string]any{"out_trade_no": ids})) },
		"amount": func(c *conn) { c.answer("", `{"respcd":"0000","out_trade_no":"T20260101000001","txamt":"`+code+`"}`) },
		"field":  func(c *conn) { c.answer("", `{"`+all+`":"`+all+`","`+all+`":1}`) },
		"list":   func(c *conn) { c.answer("", `{"respcd":"0000","data":[{"`+all+`":"`+all+`"}]}`) },
		"forged": func(c *conn) { c.answer("X-QF-SIGN: "+ids+"\r\n", `{"respcd":"1108","resperr":"`+all+`"}`) },
		"redirect": func(c *conn) {
			io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: /"+ids+"\r\nContent-Length: 0\r\n\r\n")
		},
	}
}
