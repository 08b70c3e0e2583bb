package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cpmd/cmd/cpmd/app"
	"cpmd/cmd/cpmd/messenger"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// A phone is a webhook that somebody hears, or does not.
type phone struct {
	*httptest.Server
	mu    sync.Mutex
	off   bool
	tries int
	heard []string
}

func newPhone(t *testing.T) *phone {
	p := &phone{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m messenger.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.tries++; p.off {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		p.heard = append(p.heard, m.Event+" "+m.Alarm.ID)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *phone) set(off bool) { p.mu.Lock(); defer p.mu.Unlock(); p.off = off }

func (p *phone) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		p.mu.Lock()
		done := ok()
		p.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: never; heard %v in %d tries", what, p.heard, p.tries)
		}
	}
}

// An alarm that nobody could be told of is told after a restart, its settling too, and neither once more. Meanwhile sales
// go on, and the diagnosis says that nobody hears.
func TestAlarmsAreToldAcrossRestarts(t *testing.T) {
	var breaks atomic.Bool
	breaks.Store(true)
	defer app.WithJournalHooks(journal.Hooks{Before: func(w journal.Write) error {
		if breaks.Load() && strings.HasPrefix(w.Subject, "broken") && w.Event == sale.Due {
			return constraint{}
		}
		return nil
	}})()
	p, dir := newPhone(t), tempDir(t)
	p.set(true)
	more := "[timing]\nscan = \"200ms\"\n[alarm]\nwebhook = \"" + p.URL + "/hooks/CANARY\"\n[[lane]]\nname = \"2\"\nscanner = { driver = \"virtual\" }\n"
	open := func(d *daemon, id, lane string) {
		t.Helper()
		if _, _, err := d.client(t).PutSale(t.Context(), sale.Request{ID: id, Amount: 100, Currency: "HKD", Lane: lane}); err != nil {
			t.Fatal(err)
		}
	}
	d := start(t, dir, more)
	open(d, "broken-1", "1")
	p.until(t, "a call", func() bool { return p.tries > 0 })
	open(d, "other", "2") // in nobody's way
	d.until(t, "nobody could be told of an alarm")
	diagnosis, err := d.client(t).Diagnosis(t.Context())
	if all := strings.Join(diagnosis.Advice, "\n"); err != nil || !strings.Contains(all, "alarm.webhook since") || strings.Contains(all, "CANARY") {
		t.Errorf("advice %q %v", all, err)
	}
	if err := d.end(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(d.log.String(), "CANARY") {
		t.Error("the webhook's address is in the log")
	}

	p.set(false)
	breaks.Store(false)
	d = start(t, dir, more)
	p.until(t, "the alarm", func() bool { return len(p.heard) == 1 })
	alarms, err := d.client(t).Alarms(t.Context(), false)
	if err != nil || len(alarms) != 1 {
		t.Fatal(alarms, err)
	}
	if _, err := d.client(t).SettleAlarm(t.Context(), alarms[0].Seq, "looked"); err != nil {
		t.Fatal(err)
	}
	p.until(t, "that it is settled", func() bool { return len(p.heard) == 2 })
	d.until(t, `"event":"settled"`)
	if err := d.end(); err != nil {
		t.Fatal(err)
	}

	breaks.Store(true)
	d = start(t, dir, more)
	open(d, "broken-2", "1")
	p.until(t, "the next alarm", func() bool { return len(p.heard) == 3 })
	if want := []string{"opened broken-1", "settled broken-1", "opened broken-2"}; !slices.Equal(p.heard, want) {
		t.Errorf("heard %v, want %v", p.heard, want)
	}
}
