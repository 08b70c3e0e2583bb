package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cpmd/cmd/cpmd/app"
	"cpmd/cmd/qfpaysim/sim"
	"cpmd/queue/sale"
)

// prometheus is a real one, on loopback.
type prometheus struct{ url string }

// query returns the results of an expression.
func (p *prometheus) query(t *testing.T, expr string) (found []json.RawMessage) {
	t.Helper()
	var a struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	p.get(t, "/api/v1/query?query="+url.QueryEscape(expr), &a)
	if a.Status == "error" {
		t.Errorf("%s: %s", expr, a.Error)
	}
	return a.Data.Result
}

func (p *prometheus) get(t *testing.T, path string, to any) {
	t.Helper()
	resp, err := http.Get(p.url + path)
	if err != nil {
		return // it is starting
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusServiceUnavailable {
		return
	}
	if err := json.NewDecoder(resp.Body).Decode(to); err != nil {
		t.Fatal(path, err)
	}
}

// startPrometheus runs one with the example configuration, at another endpoint and a faster pace.
func startPrometheus(t *testing.T, dir, target string) *prometheus {
	t.Helper()
	for _, name := range []string{"prometheus", "promtool"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not here: apt-get install prometheus", name)
		}
	}
	const examples = "../../../docs/watching/"
	if out, err := exec.Command("promtool", "check", "rules", examples+"alerts.yml").CombinedOutput(); err != nil {
		t.Fatalf("promtool: %s", out)
	}
	for _, name := range []string{"prometheus.yml", "alerts.yml"} {
		b, err := os.ReadFile(examples + name)
		if err != nil {
			t.Fatal(err)
		}
		s := strings.NewReplacer("/run/cpmd/", dir+"/", "127.0.0.1:8461", target, "15s", "200ms", "for: 2m", "for: 0s").Replace(string(b))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("promtool", "check", "config", filepath.Join(dir, "prometheus.yml")).CombinedOutput(); err != nil {
		t.Fatalf("promtool: %s", out)
	}
	at := "127.0.0.1:" + freePort(t)
	server := exec.Command("prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+at)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	return &prometheus{"http://" + at}
}

// TestRealPrometheus: a Prometheus with the example configuration scrapes the daemon, understands every expression of
// the dashboard and the rules, and tells when the daemon is gone.
func TestRealPrometheus(t *testing.T) {
	gateway := sim.New(sim.Config{AppCode: "A", ClientKey: "K", AnyHour: true, Seed: 1})
	defer gateway.Close()
	server := httptest.NewServer(gateway)
	defer server.Close()
	dir, target := tempDir(t), "127.0.0.1:"+freePort(t)
	d := startAt(t, dir, server.URL, "[[till]]\nname = \"prometheus\"\ndialect = \"http\"\nlisten = \"tcp:"+target+
		"\"\ntoken_file = \"prometheus-token\"\nallow = [\"read\"]\n")
	p := startPrometheus(t, dir, target)
	eventually := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("never: " + what)
			}
		}
	}
	till := d.client(t)
	if _, _, err := till.PutSale(t.Context(), sale.Request{ID: "a", Amount: 100, Currency: "HKD"}); err != nil {
		t.Fatal(err)
	}
	if err := till.Scan(t.Context(), "1", "280000000000000000"); err != nil {
		t.Fatal(err)
	}
	paid(t.Context(), t, till, "a")
	eventually("that the sale is counted", func() bool { return len(p.query(t, `cpmd_sales_total{state="paid"} == 1`)) == 1 })
	for _, expr := range app.Dashboard(t) {
		p.query(t, strings.NewReplacer("$instance", ".*", "$__rate_interval", "1m").Replace(expr))
	}
	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	eventually("the rules", func() bool {
		p.get(t, "/api/v1/rules", &rules)
		return len(rules.Data.Groups) == 1 && rules.Data.Groups[0].Rules[0].Health == "ok"
	})
	for _, r := range rules.Data.Groups[0].Rules {
		if r.Health != "ok" {
			t.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
		}
	}
	if len(p.query(t, `ALERTS{alertstate="firing"}`)) > 0 {
		t.Error("an alert goes off while all is well")
	}
	if err := d.end(); err != nil {
		t.Error(err)
	}
	eventually("the alert that cpmd is down", func() bool { return len(p.query(t, `ALERTS{alertname="CpmdDown",alertstate="firing"}`)) == 1 })
}
