package certify

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"

	"cpmd/till"
)

func (f *front) acceptLine(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, local := c.(*net.UnixConn)
		f.work.Go(func() { f.serveLine(c, local) })
	}
}

// hold keeps a connection where close finds it, until the caller has done with it.
func (f *front) hold(c net.Conn) (release func()) {
	f.mu.Lock()
	f.conns[c] = true
	f.mu.Unlock()
	return func() {
		_ = c.Close()
		f.mu.Lock()
		delete(f.conns, c)
		f.mu.Unlock()
	}
}

// A wire is one connection of the line dialect: the till's end and cpmd's.
type wire struct {
	f            *front
	till, behind net.Conn
	writing      sync.Mutex // of the till's end
	mu           sync.Mutex
	open         map[string]*open // calls without an answer, by their id
}

type open struct {
	call *call
	then fate
}

func (f *front) serveLine(c net.Conn, local bool) {
	defer f.hold(c)()
	behind, err := net.Dial("unix", f.lineBehind)
	if err != nil {
		return // cpmd is not there
	}
	defer f.hold(behind)()
	w := &wire{f: f, till: c, behind: behind, open: map[string]*open{}}
	f.work.Go(func() {
		defer c.Close()
		w.answers()
	})
	w.asked(local)
}

// asked reads the till's lines.
func (w *wire) asked(admitted bool) {
	for in := lines(w.till); in.Scan(); {
		var m struct {
			ID     json.RawMessage
			Method string
			Params json.RawMessage
		}
		_ = json.Unmarshal(in.Bytes(), &m) // cpmd answers what it cannot read
		if m.Method == "auth" {
			var p struct{ Token string }
			_ = json.Unmarshal(m.Params, &p)
			admitted = admitted || w.f.tokenFits(p.Token)
		}
		if !admitted {
			return
		}
		c := lineCall(m.Method, m.Params)
		then := passed
		if m.Method != "auth" {
			then = w.f.came(c)
		}
		switch then {
		case lostRequest:
			w.f.answered(c, "the connection broke; cpmd never got it")
			return
		case trouble:
			w.f.answered(c, "503 "+string(outOfOrder.Code))
			w.refuse(m.ID, outOfOrder)
			continue
		}
		w.mu.Lock()
		w.open[string(m.ID)] = &open{c, then}
		w.mu.Unlock()
		if _, err := w.behind.Write(append(bytes.Clone(in.Bytes()), '\n')); err != nil {
			w.f.answered(c, "the connection broke: cpmd is not there")
			return
		}
	}
}

// answers reads cpmd's lines.
func (w *wire) answers() {
	for in := lines(w.behind); in.Scan(); {
		line := bytes.Clone(in.Bytes())
		var m struct {
			ID     json.RawMessage
			Result json.RawMessage
			Error  struct{ Data till.Problem }
		}
		_ = json.Unmarshal(line, &m)
		w.mu.Lock()
		o := w.open[string(m.ID)]
		delete(w.open, string(m.ID))
		w.mu.Unlock()
		if o != nil && o.then == lostAnswer {
			w.f.answered(o.call, "cpmd did it, and the answer was lost")
			return
		}
		if o != nil {
			w.f.answered(o.call, "answered"+brief(m.Result)+" "+string(m.Error.Data.Code))
			if o.then == grown && len(m.Result) > 0 {
				line = fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, grow(m.Result))
			}
		}
		w.write(line)
	}
}

func (w *wire) refuse(id json.RawMessage, p till.Problem) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	data, _ := json.Marshal(p)           // plain texts and a number
	message, _ := json.Marshal(p.Detail) // a text
	w.write(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":%s,"data":%s}}`, id, message, data))
}

func (w *wire) write(line []byte) {
	w.writing.Lock()
	defer w.writing.Unlock()
	_, _ = w.till.Write(append(line, '\n')) // a till that has left is no fault
}

func lines(c net.Conn) *bufio.Scanner {
	in := bufio.NewScanner(c)
	in.Buffer(nil, 1<<20)
	return in
}
