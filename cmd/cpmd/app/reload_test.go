package app_test

import (
	"strings"
	"testing"
	"time"

	"cpmd/queue/sale"
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
		{"[timing]\nscan = \"80s\"\n[[lane]]\nname = \"2\"\nscanner = { driver = \"virtual\" }\n", "the change of lane takes a restart", 75 * time.Second},
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
