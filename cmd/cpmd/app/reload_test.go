package app_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"cpmd/queue/sale"
	"cpmd/till/client"
)

// A changed configuration is taken over while a sale is open; one that is wrong, or that only a restart can take over,
// changes nothing and says so.
func TestReload(t *testing.T) {
	dir := tempDir(t)
	const nobody = "http://127.0.0.1:9"
	reload := make(chan struct{})
	d := startReloading(t, dir, nobody, "", reload)
	till := d.client(t)
	waits := func(id string) time.Duration {
		t.Helper()
		v, _, err := till.PutSale(t.Context(), sale.Request{ID: id, Amount: 1, Currency: "HKD"})
		if err == nil {
			_, err = till.CancelSale(t.Context(), id)
		}
		if err != nil {
			t.Fatal(err)
		}
		return v.ScanBy.Sub(v.CreatedAt)
	}
	if got := waits("a"); got != time.Minute {
		t.Fatalf("a sale waits %v", got)
	}
	for i, c := range []struct {
		more, log string
		want      time.Duration
	}{
		{"[timing]\nscan = \"75s\"\n[log]\nlevel = \"debug\"\n", "the configuration is taken over", 75 * time.Second},
		{"[timing]\nscan = \"soon\"\n", "timing.scan", 75 * time.Second},
		{"[timing]\nscan = \"80s\"\nanswer = \"30s\"\n", "the change of timing.answer takes a restart", 75 * time.Second},
		{"[timing]\nscan = \"80s\"\n[[lane]]\nname = \"2\"\nscanner = { driver = \"virtual\" }\n", "the change of lane (all but scanner) takes a restart", 75 * time.Second},
		{"[timing]\nscan = \"80s\"\n[alarm]\ncommand = [\"/bin/true\"]\n", "the change of alarm takes a restart", 75 * time.Second},
		{"[timing]\nscan = \"80s\"\n[audit]\ngive_back = \"never\"\n", "the configuration is taken over", 80 * time.Second},
	} {
		configure(t, dir, nobody, c.more)
		before := strings.Count(d.log.String(), c.log)
		reload <- struct{}{}
		for deadline := time.Now().Add(20 * time.Second); strings.Count(d.log.String(), c.log) == before; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d: no %q in the log:\n%s", i, c.log, d.log.String())
			}
		}
		if got := waits(string(rune('b' + i))); got != c.want {
			t.Errorf("%s: a sale waits %v, want %v", c.more, got, c.want)
		}
	}
	if !strings.Contains(d.log.String(), `"level":"debug"`) {
		t.Error("the log's level was not taken over")
	}
}

// refusedReload reloads a configuration that must be refused, and returns what is told about it.
func refusedReload(t *testing.T, till *client.Client) string {
	t.Helper()
	_, err := till.Reload(t.Context())
	e := (*client.Error)(nil)
	if !errors.As(err, &e) || e.Code != "not_reloaded" {
		t.Fatalf("reload: %v, want not_reloaded", err)
	}
	return e.Detail
}

func takenOver(t *testing.T, till *client.Client, want ...string) {
	t.Helper()
	if changed, err := till.Reload(t.Context()); err != nil || !slices.Equal(changed, want) {
		t.Fatalf("changed: %q (%v), want %q", changed, err, want)
	}
}

// Endpoints come, change what they allow and go while cpmd runs. One whose sale is open does not go.
func TestReloadTills(t *testing.T) {
	dir := tempDir(t)
	const nobody = "http://127.0.0.1:9"
	d := startAt(t, dir, nobody, "")
	till := d.client(t)
	takenOver(t, till)

	const second = "[[till]]\ndialect = \"http\"\nlisten = \"unix:second.sock\"\nname = \"second\"\n"
	configure(t, dir, nobody, second)
	takenOver(t, till, "till")
	other, err := client.New(client.Config{Addr: "unix:" + filepath.Join(dir, "second.sock"), Patience: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, _, err := other.PutSale(t.Context(), sale.Request{ID: "a", Amount: 1, Currency: "HKD"}); err != nil {
		t.Fatal(err)
	}

	configure(t, dir, nobody, "")
	if told := refusedReload(t, till); !strings.Contains(told, "sale a was opened there and is waiting") {
		t.Errorf("told: %s", told)
	}
	if _, err := other.Sale(t.Context(), "a"); err != nil {
		t.Errorf("the refused change took its endpoint away: %v", err)
	}

	configure(t, dir, nobody, second+"allow = [\"read\"]\n")
	takenOver(t, till, "till")
	if _, err := other.CancelSale(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), `permission "sell"`) {
		t.Errorf("cancelled without the permission to sell: %v", err)
	}
	if v, err := other.Sale(t.Context(), "a"); err != nil || v.State != sale.Waiting {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := till.CancelSale(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}

	configure(t, dir, nobody, "")
	takenOver(t, till, "till")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := other.Sale(ctx, "a")
		cancel()
		if err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("an endpoint that is gone still answers")
		}
	}
}

// An endpoint that asks for its own end hears that it is done, and a faulty file changes nothing.
func TestReloadOverTheEndpointThatGoes(t *testing.T) {
	dir := tempDir(t)
	const nobody = "http://127.0.0.1:9"
	d := startAt(t, dir, nobody, "[[till]]\ndialect = \"http\"\nlisten = \"unix:second.sock\"\n")
	other, err := client.New(client.Config{Addr: "unix:" + filepath.Join(dir, "second.sock")})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	configure(t, dir, nobody, "[timing]\nscan = \"soon\"\n")
	if told := refusedReload(t, other); !strings.Contains(told, "timing.scan") || !strings.Contains(told, "stays as it was") {
		t.Errorf("told: %s", told)
	}
	configure(t, dir, nobody, "")
	takenOver(t, other, "till")
	if _, err := d.client(t).Lanes(t.Context()); err != nil {
		t.Error(err)
	}
}

// A lane gets another scanner while its sale waits, and the new one pays it.
func TestReloadScanner(t *testing.T) {
	dir := tempDir(t)
	const nobody = "http://127.0.0.1:9"
	old, oldPort, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	defer oldPort.Close()
	now, nowPort, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer now.Close()
	defer nowPort.Close()
	lane := func(port string) string {
		return "[[lane]]\nname = \"2\"\nscanner = { driver = \"serial\", port = \"" + port + "\" }\n"
	}
	d := startAt(t, dir, nobody, lane(oldPort.Name()))
	till := d.client(t)
	open := func(port string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			lanes, err := till.Lanes(t.Context())
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("%+v, %v", lanes, err)
			}
			if s := lanes[1].Scanner; s.State == "open" && s.Device == port {
				return
			}
		}
	}
	open(oldPort.Name())
	v, _, err := till.PutSale(t.Context(), sale.Request{ID: "a", Amount: 1, Currency: "HKD", Lane: "2"})
	if err != nil {
		t.Fatal(err)
	}
	configure(t, dir, nobody, lane(nowPort.Name()))
	takenOver(t, till, "lane")
	open(nowPort.Name())
	_, _ = now.WriteString("280438849930815813\r")
	if v, err = till.WaitSale(t.Context(), "a", v.Seq, 20*time.Second); err != nil || len(v.Payments) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}
