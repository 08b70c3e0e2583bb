package till

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"cpmd/queue/sale"
)

// SetLimits makes limits small enough to be met in a test.
func (s *Server) SetLimits(connections, calls int, read, write, beat time.Duration) {
	s.limits.connections, s.limits.calls = connections, calls
	s.limits.read, s.limits.write, s.limits.beat = read, write, beat
}

// SetStrangers bounds the connections that have not been welcomed, and the time that each has.
func (s *Server) SetStrangers(n int, grace time.Duration) {
	s.limits.strangers, s.limits.grace = n, grace
}

// SetRetry makes the server try closed endpoints often.
func (s *Server) SetRetry(every time.Duration) { s.limits.retry, s.limits.retryMost = every, every }

// DecodeSale decodes the body of a PUT /v1/sales/{id} and returns its amount.
func DecodeSale(body []byte) (int64, error) {
	a := newAsk(access{})
	err := decode(a, operations[0].fields, []member{{"id", value{kind: bare, text: "a"}}}, "", body, false)
	return a.sale.Amount, err
}

// DecodeForm is DecodeSale for a form, and returns the whole request.
func DecodeForm(body []byte) (sale.Request, error) {
	a := newAsk(access{})
	err := decode(a, operations[0].fields, []member{{"id", value{kind: bare, text: "a"}}}, "", body, true)
	return a.sale, err
}

// PlainText writes an answer in plain mode.
func PlainText(v any) ([]byte, error) { return plainText(v) }

// ReadCall reads a line and makes the answer to it.
func ReadCall(line []byte) (answer []byte, err error) {
	c, fail := readCall(line)
	if fail != nil {
		err = errors.New(fail.Message)
	}
	answer, e := json.Marshal(answerLine{ID: c.id, Error: fail})
	return append(answer, '\n'), errors.Join(err, e)
}

// Offered lists what the manual must have: each operation's route, method and fields, and each code's status.
func Offered() (routes, methods []string, fields map[string][]string, statuses map[string]int) {
	fields, statuses = map[string][]string{}, map[string]int{}
	for _, op := range operations {
		routes, methods = append(routes, op.route), append(methods, op.method)
		for _, f := range op.fields {
			fields[op.method] = append(fields[op.method], f.name)
		}
	}
	for code, status := range statusOf {
		statuses[string(code)] = status
	}
	return routes, methods, fields, statuses
}

// OldConnection answers requests of one connection at the first endpoint as it is now, whatever it changes to.
func OldConnection(s *Server) http.Handler {
	s.mu.Lock()
	d := &httpDialect{s, s.doors[0]}
	s.mu.Unlock()
	c, _ := net.Pipe()
	g := &guest{Conn: c, raw: c, peer: func() peer { return peer{} }, lobby: newLobby(nil, 1, 1, 0, nil)}
	g.lobby.seat(g)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), guestKey{}, g)))
	})
}
