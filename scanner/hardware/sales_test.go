//go:build hardware

package hardware

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cpmd/scanner"
)

// A counter is the real daemon beside a simulated QFPay.
type counter struct {
	t       *testing.T
	till    *http.Client
	sim     string // its address
	daemon  *exec.Cmd
	gateway *exec.Cmd
	config  string
}

// anyWallet is QFPay's pay type that finds the wallet out by the digits of the code; eWallet takes any code.
const (
	anyWallet = "800008"
	eWallet   = "803008"
)

func newCounter(t *testing.T, payType string, lanes ...scanner.Config) *counter {
	t.Helper()
	for _, program := range []string{"cpmd", "qfpaysim"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not built", program)
		}
	}
	dir := t.TempDir()
	c := &counter{t: t, config: filepath.Join(dir, "cpmd.toml")}
	c.gateway = exec.Command("qfpaysim", "-listen", "127.0.0.1:0", "-app-code", "A", "-client-key", "K", "-reuse-codes", "-quiet", "-pay-types", anyWallet+","+eWallet+",800108")
	out, err := c.gateway.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.run(c.gateway)
	first, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	c.sim = first[strings.Index(first, "http://") : len(first)-1]

	for name, content := range map[string]string{"app_code": "A\n", "client_key": "K\n"} {
		os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `[gateway]
url = %q
app_code_file = "app_code"
client_key_file = "client_key"
currencies = { HKD = 2 }
[journal]
path = %q
[log]
level = "error"
`, c.sim, filepath.Join(dir, "journal.db"))
	for i, l := range lanes {
		fmt.Fprintf(&b, "[[lane]]\nname = \"%d\"\npay_type = %q\nscanner = { driver = %q, vendor = %q, product = %q, serial = %q, beep = %t, arm = %t }\n",
			i+1, payType, l.Driver, l.Vendor, l.Product, l.Serial, !l.Quiet, l.Arm)
	}
	socket := filepath.Join(dir, "till.sock")
	fmt.Fprintf(&b, "[[till]]\ndialect = \"http\"\nlisten = \"unix:%s\"\n", socket)
	if err := os.WriteFile(c.config, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c.till = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	c.start()
	return c
}

func (c *counter) run(cmd *exec.Cmd) {
	c.t.Helper()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Signal(syscall.SIGTERM)
			cmd.Wait()
		}
	})
}

// stop ends the daemon as a service manager does.
func (c *counter) stop() {
	c.t.Helper()
	c.daemon.Process.Signal(syscall.SIGTERM)
	if err := c.daemon.Wait(); err != nil {
		c.t.Errorf("cpmd ended with %v", err)
	}
}

func (c *counter) start() {
	c.daemon = exec.Command("cpmd", "run", "-config", c.config)
	c.daemon.Env = append(os.Environ(), "STATE_DIRECTORY=/tmp/state")
	c.run(c.daemon)
}

// lane waits until the scanner of a lane stands so.
func (c *counter) lane(n int, want scanner.State) {
	c.t.Helper()
	poll(c.t, fmt.Sprintf("lane %d %s", n, want), func() bool {
		var v struct {
			Lanes []struct {
				Scanner struct{ State scanner.State }
			}
		}
		return c.get("http://till/v1/lanes", &v) == nil && len(v.Lanes) >= n && v.Lanes[n-1].Scanner.State == want
	})
}

func (c *counter) get(url string, into any) error {
	r, err := c.till.Get(url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	return json.NewDecoder(r.Body).Decode(into)
}

type sale struct {
	State, Reason string
	Final         bool
}

func (c *counter) open(id string, lane int) {
	c.t.Helper()
	body := fmt.Sprintf(`{"amount": 1250, "currency": "HKD", "lane": "%d"}`, lane)
	r, _ := http.NewRequest("PUT", "http://till/v1/sales/"+id, strings.NewReader(body))
	a, err := c.till.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != 201 {
		var b bytes.Buffer
		b.ReadFrom(a.Body)
		c.t.Fatalf("sale %s: %d %s", id, a.StatusCode, &b)
	}
}

// paid waits for the end of a sale, which must be that it is paid.
func (c *counter) paid(id string) {
	c.t.Helper()
	c.reaches(id, "paid")
}

func (c *counter) reaches(id, state string) {
	c.t.Helper()
	var s sale
	poll(c.t, "sale "+id+" "+state, func() bool {
		if err := c.get("http://till/v1/sales/"+id, &s); err != nil {
			return false
		}
		return s.State == state || s.Final
	})
	if s.State != state {
		c.t.Fatalf("sale %s is %s (%s), want %s", id, s.State, s.Reason, state)
	}
}

// charges counts what QFPay took money for.
func (c *counter) charges() int {
	c.t.Helper()
	r, err := http.Get(c.sim + "/sim/ledger")
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Body.Close()
	var l struct {
		Payments []struct {
			Charges int `json:"charges"`
		} `json:"payments"`
	}
	if err := json.NewDecoder(r.Body).Decode(&l); err != nil {
		c.t.Fatal(err)
	}
	n := 0
	for _, p := range l.Payments {
		n += p.Charges
	}
	return n
}

// show sends a code until the sale has it; see process.show.
func (c *counter) show(id string, send func()) {
	c.t.Helper()
	for range 3 {
		send()
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			var s sale
			if err := c.get("http://till/v1/sales/"+id, &s); err == nil && s.State != "waiting" {
				return
			}
		}
		var lanes struct {
			Lanes []struct{ Scanner struct{ Advice string } }
		}
		if err := c.get("http://till/v1/lanes", &lanes); err != nil || !strings.Contains(fmt.Sprint(lanes), busy) {
			return // the caller will miss it
		}
		c.t.Log("this machine was too busy: shown again")
	}
}

func (c *counter) script(s string) {
	c.t.Helper()
	r, err := http.Post(c.sim+"/sim/script", "application/json", strings.NewReader(s))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode >= 300 {
		c.t.Fatalf("script: %s", r.Status)
	}
}

// goods is a barcode that pays nothing; tills are told of it, and so it shows that all scans before it were dealt with.
const goods = "4006381333931"

// strays returns the codes that tills were told of as having paid nothing, before goods was scanned.
func (c *counter) strays() (texts []string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, "GET", "http://till/v1/events", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := c.till.Do(q)
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Body.Close()
	event := ""
	for s := bufio.NewScanner(r.Body); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ": ")
		if key == "event" {
			event = value
		}
		if key != "data" || event != "scan" {
			continue
		}
		var v struct{ Text string }
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			c.t.Fatal(err)
		}
		if v.Text == goods {
			return texts
		}
		texts = append(texts, v.Text)
	}
	c.t.Fatal("tills were not told of the goods")
	return nil
}

// Every scanner pays sales with every kind of code; a code shown in two ways at once pays once, and counts as one scan.
func TestSales(t *testing.T) {
	for _, k := range kinds {
		if testing.Short() && slices.Contains([]string{"pos-newland", "pos-zebra", "pos-microscan"}, k.name) {
			continue // whose codes TestEveryScanner reads
		}
		t.Run(k.name, func(t *testing.T) {
			p := plug(t, k.device("S7"), 0)
			defer p.Unplug()
			for _, half := range []struct {
				payType string
				codes   []string
			}{{anyWallet, []string{walletCode, aliCode}}, {eWallet, []string{emvPayment}}} {
				c := newCounter(t, half.payType, k.configFor("S7"))
				c.lane(1, scanner.Open)
				n := 0
				pay := func(send func()) {
					n++
					id := fmt.Sprintf("T-%d", n)
					c.open(id, 1)
					c.show(id, send)
					c.paid(id)
				}
				for _, code := range half.codes {
					pay(func() { pace(p, k.ep, k.send("]Q1", code)) })
				}
				twice := "284438849930815899"
				pay(func() {
					pace(p, k.ep, k.send("]C0", twice))
					pace(p, k.ep, k.send("]Q1", twice))
				})
				pace(p, k.ep, k.send("]E0", goods))
				if got := c.strays(); len(got) > 0 {
					t.Errorf("scans too many: %q", got)
				}
				c.open("T-last", 1)
				c.reaches("T-last", "waiting")
				if got := c.charges(); got != n {
					t.Errorf("%d sales were charged %d times", n, got)
				}
				c.stop()
			}
		})
	}
}

func TestSalesFTDI(t *testing.T) {
	wire, err := os.OpenFile("/dev/ttyS1", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Close()
	c := newCounter(t, eWallet, scanner.Config{Driver: "serial", Vendor: "0403", Product: "6001"})
	c.lane(1, scanner.Open)
	for i, code := range []string{walletCode, aliCode, emvPayment, "284438849930815899\r284438849930815899"} {
		id := fmt.Sprintf("T-%d", i)
		c.open(id, 1)
		fmt.Fprintf(wire, "%s\r", code)
		c.paid(id)
		if got := c.charges(); got != i+1 {
			t.Errorf("%d sales were charged %d times", i+1, got)
		}
	}
	fmt.Fprintf(wire, "%s\r", goods)
	if got := c.strays(); len(got) > 0 {
		t.Errorf("scans too many: %q", got)
	}
}

// The plug is pulled while a sale waits, in the middle of a code, and while it is being paid: the sale is unharmed.
func TestUnplugDuringSales(t *testing.T) {
	for _, k := range kinds {
		if k.name != "keyboard" && k.name != "cdc" && (k.name != "pos-honeywell" || testing.Short()) {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			c := newCounter(t, eWallet, k.configFor("S8"))
			p := plug(t, k.device("S8"), 0)
			c.lane(1, scanner.Open)
			c.open("waiting", 1)
			code := emvPayment
			reports := k.send("]Q1", code)
			if k.name == "cdc" {
				reports = [][]byte{[]byte(code[:60]), []byte(code[60:] + "\r")}
			}
			p.Send(k.ep, reports[:len(reports)/2]...)
			p.Sync(k.ep, 0)
			p.Unplug()
			c.lane(1, scanner.Lost)
			c.reaches("waiting", "waiting")
			p = plug(t, k.device("S8"), 0)
			c.lane(1, scanner.Open)
			pace(p, k.ep, reports)
			c.paid("waiting")

			c.script(fmt.Sprintf(`{"auth_code": %q, "delay": "3s"}`, walletCode))
			c.open("paying", 1)
			pace(p, k.ep, k.send("]C0", walletCode))
			c.reaches("paying", "paying")
			p.Unplug()
			c.lane(1, scanner.Lost)
			p = plug(t, k.device("S8"), 0)
			c.lane(1, scanner.Open)
			c.paid("paying")
			p.Unplug()
			if got := c.charges(); got != 2 {
				t.Errorf("2 sales were charged %d times", got)
			}
		})
	}
}

// The daemon is killed with its scanner open, started again, used, and stopped: the scanner types again.
func TestDaemonKilled(t *testing.T) {
	k := kinds[0]
	p := plug(t, k.device("S9"), 0)
	defer p.Unplug()
	c := newCounter(t, anyWallet, k.configFor("S9"))
	c.lane(1, scanner.Open)
	c.open("before", 1)
	c.daemon.Process.Kill()
	c.daemon.Wait()
	begin := time.Now()
	c.start()
	c.lane(1, scanner.Open)
	t.Logf("FIGURE killed: scanning again %v after the start", time.Since(begin).Round(time.Millisecond))
	pace(p, k.ep, k.send("", walletCode))
	c.paid("before")
	c.stop()
	if keys := typedInto(t, "S9", func() { pace(p, k.ep, k.send("", "12345")) }); keys != 6 {
		t.Errorf("after a clean stop %d of 6 keys reached the console", keys)
	}
}

// What the command says of real devices.
func TestCommand(t *testing.T) {
	if _, err := exec.LookPath("cpmd"); err != nil {
		t.Skip("cpmd is not built")
	}
	a, b := plug(t, kinds[0].device("A1"), 0), plug(t, kinds[1].device("B1"), 1)
	defer a.Unplug()
	defer b.Unplug()
	device(t, "A1")
	device(t, "B1")
	out, err := exec.Command("cpmd", "scanners").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"05f9:2216", `product = "0907", serial = "B1"`, "HID POS", "serial port"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	for _, k := range kinds[:2] { // learned without taking the device from its driver
		cmd := exec.Command("cpmd", "scanners", "-learn")
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		send := time.NewTicker(time.Second)
		defer send.Stop()
		for ended := false; !ended; {
			select {
			case err := <-done:
				if err != nil || !strings.Contains(said.String(), "2804**********5813") || strings.Contains(said.String(), walletCode) {
					t.Errorf("%s: %v, said %s", k.name, err, &said)
				}
				ended = true
			case <-send.C:
				on := a
				if k.name != "keyboard" {
					on = b
				}
				pace(on, k.ep, k.send("]C0", walletCode))
			}
		}
	}
}
