package payment

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
)

// The endpoints, under /trade/v1/.
const (
	endPayment  = "payment"
	endQuery    = "query"
	endReversal = "reversal"
	endClose    = "close"
	endRefund   = "refund"
)

const maxBody = 1 << 20

// A reply is what one request brought back.
type reply struct {
	sent   bool      // false: surely no byte of the request left
	status int       // of HTTP; 0 without an answer
	date   time.Time // by QFPay's clock (RFC 9110, Date); zero where it told none
	seal   seal
	object object
	err    error     // why there is no object
	cause  error     // of err, if the connection is to blame; it may hold secrets, so it is never shown
	html   bool      // the body is a web page
	at     time.Time // when the answer was there, by this machine's clock
}

// An Exchange is one request to QFPay and what came of it, for logs. It holds no secret.
type Exchange struct {
	Endpoint  string        // "payment", "query", "reversal", "close" or "refund"
	Sent      bool          // false: surely no byte of it left this machine
	Status    int           // of HTTP; 0 where there was no answer
	RespCD    string        // as received; "" where there was none
	Signature string        // of the answer: "genuine", "wrong", or "" where it has none or there was none
	Took      time.Duration // with the wait for a turn
	Err       error         // why there is no usable answer
}

// exchange makes one request, once. No layer under it repeats it after a byte was written: the body cannot be
// rewound (GetBody is nil), no redirect is followed, and HTTP/1.1 repeats nothing on a connection of its own.
func (c *Client) exchange(ctx context.Context, endpoint string, f form, code AuthCode, with claim) reply {
	started := time.Now()
	hide := scrubber(map[string]string{c.signer.key: hidden, c.signer.appCode: hidden, code.Reveal(): code.String()})
	r := c.attempt(ctx, endpoint, f, hide, with)
	if r.err != nil {
		r.err = errors.New(hide.Replace(r.err.Error())) // without its cause, which has the text as it was
	}
	if r.status != 0 {
		c.pace.heard(r.status)
	}
	switch {
	case r.seal == genuine:
		c.sealed.Store(true)
	case r.seal == unsigned && c.sealed.Load():
		r.seal = stripped
	}
	c.health.note(endpoint, started, r, c.troubles(endpoint, r))
	if c.observe != nil {
		c.observe(ctx, Exchange{Endpoint: endpoint, Sent: r.sent, Status: r.status, RespCD: r.respcd(), Signature: r.seal.String(),
			Took: time.Since(started), Err: r.err})
	}
	return r
}

func (c *Client) attempt(ctx context.Context, endpoint string, f form, hide *strings.Replacer, with claim) reply {
	limit, transport := c.answer, c.move
	switch endpoint {
	case endPayment:
		transport = c.pay
	case endQuery:
		limit, transport = c.query, c.ask
	}
	ends, wait := time.Now().Add(limit), limit/2 // what is left is for the answer
	if with.class.line() == lineWithoutCustomer {
		wait = patience
	}
	turn, done := context.WithTimeout(ctx, wait)
	err := c.pace.turn(turn, with)
	done()
	if with.class.line() == lineWithoutCustomer {
		ends = time.Now().Add(limit)
	}
	ctx, cancel := context.WithDeadline(ctx, ends)
	defer cancel()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return reply{err: fmt.Errorf("not sent: %w", err), cause: err}
	}
	if c.mchID != "" {
		f = f.with(field{"mchid", c.mchID})
	}
	w := &wire{}
	req, err := c.request(httptrace.WithClientTrace(ctx, w.trace()), endpoint, f, w)
	if err != nil {
		return reply{err: fmt.Errorf("not sent: %w", err)}
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return reply{sent: w.mayHaveSent(), err: inTime(ctx, err), cause: err}
	}
	defer resp.Body.Close()
	r := reply{sent: true, status: resp.StatusCode, at: time.Now()}
	r.date, _ = http.ParseTime(resp.Header.Get("Date"))
	body, err := readBody(resp)
	if err != nil {
		r.err, r.cause = fmt.Errorf("HTTP %d: %w", resp.StatusCode, inTime(ctx, err)), err
		return r
	}
	r.read(c.signer, resp.Header, body, hide)
	return r
}

// read makes sense of the body of an answer.
func (r *reply) read(s *signer, h http.Header, body []byte, hide *strings.Replacer) {
	r.html = bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
	r.object, r.err = parse(body, hide)
	if r.seal = s.check(h, body, r.object); r.err != nil {
		r.err = fmt.Errorf("HTTP %d: cannot read the answer: %w; if this goes on, check the gateway's url", r.status, r.err)
	}
}

// respcd is the code as received.
func (r *reply) respcd() string { return r.object.code("respcd") }

func (c *Client) request(ctx context.Context, endpoint string, f form, w *wire) (*http.Request, error) {
	body := f.encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/trade/v1/"+endpoint, nil)
	if err != nil {
		return nil, err
	}
	w.body = strings.NewReader(body)
	req.Body, req.ContentLength = w, int64(len(body))
	req.Header = http.Header{
		"Content-Type":    {"application/x-www-form-urlencoded; charset=UTF-8"},
		"Accept-Encoding": {"identity"}, // the signature is over the bytes as they come
		"User-Agent":      {"cpmd"},
	}
	req.Header.Set(headerAppCode, c.signer.appCode)
	req.Header.Set(headerSign, c.signer.sign(f.raw()))
	req.Header.Set(headerSignType, c.signer.algorithm)
	return req, nil
}

// inTime says so where it was for the time limit that the transport gave up.
func inTime(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer in time: %w", err)
	}
	return err
}

func readBody(resp *http.Response) ([]byte, error) {
	var from io.Reader = resp.Body
	if e := resp.Header.Get("Content-Encoding"); strings.EqualFold(e, "gzip") && !resp.Uncompressed {
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			return nil, err
		}
		from = z
	}
	body, err := io.ReadAll(io.LimitReader(from, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, errors.New("the answer is over 1 MiB long")
	}
	return body, nil
}
