package app

import (
	"cmp"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// metrics count what becomes of sales. Every label has few values: no id, number or code that somebody else chooses is
// ever one. docs/watching.md lists them for operators; how things stand at the moment is in gauges.go.
type metrics struct {
	registry *prometheus.Registry

	sales    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	scan     *prometheus.HistogramVec
	answer   *prometheus.HistogramVec
	final    *prometheus.HistogramVec
	answers  *prometheus.CounterVec
	findings *prometheus.CounterVec
	commit   prometheus.Histogram
	calls    *prometheus.CounterVec

	requests *prometheus.HistogramVec
	codes    *prometheus.CounterVec
	failures *prometheus.CounterVec
}

func newMetrics(version string) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	people := []float64{1, 2, 5, 10, 20, 40, 60, 90, 120, 300}
	network := []float64{.1, .25, .5, 1, 2, 3, 5, 10, 20, 40, 60}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		sales:    counter("cpmd_sales_total", "Sales by the state and reason that they came to.", "lane", "state", "reason", "wallet"),
		took:     histogram("cpmd_sale_seconds", "Time from opening a sale to its final state.", people, "state"),
		scan:     histogram("cpmd_scan_wait_seconds", "Time from opening a sale to its first scan.", people, "wallet"),
		answer:   histogram("cpmd_scan_to_answer_seconds", "Time from a scan to QFPay's answer to the payment.", network, "wallet"),
		final:    histogram("cpmd_scan_to_final_seconds", "Time from a sale's first scan to its final state.", people, "wallet", "state"),
		answers: counter("cpmd_payment_answers_total",
			"Payment requests by what came back: paid, pending, declined and so on; unknown where the money may be anywhere.", "wallet", "meaning"),
		findings: counter("cpmd_audit_findings_total",
			"What later looks at ended payments found: money of sales that are not paid, paid money that is missing, what is not understood.", "finding"),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "cpmd_journal_commit_seconds",
			Help: "Time to write a change to the journal and have it on disk.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}}),
		calls:    counter("cpmd_alarm_calls_total", "Calls of alarm.command and alarm.webhook by what came of them.", "via", "result"),
		requests: histogram("cpmd_gateway_request_seconds", "Time of requests to QFPay, with the wait for a turn.", network, "endpoint"),
		codes: counter("cpmd_gateway_answers_total",
			"Answers of QFPay by response code (respcd): none where it had none, other where it is not documented.", "endpoint", "respcd"),
		failures: counter("cpmd_gateway_failures_total",
			"Requests to QFPay without a usable answer: not_sent, no_answer, http_error, unreadable or wrong_signature.", "endpoint", "failure"),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "cpmd_build_info", Help: "The running version; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()}})
	info.Set(1)
	m.registry.MustRegister(m.sales, m.took, m.scan, m.answer, m.final, m.answers, m.findings, m.commit, m.calls, m.requests, m.codes, m.failures, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe sees what each event did to a sale.
func (m *metrics) observe(before, after sale.Sale, ev sale.Event) {
	wallet := cmp.Or(sale.WalletOf(after), "unknown")
	if ev.Kind == sale.Answered {
		m.answered(after, ev)
	}
	for i := range before.Payments {
		m.audited(&before.Payments[i].Progress.Audit, &after.Payments[i].Progress.Audit)
	}
	if after.State == before.State {
		return
	}
	if after.State == sale.Unresolved || after.State.Final() {
		m.sales.WithLabelValues(after.Lane, string(after.State), string(after.Reason), wallet).Inc()
	}
	if after.State.Final() {
		m.took.WithLabelValues(string(after.State)).Observe(ev.At.Sub(after.CreatedAt).Seconds())
		if len(after.Payments) > 0 {
			m.final.WithLabelValues(wallet, string(after.State)).Observe(ev.At.Sub(after.Payments[0].Since()).Seconds())
		}
	}
}

// answered counts the answer to a payment request. The wallet may be known only now, so the wait for the scan is counted
// here too.
func (m *metrics) answered(s sale.Sale, ev sale.Event) {
	p := s.Payment(ev.Payment)
	if p == nil {
		return
	}
	wallet := cmp.Or(payment.Wallet(cmp.Or(p.Resolved, p.PayType)), "unknown")
	if p == &s.Payments[0] {
		m.scan.WithLabelValues(wallet).Observe(p.Since().Sub(s.CreatedAt).Seconds())
	}
	if ev.Answer == nil {
		return
	}
	m.answers.WithLabelValues(wallet, string(ev.Answer.Meaning)).Inc()
	if ev.Answer.Err == nil {
		m.answer.WithLabelValues(wallet).Observe(ev.At.Sub(p.Since()).Seconds())
	}
}

func (m *metrics) audited(before, after *sale.Audit) {
	for finding, found := range map[string]bool{
		"money_found":    before.Found.IsZero() && !after.Found.IsZero(),
		"money_missing":  !before.Missing && after.Missing,
		"given_back":     !before.Back && after.Back,
		"not_understood": !before.Odd && after.Odd,
	} {
		if found {
			m.findings.WithLabelValues(finding).Inc()
		}
	}
}

func (m *metrics) wrote(took time.Duration) { m.commit.Observe(took.Seconds()) }

// called counts an attempt to tell somebody of an alarm.
func (m *metrics) called(via string, ok bool) {
	result := "failed"
	if ok {
		result = "told"
	}
	m.calls.WithLabelValues(via, result).Inc()
}

// exchanged counts a request to QFPay.
func (m *metrics) exchanged(e payment.Exchange) {
	m.requests.WithLabelValues(e.Endpoint).Observe(e.Took.Seconds())
	if f := failureOf(e); f != "" {
		m.failures.WithLabelValues(e.Endpoint, f).Inc()
	}
	if e.Status == 0 {
		return
	}
	code := cmp.Or(e.RespCD, "none")
	if e.RespCD != "" && payment.Explain(e.RespCD) == "" {
		code = "other"
	}
	m.codes.WithLabelValues(e.Endpoint, code).Inc()
}

func failureOf(e payment.Exchange) string {
	switch {
	case e.Err != nil && !e.Sent:
		return "not_sent"
	case e.Status == 0:
		return "no_answer"
	case e.Status != 200:
		return "http_error"
	case e.Err != nil:
		return "unreadable"
	case e.Signature == "wrong":
		return "wrong_signature"
	}
	return ""
}
