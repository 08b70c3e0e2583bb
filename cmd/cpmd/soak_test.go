package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"cpmd/cmd/cpmd/stage"
	"cpmd/queue/sale"
)

var soak = flag.Duration("soak", 12*time.Second, "how long TestSoak sells")

// What may grow between the second tenth of a soak and its end.
const (
	moreMemory     = 16 << 20 // bytes, and a quarter
	moreFiles      = 8
	moreThreads    = 6
	moreGoroutines = 20
	mostPerSale    = 20 << 10 // bytes of the journal
)

// soakTiming has customers who are quick.
const soakTiming = `scan = "20s"
answer = "2s"
poll = "500ms"
confirm = "4s"
give_up = "8s"
follow_up = ["2s", "5s"]`

// A front stands between cpmd and QFPay, and is away at times, as QFPay is when it is restarted.
type front struct {
	addr, to string
	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
}

func newFront(to string) (*front, error) {
	f := &front{addr: "127.0.0.1:0", to: to, open: map[net.Conn]bool{}}
	return f, f.up()
}

func (f *front) up() (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener, err = net.Listen("tcp", f.addr); err != nil {
		return err
	}
	f.addr = f.listener.Addr().String()
	go func(l net.Listener) {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f.pass(c)
		}
	}(f.listener)
	return nil
}

func (f *front) pass(c net.Conn) {
	defer c.Close()
	far, err := net.Dial("tcp", f.to)
	if err != nil {
		return
	}
	defer far.Close()
	f.mu.Lock()
	f.open[c], f.open[far] = true, true
	f.mu.Unlock()
	go func() { _, _ = io.Copy(far, c); far.Close() }()
	_, _ = io.Copy(c, far)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, c)
	delete(f.open, far)
}

// down cuts every connection and refuses others.
func (f *front) down() {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.listener.Close()
	for c := range f.open {
		_ = c.Close()
	}
}

// A vital is what a process uses at a moment.
type vital struct {
	memory, heap, files, threads, goroutines int64
	sales                                    int64
	perSale                                  int64 // bytes of the journal
}

// take measures the daemon.
func take(ctx context.Context, st *stage.Stage, sold int64) (v vital, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", st.PID()))
	if err != nil {
		return v, err
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		switch fields[0] {
		case "VmRSS:":
			v.memory, _ = strconv.ParseInt(fields[1], 10, 64)
			v.memory <<= 10
		case "Threads:":
			v.threads, _ = strconv.ParseInt(fields[1], 10, 64)
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", st.PID()))
	if err != nil {
		return v, err
	}
	v.files = int64(len(files))
	metrics, err := st.Get(ctx, "/metrics")
	for tries := 0; err != nil && tries < 10; tries++ { // a machine that is busy with other things may be late
		metrics, err = st.Get(ctx, "/metrics")
	}
	if err != nil {
		return v, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(metrics)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "go_goroutines":
			v.goroutines = int64(n)
		case "go_memstats_heap_alloc_bytes":
			v.heap = int64(n)
		}
	}
	if v.sales = sold; sold > 0 {
		if info, err := os.Stat(st.Journal()); err == nil {
			v.perSale = info.Size() / sold
		}
	}
	return v, nil
}

// least keeps the smallest of what comes and goes: what the daemon has just after it has tidied up.
func least(a, b vital) vital {
	return vital{min(a.memory, b.memory), min(a.heap, b.heap), min(a.files, b.files), min(a.threads, b.threads), min(a.goroutines, b.goroutines), b.sales, b.perSale}
}

// TestSoak sells on three lanes for as long as -soak says, with QFPay silent or away at times, and measures in ten rounds
// what the daemon uses: it must not grow, and no customer is charged wrongly.
func TestSoak(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "soak") // t.TempDir's name is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	const lanes = 3
	st, err := stage.New(stage.Plan{Dir: dir, Cpmd: filepath.Join(bin, "cpmd"), Sim: filepath.Join(bin, "qfpaysim"), Lanes: lanes, Timing: soakTiming})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	qfpay, err := newFront(strings.TrimPrefix(st.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer qfpay.down()
	config, err := os.ReadFile(st.Config())
	if err != nil {
		t.Fatal(err)
	}
	config = bytes.Replace(config, []byte(st.URL), []byte("http://"+qfpay.addr), 1)
	config = bytes.Replace(config, []byte(`level = "debug"`), []byte(`level = "warn"`), 1)
	if err := os.WriteFile(st.Config(), config, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), *soak+5*time.Minute)
	defer cancel()
	if err := st.Start(); err != nil {
		t.Fatal(err)
	}
	if err := st.Ready(ctx); err != nil {
		t.Fatal(err)
	}

	selling, stopSelling := context.WithTimeout(ctx, *soak)
	defer stopSelling()
	told := make(chan sale.View, 1<<20)
	var tills sync.WaitGroup
	for lane := 1; lane <= lanes; lane++ {
		tills.Go(func() { sellCalmly(ctx, selling, t, st, lane, told) })
	}
	tills.Go(func() { disturb(selling, t, st, qfpay) })
	var rounds []vital
	for round := range 10 {
		var v vital
		for n := range 10 {
			select {
			case <-time.After(*soak / 100):
			case <-ctx.Done():
			}
			now, err := take(ctx, st, int64(len(told)))
			if err != nil {
				t.Fatal(err)
			}
			if v = least(v, now); n == 0 {
				v = now
			}
		}
		rounds = append(rounds, v)
		if round == 0 && v.sales == 0 && *soak > time.Minute {
			t.Fatal("nothing is sold")
		}
	}
	stopSelling()
	tills.Wait()
	close(told)
	t.Log("\n" + tableOf(rounds))
	judge(t, st, told)
	judgeGrowth(t, rounds)
}

func sellCalmly(ctx, selling context.Context, t *testing.T, st *stage.Stage, lane int, told chan<- sale.View) {
	for n := 1; selling.Err() == nil; n++ {
		id := fmt.Sprintf("L%d-%d", lane, n)
		ending := []string{"0000", "0000", "0001", "0002"}[n%4]
		v, _, err := st.Till.PutSale(ctx, sale.Request{ID: id, Amount: int64(1000*lane + n%1000), Currency: "HKD", Lane: fmt.Sprint(lane), Ticket: id})
		for shown := 0; err == nil && !v.Final; shown++ {
			if v.State == sale.Waiting && shown < 30 {
				if err := st.Scan(lane, fmt.Sprintf("28%02d%06d%04d%s", lane, n, shown, ending)); err != nil {
					t.Error(err)
					return
				}
			}
			v, err = st.Till.WaitSale(ctx, id, v.Seq, 2*time.Second)
		}
		if err != nil {
			t.Errorf("%s: %v", id, err)
			return
		}
		told <- v
		select { // the next customer
		case <-time.After(2 * time.Second):
		case <-selling.Done():
		}
	}
}

// disturb has QFPay say nothing, or be away, for some seconds of each round.
func disturb(ctx context.Context, t *testing.T, st *stage.Stage, qfpay *front) {
	outage := min(*soak/100, 6*time.Second)
	pause := func(d time.Duration) bool {
		select {
		case <-time.After(d):
			return true
		case <-ctx.Done():
			return false
		}
	}
	for n := 0; pause(*soak / 12); n++ {
		if n%2 == 0 {
			qfpay.down()
			pause(outage)
			if err := qfpay.up(); err != nil {
				t.Error(err)
				return
			}
			continue
		}
		if err := st.Gateway(syscall.SIGSTOP); err != nil {
			t.Error(err)
		}
		pause(outage)
		if err := st.Gateway(syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}
}

func tableOf(rounds []vital) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "round\tsales\tRSS MiB\theap KiB\tfiles\tthreads\tgoroutines\tjournal bytes a sale\t")
	for n, v := range rounds {
		fmt.Fprintf(w, "%d\t%d\t%.1f\t%d\t%d\t%d\t%d\t%d\t\n", n+1, v.sales, float64(v.memory)/(1<<20), v.heap>>10, v.files, v.threads, v.goroutines, v.perSale)
	}
	_ = w.Flush()
	return out.String()
}

func judgeGrowth(t *testing.T, rounds []vital) {
	t.Helper()
	from, to := rounds[1], rounds[len(rounds)-1]
	limit := func(what string, is, most int64) {
		if is > most {
			t.Errorf("%s grew to %d; %d is the most", what, is, most)
		}
	}
	limit("memory", to.memory, from.memory+from.memory/4+moreMemory)
	limit("the heap", to.heap, from.heap+from.heap/4+moreMemory)
	limit("open files", to.files, from.files+moreFiles)
	limit("threads", to.threads, from.threads+moreThreads)
	limit("goroutines", to.goroutines, from.goroutines+moreGoroutines)
	if to.sales > 500 {
		limit("the journal's bytes a sale", to.perSale, mostPerSale)
	}
}
