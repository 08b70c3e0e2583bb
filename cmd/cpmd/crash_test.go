package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"cpmd/cmd/cpmd/stage"
	"cpmd/payment"
	"cpmd/queue/sale"
)

var kills = flag.Int("kills", 12, "how often TestKill kills the daemon")

// programs builds the real programs, once.
var programs = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "cpmd-bin"); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", dir, "cpmd/cmd/cpmd", "cpmd/cmd/qfpaysim", "cpmd/cmd/cpmctl").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	if os.Getenv(strangerEnv) != "" {
		os.Exit(playStranger(os.Args[1:]))
	}
	flag.Parse()
	status := m.Run()
	if dir, err := programs(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(status)
}

// crashTiming makes every limit of a sale come within seconds.
const crashTiming = `scan = "20s"
answer = "1s"
poll = "200ms"
confirm = "2s"
give_up = "4s"
follow_up = ["500ms"]`

// killTiming lets a payment be proved within the life of a daemon that is killed after 1.25 s in the mean.
const killTiming = `scan = "20s"
answer = "500ms"
poll = "100ms"
confirm = "800ms"
give_up = "2s"
follow_up = ["250ms"]`

// endings are what the gateway does to a sale; see qfpaysim -help.
var endings = []string{"0000", "0000", "0001", "0002", "0004", "0005", "0010", "0011", "0012", "0013", "0015", "0018", "0022", "0023", "0030",
	"0032", "0034", "0040", "0043", "0050", "0051", "0052", "0055", "0056", "1202", "1205", "1108"}

// TestKill kills the daemon with SIGKILL at random moments while eight lanes sell. After it all, every sale has
// ended, no sale was charged twice, and what tills were told is what the gateway's ledger says. (Promises 1-3.)
func TestKill(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "kill") // t.TempDir's name is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	const lanes = 8
	st, err := stage.New(stage.Plan{Dir: dir, Cpmd: filepath.Join(bin, "cpmd"), Sim: filepath.Join(bin, "qfpaysim"), Lanes: lanes, Timing: killTiming})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(*kills)*5*time.Second+2*time.Minute)
	defer cancel()
	if err := st.Start(); err != nil {
		t.Fatal(err)
	}
	if err := st.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	selling, stopSelling := context.WithCancel(ctx)
	var tills sync.WaitGroup
	told := make(chan sale.View, 1<<16)
	for lane := 1; lane <= lanes; lane++ {
		tills.Go(func() { sell(ctx, selling, t, st, lane, told) })
	}
	for n := range *kills {
		life := time.Duration(rand.IntN(2500)) * time.Millisecond
		if n%20 == 19 { // or sales that hang would fill all lanes: QFPay's limit of requests leaves little for proofs
			life += 8 * time.Second
		}
		select {
		case <-time.After(life):
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
		if err := st.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := st.Start(); err != nil {
			t.Fatal(err)
		}
	}
	stopSelling()
	tills.Wait()
	close(told)
	t.Logf("%d kills", *kills)
	judge(t, st, told)
	noSecrets(ctx, t, st)
}

// noSecrets searches everything that the daemon ever said for the gateway's credentials and for payment codes.
func noSecrets(ctx context.Context, t *testing.T, st *stage.Stage) {
	t.Helper()
	said, err := st.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/sales?limit=1000", "/v1/diagnosis", "/v1/lanes", "/metrics", "/v1/totals"} {
		b, err := st.Get(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, b...)
	}
	reading, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	for n, err := range st.Till.Events(reading, 0) {
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, n.Data...)
	}
	for _, f := range []string{"", "-wal"} {
		if b, err := os.ReadFile(st.Journal() + f); err == nil {
			said = append(said, b...)
		}
	}
	for _, secret := range stage.Secrets {
		if bytes.Contains(said, []byte(secret)) {
			t.Errorf("the daemon told a credential")
		}
	}
	if code := regexp.MustCompile(`\b28\d{16}\b`).Find(said); code != nil {
		t.Errorf("the daemon told a payment code: %s", code)
	}
	if !bytes.Contains(said, []byte("**********")) {
		t.Error("no masked code either: this test looks in the wrong place")
	}
}

// sell is a till that opens sales and follows each to its end, whatever happens to the daemon.
func sell(ctx, selling context.Context, t *testing.T, st *stage.Stage, lane int, told chan<- sale.View) {
	for n := 1; selling.Err() == nil; n++ {
		id := fmt.Sprintf("L%d-%d", lane, n)
		code := func(shown int) string {
			return fmt.Sprintf("28%03d%05d%04d%s", lane, n, shown*10, endings[rand.IntN(len(endings))])
		}
		r := sale.Request{ID: id, Amount: int64(1000*lane + n), Currency: "HKD", Lane: fmt.Sprint(lane), Ticket: id}
		if lane%2 == 0 { // this till scans by itself
			r.AuthCode = payment.AuthCode(code(0))
		}
		v, _, err := st.Till.PutSale(ctx, r)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			return
		}
		shown := 0
		for !v.Final {
			if v.State == sale.Waiting && shown < 40 {
				shown++
				if err := st.Scan(lane, code(shown)); err != nil {
					t.Errorf("%s: %v", id, err)
					return
				}
			}
			if v, err = st.Till.WaitSale(ctx, id, v.Seq, 700*time.Millisecond); err != nil {
				t.Errorf("%s: %v", id, err)
				return
			}
		}
		told <- v
	}
}

// judge compares what tills were told with the gateway's books.
func judge(t *testing.T, st *stage.Stage, told <-chan sale.View) {
	ledger, err := st.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	charged := map[string]int64{}
	for _, p := range ledger.Payments {
		charged[p.OutTradeNo] = p.Charged
		if p.Charges > 1 || p.Posts > 1 {
			t.Errorf("payment %s: %d requests, %d charges", p.OutTradeNo, p.Posts, p.Charges)
		}
	}
	count := map[string]int{}
	charges := 0
	for v := range told {
		count[string(v.State)+" "+string(v.Reason)]++
		var got int64
		for _, p := range v.Payments {
			if charged[p.OutTradeNo] > 0 {
				charges++
			}
			got += charged[p.OutTradeNo]
			delete(charged, p.OutTradeNo)
		}
		if want := v.Amount; v.State == sale.Paid && got != want || v.State == sale.NotPaid && got != 0 {
			t.Errorf("sale %s was told as %s %s, the gateway kept %d of %d", v.ID, v.State, v.Reason, got, v.Amount)
		}
	}
	for number, amount := range charged {
		if amount > 0 {
			t.Errorf("payment %s charged %d, and no till knows of it", number, amount)
		}
	}
	if count["paid "] == 0 {
		t.Error("no sale was paid: this proves nothing")
	}
	t.Logf("sales by outcome: %v; %d charges", count, charges)
}
