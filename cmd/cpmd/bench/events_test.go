package bench

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// events measures from the commit that a till causes until every stream has been told, with one stream and with many.
func events(t *testing.T) []row {
	g := newGateway(t)
	c := newCounter(t, g.url, "")
	c.start()
	n := times(1000, 200)
	one, _ := c.eventAt(1)
	many, each := c.eventAt(n)
	return []row{{fmt.Sprintf("an event at %d streams, until the last has it", n), "one stream: " + ms(one.at(50)), "≤ 1 ms above one stream",
		fmt.Sprintf("%s p50, %s p99; %.1f KiB a stream", ms(many.at(50)), ms(many.at(99)), float64(each)/1024)}}
}

// eventAt opens so many streams and times how long after a till asked for a sale its event is on the last of them; and
// how much memory a stream takes.
func (c *counter) eventAt(n int) (took durations, memory int64) {
	c.t.Helper()
	before := c.rss()
	arrived := make(chan time.Time, 4*n)
	var conns []net.Conn
	var reading sync.WaitGroup
	for range n {
		conn, err := net.Dial("unix", c.dir+"/s")
		if err != nil {
			c.t.Fatal(err)
		}
		conns = append(conns, conn)
		fmt.Fprintf(conn, "GET /v1/events?after=%d HTTP/1.1\r\nHost: x\r\n\r\n", 1<<40) // from the end on: it answers with a reset
		begun := make(chan struct{})
		reading.Go(func() {
			lines, once := bufio.NewScanner(conn), false
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "event: reset") && !once {
					once = true
					close(begun)
				}
				if strings.HasPrefix(lines.Text(), "event: sale") {
					arrived <- time.Now()
				}
			}
		})
		<-begun
	}
	time.Sleep(2 * time.Second)
	memory = (c.rss() - before) / int64(n)
	for range times(50, 10) {
		from := time.Now()
		id := c.open()
		var at durations
		for range n {
			at = append(at, (<-arrived).Sub(from))
		}
		took = append(took, at.at(100))
		c.scan()
		c.paid(id)
		for range 2 * n { // being paid, and paid
			<-arrived
		}
	}
	for _, conn := range conns {
		conn.Close()
	}
	reading.Wait()
	return took, memory
}
