package messenger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"cpmd/payment"
	"cpmd/queue/sale"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A journal remembers what is to be told.
type journal struct {
	mu      sync.Mutex
	changed chan struct{}
	calls   []sale.AlarmCall
	down    error
}

func newJournal() *journal { return &journal{changed: make(chan struct{})} }

func (j *journal) Changed() <-chan struct{} { j.mu.Lock(); defer j.mu.Unlock(); return j.changed }

func (j *journal) add(seq int64, event string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, sale.AlarmCall{Event: event, Alarm: sale.AlarmView{Seq: seq, Kind: "sale", ID: "T1", What: "look"}})
	close(j.changed)
	j.changed = make(chan struct{})
}

func (j *journal) AlarmCalls(context.Context, string, int) ([]sale.AlarmCall, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.calls), nil
}

func (j *journal) AlarmCalled(_ context.Context, _ string, c sale.AlarmCall) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.down != nil {
		return j.down
	}
	j.calls = slices.DeleteFunc(j.calls, func(o sale.AlarmCall) bool { return o.Event == c.Event && o.Alarm.Seq == c.Alarm.Seq })
	return nil
}

// run lets a messenger with one way of the test's own work on simulated time.
func run(t *testing.T, j *journal, tell func(m Message) error, f func(m *Messenger)) {
	synctest.Test(t, func(t *testing.T) {
		j.changed = make(chan struct{})
		m := New(Config{}, j, zap.NewNop())
		m.host = "counter-3"
		m.ways = []*way{{via: "webhook", tell: func(_ context.Context, m Message) error { return tell(m) }}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); m.Run(ctx) }()
		f(m)
		cancel()
		<-done
	})
}

// A receiver that is away is tried again, ever less often, until it has heard everything in order; what it was told is
// told no more. Its failing is on the diagnosis page meanwhile.
func TestToldUntilHeard(t *testing.T) {
	j := newJournal()
	var times []time.Duration
	var heard []string
	var began time.Time
	away := errors.New("connection refused")
	run(t, j, func(m Message) error {
		if times = append(times, time.Since(began)); len(times) <= 12 {
			return away
		}
		heard = append(heard, m.ID)
		return nil
	}, func(m *Messenger) {
		began = time.Now()
		j.add(7, sale.AlarmOpened)
		j.add(7, sale.AlarmWasSettled)
		time.Sleep(3 * time.Minute)
		if a := m.Advice(); len(a) != 1 || !strings.Contains(a[0], "connection refused") {
			t.Errorf("advice %q", a)
		}
		time.Sleep(2 * time.Hour)
		if a := m.Advice(); len(a) != 0 {
			t.Errorf("advice %q while all is well", a)
		}
	})
	if want := []string{"counter-3/alarm/7/opened", "counter-3/alarm/7/settled"}; !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
	if len(times) != 14 {
		t.Fatalf("%d calls: %v", len(times), times)
	}
	for i := 2; i < 12; i++ {
		if before, now := times[i-1]-times[i-2], times[i]-times[i-1]; now < before || now > retryMost {
			t.Errorf("waits of %v, then %v", before, now)
		}
	}
}

// News that a receiver refuses does not keep the rest from being heard.
func TestOneRefusalStopsNothing(t *testing.T) {
	j, heard := newJournal(), 0
	run(t, j, func(m Message) error {
		if m.Alarm.Seq == 1 {
			return refusal("HTTP 400")
		}
		heard++
		return nil
	}, func(*Messenger) {
		j.add(1, sale.AlarmOpened)
		j.add(2, sale.AlarmOpened)
		time.Sleep(time.Minute)
	})
	if heard != 1 {
		t.Errorf("the second alarm was told %d times, want once", heard)
	}
}

// What could not be noted as told is told again: twice rather than never.
func TestToldAtLeastOnce(t *testing.T) {
	j := newJournal()
	var heard atomic.Int32
	j.down = errors.New("no space left on device")
	run(t, j, func(Message) error { heard.Add(1); return nil }, func(*Messenger) {
		j.add(1, sale.AlarmOpened)
		time.Sleep(time.Minute)
		if n := heard.Load(); n < 2 {
			t.Errorf("told %d times", n)
		}
		j.mu.Lock()
		j.down = nil
		j.mu.Unlock()
		time.Sleep(5 * time.Minute)
		before := heard.Load()
		time.Sleep(time.Hour)
		if heard.Load() != before {
			t.Error("told again after it was noted")
		}
	})
}

// script writes a program for the shell to read; cpmd itself uses none.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "call me; now")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCommand: a program gets the message, its arguments as they are, and nothing of cpmd's environment.
func TestCommand(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "/canary")
	out := filepath.Join(t.TempDir(), "out")
	m := Message{ID: "host/alarm/7/opened", Event: "opened", Alarm: sale.AlarmView{Seq: 7, What: "look"}}
	if err := (command{script(t, `{ cat; printf '%s\n' "$1" "$CPMD_ALARM_ID"; env; } > "$2"`), "$(id); *", out}).run(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(string(text), "\n", 4)
	var got Message
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || got.ID != m.ID || got.Alarm.What != "look" {
		t.Errorf("got %q (%v)", lines[0], err)
	}
	if lines[1] != "$(id); *" || lines[2] != m.ID || strings.Contains(lines[3], "canary") {
		t.Errorf("arguments and environment: %q", lines[1:])
	}
}

// TestCommandFails: what a failing program says is told, and one that hangs is killed with what it started.
func TestCommandFails(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for _, c := range []struct {
		ctx     context.Context
		program string
		want    string
		refusal bool
	}{
		{t.Context(), script(t, "echo no modem >&2; exit 3"), `exit status 3, and said "no modem"`, true},
		{t.Context(), "/nowhere/call", "there is no /nowhere/call", false},
		{ctx, script(t, "sleep 600 & sleep 600"), "was killed", true},
	} {
		began := time.Now()
		err := command{c.program}.run(c.ctx, Message{})
		if err == nil || !strings.Contains(err.Error(), c.want) || isRefusal(err) != c.refusal {
			t.Errorf("%s: %v (a refusal: %v), want %q", c.program, err, isRefusal(err), c.want)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s took %s", c.program, took)
		}
	}
}

// TestWebhook: the message is posted with its id; only 2xx is heard, redirects are not followed, and no error holds the
// address.
func TestWebhook(t *testing.T) {
	status, hits := http.StatusNoContent, 0
	var got Message
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits++
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &got); err != nil || r.Header.Get("Idempotency-Key") != got.ID {
			t.Errorf("%s: %v", body, err)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	w := newWebhook(payment.Secret(s.URL + "/hooks/CANARY"))
	if err := w.post(t.Context(), Message{ID: "7"}); err != nil || got.ID != "7" {
		t.Errorf("%v %+v", err, got)
	}
	for _, status = range []int{302, 404, 500} {
		hits = 0
		err := w.post(t.Context(), Message{ID: "7"})
		if err == nil || !isRefusal(err) || hits != 1 || !strings.Contains(err.Error(), fmt.Sprint(status)) {
			t.Errorf("HTTP %d: %v after %d requests", status, err, hits)
		}
	}
	s.Close()
	if err := w.post(t.Context(), Message{}); err == nil || isRefusal(err) || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("nobody is there: %v", err)
	}
}
