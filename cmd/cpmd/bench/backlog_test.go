package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// leave writes a journal with so many unresolved sales, as earlier days left them.
func (c *counter) leave(n int) {
	c.t.Helper()
	j, err := journal.Open(c.journal())
	if err != nil {
		c.t.Fatal(err)
	}
	opened := time.Now().UTC().AddDate(0, 0, -30).Truncate(time.Microsecond)
	var entries []journal.Entry
	for i := range n {
		at := opened.Add(time.Duration(i) * time.Second)
		id, number := fmt.Sprintf("T1-%06d", i), fmt.Sprintf("U%023d", i)
		r := sale.Request{ID: id, Amount: 12850, Currency: "HKD", Lane: "1", Ticket: "bill-" + id}
		s := &sale.Sale{ID: id, Lane: "1", Ticket: r.Ticket, Amount: r.Amount, Currency: r.Currency, Content: r.Fingerprint(), State: sale.Unresolved,
			CreatedAt: at, UpdatedAt: at, ScanBy: at.Add(time.Minute), NextAt: at.Add(time.Hour), Payments: []sale.Payment{{OutTradeNo: number, PayType: "800008",
				Code: sale.Mask(payment.AuthCode(fmt.Sprintf("13%016d", i))), TxDTM: payment.FormatTime(at, nil), SentAt: at, ConfirmBy: at.Add(time.Minute), GiveUpBy: at.Add(2 * time.Minute)}}}
		entries = append(entries, journal.Entry{At: at, Kind: "sale", Subject: id, Cause: sale.Cause{Event: sale.Opened}, Sale: s,
			Told: func(seq int64) any { s.Seq = seq; return sale.ViewOf(*s, sale.DefaultRules()) }})
		if len(entries) == 2000 || i == n-1 {
			if err := j.Append(entries...); err != nil {
				c.t.Fatal(err)
			}
			entries = nil
		}
	}
	if err := j.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// followed waits until all unresolved sales are followed again.
func (c *counter) followed() { c.waitFor("all unresolved sales are followed again", 10*time.Minute) }

const closed = "http://127.0.0.1:1" // nobody listens there

// starts measures starts with unresolved payments of earlier days.
func starts(t *testing.T) (rows []row) {
	empty := time.Duration(0)
	for _, c := range []struct {
		n      int
		wanted string
	}{{0, ""}, {1000, ""}, {10_000, "≤ 0.3 s"}, {100_000, "≤ 1 s; ≤ 1 KiB each"}} {
		if c.n > times(100_000, 10_000) {
			continue
		}
		k := newCounter(t, closed, "")
		k.leave(c.n)
		var took durations
		for i := range times(5, 3) {
			took = append(took, k.start())
			if i+1 < times(5, 3) {
				k.stop()
			}
		}
		if c.n == 0 {
			empty = took.at(50)
			k.stop()
			continue
		}
		from := time.Now()
		k.followed()
		behind := time.Since(from)
		memory := k.rss()
		k.stop()
		rows = append(rows, row{fmt.Sprintf("start with %d unresolved payments", c.n), "empty: " + ms(empty), c.wanted,
			fmt.Sprintf("ready after %s; all followed %.1f s later; %s of memory then", ms(took.at(50)), behind.Seconds(), mib(memory))})
	}
	return rows
}

// unreachable measures what a QFPay that is not there costs.
func unreachable(t *testing.T) (rows []row) {
	for _, n := range []int{10_000, 100_000} {
		if n > times(100_000, 10_000) {
			continue
		}
		c := newCounter(t, closed, "")
		c.leave(n)
		c.start()
		c.followed()
		time.Sleep(5 * time.Second)
		window := time.Duration(times(60, 20)) * time.Second
		memory, cpu := c.rss(), c.cpu()
		time.Sleep(window)
		cpu = (c.cpu() - cpu) * time.Duration(time.Minute/window)
		rows = append(rows, row{fmt.Sprintf("QFPay unreachable, %d unresolved", n), "flat", "flat",
			fmt.Sprintf("%s, %+.1f MiB in %v; %s CPU a minute", mib(memory), float64(c.rss()-memory)/(1<<20), window, ms(cpu))})
		c.stop()
	}
	return rows
}

// queries measures the processor time of a query with so many sales unfinished.
func queries(t *testing.T) (rows []row) {
	var got []string
	for _, n := range []int{1, 1000, 10_000, 100_000} {
		if n > times(100_000, 10_000) {
			continue
		}
		g := newGateway(t)
		g.ill.Store(true)
		c := newCounter(t, g.url, "follow_up = [\"1s\"]")
		c.leave(n)
		c.start()
		c.followed()
		time.Sleep(10 * time.Second)
		asked, cpu := g.queries.Load(), c.cpu()
		time.Sleep(time.Duration(times(40, 15)) * time.Second)
		asked, cpu = g.queries.Load()-asked, c.cpu()-cpu
		got = append(got, fmt.Sprintf("%d: %s (%d queries)", n, ms(cpu/time.Duration(max(asked, 1))), asked))
		c.stop()
	}
	return []row{{"CPU a query with so many unfinished sales", "1 unfinished", "the same ± 20 %", strings.Join(got, "; ")}}
}

// beside measures a sale while others are unresolved, beside one that is alone: from the scan to the first byte at QFPay,
// and until the till knows.
func beside(t *testing.T) []row {
	const n = 10_000
	g := newGateway(t)
	alone, crowded := newCounter(t, g.url, ""), newCounter(t, g.url, "")
	crowded.leave(n)
	crowded.sales = 500_000
	alone.start()
	crowded.start()
	crowded.followed()
	var whole, wholeBeside durations
	for i := range times(100, 15) {
		a, b := alone.timedSale(g), crowded.timedSale(g)
		if i > 2 {
			whole, wholeBeside = append(whole, a), append(wholeBeside, b)
		}
	}
	return []row{{fmt.Sprintf("a live sale beside %d others, whole", n), "alone: " + ms(whole.at(50)) + " p50, " + ms(whole.at(95)) + " p95", "≤ 1.2×",
		ratio(wholeBeside.at(50), whole.at(50)) + " p50, " + ratio(wholeBeside.at(95), whole.at(95)) + " p95"}}
}

// timedSale is the time of a whole sale.
func (c *counter) timedSale(g *gateway) time.Duration {
	from := time.Now()
	id := c.open()
	c.scan()
	<-g.first
	c.paid(id)
	return time.Since(from)
}
