// Package demo plays the main job on real parts, says what each sale did, and checks it all against the simulated
// gateway's ledger.
package demo

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"cpmd/cmd/cpmd/stage"
	"cpmd/queue/sale"
)

// timing lets a sale that is never confirmed end while somebody watches.
const timing = `scan = "30s"
answer = "4s"
poll = "500ms"
confirm = "6s"
give_up = "12s"
follow_up = ["2s"]`

// A scene is one sale. Its codes end in what qfpaysim is to do (qfpaysim -help).
type scene struct {
	name    string
	codes   []string // shown one after the other, each when the sale waits
	kill    bool     // the daemon is killed while the sale is confirming
	want    sale.State
	reason  sale.Reason
	explain string
}

var scenes = []scene{
	{name: "paid at once", codes: []string{"0000"}, want: sale.Paid},
	{name: "1143, then paid", codes: []string{"0001"}, want: sale.Paid, explain: "followed by query"},
	{name: "declined, then a fresh code", codes: []string{"1202", "0000"}, want: sale.Paid, explain: "the first code was declined and proved unpaid"},
	{name: "answer lost, found by query", codes: []string{"0010"}, want: sale.Paid, explain: "asked for, never sent again"},
	{name: "never confirmed, reversed", codes: []string{"0005"}, want: sale.NotPaid, reason: sale.Reversed, explain: "undone when the time was up"},
	{name: "daemon killed while confirming", codes: []string{"0003"}, kill: true, want: sale.Paid, explain: "SIGKILL, restarted, followed from the journal"},
}

// Run plays the demonstration and returns 0 if everything came out as promised.
func Run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("cpmd demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	sim := flags.String("qfpaysim", "", "the simulator `program`; default: beside cpmd, or in PATH")
	daemon := flags.String("cpmd", "", "the daemon's `program`; default: this one")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return 64
	}
	if err := play(*daemon, *sim, stdout); err != nil {
		fmt.Fprintln(stderr, "cpmd demo:", err)
		return 1
	}
	return 0
}

func play(daemon, sim string, out io.Writer) (err error) {
	if daemon == "" {
		if daemon, err = os.Executable(); err != nil {
			return err
		}
	}
	if sim == "" {
		if sim, err = stage.FindSim(daemon); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "cpmd")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(dir)
		} else {
			fmt.Fprintln(out, "what happened is in", dir)
		}
	}()
	st, err := stage.New(stage.Plan{Dir: dir, Cpmd: daemon, Sim: sim, Lanes: 1, Timing: timing})
	if err != nil {
		return err
	}
	defer st.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := st.Start(); err != nil {
		return err
	}
	if err := st.Ready(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "A counter on this machine: cpmd, a serial scanner on a pty, a till on a Unix socket, QFPay simulated at %s\n\n", st.URL)
	d := &director{st: st, out: out}
	for i, s := range scenes {
		if err := d.play(ctx, i+1, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return d.compare()
}

// A director plays scenes and keeps account of what should be in the gateway's ledger.
type director struct {
	st   *stage.Stage
	out  io.Writer
	ends []sale.View
}

func (d *director) play(ctx context.Context, n int, s scene) error {
	from := time.Now()
	id := fmt.Sprintf("demo-%d", n)
	v, _, err := d.st.Till.PutSale(ctx, sale.Request{ID: id, Amount: int64(12850 + n), Currency: "HKD", Lane: "1", Ticket: id})
	if err != nil {
		return err
	}
	for i, ending := range s.codes {
		if v, err = d.until(ctx, v, func(v sale.View) bool { return v.State == sale.Waiting && len(v.Payments) == i }); err != nil {
			return err
		}
		if err := d.st.Scan(1, fmt.Sprintf("28%08d%04d%s", n, i, ending)); err != nil {
			return err
		}
	}
	if s.kill {
		if v, err = d.until(ctx, v, func(v sale.View) bool { return v.State == sale.Confirming }); err != nil {
			return err
		}
		if err := d.st.Kill(); err != nil {
			return err
		}
		if err := d.st.Start(); err != nil {
			return err
		}
	}
	if v, err = d.until(ctx, v, func(v sale.View) bool { return v.Final }); err != nil {
		return err
	}
	if v.State != s.want || v.Reason != s.reason {
		return fmt.Errorf("the sale came to %s %s, want %s %s", v.State, v.Reason, s.want, s.reason)
	}
	d.ends = append(d.ends, v)
	end := string(v.State)
	if v.Reason != "" {
		end += " (" + string(v.Reason) + ")"
	}
	fmt.Fprintf(d.out, "  %d  %-32s %-20s %4.1f s  %s\n", n, s.name, end, time.Since(from).Seconds(), s.explain)
	return nil
}

// until follows the sale as a till does.
func (d *director) until(ctx context.Context, v sale.View, ok func(sale.View) bool) (sale.View, error) {
	for !ok(v) {
		if v.Final {
			return v, fmt.Errorf("the sale came to %s %s too early", v.State, v.Reason)
		}
		next, err := d.st.Till.WaitSale(ctx, v.ID, v.Seq, 5*time.Second)
		if err != nil {
			return v, fmt.Errorf("waiting for the sale, which is %s: %w", v.State, err)
		}
		v = next
	}
	return v, nil
}

// compare checks the sales against the gateway's own books.
func (d *director) compare() error {
	ledger, err := d.st.Ledger()
	if err != nil {
		return err
	}
	charged := map[string]int64{}
	for _, p := range ledger.Payments {
		charged[p.OutTradeNo] = p.Charged
		if p.Charges > 1 || p.Posts > 1 {
			return fmt.Errorf("payment %s: %d requests, %d charges", p.OutTradeNo, p.Posts, p.Charges)
		}
	}
	paid, charges := 0, 0
	for _, v := range d.ends {
		want := int64(0)
		if v.State == sale.Paid {
			want = v.Amount
			paid++
		}
		got := int64(0)
		for _, p := range v.Payments {
			if got += charged[p.OutTradeNo]; charged[p.OutTradeNo] > 0 {
				charges++
			}
		}
		if got != want {
			return fmt.Errorf("sale %s is %s, but the gateway charged %d", v.ID, v.State, got)
		}
	}
	fmt.Fprintf(d.out, "\nThe gateway's ledger agrees: %d paid sales, %d charges.\n", paid, charges)
	return nil
}
