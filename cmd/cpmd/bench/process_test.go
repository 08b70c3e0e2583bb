package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpu is the time that the daemon has used.
func (c *counter) cpu() (sum time.Duration) {
	for _, text := range c.tasks("schedstat") {
		var ns int64
		fmt.Sscan(text, &ns)
		sum += time.Duration(ns)
	}
	return sum
}

// wakeups are how often a thread of the daemon went to sleep of its own accord.
func (c *counter) wakeups() (sum int64) {
	for _, text := range c.tasks("status") {
		sum += field(text, "voluntary_ctxt_switches:")
	}
	return sum
}

// rss is the memory that the daemon has at the moment.
func (c *counter) rss() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.daemon.Process.Pid))
	if err != nil {
		c.t.Fatal(err)
	}
	return field(string(b), "VmRSS:") << 10
}

func (c *counter) tasks(file string) (all []string) {
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/%s", c.daemon.Process.Pid, file))
	if err != nil || len(names) == 0 {
		c.t.Fatalf("the daemon is gone: %v %s", err, c.logged())
	}
	for _, name := range names {
		if b, err := os.ReadFile(name); err == nil {
			all = append(all, string(b))
		}
	}
	return all
}

func field(text, name string) int64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}
