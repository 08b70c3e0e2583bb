package app

import (
	"fmt"
	"time"

	"cpmd/payment"
)

// A gatewayView is how QFPay answers, on the diagnosis page.
type gatewayView struct {
	URL       string        `json:"url"`
	Reachable *bool         `json:"reachable"`   // by the last contact; null before the first
	ClockOffS int64         `json:"clock_off_s"` // how far QFPay's clock is ahead of this machine's, by the last contact
	Contacts  []contactView `json:"contacts"`
}

// clockLimit is how wrong the machine's clock may be before a person is told. Cashiers look sales up by it.
const clockLimit = 10 * time.Minute

type contactView struct {
	Endpoint string    `json:"endpoint"`
	At       time.Time `json:"at"`
	TookMS   int64     `json:"took_ms"`
	Status   int       `json:"http_status"` // 0 where there was no answer
	RespCD   string    `json:"respcd"`
	Error    string    `json:"error"`
	Answered time.Time `json:"answered_at,omitzero"` // the last usable answer
}

// gatewayHealth also says what a person should do.
func gatewayHealth(url string, c *payment.Client) (v gatewayView, advice []string) {
	v = gatewayView{URL: url, Contacts: []contactView{}}
	var last payment.Contact
	for _, n := range c.Health() {
		v.Contacts = append(v.Contacts, contactView{n.Endpoint, n.At.UTC(), n.Took.Milliseconds(), n.Status, n.RespCD, n.Err, n.Answered.UTC()})
		if n.At.After(last.At) {
			ok := n.Err == ""
			last, v.Reachable, v.ClockOffS = n, &ok, int64(n.ClockOff.Seconds())
		}
	}
	if last.Err != "" {
		what, check := "QFPay did not answer", "the network and gateway.url"
		if last.Status != 0 { // the network is not it
			what, check = "QFPay's last answer could not be used", "gateway.url and the files of gateway.app_code_file and gateway.client_key_file"
		}
		advice = append(advice, fmt.Sprintf("%s (%s: %s): check %s", what, last.Endpoint, last.Err, check))
	}
	if last.ClockOff.Abs() > clockLimit {
		advice = append(advice, fmt.Sprintf("this machine's clock differs from QFPay's by %s: set it, and keep it synchronized (NTP)", last.ClockOff.Abs().Round(time.Minute)))
	}
	return v, advice
}
