package till

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"cpmd/queue/sale"
)

// An httpDialect answers tills over HTTP on one endpoint.
type httpDialect struct {
	*Server
	*door
}

type guestKey struct{}

// serveHTTP answers requests until the returned function is called.
func (s *Server) serveHTTP(l net.Listener, d *door) (shutdown func(context.Context) error) {
	logger, _ := zap.NewStdLogAt(s.log, zapcore.DebugLevel)
	srv := &http.Server{
		Handler:                      &httpDialect{s, d},
		DisableGeneralOptionsHandler: true,
		ReadTimeout:                  s.limits.read,
		IdleTimeout:                  s.limits.idle,
		MaxHeaderBytes:               s.limits.header,
		ErrorLog:                     logger,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, guestKey{}, c.(*guest))
		},
	}
	s.serving.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("an endpoint no longer answers", zap.Stringer("listen", l.Addr()), zap.Error(err))
		}
	})
	return func(ctx context.Context) error {
		if err := srv.Shutdown(ctx); err != nil {
			return errors.Join(err, srv.Close())
		}
		return nil
	}
}

// ServeHTTP counts, contains panics, and leaves the rest to answer.
func (d *httpDialect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if wantsText(r) {
		w = plainWriter{w}
	}
	at := d.standing(d.door)
	if at == nil {
		w.Header().Set("Connection", "close")
		d.problem(w, endpointGone())
		return
	}
	d = &httpDialect{d.Server, at}
	began, label, status := time.Now(), "none", http.StatusInternalServerError
	open := d.Server.metrics.open.WithLabelValues(DialectHTTP)
	open.Inc()
	defer func() {
		if v := recover(); v != nil {
			d.logPanic(label, v)
			d.problem(w, broken())
		}
		open.Dec()
		d.Server.metrics.observe(DialectHTTP, label, status, time.Since(began))
	}()
	status = d.answer(w, r, &label)
}

// answer does one request and returns its status.
func (d *httpDialect) answer(w http.ResponseWriter, r *http.Request, label *string) int {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// Until an answer is there, nothing is written; then send sets the real deadline.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	if d.crossOrigin(w, r) {
		w.WriteHeader(http.StatusNoContent)
		return http.StatusNoContent
	}
	g := r.Context().Value(guestKey{}).(*guest)
	if p := d.admit(r, g.encrypted()); p != nil {
		return d.turnAway(w, p)
	}
	if status, done := d.pages(w, r, label); done {
		return status
	}
	who, p := d.whoIs(r, g)
	if p != nil {
		return d.turnAway(w, p)
	}
	if !g.welcome() {
		return d.turnAway(w, tooMany())
	}
	rt, path, p := findRoute(r)
	if p != nil {
		return d.problem(w, p)
	}
	*label = rt.label
	if err := who.check(rt.needs); err != nil {
		return d.problem(w, d.problemOf(err, rt.label))
	}
	if rt.plain != nil {
		return rt.plain(d, w, r)
	}
	body, p := d.body(r)
	if p != nil {
		return d.problem(w, p)
	}
	// The request has arrived. Left as it is, the read deadline would end the request's context in mid-wait.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})

	a := newAsk(who)
	if err := decode(a, rt.op.fields, path, r.URL.RawQuery, body, isForm(r, body)); err != nil {
		return d.problem(w, d.problemOf(err, rt.label))
	}
	if rt.op.do == nil {
		return d.events(w, r, a)
	}
	if rt.op.method == displayMethod && wants(r, eventsType) {
		return d.displayEvents(w, r, a)
	}
	// A till that goes away ends its wait, but tears nothing that has begun; and one that only closed its
	// sending side still gets its answer.
	a.gone = r.Context().Done()
	status, answer, err := rt.op.do(d.Server, context.WithoutCancel(r.Context()), a)
	if err != nil {
		return d.problem(w, d.problemOf(err, rt.label, a.about(rt.op)...))
	}
	if t, isTable := answer.(interface{ CSV() []byte }); isTable && wants(r, csvType) {
		return d.write(w, status, csvType+"; charset=utf-8", t.CSV())
	}
	return d.send(w, status, "application/json", answer)
}

// body reads a request's body, which must not be too long.
func (d *httpDialect) body(r *http.Request) ([]byte, *Problem) {
	body, err := io.ReadAll(io.LimitReader(r.Body, d.limits.body+1))
	if err != nil {
		return nil, problem(http.StatusBadRequest, sale.InvalidRequest, "The body did not arrive completely; send it again.")
	}
	if int64(len(body)) > d.limits.body {
		// Most tills write everything before they read anything: let them.
		_, _ = io.CopyN(io.Discard, r.Body, d.limits.drain)
		return nil, problem(http.StatusRequestEntityTooLarge, sale.InvalidRequest,
			"The body is too long; a request has at most "+strconv.FormatInt(d.limits.body, 10)+" bytes.")
	}
	// The Content-Type is looked at only to tell forms: many a till's HTTP library sends whatever it likes, and no
	// browser gets here without the token or the socket.
	return body, nil
}

func newAsk(x access) *ask { return &ask{access: x, after: -1} }

// decode reads the three places of an HTTP request.
func decode(a *ask, fields []field, path []member, rawQuery string, body []byte, form bool) error {
	if err := fill(a, at(inPath, fields), path, "the path"); err != nil {
		return err
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return refuse("the query is not understood; write it as name=value&name=value, percent-encoded")
	}
	var asked []member
	for name, values := range query {
		for _, v := range values {
			asked = append(asked, member{name, value{kind: bare, text: v}})
		}
	}
	if err := fill(a, at(inQuery, fields), asked, "the query"); err != nil {
		return err
	}
	inside := at(inBody, fields)
	if len(bytes.TrimSpace(body)) == 0 && len(inside) == 0 {
		return nil
	}
	read := members
	if form {
		read = formMembers
	}
	sent, err := read(body)
	if err != nil {
		return refuse("the body: %v", err)
	}
	return fill(a, inside, sent, "the body")
}

func at(p place, fields []field) []field {
	var here []field
	for _, f := range fields {
		if f.place == p {
			here = append(here, f)
		}
	}
	return here
}

// send writes an answer, which the till must take in time.
func (d *httpDialect) send(w http.ResponseWriter, status int, mediaType string, v any) int {
	if _, plain := w.(plainWriter); plain {
		b, err := plainText(v)
		if err != nil {
			return d.problem(w, d.problemOf(err, "encoding"))
		}
		return d.write(w, status, plainType, b)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return d.problem(w, d.problemOf(err, "encoding"))
	}
	return d.write(w, status, mediaType, b.Bytes())
}

func (d *httpDialect) write(w http.ResponseWriter, status int, mediaType string, body []byte) int {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d.limits.write))
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return status
}

// turnAway refuses and ends the connection: it takes room that others need.
func (d *httpDialect) turnAway(w http.ResponseWriter, p *Problem) int {
	w.Header().Set("Connection", "close")
	return d.problem(w, p)
}

func (d *httpDialect) problem(w http.ResponseWriter, p *Problem) int {
	switch p.Status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "2")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", p.allow)
	}
	return d.send(w, p.Status, "application/problem+json", p)
}
