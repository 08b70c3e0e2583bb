package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cpmd/cmd/cpmd/stage"
	"cpmd/queue/sale"
)

// TestOperator does a day's work of an operator with cpmctl on a real counter: refund, explain, decide, compare
// the day with the gateway, and a machine that hands goods over or does not.
func TestOperator(t *testing.T) {
	st, ctx := setUp(t, stage.Plan{Timing: crashTiming + "\ndeliver = \"1s\""})
	ctl := func(want int, args ...string) string {
		t.Helper()
		bin, err := programs()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, filepath.Join(bin, "cpmctl"), append([]string{"-addr", "unix:" + filepath.Join(filepath.Dir(st.Config()), "till.sock")}, args...)...)
		cmd.Stdout, cmd.Stderr = &out, &out
		err = cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) || cmd.ProcessState.ExitCode() != want {
			t.Fatalf("cpmctl %s: %v, want exit %d\n%s", strings.Join(args, " "), err, want, out.String())
		}
		return out.String()
	}
	shows := func(out, want string) {
		t.Helper()
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	pay(ctx, t, st, "paid", "280000000000010000", sale.Paid)
	pay(ctx, t, st, "pending", "280000000000020001", sale.Paid)
	pay(ctx, t, st, "lost", "280000000000030010", sale.Paid)
	shows(ctl(0, "refund", "-amount", "1.00", "paid"), "refunded")
	shows(ctl(0, "refund", "pending"), "refunded") // all of it

	story := ctl(0, "explain", "lost")
	for _, want := range []string{"journaled before anything was sent", "came back without an answer", "Asked QFPay what became of it: it succeeded", "Next: Nothing"} {
		shows(story, want)
	}
	shows(ctl(0, "reconcile"), "5 numbers agree") // three payments, two refunds

	// A machine: delivered once, not delivered once.
	machine := func(id, code string) {
		t.Helper()
		if _, _, err := st.Till.PutSale(ctx, sale.Request{ID: id, Amount: 700, Currency: "HKD", Lane: "1", ConfirmDelivery: true}); err != nil {
			t.Fatal(err)
		}
		if err := st.Scan(1, code); err != nil {
			t.Fatal(err)
		}
		waitFor(ctx, t, st, id, func(v sale.View) bool { return v.Delivery == sale.Awaited })
	}
	machine("handed", "280000000000040000")
	shows(ctl(0, "delivered", "handed"), "delivered")
	machine("stuck", "280000000000050000")
	if err := st.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := st.Start(); err != nil {
		t.Fatal(err)
	}
	if err := st.Ready(ctx); err != nil { // what is scanned before is nobody's
		t.Fatal(err)
	}
	waitFor(ctx, t, st, "stuck", func(v sale.View) bool { return v.Delivery == sale.Returned && v.Refunded == 700 })
	ctl(exitFailed, "delivered", "stuck")

	// Never answered, never cancelled: an operator decides.
	v := pay(ctx, t, st, "open", "280000000000060060", sale.Unresolved)
	ctl(64, "resolve", "open", "paid")
	shows(ctl(exitFailed, "resolve", "-yes", "-note", "seen on the customer's phone", "open", "not_paid"), "contradicts_gateway")
	shows(ctl(0, "resolve", "-yes", "-even-though", "-note", "seen on the customer's phone", "open", "not_paid"), "not_paid")
	shows(ctl(0, "explain", "open"), "seen on the customer's phone")
	if l, err := st.Ledger(); err != nil || len(l.Payments) < 6 {
		t.Fatalf("%v %v %+v", err, v, l)
	}
	shows(ctl(0, "totals"), "HKD")

	// A journal that knows nothing of the day: everything is only at QFPay.
	if err := st.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", ".seq"} {
		os.Remove(st.Journal() + suffix)
	}
	if err := st.Start(); err != nil {
		t.Fatal(err)
	}
	if err := st.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	shows(ctl(1, "reconcile"), "Only at QFPay")
}

// exitFailed is what cpmctl exits with for a refusal that surely changed nothing.
const exitFailed = 1

func waitFor(ctx context.Context, t *testing.T, st *stage.Stage, id string, ok func(sale.View) bool) {
	t.Helper()
	for {
		v, err := st.Till.Sale(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if ok(v) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("sale %s is %+v", id, v)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
