package simtest

import (
	"fmt"
	"net/http"
	"strings"
)

// A recorder keeps an answer until it has travelled.
type recorder struct {
	header  http.Header
	status  int
	body    []byte
	aborted bool // the connection breaks after the body
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) Flush()              {}
func (r *recorder) WriteHeader(s int)   { r.status = s }
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.body = append(r.body, p...)
	return len(p), nil
}

func (r *recorder) serve(w *world, req *http.Request) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler {
			r.aborted = true
		} else if v != nil {
			panic(v)
		}
		if r.status == 0 {
			r.status, r.aborted = http.StatusOK, true
		}
	}()
	w.gw.ServeHTTP(r, req)
}

// words returns in short what an answer is.
func (r *recorder) words() string {
	if r == nil {
		return "nothing"
	}
	s := fmt.Sprintf("HTTP %d", r.status)
	if r.status == http.StatusOK {
		s = "respcd " + codeIn(r.body)
	}
	if strings.Contains(string(r.body), `"data": []`) || strings.Contains(string(r.body), `"data":[]`) {
		s += ", an empty list"
	}
	if r.aborted {
		s += ", cut"
	}
	return s
}

// codeIn finds the response codes in an answer, the top one last.
func codeIn(body []byte) string {
	var all []string
	for rest := string(body); ; {
		_, after, ok := strings.Cut(rest, `"respcd": `)
		if !ok {
			if len(all) == 0 {
				return "none"
			}
			return strings.Join(all, " ")
		}
		code, tail, _ := strings.Cut(after, ",")
		all, rest = append(all, strings.Trim(code, `"} `)), tail
	}
}
