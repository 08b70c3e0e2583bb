package app

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"cpmd/payment"
	"cpmd/queue/sale"
	"cpmd/till"
)

var opened = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// busy are metrics that a day has gone over, with those of package till and the gauges.
func busy(t *testing.T) *metrics {
	t.Helper()
	m := newMetrics("1.2.3")
	till.New(till.Config{Registry: m.registry}, nil, nil)
	m.registry.MustRegister(constant{})
	history(m)
	return m
}

// history is one sale: scanned after 8 s, pending after another second, paid 21 s after the scan; and what the audit and
// QFPay can add to it.
func history(m *metrics) {
	at := func(seconds int) time.Time { return opened.Add(time.Duration(seconds) * time.Second) }
	s := sale.Sale{ID: "T1", Lane: "1", State: sale.Waiting, CreatedAt: at(0)}
	m.observe(sale.Sale{}, s, sale.Event{Kind: sale.Opened, At: at(0)})
	paying := s
	paying.State, paying.Payments = sale.Paying, []sale.Payment{{OutTradeNo: "n", PayType: "800008", SentAt: at(8)}}
	m.observe(s, paying, sale.Event{Kind: sale.Scanned, At: at(8)})
	confirming := paying
	confirming.State, confirming.Payments = sale.Confirming, []sale.Payment{{OutTradeNo: "n", PayType: "800008", Resolved: "800108", SentAt: at(8)}}
	m.observe(paying, confirming, sale.Event{Kind: sale.Answered, Payment: "n", At: at(9), Answer: &payment.Answer{Meaning: payment.Pending, RespCD: "1143"}})
	paid := confirming
	paid.State = sale.Paid
	m.observe(confirming, paid, sale.Event{Kind: sale.QueryAnswered, Payment: "n", At: at(29)})
	found := paid
	found.Payments = slices.Clone(paid.Payments)
	found.Payments[0].Progress.Audit.Missing = true
	m.observe(paid, found, sale.Event{Kind: sale.QueryAnswered, Payment: "n", At: at(90)})
	m.called("webhook", true)
	m.called("command", false)
	m.wrote(3 * time.Millisecond)
	for _, e := range []payment.Exchange{{Endpoint: "payment", Sent: true, Status: 200, RespCD: "1143"}, {Endpoint: "query", Sent: true, Status: 200, RespCD: "7777"},
		{Endpoint: "query", Sent: true, Status: 200}, {Endpoint: "payment", Err: errors.New("refused")}, {Endpoint: "payment", Sent: true, Err: errors.New("timeout")},
		{Endpoint: "query", Sent: true, Status: 502, Err: errors.New("html")}} {
		m.exchanged(e)
	}
}

// constant has the gauges of a daemon, which gauges.go reads from a queue.
type constant struct{}

func (constant) Describe(ch chan<- *prometheus.Desc) { gauges{}.Describe(ch) }
func (constant) Collect(ch chan<- prometheus.Metric) {
	for _, d := range allGauges {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, 1, slices.Repeat([]string{"x"}, len(labelsOf(d)))...)
	}
}

// TestWhatIsCounted: one sale is counted where it belongs, and times are those between its events.
func TestWhatIsCounted(t *testing.T) {
	m := busy(t)
	want := `
# HELP cpmd_audit_findings_total What later looks at ended payments found: money of sales that are not paid, paid money that is missing, what is not understood.
# TYPE cpmd_audit_findings_total counter
cpmd_audit_findings_total{finding="money_missing"} 1
# HELP cpmd_gateway_answers_total Answers of QFPay by response code (respcd): none where it had none, other where it is not documented.
# TYPE cpmd_gateway_answers_total counter
cpmd_gateway_answers_total{endpoint="payment",respcd="1143"} 1
cpmd_gateway_answers_total{endpoint="query",respcd="none"} 2
cpmd_gateway_answers_total{endpoint="query",respcd="other"} 1
# HELP cpmd_gateway_failures_total Requests to QFPay without a usable answer: not_sent, no_answer, http_error, unreadable or wrong_signature.
# TYPE cpmd_gateway_failures_total counter
cpmd_gateway_failures_total{endpoint="payment",failure="no_answer"} 1
cpmd_gateway_failures_total{endpoint="payment",failure="not_sent"} 1
cpmd_gateway_failures_total{endpoint="query",failure="http_error"} 1
# HELP cpmd_payment_answers_total Payment requests by what came back: paid, pending, declined and so on; unknown where the money may be anywhere.
# TYPE cpmd_payment_answers_total counter
cpmd_payment_answers_total{meaning="pending",wallet="alipay"} 1
# HELP cpmd_sales_total Sales by the state and reason that they came to.
# TYPE cpmd_sales_total counter
cpmd_sales_total{lane="1",reason="",state="paid",wallet="alipay"} 1
`
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want), "cpmd_audit_findings_total", "cpmd_gateway_answers_total",
		"cpmd_gateway_failures_total", "cpmd_payment_answers_total", "cpmd_sales_total"); err != nil {
		t.Error(err)
	}
	for name, seconds := range map[string]float64{"cpmd_scan_wait_seconds": 8, "cpmd_scan_to_answer_seconds": 1, "cpmd_scan_to_final_seconds": 21, "cpmd_sale_seconds": 29} {
		h := gather(t, m)[name].GetMetric()
		if len(h) != 1 || h[0].GetHistogram().GetSampleCount() != 1 || h[0].GetHistogram().GetSampleSum() != seconds {
			t.Errorf("%s: %v, want one sample of %v s", name, h, seconds)
		}
	}
}

// TestMetricsAreWellNamed: promlint finds nothing in any metric that there is.
func TestMetricsAreWellNamed(t *testing.T) {
	m := busy(t)
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	gathered := gather(t, m)
	for name := range described(m) {
		if gathered[name] == nil && !strings.HasPrefix(name, "cpmd_till_") { // those are looked at in package till
			t.Errorf("%s was not looked at", name)
		}
	}
}

func gather(t *testing.T, m *metrics) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*dto.MetricFamily{}
	for _, f := range families {
		all[f.GetName()] = f
	}
	return all
}

var descText = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)

func labelsOf(d *prometheus.Desc) []string {
	return strings.FieldsFunc(descText.FindStringSubmatch(d.String())[2], func(r rune) bool { return r == ',' })
}

// described are the names of all of cpmd's own metrics, with their labels.
func described(m *metrics) map[string][]string {
	ch, all := make(chan *prometheus.Desc), map[string][]string{}
	go func() { m.registry.Describe(ch); close(ch) }()
	for d := range ch {
		if name := descText.FindStringSubmatch(d.String())[1]; strings.HasPrefix(name, "cpmd_") {
			all[name] = labelsOf(d)
		}
	}
	return all
}
