package certify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A call is one request of the till, in either dialect.
type call struct {
	at     time.Duration // since the case began
	op     string        // the line dialect's name of it, such as sale.put
	id     string        // of the sale or refund
	fields map[string]string
	said   string // what the till was answered
}

const (
	putSale    = "sale.put"
	getSale    = "sale.get"
	cancelSale = "sale.cancel"
	subscribe  = "events.subscribe"
)

// ops has the names of requests; the others are called by their method and path.
var ops = map[string]string{"PUT /v1/sales/*": putSale, "GET /v1/sales/*": getSale, "POST /v1/sales/*/cancel": cancelSale,
	"POST /v1/sales/*/ask": "sale.ask", "GET /v1/sales": "sale.list", "GET /v1/events": subscribe}

func httpCall(r *http.Request, body []byte) *call {
	c := &call{fields: map[string]string{}}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	pattern := parts
	if len(parts) > 2 {
		c.id = parts[2]
		pattern = append([]string{parts[0], parts[1], "*"}, parts[3:]...)
	}
	c.op = r.Method + " /" + strings.Join(pattern, "/")
	if name, known := ops[c.op]; known {
		c.op = name
	}
	c.take(r.URL.Query())
	if form, err := url.ParseQuery(string(body)); err == nil && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		c.take(form)
	}
	c.takeJSON(body)
	return c
}

func lineCall(method string, params json.RawMessage) *call {
	c := &call{op: method, fields: map[string]string{}}
	c.takeJSON(params)
	c.id = c.fields["id"]
	delete(c.fields, "id")
	return c
}

func (c *call) take(values url.Values) {
	for name := range values {
		c.fields[name] = values.Get(name)
	}
}

func (c *call) takeJSON(body []byte) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var fields map[string]any
	if d.Decode(&fields) != nil {
		return
	}
	for name, v := range fields {
		c.fields[name] = fmt.Sprint(v)
	}
}

// String is the call as the report shows it.
func (c *call) String() string {
	what := c.op
	if c.id != "" {
		what += " " + c.id
	}
	for _, name := range []string{"amount", "currency", "ticket", "again", "wait", "after"} {
		if v, given := c.fields[name]; given {
			what += " " + name + "=" + v
		}
	}
	return fmt.Sprintf("%5.1f s  %s: %s", c.at.Seconds(), what, c.said)
}
