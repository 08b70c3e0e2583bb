// Package client talks to cpmd as a till does, over the http dialect on a Unix socket or a loopback port. All
// its calls may be repeated: sales and refunds have ids of the till's own choosing, so the same again is the
// same sale and never a second charge.
//
// Start reading at [New], [Client.PutSale] and [Client.WaitSale]; [Client.Events] is the stream.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// A Config says where cpmd is.
type Config struct {
	Addr      string // "unix:/run/cpmd/till.sock" or "tcp:127.0.0.1:8460"
	TokenFile string // holds the token; required for tcp. cpmd's certificate is in TokenFile + ".crt"
	// Patience is how long a call is repeated while cpmd cannot be reached or write its journal, shuts down or has too many
	// connections; 0: not at all.
	Patience time.Duration
	// Dial connects; nil: as Addr says. Tests reach a daemon through memory with it.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A Client is for use by many goroutines at once.
type Client struct {
	cfg  Config
	base string
	http *http.Client
}

// answerIn is how long an answer may take beyond the wait that was asked for.
const answerIn = 15 * time.Second

// New makes a client; it connects at the first call.
func New(cfg Config) (*Client, error) {
	network, rest, _ := strings.Cut(cfg.Addr, ":")
	base := "http://localhost"
	switch {
	case network == "unix" && rest != "":
	case network == "tcp" && rest != "":
		base = "https://" + rest
		if cfg.TokenFile == "" {
			return nil, errors.New("tcp needs a token; give the token_file of cpmd's configuration")
		}
		if _, err := readToken(cfg.TokenFile); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("address %q is not understood; write unix:/path or tcp:127.0.0.1:8460", cfg.Addr)
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := cfg.Dial(ctx, network, rest)
		if err != nil {
			return nil, notSent{err}
		}
		return c, nil
	}
	return &Client{cfg: cfg, base: base, http: &http.Client{Transport: &http.Transport{
		DialContext: dial,
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return recognize(ctx, c, addr, cfg.TokenFile+".crt")
		},
		IdleConnTimeout: time.Minute,
	}}}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call does one request, repeats it as long as Patience lasts, and reads the answer into v.
func (c *Client) call(ctx context.Context, method, path string, body, v any, wait time.Duration) (status int, err error) {
	var data []byte
	if body != nil {
		if data, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	patience, cancel := context.WithTimeout(ctx, c.cfg.Patience)
	defer cancel()
	maybeSent := false
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		status, err = c.once(ctx, method, path, data, v, wait)
		e, refused := errors.AsType[*Error](err)
		switch {
		case maybeSent && refused && (e.Status == http.StatusUnauthorized || e.Status >= 500):
			// It says nothing of the request whose answer was lost before.
			err = &Unreachable{Addr: c.cfg.Addr, MaybeSent: true, Err: err}
		case err == nil, refused && e.Status != http.StatusServiceUnavailable:
			return status, err
		case !refused:
			_, not := errors.AsType[notSent](err)
			maybeSent = maybeSent || !not
			err = &Unreachable{Addr: c.cfg.Addr, MaybeSent: maybeSent, Err: err}
		}
		select {
		case <-patience.Done():
			return status, err
		case <-time.After(pause):
		}
	}
}

// once does one request; an error that is no *Error means that no whole answer came.
func (c *Client) once(ctx context.Context, method, path string, data []byte, v any, wait time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+answerIn)
	defer cancel()
	resp, err := c.send(ctx, method, path, data, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode >= 400 {
		return resp.StatusCode, refusal(resp.StatusCode, answer)
	}
	return resp.StatusCode, json.Unmarshal(answer, v)
}

func (c *Client) send(ctx context.Context, method, path string, data []byte, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header
	}
	if len(data) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.cfg.TokenFile != "" {
		// Read each time: a restart of cpmd may have written a new one. By the time that it is sent, the other
		// side is known to be cpmd.
		token, err := readToken(c.cfg.TokenFile)
		if err != nil {
			return nil, notSent{err}
		}
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	return c.http.Do(req)
}
