// Package bench measures the running daemon from outside, beside references that are measured in the same run, and writes
// the table of docs/speed.md. Nothing here asserts a time.
//
// Start reading at TestSpeed; each row has its subject's file.
package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	full  = flag.Bool("full", false, "measure everything (about ten minutes)")
	short = flag.Bool("few", false, "measure everything, a few times each")
	write = flag.Bool("write", false, "write the table into docs/speed.md")
	only  = flag.String("only", "", "only the measures whose names contain this")
)

// A row is one line of the table.
type row struct{ what, reference, wanted, got string }

// A measure makes rows.
type measure struct {
	name string
	take func(t *testing.T) []row
}

var measures = []measure{
	{"scan", scanToGateway}, {"trips", roundTrips}, {"idle", idle}, {"memory", memory}, {"events", events},
	{"start", starts}, {"unreachable", unreachable}, {"queries", queries}, {"beside", beside}, {"size", sizes},
}

// TestSpeed measures. It is run by make bench.
func TestSpeed(t *testing.T) {
	if !*full && !*short {
		t.Skip("it takes minutes: make bench")
	}
	build(t)
	var all []row
	for _, m := range measures {
		if !strings.Contains(m.name, *only) {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			from := time.Now()
			rows := m.take(t)
			for _, r := range rows {
				t.Logf("%s: %s (%s; wanted %s)", r.what, r.got, r.reference, r.wanted)
			}
			t.Logf("took %v", time.Since(from).Round(time.Second))
			all = append(all, rows...)
		})
	}
	if *write && !t.Failed() {
		publish(t, all)
	}
}

const (
	page  = "../../../docs/speed.md"
	start = "<!-- written by make bench -->\n"
	end   = "<!-- end of make bench -->\n"
)

func publish(t *testing.T, all []row) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), start)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", page)
	}
	var b strings.Builder
	b.WriteString("| measure | reference in the same run | wanted | measured |\n|---|---|---|---|\n")
	for _, r := range all {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.what, r.reference, r.wanted, r.got)
	}
	form := ""
	if !*full {
		form = ", the short form (make bench-short)"
	}
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(&b, "\n%d cores, %s/%s%s; load at the end: %.5s.\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, form, load)
	if err := os.WriteFile(page, []byte(before+start+b.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// cpmd is the program that is measured, as the package builds it but for its linking.
var cpmd, cpmctl string

func build(t *testing.T) {
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir, "cpmd/cmd/cpmd", "cpmd/cmd/cpmctl").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cpmd, cpmctl = filepath.Join(dir, "cpmd"), filepath.Join(dir, "cpmctl")
}

// times is how often something is measured, by what the run may take.
func times(fully, shortly int) int {
	if *full {
		return fully
	}
	return shortly
}

// durations are what was measured again and again.
type durations []time.Duration

// at is the percentile p of them.
func (d durations) at(p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

func ratio(a, b time.Duration) string { return fmt.Sprintf("%.2f×", float64(a)/float64(b)) }

func ms(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.0f ms", float64(d)/1e6)
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
