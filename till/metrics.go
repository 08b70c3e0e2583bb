package till

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count what tills ask. Labels are route patterns and statuses, never ids.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	open     *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cpmd_till_requests_total",
			Help: "Requests of tills by dialect, route and HTTP status (the line dialect counts the status it would have).",
		}, []string{"dialect", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cpmd_till_request_duration_seconds",
			Help:    "Time from a till's request to its answer, waits included.",
			Buckets: []float64{.001, .005, .025, .1, .5, 1, 5, 25, 60},
		}, []string{"dialect", "route"}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cpmd_till_open_requests",
			Help: "Requests under way, with waits and event streams.",
		}, []string{"dialect"}),
	}
	if r != nil {
		r.MustRegister(m.requests, m.seconds, m.open)
	}
	return m
}

func (m *metrics) observe(dialect, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(dialect, route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(dialect, route).Observe(took.Seconds())
}
