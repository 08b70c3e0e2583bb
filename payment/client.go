package payment

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// A Config says where QFPay is and who asks. The zero value of what has a default means the default.
type Config struct {
	// URL is QFPay's host for the merchant's country and environment, such as https://openapi-hk.qfapi.com
	// (QFPay docs, environments page). Plain http is for loopback hosts only.
	URL       string
	AppCode   Secret
	ClientKey Secret
	MchID     string // sent where it is not empty; must be empty where QFPay issued none
	Signature string // of requests: "MD5", the default, or "SHA256"
	// Location is the time zone of txdtm and of QFPay's days and months; default +08:00, as QFPay's.
	Location      *time.Location
	RatePerMinute int           // requests; default 400
	Answer        time.Duration // limit of one payment, cancel or refund; default 40 s
	QueryTimeout  time.Duration // limit of one query request; default 10 s
	// HTTP carries the requests; nil means transports of our own, which verify certificates and heed HTTPS_PROXY.
	// Another one must not repeat requests by itself.
	HTTP http.RoundTripper
	// Observe hears of every request when it has ended, with the context that it was made in; nil: nobody does. It is
	// called by many goroutines at once, and the request's caller waits for it.
	Observe func(context.Context, Exchange)
}

// A Client makes requests to QFPay. Its methods may be called at the same time.
type Client struct {
	base     string
	mchID    string
	location *time.Location
	answer   time.Duration
	query    time.Duration
	pay      http.RoundTripper // for payments
	move     http.RoundTripper // for what else moves money
	ask      http.RoundTripper // for queries
	pace     *pace
	signer   *signer
	health   *health
	ready    *ready // connections for payments; nil with a transport that is not ours
	observe  func(context.Context, Exchange)
	sealed   atomic.Bool // an answer had a genuine signature
}

// Format keeps the credentials inside whatever verb prints a Client.
func (c *Client) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "payment.Client(%s)", c.base) }

// New checks the configuration and makes a Client. Nothing is sent. Its errors say what to write instead, and
// never hold a credential.
func New(c Config) (*Client, error) {
	base, err := baseURL(c.URL)
	if err != nil {
		return nil, err
	}
	for _, s := range []struct {
		name     string
		value    string
		optional bool
	}{{"app code", c.AppCode.Reveal(), false}, {"client key", c.ClientKey.Reveal(), false}, {"mchid", c.MchID, true}} {
		if s.value == "" && !s.optional {
			return nil, fmt.Errorf("the %s is empty; QFPay issues it with the merchant account", s.name)
		}
		if err := checkCredential(s.name, s.value); err != nil {
			return nil, err
		}
	}
	if c.Signature == "" {
		c.Signature = "MD5"
	}
	if c.Signature != "MD5" && c.Signature != "SHA256" {
		return nil, fmt.Errorf("signature %q is not known; write \"MD5\" or \"SHA256\"", c.Signature)
	}
	if c.RatePerMinute < 0 || c.Answer < 0 || c.QueryTimeout < 0 {
		return nil, errors.New("rate per minute and time limits cannot be negative; leave them out for the defaults")
	}
	client := &Client{
		base:     base,
		mchID:    c.MchID,
		location: orDefault(c.Location, qfpayZone),
		answer:   orDefault(c.Answer, 40*time.Second),
		query:    orDefault(c.QueryTimeout, 10*time.Second),
		pay:      c.HTTP,
		move:     c.HTTP,
		ask:      c.HTTP,
		pace:     newPace(orDefault(c.RatePerMinute, 400)),
		signer:   &signer{appCode: c.AppCode.Reveal(), key: c.ClientKey.Reveal(), algorithm: c.Signature},
		health:   newHealth(),
		observe:  c.Observe,
	}
	if c.HTTP == nil {
		client.move, client.ask = newTransport(false), newTransport(true)
		pay := newTransport(false)
		client.pay, client.ready = pay, newReady(base, pay)
	}
	return client, nil
}

// Limit changes Config.RatePerMinute.
func (c *Client) Limit(perMinute int) {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	c.pace.limit(perMinute)
	c.pace.serve(time.Now())
}

// Close lets go of idle connections, and of those that Prepare made ready.
func (c *Client) Close() {
	if c.ready != nil {
		c.ready.close()
	}
	for _, t := range []http.RoundTripper{c.pay, c.move, c.ask} {
		if t, ok := t.(*http.Transport); ok {
			t.CloseIdleConnections()
		}
	}
}

// qfpayZone is the zone of QFPay's days (QFPay docs, payment page: txzone defaults to +0800).
var qfpayZone = time.FixedZone("+08:00", 8*60*60)

const timeLayout = "2006-01-02 15:04:05"

// FormatTime writes a time as QFPay takes it in txdtm: YYYY-MM-DD hh:mm:ss in the given zone, which is not part
// of it. Without a zone, +08:00.
func FormatTime(t time.Time, loc *time.Location) string {
	return t.In(orDefault(loc, qfpayZone)).Format(timeLayout)
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// baseURL never quotes what it refuses: people do put credentials into addresses.
func baseURL(s string) (string, error) {
	const example = "write it like https://openapi-hk.qfapi.com"
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case s == "":
		return "", errors.New("the gateway's url is empty; " + example + ", as QFPay told you for your country")
	case err != nil || u.Hostname() == "":
		return "", errors.New("the gateway's url is not an address; " + example)
	case u.User != nil:
		return "", errors.New("the gateway's url holds a user name; leave it out and " + example)
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return "", errors.New("the gateway's url holds more than the host; " + example)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u.Scheme + "://" + u.Host, nil
	case u.Scheme == "http":
		return "", errors.New("the gateway's url is plain http, which is for loopback hosts only; " + example)
	}
	return "", errors.New("the gateway's url does not begin with https://; " + example)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
