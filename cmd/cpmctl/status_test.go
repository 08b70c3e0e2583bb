package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

// On a terminal a line counts the seconds; it is gone before anything else is written.
func TestStatusCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		s := &status{w: &b, live: true}
		begun := time.Now()
		by := begun.Add(60 * time.Second)
		v := sale.View{ID: "T1", State: sale.Waiting, ScanBy: &by}
		stop := s.during(func(now time.Time) string { return clock(now.Sub(begun)) + "; " + remaining(v, now) })
		time.Sleep(2*time.Second + time.Millisecond)
		s.say("something happened")
		stop()
		const wipe = "\r\x1b[K"
		want := wipe + "0:00; 1:00 left to show a code" + wipe + "0:01; 0:59 left to show a code" + wipe + "0:02; 0:58 left to show a code" +
			wipe + "something happened\n"
		if b.String() != want {
			t.Errorf("got %q, want %q", b.String(), want)
		}
	})
}

func TestRemaining(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	in := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
	for _, test := range []struct {
		v    sale.View
		want string
	}{
		{sale.View{State: sale.Waiting, ScanBy: in(time.Minute), DecideBy: in(3 * time.Minute)}, "1:00 left to show a code"},
		{sale.View{State: sale.Waiting, ScanBy: in(-time.Second)}, "0:00 left to show a code"},
		{sale.View{State: sale.Confirming, DecideBy: in(90 * time.Second)}, "1:30 at most"},
		{sale.View{State: sale.Paid, Delivery: sale.Awaited, DeliverBy: in(1500 * time.Millisecond)}, "0:02 left to confirm the delivery"},
		{sale.View{State: sale.Unresolved}, ""},
		{sale.View{State: sale.Paid}, ""},
	} {
		if got := remaining(test.v, now); got != test.want {
			t.Errorf("%+v: %q, want %q", test.v, got, test.want)
		}
	}
}

// Colour is for terminals, and for nobody who asked for none.
func TestColour(t *testing.T) {
	desk := tilltest.NewDesk()
	addr := tilltest.Serve(t, desk, till.DialectHTTP)
	if _, _, err := desk.PutSale(t.Context(), sale.Request{ID: "K1", Amount: 100, Currency: "HKD"}); err != nil {
		t.Fatal(err)
	}
	desk.SetState("K1", sale.Paid, "")
	show := func(t *testing.T, env map[string]string, terminal bool) string {
		master, tty, err := pty.Open()
		if err != nil {
			t.Skip("needs a pseudo-terminal: ", err)
		}
		defer master.Close()
		var b bytes.Buffer
		getenv := func(name string) string { return env[name] }
		args := []string{"-addr", addr, "show", "K1"}
		if !terminal {
			run(t.Context(), args, strings.NewReader(""), &b, &b, getenv, nil)
			return b.String()
		}
		run(t.Context(), args, strings.NewReader(""), tty, &b, getenv, nil)
		_ = tty.Close()
		text := make([]byte, 4096)
		n, _ := master.Read(text)
		return string(text[:n])
	}
	for _, test := range []struct {
		name     string
		env      map[string]string
		terminal bool
		want     bool
	}{
		{"a terminal", map[string]string{"TERM": "xterm"}, true, true},
		{"NO_COLOR", map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, true, false},
		{"a dumb terminal", map[string]string{"TERM": "dumb"}, true, false},
		{"a pipe", map[string]string{"TERM": "xterm"}, false, false},
	} {
		out := show(t, test.env, test.terminal)
		if !strings.Contains(out, "K1 HKD 1.00") || strings.Contains(out, "\x1b[") != test.want {
			t.Errorf("%s: %q, want colour: %v", test.name, out, test.want)
		}
	}
}

// A full disk is not "cannot be reached", and takes no outcome away.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full")
	}
	defer full.Close()
	desk := tilltest.NewDesk()
	addr := tilltest.Serve(t, desk, till.DialectHTTP)
	if _, _, err := desk.PutSale(t.Context(), sale.Request{ID: "F1", Amount: 100, Currency: "HKD"}); err != nil {
		t.Fatal(err)
	}
	desk.SetState("F1", sale.NotPaid, sale.Declined)
	for want, args := range map[int][]string{exitOutput: {"list"}, exitNotPaid: {"show", "F1"}} {
		var errs bytes.Buffer
		exit := run(t.Context(), append([]string{"-addr", addr}, args...), strings.NewReader(""), full, &errs, func(string) string { return "" }, nil)
		if exit != want || !strings.Contains(errs.String(), "the output could not be written") || !strings.Contains(errs.String(), syscall.ENOSPC.Error()) {
			t.Errorf("%v: exit %d, want %d: %s", args, exit, want, errs.String())
		}
	}
	// The daemon's disk: it may have the sale all the same, so its outcome is not known.
	desk.Fail(&sale.Error{Code: sale.JournalUnavailable, Detail: "The disk is full."})
	exit, _, errs := ctl(t, addr, nil, "sale", "-amount", "1", "-currency", "HKD", "-id", "F2")
	if exit != exitNotKnown || strings.Contains(errs, "reach") || !strings.Contains(errs, "The disk is full.") {
		t.Errorf("exit %d: %s", exit, errs)
	}
}
