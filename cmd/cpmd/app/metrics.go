package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"cpmd/queue"
	"cpmd/queue/sale"
	"cpmd/scanner"
)

// metrics counts what became of sales. No id, code or number is ever a label.
type metrics struct {
	registry *prometheus.Registry
	sales    *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		sales: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cpmd_sales_total",
			Help: "Sales by the state and reason that they came to."}, []string{"lane", "state", "reason", "wallet"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "cpmd_sale_seconds",
			Help: "Time from opening a sale to its final state.", Buckets: []float64{1, 2, 5, 10, 20, 40, 60, 90, 120, 300}}, []string{"state"}),
	}
	m.registry.MustRegister(m.sales, m.took, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(v sale.View, age time.Duration) {
	if v.State == sale.Unresolved || v.Final {
		m.sales.WithLabelValues(v.Lane, string(v.State), string(v.Reason), v.Wallet).Inc()
	}
	if v.Final {
		m.took.WithLabelValues(string(v.State)).Observe(age.Seconds())
	}
}

// state reads how things stand when it is asked.
type state struct{ q *queue.Queue }

var (
	unfinishedDesc = prometheus.NewDesc("cpmd_unfinished_sales", "Sales that are not final, by state.", []string{"state"}, nil)
	scannerDesc    = prometheus.NewDesc("cpmd_scanner_open", "Whether the lane's scanner is being read.", []string{"lane"}, nil)
	readyDesc      = prometheus.NewDesc("cpmd_ready", "Whether new sales are accepted.", nil, nil)
	journalDesc    = prometheus.NewDesc("cpmd_journal_bytes", "Size of the journal on disk.", nil, nil)
)

func (state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{unfinishedDesc, scannerDesc, readyDesc, journalDesc} {
		ch <- d
	}
}

func (s state) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	d, err := s.q.Diagnosis(ctx)
	if err != nil {
		gauge(readyDesc, 0)
		return
	}
	gauge(readyDesc, oneIf(d.Ready))
	gauge(journalDesc, float64(d.Journal.Bytes))
	for _, l := range d.Lanes {
		gauge(scannerDesc, oneIf(l.Scanner.State == string(scanner.Open)), l.Name)
	}
	count := map[sale.State]int{}
	for _, v := range d.Unsettled {
		count[v.State]++
	}
	for _, st := range sale.States {
		if !st.Final() {
			gauge(unfinishedDesc, float64(count[st]), string(st))
		}
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
