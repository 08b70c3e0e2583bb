package payment

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
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
	err    error // why there is no object
}

// exchange makes one request, once. No layer under it repeats it after a byte was written: the body cannot be
// rewound (GetBody is nil), no redirect is followed, and HTTP/1.1 repeats nothing on a connection of its own.
func (c *Client) exchange(ctx context.Context, endpoint string, f form, code AuthCode) reply {
	started := time.Now()
	hide := scrubber(map[string]string{c.signer.key: hidden, c.signer.appCode: hidden, code.Reveal(): code.String()})
	r := c.attempt(ctx, endpoint, f, hide)
	if r.err != nil {
		r.err = errors.New(hide.Replace(r.err.Error())) // without its cause, which has the text as it was
	}
	if r.status != 0 {
		c.pace.heard(r.status)
	}
	c.health.note(endpoint, started, r)
	if r.err == nil && r.seal == unsigned && !c.warned.Swap(true) {
		c.log.Warn("QFPay's answers carry no signature; TLS alone vouches for them")
	}
	c.log.Debug("request to QFPay", zap.String("endpoint", endpoint), zap.Bool("sent", r.sent), zap.Int("status", r.status),
		zap.String("respcd", r.respcd()), zap.Duration("took", time.Since(started)), zap.Error(r.err))
	return r
}

func (c *Client) attempt(ctx context.Context, endpoint string, f form, hide *strings.Replacer) reply {
	limit, transport := c.answer, c.move
	if endpoint == endQuery {
		limit, transport = c.query, c.ask
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	turn, done := context.WithTimeout(ctx, limit/2) // what is left is for the answer
	err := c.pace.turn(turn, endpoint == endQuery)
	done()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return reply{err: fmt.Errorf("not sent: %w", err)}
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
		return reply{sent: w.mayHaveSent(), err: inTime(ctx, err)}
	}
	defer resp.Body.Close()
	r := reply{sent: true, status: resp.StatusCode}
	r.date, _ = http.ParseTime(resp.Header.Get("Date"))
	body, err := readBody(resp)
	if err != nil {
		r.err = fmt.Errorf("HTTP %d: %w", resp.StatusCode, inTime(ctx, err))
		return r
	}
	r.read(c.signer, resp.Header, body, hide)
	return r
}

// read makes sense of the body of an answer.
func (r *reply) read(s *signer, h http.Header, body []byte, hide *strings.Replacer) {
	r.seal = s.check(h, body)
	if r.object, r.err = parse(body, hide); r.err != nil {
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

// A wire watches whether a request may have touched the network. It is the request's body as well.
type wire struct {
	body                 *strings.Reader
	wanted, given, begun atomic.Bool
}

// trace hears net/http ask for a connection, and get one. TCP and TLS are up by then, and nothing of the request
// is written yet.
func (w *wire) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { w.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { w.given.Store(true) },
	}
}

// mayHaveSent is false only where it is proved: a connection was asked for, none came, and nobody read the body.
// A transport that does not tell proves nothing.
func (w *wire) mayHaveSent() bool {
	return !w.wanted.Load() || w.given.Load() || w.begun.Load()
}

func (w *wire) Read(p []byte) (int, error) {
	w.begun.Store(true)
	return w.body.Read(p)
}

func (w *wire) Close() error { return nil }
