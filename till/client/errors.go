package client

import (
	"encoding/json"
	"fmt"
	"strings"

	"cpmd/queue/sale"
)

// An Error is a refusal of cpmd.
type Error struct {
	Status int       // of HTTP
	Code   sale.Code // stable, for programs; empty where the answer was no problem document
	Detail string    // what to do, for people
	Sale   string    // the sale that stands in the way, if any
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("HTTP %d: %s", e.Status, e.Detail)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Detail)
}

func refusal(status int, body []byte) *Error {
	var p struct {
		Code   sale.Code
		Detail string
		Sale   string
	}
	if json.Unmarshal(body, &p) != nil || p.Detail == "" {
		const most = 200
		p.Detail = strings.TrimSpace(string(body[:min(most, len(body))]))
	}
	return &Error{Status: status, Code: p.Code, Detail: p.Detail, Sale: p.Sale}
}

// Unreachable means that no answer came. Where MaybeSent, the request may have been carried out: ask again
// with the same id before you tell anybody anything.
type Unreachable struct {
	Addr      string
	MaybeSent bool
	Err       error
}

func (e *Unreachable) Error() string {
	if e.MaybeSent {
		return fmt.Sprintf("no answer from cpmd at %s: %v; the request may have arrived", e.Addr, e.Err)
	}
	return fmt.Sprintf("cannot reach cpmd at %s: %v; is it running, and may you use it?", e.Addr, e.Err)
}

func (e *Unreachable) Unwrap() error { return e.Err }

// notSent marks the failure to connect: nothing can have arrived.
type notSent struct{ error }

func (e notSent) Unwrap() error { return e.error }
