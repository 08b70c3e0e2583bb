package certify

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// A testTill is a whole till in one file, right but for the mistakes in its name. The test starts itself as one.
type testTill struct {
	mistake            string
	id, currency, bill string
	amount             string
	http               *http.Client
	seq                int64
}

type saleOrProblem struct {
	State, Code string
	Final       bool
	Seq         int64
}

const (
	exitPaid, exitNotPaid, exitNotKnown = 0, 1, 2
)

// newTill is for the arguments ID AMOUNT CURRENCY TICKET.
func newTill(mistake string, args []string) *testTill {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", os.Getenv("CPMD_SOCKET"))
	}
	return &testTill{mistake: mistake, id: args[0], amount: args[1], currency: args[2], bill: args[3],
		http: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// ask returns status 0 if there was no answer.
func (t *testTill) ask(method, path, body string) (status int, v saleOrProblem) {
	req, err := http.NewRequest(method, "http://cpmd"+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return 0, v
	}
	defer resp.Body.Close()
	if json.NewDecoder(resp.Body).Decode(&v) != nil {
		return 0, v
	}
	return resp.StatusCode, v
}

func (t *testTill) collect() int {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	cancelled := make(chan int, 1)
	go func() {
		<-interrupts
		t.ask("POST", "/v1/sales/"+t.id+"/cancel", "")
		if t.mistake == "cancelled is not paid" {
			cancelled <- exitNotPaid
		}
	}()
	ended := make(chan int, 1)
	go func() { ended <- t.follow() }()
	select {
	case code := <-cancelled:
		return code
	case code := <-ended:
		return code
	}
}

func (t *testTill) follow() int {
	opened, ticket, again := false, t.bill, ""
	for tries := 0; ; tries++ {
		var status int
		var v saleOrProblem
		switch {
		case !opened:
			status, v = t.ask("PUT", "/v1/sales/"+t.id, fmt.Sprintf(`{"amount":%s,"currency":%q,"ticket":%q%s}`, t.amount, t.currency, ticket, again))
		case strings.HasPrefix(t.mistake, "events"):
			status, v = t.nextEvent()
		default:
			status, v = t.ask("GET", fmt.Sprintf("/v1/sales/%s?wait=25s&after=%d", t.id, t.seq), "")
		}
		switch {
		case status == 0 || status >= 500:
			switch t.mistake {
			case "no answer is not paid":
				return exitNotPaid
			case "a new id for each try":
				if !opened {
					t.id = fmt.Sprintf("%s-%d", t.id, tries)
				}
			}
			time.Sleep(200 * time.Millisecond)
		case status >= 400:
			switch {
			case t.mistake == "the ticket is in the way" && strings.HasPrefix(v.Code, "ticket_"):
				again, ticket = `,"again":true`, t.bill+"x"
				continue
			case !opened && v.Code == "lane_busy":
				return exitNotPaid
			}
			return exitNotKnown
		default:
			opened, t.seq = true, v.Seq
			switch {
			case v.State == "paid":
				return exitPaid
			case v.State == "not_paid":
				return exitNotPaid
			case v.State == "unresolved" && t.mistake == "no answer is not paid":
				return exitNotPaid
			case v.State == "unresolved":
				return exitNotKnown
			}
		}
	}
}

// nextEvent follows the event stream from the position in the till's folder to the next one about its sale.
func (t *testTill) nextEvent() (int, saleOrProblem) {
	file := filepath.Join(os.Getenv("CPMD_TILL_DIR"), "position")
	position, _ := os.ReadFile(file)
	req, err := http.NewRequest("GET", "http://cpmd/v1/events", nil)
	if err != nil {
		panic(err)
	}
	if len(position) > 0 {
		req.Header.Set("Last-Event-ID", string(position))
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return 0, saleOrProblem{}
	}
	defer resp.Body.Close()
	kind := ""
	for in := bufio.NewScanner(resp.Body); in.Scan(); {
		name, value, _ := strings.Cut(in.Text(), ": ")
		switch name {
		case "event":
			kind = value
		case "id":
			if t.mistake != "events without reset" || kind != "reset" {
				position = bytes.Clone([]byte(value))
			}
		case "data":
			var v struct {
				ID string
				saleOrProblem
			}
			_ = json.Unmarshal([]byte(value), &v)
			switch {
			case kind == "reset" && t.mistake == "events without reset":
				select {} // it waits for the events after its own position, as it always has
			case kind == "reset":
				return t.ask("GET", "/v1/sales/"+t.id, "")
			case kind == "sale" && v.ID == t.id:
				_ = os.WriteFile(file, position, 0o600)
				return 200, v.saleOrProblem
			}
		}
	}
	return 0, saleOrProblem{}
}
