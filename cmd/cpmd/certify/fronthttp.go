package certify

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"cpmd/till"
)

const (
	problemType = "application/problem+json"
	bodyLimit   = 64 << 10
)

func (f *front) serveHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	c := httpCall(r, body)
	then := f.came(c)
	local, _ := r.Context().Value(localKey{}).(bool)
	if given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !local && !f.tokenFits(given) {
		f.refuse(w, c, till.Problem{Status: http.StatusUnauthorized, Code: "unauthorized",
			Detail: "The token is missing or wrong: send the one in the file " + f.TokenFile() + " as Authorization: Bearer."})
		return
	}
	switch then {
	case lostRequest:
		f.lose(c, "the connection broke; cpmd never got it")
	case trouble:
		f.refuse(w, c, outOfOrder)
		return
	}
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host, out.Host = "", "http", "localhost", "localhost"
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.ContentLength, out.TransferEncoding = int64(len(body)), nil
	out.Header.Del("Authorization")
	out.Header.Del("Expect")
	resp, err := f.transport.RoundTrip(out)
	if err != nil {
		f.lose(c, "the connection broke: cpmd is not there")
	}
	defer resp.Body.Close()
	if then == lostAnswer {
		_, _ = io.Copy(io.Discard, resp.Body)
		f.lose(c, "cpmd did it, and the answer was lost")
	}
	f.pass(w, resp, c, then)
}

// pass sends cpmd's answer on, as it comes: an event stream has no end.
func (f *front) pass(w http.ResponseWriter, resp *http.Response, c *call, then fate) {
	h := w.Header()
	for name, values := range resp.Header {
		h[name] = values
	}
	f.answered(c, resp.Status)
	if then == grown && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		h.Del("Content-Length")
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(grow(body))
		return
	}
	w.WriteHeader(resp.StatusCode)
	var seen bytes.Buffer
	buf := make([]byte, 32<<10)
	for {
		n, err := resp.Body.Read(buf)
		if seen.Len() < bodyLimit {
			seen.Write(buf[:n])
		}
		if _, werr := w.Write(buf[:n]); werr != nil {
			return // the till has left
		}
		_ = http.NewResponseController(w).Flush()
		if err == io.EOF {
			f.answered(c, resp.Status+brief(seen.Bytes()))
			return
		}
		if err != nil {
			f.lose(c, "the connection broke")
		}
	}
}

// lose ends the connection without a further byte.
func (f *front) lose(c *call, why string) {
	f.answered(c, why)
	panic(http.ErrAbortHandler)
}

var outOfOrder = till.Problem{Status: http.StatusServiceUnavailable, Code: "journal_unavailable",
	Detail: "The journal cannot be written just now. Ask again with the same id."}

func (f *front) refuse(w http.ResponseWriter, c *call, p till.Problem) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	f.answered(c, p.Title+" "+string(p.Code))
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// grow adds fields to an object that no till can know.
func grow(body []byte) []byte {
	rest, is := bytes.CutPrefix(bytes.TrimSpace(body), []byte("{"))
	if !is {
		return body
	}
	return append([]byte(`{"field_of_a_later_version":{"list":[1,{"of":"things"}],"none":null},`), rest...)
}

// brief is the state or the code that an answer has.
func brief(body []byte) string {
	var v struct{ State, Code, Reason string }
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	text := ""
	for _, s := range []string{v.State, v.Reason, v.Code} {
		if s != "" {
			text += " " + s
		}
	}
	return text
}
