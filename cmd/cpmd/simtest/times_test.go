package simtest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/payment"
	"cpmd/queue/sale"
)

var updateTimes = flag.Bool("update-times", false, "write the table of times in docs/sale.md anew")

// TestTimes plays what may happen at a counter with default timing against the simulated QFPay, and keeps the table in
// docs/sale.md: what came of it, what the cashier reads, and after how long. What can be known soon is known soon.
func TestTimes(t *testing.T) {
	scenes := []struct {
		what, behaviour string
		cancel          time.Duration // the cashier cancels that long after the scan; 0: never
		most            time.Duration // until it is known; 0: no limit of its own
	}{
		{"paid at once", "pay", 0, time.Second},
		{"paid on the phone after 5 s", "pending-5s", 0, 10 * time.Second},
		{"declined (1201), listed", "code-1201", 0, 5 * time.Second},
		{"declined (1201), not listed", "absent-1201", 0, 5 * time.Second},
		{"pay_type not enabled (1104), not listed", "absent-1104", 0, 5 * time.Second},
		{"declined (2007), listed, but the customer could still complete it", "revived", 0, 15 * time.Second},
		{"declined on the phone (2007)", "pending-declined", 0, 20 * time.Second},
		{"no such order (1136)", "absent-1136", 0, 5 * time.Second},
		{"HTTP 429", "http-429", 0, 12 * time.Second},
		{"answer lost, paid", "lost", 0, 5 * time.Second},
		{"no answer at all, paid", "hang", 0, 10 * time.Second},
		{"request lost on the way", "dropped", 0, 0},
		{"never confirmed", "never", 0, 70 * time.Second},
		{"never confirmed, the cashier cancels after 3 s", "never", 3 * time.Second, 8 * time.Second},
		{"no answer, paid; the cashier cancels after 1 s", "hang", time.Second, 6 * time.Second},
		{"answer lost, never confirmed; the cashier cancels after 1 s", "lost-never", time.Second, 6 * time.Second},
		{"no answer, never arrived; the cashier cancels after 1 s", "hang-dropped", time.Second, 0},
		{"the customer pays as the cashier cancels; QFPay gives it back", "cancel-returned", 3 * time.Second, 8 * time.Second},
		{"the customer pays as the cashier cancels; QFPay keeps it (1260)", "cancel-kept", 3 * time.Second, 8 * time.Second},
		{"never confirmed, and QFPay cannot cancel it (1297)", "cancel-unsupported", 0, 0},
	}
	var table strings.Builder
	table.WriteString("| at QFPay | the sale | the cashier reads | after |\n|---|---|---|--:|\n")
	trade(t, Options{Seed: 1, Script: &Script{Name: "times"}}, sim.Habits{}, func(d *trading) {
		for i, s := range scenes {
			v, took := d.known(fmt.Sprintf("T%d", i+1), s.behaviour, s.cancel)
			state := string(v.State)
			if v.Reason != "" {
				state += " (" + string(v.Reason) + ")"
			}
			fmt.Fprintf(&table, "| %s | `%s` | %s | %.0f s |\n", s.what, state, v.Message, took.Seconds())
			if s.most > 0 && took > s.most {
				t.Errorf("%s: known after %v, want %v at most", s.what, took, s.most)
			}
			if !v.Final && v.State == sale.Waiting {
				if _, err := d.c.CancelSale(context.Background(), v.ID); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
		}
	})
	keepTimes(t, table.String())
}

// known sells, and returns the sale and the time from the scan once the cashier knows how to go on: it is final,
// unresolved, or waits for another code.
func (d *trading) known(id, behaviour string, cancel time.Duration) (sale.View, time.Duration) {
	d.t.Helper()
	d.codes++
	code := sim.AuthCode("alipay", behaviour, d.codes)
	req := sale.Request{ID: id, Amount: 1000, Currency: "HKD", Lane: "1", AuthCode: payment.AuthCode(code)}
	d.w.books.shown(d.w, code, "1", id, behaviour, time.Since(d.w.begun))
	d.w.books.open(req, time.Since(d.w.begun))
	from := time.Now()
	v, _, err := d.c.PutSale(context.Background(), req)
	if cancel > 0 && err == nil {
		time.Sleep(cancel)
		from = time.Now()
		v, err = d.c.CancelSale(context.Background(), id)
	}
	for err == nil && !v.Final && v.State != sale.Unresolved && v.State != sale.Waiting {
		v, err = d.c.WaitSale(context.Background(), id, v.Seq, time.Minute)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", id, err)
	}
	return v, time.Since(from)
}

const timesStart, timesEnd = "<!-- written by go test ./cmd/cpmd/simtest -run TestTimes -update-times -->\n", "<!-- end of the times -->\n"

func keepTimes(t *testing.T, table string) {
	t.Helper()
	const page = "../../../docs/sale.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(b), timesStart)
	old, after, ok2 := strings.Cut(rest, timesEnd)
	switch {
	case !ok1 || !ok2:
		t.Fatalf("%s has no table of times between its marks", page)
	case old == table:
	case !*updateTimes:
		t.Errorf("the table of times in %s is not what happens; write it anew: go test ./cmd/cpmd/simtest -run TestTimes -update-times\n%s", page, table)
	default:
		if err := os.WriteFile(page, []byte(before+timesStart+table+timesEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
