package till_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap/zaptest"

	"cpmd/till"
	"cpmd/till/tilltest"
)

func TestMetrics(t *testing.T) {
	dir, reg := tilltest.SocketDir(t), prometheus.NewPedanticRegistry()
	s := till.New(till.Config{
		Endpoints: []till.Endpoint{
			{Dialect: till.DialectHTTP, Listen: "unix:" + filepath.Join(dir, "h")},
			{Dialect: till.DialectLine, Listen: "unix:" + filepath.Join(dir, "l")},
		},
		Registry: reg, Metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}),
	}, tilltest.NewDesk(), zaptest.NewLogger(t))
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	c, l := newCaller(t, s.Addrs()[0]), dialLine(t, s.Addrs()[1])
	c.do("PUT", "/v1/sales/T1-000123", coffee)
	c.do("PUT", "/v1/sales/T1-000124", coffee)
	c.do("GET", "/nowhere/280412345678905813", "")
	l.call("sale.get", `{"id":"T1-000123"}`)
	l.call("280412345678905813", `{}`)

	var a answer
	waitFor(t, "the counts", func() bool { // a request is counted after its answer
		a = c.do("GET", "/metrics", "")
		return strings.Contains(string(a.body), `cpmd_till_requests_total{dialect="line",route="sale.get",status="200"} 1`)
	})
	for _, want := range []string{
		`cpmd_till_requests_total{dialect="http",route="PUT /v1/sales/{id}",status="201"} 1`,
		`cpmd_till_requests_total{dialect="http",route="PUT /v1/sales/{id}",status="409"} 1`,
		`cpmd_till_requests_total{dialect="http",route="none",status="404"} 1`,
		`cpmd_till_request_duration_seconds_count{dialect="http",route="PUT /v1/sales/{id}"} 2`,
	} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("no %s", want)
		}
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
	if strings.Contains(string(a.body), "T1-0001") || strings.Contains(string(a.body), "2804") {
		t.Error("metrics name an id")
	}
	if t.Failed() {
		t.Logf("%s", a.body)
	}
}
