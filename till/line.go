package till

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"cpmd/queue/sale"
)

// A lineDialect answers tills in JSON-RPC 2.0, one object per line, on one endpoint.
type lineDialect struct {
	*Server
	*door

	mu    sync.Mutex
	conns map[*lineConn]bool
	live  sync.WaitGroup // the connections
}

// serveLine answers calls until the returned function is called.
func (s *Server) serveLine(l net.Listener, at *door) (shutdown func(context.Context) error) {
	d := &lineDialect{Server: s, door: at, conns: map[*lineConn]bool{}}
	accepting := make(chan struct{})
	s.serving.Go(func() {
		defer close(accepting)
		d.accept(l)
	})
	return func(ctx context.Context) error {
		err := l.Close()
		if errors.Is(err, net.ErrClosed) {
			err = nil
		}
		<-accepting // a connection accepted as the listener closed is one of those to end
		return errors.Join(err, d.shutdown(ctx))
	}
}

func (d *lineDialect) accept(l net.Listener) {
	for pause := 5 * time.Millisecond; ; {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // such as too many open files: it passes
			d.log.Warn("a connection could not be accepted", zap.Stringer("listen", l.Addr()), zap.Error(err))
			select {
			case <-time.After(pause):
				pause = min(2*pause, time.Second)
			case <-d.ending:
			}
			continue
		}
		pause = 5 * time.Millisecond
		c := newLineConn(d, nc.(*guest))
		d.mu.Lock()
		d.conns[c] = true
		d.mu.Unlock()
		d.live.Go(func() {
			c.serve()
			d.mu.Lock()
			delete(d.conns, c)
			d.mu.Unlock()
		})
	}
}

// shutdown lets calls under way answer until ctx ends.
func (d *lineDialect) shutdown(ctx context.Context) error {
	each := func(do func(*lineConn)) {
		d.mu.Lock()
		defer d.mu.Unlock()
		for c := range d.conns {
			do(c)
		}
	}
	each(func(c *lineConn) { _ = c.SetReadDeadline(time.Now()) })
	done := make(chan struct{})
	go func() { d.live.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		each(func(c *lineConn) { _ = c.Close() })
		return ctx.Err()
	}
}

// The error codes of the JSON-RPC 2.0 specification, section 5.1; rpcRefused is of the range that it
// leaves to servers.
const (
	rpcParse    = -32700
	rpcRequest  = -32600
	rpcMethod   = -32601
	rpcParams   = -32602
	rpcInternal = -32603
	rpcRefused  = -32000
)

var nobody = json.RawMessage("null") // the id of an answer to what had none

// A call is a request of the line dialect.
type call struct {
	id     json.RawMessage
	method string
	params []member
}

// An rpcError is why a call has no result; its message is the problem's detail.
type rpcError struct {
	Code    int      `json:"code"`
	Message string   `json:"message"`
	Data    *Problem `json:"data"`
}

func rpcFail(code int, p *Problem) *rpcError { return &rpcError{code, p.Detail, p} }

func rpcRefuse(code int, format string, args ...any) *rpcError {
	return rpcFail(code, problem(http.StatusBadRequest, sale.InvalidRequest, fmt.Sprintf(format, args...)))
}

// rpcOf tells of a problem that an operation met.
func rpcOf(p *Problem) *rpcError {
	switch p.Code {
	case sale.InvalidRequest:
		return rpcFail(rpcParams, p)
	case internal:
		return rpcFail(rpcInternal, p)
	}
	return rpcFail(rpcRefused, p)
}

// readCall reads a line. The id is set as soon as it is known, so that even a broken call gets its answer.
func readCall(line []byte) (c call, fail *rpcError) {
	c.id = nobody
	if bytes.HasPrefix(line, []byte("[")) {
		return c, rpcRefuse(rpcRequest, "batches are not supported; send one object per line")
	}
	sent, err := members(line)
	if err != nil {
		return c, rpcRefuse(rpcParse, "%v", err)
	}
	byName := map[string]value{}
	for _, m := range sent {
		byName[m.name] = m.value
	}
	id, hasID := byName["id"]
	switch {
	case hasID && id.kind == number && len(id.text) <= maxIDLen:
		c.id = json.RawMessage(id.text)
	case hasID && id.kind == text && len(id.text) <= maxIDLen:
		c.id, _ = json.Marshal(id.text)
	default:
		return c, rpcRefuse(rpcRequest, "id must be a number or a string of at most %d bytes: a call without an id could not be answered", maxIDLen)
	}
	for _, m := range sent {
		if !slices.Contains([]string{"jsonrpc", "id", "method", "params"}, m.name) {
			return c, rpcRefuse(rpcRequest, "%s is not known in a call; known are jsonrpc, id, method, params", quoted(m.name))
		}
	}
	if v := byName["jsonrpc"]; v.kind != text || v.text != "2.0" {
		return c, rpcRefuse(rpcRequest, `jsonrpc must be "2.0"`)
	}
	if v := byName["method"]; v.kind != text || v.text == "" {
		return c, rpcRefuse(rpcRequest, `method must be a string, such as "sale.put"`)
	}
	c.method = byName["method"].text
	params, hasParams := byName["params"]
	if !hasParams {
		return c, nil
	}
	if params.kind != object {
		return c, rpcRefuse(rpcParams, `params must be an object, such as {"id":"T1"}`)
	}
	if c.params, err = members(params.raw); err != nil {
		return c, rpcRefuse(rpcParams, "params: %v", err)
	}
	return c, nil
}

// findMethod finds the operation of a call.
func findMethod(name string) *operation {
	for i := range operations {
		if operations[i].method == name {
			return &operations[i]
		}
	}
	return nil
}
