// A complete till in Go on a client that is generated from /openapi.json: till ID AMOUNT CURRENCY [TICKET], such as
// T1-000123 12850 HKD 88211.
//
// It speaks HTTP over the Unix socket $CPMD_SOCKET and exits with 0 paid, 1 not paid, 2 not known.
// ID is the till's own. Write it down, on disk, before you ask: it is how you learn what came of a sale
// after a crash. Start this program again with the same arguments and it tells, without charging again.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"
)

// notOpened are refusals by which nothing was charged.
var notOpened = []string{"invalid_request", "unknown_lane", "lane_busy", "code_used"}

// connect returns the generated client, on the Unix socket.
func connect() (*ClientWithResponses, error) {
	socket := os.Getenv("CPMD_SOCKET")
	if socket == "" {
		socket = "/run/cpmd/till.sock"
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	patient := &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: 40 * time.Second} // longer than the longest wait below
	return NewClientWithResponses("http://cpmd", WithHTTPClient(patient))
}

// An answer is the sale, or a refusal with its status; neither if none came.
type answer struct {
	sale    *Sale
	refusal *Problem
}

func put(c *ClientWithResponses, id string, body SalePutJSONRequestBody) answer {
	r, err := c.SalePutWithResponse(context.Background(), id, body)
	if err != nil {
		return answer{}
	}
	if r.JSON201 != nil {
		return answer{sale: r.JSON201}
	}
	return answer{r.JSON200, r.ApplicationproblemJSONDefault}
}

func get(c *ClientWithResponses, id string, after int64) answer {
	wait := "25s"
	r, err := c.SaleGetWithResponse(context.Background(), id, &SaleGetParams{Wait: &wait, After: &after})
	if err != nil {
		return answer{}
	}
	return answer{r.JSON200, r.ApplicationproblemJSONDefault}
}

// collect returns "paid", "not_paid" or "unknown".
func collect(c *ClientWithResponses, id string, body SalePutJSONRequestBody) string {
	var sale *Sale
	for giveUp := time.Now().Add(3 * time.Minute); time.Now().Before(giveUp); {
		var a answer
		if sale == nil { // the same again, as often as it takes: it never opens a second sale
			a = put(c, id, body)
		} else {
			a = get(c, id, sale.Seq)
		}
		switch {
		case a.sale != nil:
			giveUp = time.Now().Add(3 * time.Minute)
			if sale == nil || a.sale.Seq > sale.Seq {
				fmt.Println(a.sale.Message)
			}
			sale = a.sale
			if sale.Final {
				return string(sale.State)
			}
			if sale.State == SaleStateUnresolved {
				return "unknown"
			}
		case a.refusal != nil && a.refusal.Status < 500:
			fmt.Println(a.refusal.Detail)
			if sale == nil && slices.Contains(notOpened, a.refusal.Code) {
				return "not_paid"
			}
			return "unknown"
		default: // not answered is not refused
			detail := "No answer."
			if a.refusal != nil {
				detail = a.refusal.Detail
			}
			fmt.Println(detail, "Asking again.")
			time.Sleep(time.Second)
		}
	}
	return "unknown"
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: till ID AMOUNT CURRENCY [TICKET]")
		os.Exit(64)
	}
	amount, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "AMOUNT is a whole number of minor units, such as 12850")
		os.Exit(64)
	}
	body := SalePutJSONRequestBody{Amount: amount, Currency: os.Args[3]}
	if len(os.Args) > 4 {
		body.Ticket = &os.Args[4]
	}
	c, err := connect()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(64)
	}
	switch collect(c, os.Args[1], body) {
	case "paid":
		fmt.Println("PAID")
	case "not_paid":
		fmt.Println("NOT PAID")
		os.Exit(1)
	default:
		fmt.Println("NOT KNOWN: do not charge again, ask later")
		os.Exit(2)
	}
}
