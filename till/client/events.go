package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cpmd/queue/sale"
)

// silence is how long a stream may say nothing at all; cpmd gives a sign of life every 15 s.
const silence = 45 * time.Second

// Events yields the journal's notices after a sequence number and then live ones, each once and in order,
// until ctx ends or the loop is left. Where after is beyond the journal's end, a notice of kind "reset" comes
// first, and the stream goes on after its Seq. Once it was connected it reconnects for ever, from the last notice. The
// error of a first connection that fails, or a refusal, is yielded last. The At of a notice is not sent over
// HTTP; its data has the time.
func (c *Client) Events(ctx context.Context, after int64) iter.Seq2[sale.Notice, error] {
	return func(yield func(sale.Notice, error) bool) {
		connected, left := false, false
		lost := time.Now()
		for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
			err := c.stream(ctx, after, func() { connected, pause = true, 50*time.Millisecond }, func(n sale.Notice) bool {
				if n.Seq > after || n.Kind == "reset" {
					after = n.Seq
					left = !yield(n, nil)
				}
				return !left
			})
			e, refused := errors.AsType[*Error](err)
			switch {
			case left || ctx.Err() != nil:
				return
			case refused && e.Status < http.StatusInternalServerError:
				yield(sale.Notice{}, err)
				return
			case !connected && time.Since(lost) >= c.cfg.Patience:
				if !refused {
					err = &Unreachable{Addr: c.cfg.Addr, Err: err}
				}
				yield(sale.Notice{}, err)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
		}
	}
}

// stream reads one connection until it ends.
func (c *Client) stream(ctx context.Context, after int64, begun func(), each func(sale.Notice) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	last := strconv.FormatInt(after, 10)
	resp, err := c.send(ctx, http.MethodGet, "/v1/events", nil, http.Header{"Last-Event-ID": {last}})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		return refusal(resp.StatusCode, body)
	}
	begun()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	var n sale.Notice
	for lines.Scan() {
		quiet.Reset(silence)
		name, v, _ := strings.Cut(lines.Text(), ":")
		v = strings.TrimPrefix(v, " ")
		switch name {
		case "id":
			if n.Seq, err = strconv.ParseInt(v, 10, 64); err != nil {
				return err
			}
		case "event":
			n.Kind = v
		case "data":
			n.Data = json.RawMessage(v)
		case "":
			if lines.Text() == "" && n.Data != nil {
				if !each(n) {
					return nil
				}
				n = sale.Notice{}
			}
		}
	}
	return lines.Err()
}
