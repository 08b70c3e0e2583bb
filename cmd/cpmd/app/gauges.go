package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cpmd/queue"
	"cpmd/queue/sale"
	"cpmd/scanner"
)

// gauges read how things stand when they are asked.
type gauges struct {
	queue  *queue.Queue
	alarms func() (int, error) // that are open
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	readyDesc      = gauge("cpmd_ready", "Whether new sales are accepted.")
	journalDesc    = gauge("cpmd_journal_bytes", "Size of the journal on disk.")
	openDesc       = gauge("cpmd_scanner_open", "Whether the lane's scanner is being read.", "lane")
	scannerDesc    = gauge("cpmd_scanner_state", "How the lane's scanner stands: 1 for the state that it is in.", "lane", "state")
	unfinishedDesc = gauge("cpmd_unfinished_sales", "Sales that are not final, by state.", "state")
	ageDesc        = gauge("cpmd_unfinished_by_age", "Sales and refunds that are not final, by the time since they were opened.", "kind", "age")
	oldestDesc     = gauge("cpmd_unfinished_oldest_seconds", "Age of the oldest sale or refund that is not final; 0 where there is none.", "kind")
	alarmsDesc     = gauge("cpmd_open_alarms", "Alarms that nobody has settled.")

	allGauges = []*prometheus.Desc{readyDesc, journalDesc, openDesc, scannerDesc, unfinishedDesc, ageDesc, oldestDesc, alarmsDesc}
)

// ages are the classes of unfinished sales: the time at the counter, an hour, a day, and what has been forgotten.
var ages = []struct {
	name string
	most time.Duration
}{{"under_3m", 3 * time.Minute}, {"under_1h", time.Hour}, {"under_1d", 24 * time.Hour}, {"older", 1<<63 - 1}}

func (gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range allGauges {
		ch <- d
	}
}

// gaugesLimit is how long a look may take: a scrape must not hang with the daemon.
const gaugesLimit = 2 * time.Second

func (g gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), gaugesLimit)
	defer cancel()
	set := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	d, err := g.queue.Diagnosis(ctx)
	if err != nil { // what is not known is left out
		set(readyDesc, 0)
		return
	}
	set(readyDesc, oneIf(d.Ready))
	set(journalDesc, float64(d.Journal.Bytes))
	if n, err := g.alarms(); err == nil {
		set(alarmsDesc, float64(n))
	}
	for _, l := range d.Lanes {
		set(openDesc, oneIf(l.Scanner.State == string(scanner.Open)), l.Name)
		for _, st := range scanner.States {
			set(scannerDesc, oneIf(l.Scanner.State == string(st)), l.Name, string(st))
		}
	}
	for _, st := range sale.States {
		if !st.Final() {
			set(unfinishedDesc, float64(d.Unfinished[st]), string(st))
		}
	}
	if counts, oldest, err := g.queue.Ages(ctx, classes()...); err == nil {
		byAge(set, "sale", append(counts, d.UnfinishedSales()), oldest)
	}
	now, counts, oldest := d.StartedAt.Add(time.Duration(d.UptimeS)*time.Second), make([]int, len(ages)), time.Duration(0)
	for _, f := range d.Refunding {
		age := now.Sub(f.CreatedAt)
		oldest = max(oldest, age)
		for i := range ages {
			if age < ages[i].most {
				counts[i]++
			}
		}
	}
	byAge(set, "refund", counts, oldest)
}

// classes are the bounds of the ages but the last.
func classes() (all []time.Duration) {
	for _, a := range ages[:len(ages)-1] {
		all = append(all, a.most)
	}
	return all
}

// byAge sets what is told of the ages of one kind; of what is younger than each bound.
func byAge(set func(*prometheus.Desc, float64, ...string), kind string, younger []int, oldest time.Duration) {
	before := 0
	for i, n := range younger {
		set(ageDesc, float64(max(n-before, 0)), kind, ages[i].name)
		before = max(n, before)
	}
	set(oldestDesc, oldest.Seconds(), kind)
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
