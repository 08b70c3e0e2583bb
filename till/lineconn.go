package till

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"cpmd/queue/sale"
)

// A lineConn is one till's connection. Its reader starts each call on a goroutine of its own, so a call that
// waits holds up no other; answers come as they are ready and are told apart by their ids.
type lineConn struct {
	*guest
	d          *lineDialect
	in         *bufio.Reader
	known      bool          // has shown the token, or needs none
	slots      chan struct{} // calls under way
	calls      sync.WaitGroup
	ctx        context.Context // ends when nothing more is read
	subscribed bool

	out sync.Mutex // held while a line is written
}

// answerLine and eventLine are what a till reads.
type answerLine struct {
	Version rpcVersion      `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type eventLine struct {
	Version rpcVersion  `json:"jsonrpc"`
	Method  string      `json:"method"`
	Params  sale.Notice `json:"params"`
}

type rpcVersion struct{}

func (rpcVersion) MarshalText() ([]byte, error) { return []byte("2.0"), nil }

func newLineConn(d *lineDialect, g *guest) *lineConn {
	return &lineConn{guest: g, d: d, known: !d.isTCP(),
		in: bufio.NewReaderSize(g, 4<<10), slots: make(chan struct{}, d.limits.calls)}
}

// serve reads calls until the till has no more, and answers what it asked.
func (c *lineConn) serve() {
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithCancel(context.Background())
	c.ctx = ctx
	for {
		line, err := c.readLine()
		if len(line) > 0 && !c.take(line) {
			break
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			c.answer(nobody, nil, rpcRefuse(rpcParse, "the line is too long; a call has at most %d bytes", c.d.limits.body))
			err = c.skipLine()
		}
		if err != nil {
			break
		}
	}
	cancel()
	c.calls.Wait()
}

// readLine waits for a line as long as it takes to begin, and a little for it to end.
func (c *lineConn) readLine() ([]byte, error) {
	if c.known {
		_ = c.SetReadDeadline(time.Time{})
		select {
		case <-c.d.ending: // after the line above, which undoes what shutdown does
			return nil, errEnding
		default:
		}
		if _, err := c.in.Peek(1); err != nil {
			return nil, err
		}
	}
	_ = c.SetReadDeadline(time.Now().Add(c.d.limits.read))
	line, err := c.in.ReadSlice('\n')
	if whole := int(c.d.limits.body); errors.Is(err, bufio.ErrBufferFull) && c.in.Size() < whole {
		// Few lines are long, and strangers get no more room than they need.
		c.in = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(line)), c.guest), whole)
		line, err = c.in.ReadSlice('\n')
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	return bytes.TrimSpace(line), err
}

// skipLine reads to the end of a line that is too long, so that the till sees the answer and can go on.
func (c *lineConn) skipLine() error {
	if !c.known {
		return io.ErrUnexpectedEOF
	}
	for {
		if _, err := c.in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// take starts a call and reports whether to go on. Before the token is known, whatever is not the right auth ends
// the connection: so a web page that sends an HTTP request here cannot hide calls in its body.
func (c *lineConn) take(line []byte) (goOn bool) {
	cl, fail := readCall(line)
	at := c.d.standing(c.d.door)
	switch {
	case at == nil:
		c.answer(cl.id, nil, rpcOf(endpointGone()))
		return false
	case fail != nil:
		c.answer(cl.id, nil, fail)
		return c.known
	case cl.method == "auth":
		return c.auth(cl, at)
	case !c.known:
		c.answer(cl.id, nil, rpcOf(problem(http.StatusUnauthorized, unauthorized,
			`The first call over tcp must be auth with {"token":"..."}, the token from the token_file of the configuration.`)))
		return false
	case !c.welcome():
		c.answer(cl.id, nil, rpcOf(tooMany()))
		return false
	}
	op := findMethod(cl.method)
	if op == nil {
		c.answer(cl.id, nil, rpcRefuse(rpcMethod, "there is no method %s", quoted(cl.method)))
		return true
	}
	a := newAsk(c.access(at))
	a.gone = c.ctx.Done()
	err := a.check(op.needs)
	if err == nil {
		err = fill(a, op.fields, cl.params, "params")
	}
	if err != nil {
		p := c.d.problemOf(err, cl.method)
		c.d.metrics.observe(DialectLine, op.method, p.Status, 0)
		c.answer(cl.id, nil, rpcOf(p))
		return true
	}
	if op.do == nil {
		c.subscribe(cl.id, at, max(a.after, 0))
		return true
	}
	if a.wait == 0 && !op.slow() {
		// In order: who asks about a sale right behind opening it must not be told that there is none.
		result, fail := c.do(op, a)
		c.answer(cl.id, result, fail)
		return true
	}
	select {
	case c.slots <- struct{}{}:
		c.calls.Go(func() {
			result, fail := c.do(op, a)
			<-c.slots // before the answer: who has it may call again
			c.answer(cl.id, result, fail)
		})
	default:
		c.answer(cl.id, nil, rpcRefuse(rpcRequest, "%d calls are under way on this connection; wait for an answer first", cap(c.slots)))
	}
	return true
}

// do does a call, contains its panics and counts it.
func (c *lineConn) do(op *operation, a *ask) (result any, fail *rpcError) {
	began, status := time.Now(), http.StatusInternalServerError
	open := c.d.metrics.open.WithLabelValues(DialectLine)
	open.Inc()
	defer func() {
		if v := recover(); v != nil {
			c.d.logPanic(op.method, v)
			fail = rpcOf(broken())
		}
		open.Dec()
		c.d.metrics.observe(DialectLine, op.method, status, time.Since(began))
	}()
	st, result, err := op.do(c.d.Server, context.WithoutCancel(c.ctx), a)
	if err != nil {
		p := c.d.problemOf(err, op.method, a.about(op)...)
		status = p.Status
		return nil, rpcOf(p)
	}
	status = st
	return result, nil
}

var tokenField = []field{{"token", inBody, true, word(func(a *ask) *string { return &a.token }, isCode)}}

// auth checks the token. On a Unix socket it is not needed and always right, so that a till has one way only.
func (c *lineConn) auth(cl call, at *door) (goOn bool) {
	a := newAsk(c.access(at))
	if err := fill(a, tokenField, cl.params, "params"); err != nil {
		c.answer(cl.id, nil, rpcOf(c.d.problemOf(err, cl.method)))
		return c.known
	}
	if c.d.isTCP() && !sameToken(a.token, at.token()) {
		c.answer(cl.id, nil, rpcOf(problem(http.StatusUnauthorized, unauthorized,
			"The token is wrong; use the one in the token_file of the configuration.")))
		return false
	}
	if !c.welcome() {
		c.answer(cl.id, nil, rpcOf(tooMany()))
		return false
	}
	c.known = true
	c.answer(cl.id, map[string]bool{"ok": true}, nil)
	return true
}

// subscribe sends the journal's notices as notifications, after its own answer.
func (c *lineConn) subscribe(id json.RawMessage, at *door, after int64) {
	if c.subscribed {
		c.answer(id, nil, rpcRefuse(rpcRequest, "this connection has the events already; open another one for more"))
		return
	}
	c.subscribed = true
	c.calls.Go(func() {
		begun := false
		defer func() {
			if v := recover(); v != nil {
				c.d.logPanic(subscribe, v)
				_ = c.Close()
			}
		}()
		err := c.d.follow(c.ctx, at, c.access(at), after, c.d.limits.beat, func(list []sale.Notice) error {
			if !begun {
				begun = true
				c.answer(id, map[string]any{"after": after}, nil)
			}
			for _, n := range list {
				if err := c.write(eventLine{Method: "event", Params: n}); err != nil {
					return gone{err}
				}
			}
			return nil
		})
		if _, isGone := errors.AsType[gone](err); isGone || errors.Is(err, errEnding) || c.ctx.Err() != nil {
			return
		}
		p := c.d.problemOf(err, subscribe)
		if !begun {
			c.answer(id, nil, rpcOf(p))
		}
		_ = c.Close() // the till asks again, from the last event that it saw
	})
}

// answer sends a result or an error; a till that does not take it has lost its connection and asks again.
func (c *lineConn) answer(id json.RawMessage, result any, fail *rpcError) {
	_ = c.write(answerLine{ID: id, Result: result, Error: fail})
}

func (c *lineConn) write(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	c.out.Lock()
	defer c.out.Unlock()
	_ = c.SetWriteDeadline(time.Now().Add(c.d.limits.write))
	_, err := c.guest.Write(b.Bytes())
	if err != nil {
		_ = c.Close() // half a line may be out: nothing can follow it
	}
	return err
}
