package client

import (
	"context"
	"io"
	"net/http"
)

// Fetch copies a page, such as "/metrics", to a writer as it comes, however long it is, and returns its header. It is
// asked for once.
func (c *Client) Fetch(ctx context.Context, path string, to io.Writer) (http.Header, error) {
	resp, err := c.send(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, &Unreachable{Addr: c.cfg.Addr, Err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 400 {
		answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err != nil {
			return nil, &Unreachable{Addr: c.cfg.Addr, Err: err}
		}
		return nil, refusal(resp.StatusCode, answer)
	}
	if _, err := io.Copy(to, resp.Body); err != nil {
		return nil, &Unreachable{Addr: c.cfg.Addr, Err: err}
	}
	return resp.Header, nil
}
