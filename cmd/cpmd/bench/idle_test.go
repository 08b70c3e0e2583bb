package bench

import (
	"fmt"
	"testing"
	"time"
)

// idle measures a counter at which nothing happens.
func idle(t *testing.T) []row {
	g := newGateway(t)
	c := newCounter(t, g.url, "")
	c.start()
	time.Sleep(10 * time.Second)
	window := time.Duration(times(60, 15)) * time.Second
	cpu, wakeups := c.cpu(), c.wakeups()
	time.Sleep(window)
	cpu, wakeups = (c.cpu()-cpu)*time.Duration(time.Minute/window), c.wakeups()-wakeups
	return []row{{"idle, one serial scanner", "0", "≤ 10 ms CPU a minute, ≤ 5 wake-ups a second",
		fmt.Sprintf("%s, %.1f", ms(cpu), float64(wakeups)/window.Seconds())}}
}

// memory measures a fresh daemon, and one that has sold; and the processor time of a sale.
func memory(t *testing.T) []row {
	g := newGateway(t)
	c := newCounter(t, g.url, "")
	c.start()
	time.Sleep(5 * time.Second)
	fresh := c.rss()
	cpu := c.cpu()
	for range 50 {
		c.sell()
	}
	cpu = (c.cpu() - cpu) / 50
	time.Sleep(2 * time.Second)
	return []row{
		{"memory (VmRSS)", "", "≤ 16 MiB idle, ≤ 20 after 50 sales", mib(fresh) + " idle, " + mib(c.rss()) + " after 50 sales"},
		{"one sale, whole", "", "≤ 3 ms CPU", ms(cpu)},
	}
}
