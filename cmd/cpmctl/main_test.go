package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/zap"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/client"
	"cpmd/till/tilltest"
)

// TestMain lets scripts run cpmctl, and ctl, which is cpmctl and prints its exit code as the last line.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cpmctl": main, "ctl": func() {
		fmt.Println("exit", start())
		os.Exit(0)
	}})
}

// A counter is what a script talks to: a desk behind a daemon that can be stopped and started.
type counter struct {
	desk     *tilltest.Desk
	endpoint till.Endpoint
	server   *till.Server
}

func (c *counter) start() error {
	c.server = till.New(till.Config{Endpoints: []till.Endpoint{c.endpoint}}, c.desk, zap.NewNop())
	return c.server.Start(context.Background())
}

func (c *counter) stop() error { return c.server.Shutdown(context.Background()) }

type counterKey struct{}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			dir, err := os.MkdirTemp("", "ctl")
			if err != nil {
				return err
			}
			c := &counter{desk: tilltest.NewDesk(), endpoint: till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + filepath.Join(dir, "s")}}
			env.Values[counterKey{}] = c
			env.Setenv("CPMD_ADDR", c.endpoint.Listen)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each cpmctl under -race ends a second late
			env.Defer(func() {
				_ = c.stop()
				_ = os.RemoveAll(dir)
			})
			return c.start()
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"desk": desk},
	})
}

// desk plays what happens at the counter:
//
//	desk state ID STATE [REASON]   moves a sale;  desk refund ID STATE moves a refund
//	desk await ID STATE            waits until the sale is there
//	desk asked TEXT                waits until a cancel was asked for
//	desk late ID                   lets the sale's decide_by pass
//	desk unready TEXT              makes the daemon not ready
//	desk stop | desk start         the daemon's end and beginning
func desk(ts *testscript.TestScript, neg bool, args []string) {
	c := ts.Value(counterKey{}).(*counter)
	ctx := context.Background()
	switch args = append(args, ""); args[0] {
	case "state":
		c.desk.Set(args[1], func(v *sale.View) {
			v.State, v.Reason, v.Wallet = sale.State(args[2]), sale.Reason(args[3]), "alipay"
		})
	case "refund":
		c.desk.SetRefund(args[1], sale.RefundState(args[2]))
	case "await":
		poll(ts, func() bool {
			v, err := c.desk.Sale(ctx, args[1])
			return err == nil && string(v.State) == args[2]
		})
	case "asked":
		poll(ts, func() bool { return strings.Contains(fmt.Sprint(c.desk.CancelsAsked()), args[1]) })
	case "late":
		c.desk.SetOverdue(args[1])
	case "unready":
		c.desk.SetReady(&sale.Error{Code: sale.JournalUnavailable, Detail: args[1]})
	case "stop":
		ts.Check(c.stop())
	case "start":
		ts.Check(c.start())
	default:
		ts.Fatalf("desk: no %q", args[0])
	}
}

func poll(ts *testscript.TestScript, ok func() bool) {
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-deadline:
			ts.Fatalf("waited in vain")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A refusal that leaves open what became of a sale must not read as "nothing happened": a script would charge again.
func TestExitCodesOfRefusals(t *testing.T) {
	for _, tc := range []struct {
		err  client.Error
		want int
	}{
		{client.Error{Status: 403, Code: "not_allowed"}, exitUnavailable},
		{client.Error{Status: 403, Code: "not_allowed", Sale: "a"}, exitNotKnown},
		{client.Error{Status: 401, Code: "unauthorized"}, exitUnavailable},
	} {
		if got, _ := failed(&tc.err); got != tc.want {
			t.Errorf("%+v: exit %d, want %d", tc.err, got, tc.want)
		}
	}
}
