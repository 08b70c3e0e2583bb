package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cpmd/till/tilltest"
)

// ctl runs cpmctl against addr and returns its exit code and what it wrote.
func ctl(t *testing.T, addr string, signals <-chan os.Signal, args ...string) (exit int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	exit = run(ctx, append([]string{"-addr", addr}, args...), strings.NewReader("yes\n"), &stdout, &stderr, func(string) string { return "" }, signals)
	return exit, stdout.String(), stderr.String()
}

// hangUp takes requests and hangs up without an answer; after the first n it is gone. It returns its address and how many
// it took.
func hangUp(t *testing.T, n int32) (addr string, took *atomic.Int32) {
	t.Helper()
	path := filepath.Join(tilltest.SocketDir(t), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	took = new(atomic.Int32)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if m, _ := c.Read(make([]byte, 4096)); m > 0 && took.Add(1) == n {
				_ = l.Close()
			}
			_ = c.Close()
		}
	}()
	return "unix:" + path, took
}

// Promise 2: an answer that was lost may have been "paid". A script that takes it for "never asked" charges again.
func TestLostAnswerIsNotKnown(t *testing.T) {
	for name, n := range map[string]int32{"it hangs up each time": 0, "it hangs up and is gone": 1} {
		for _, args := range [][]string{
			{"sale", "-amount", "1", "-currency", "HKD", "-id", "L1"},
			{"cancel", "L1"}, {"delivered", "L1"}, {"scan", "-lane", "1", "280412345678905813"}, {"ask", "L1"}, {"show", "L1"}, {"settle", "1", "-note", "n"},
			{"refund", "L1"}, {"resolve", "-yes", "-note", "n", "L1", "paid"}, {"reconcile"}, {"list"},
		} {
			t.Run(name+"/"+args[0], func(t *testing.T) {
				t.Parallel()
				addr, took := hangUp(t, n)
				signals := make(chan os.Signal, 2)
				if args[0] == "sale" { // it would ask for minutes
					time.AfterFunc(4*time.Second, func() { signals <- syscall.SIGINT })
				}
				exit, out, errs := ctl(t, addr, signals, args...)
				if exit != exitNotKnown || took.Load() == 0 {
					t.Errorf("exit %d, want %d, after %d requests\n%s%s", exit, exitNotKnown, took.Load(), out, errs)
				}
				if args[0] == "sale" && !strings.Contains(errs, `Do not charge again: ask "cpmctl show L1"`) {
					t.Errorf("it is not said what to do:\n%s", errs)
				}
			})
		}
	}
}

func TestNeverReached(t *testing.T) {
	for _, args := range [][]string{
		{"sale", "-amount", "1", "-currency", "HKD"}, {"show", "L1"}, {"cancel", "L1"}, {"delivered", "L1"}, {"diagnose"}, {"watch"}, {"refund", "L1"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			exit, out, errs := ctl(t, "unix:"+filepath.Join(tilltest.SocketDir(t), "nobody"), nil, args...)
			if exit != exitUnavailable || !strings.Contains(errs, "is it running") {
				t.Errorf("exit %d, want %d\n%s%s", exit, exitUnavailable, out, errs)
			}
		})
	}
}
