package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"cpmd/payment/testca"
	"cpmd/queue/sale"
	"cpmd/till/client"
)

// A counter is a daemon in which something is wrong, with a simulated QFPay of its own.
type counter struct {
	*testing.T
	bin, dir string
	sim      string   // address
	gateway  string   // what the daemon is told
	mchid    string   // likewise
	currency string   // likewise
	scanner  string   // likewise
	more     string   // configuration
	inside   []string // what starts the daemon
	env      []string
	key      string
	app      string

	daemon *exec.Cmd
	logs   *os.File
	undo   func()
}

func (c *counter) path(name string) string { return filepath.Join(c.dir, name) }

// configure writes what the daemon reads.
func (c *counter) configure() {
	c.Helper()
	write(c.T, c.path("app_code"), c.app)
	write(c.T, c.path("client_key"), c.key)
	timing := shortTimes
	if strings.HasSuffix(c.gateway, ".example") { // a real gateway has to have longer ones
		timing = ""
	}
	write(c.T, c.path("cpmd.toml"), fmt.Sprintf(`[gateway]
url = %q
mchid = %q
currencies = { %s = 2 }
[journal]
path = %q
%s
[[lane]]
name = "1"
scanner = %s
[[till]]
dialect = "http"
listen = "unix:till.sock"
%s`, c.gateway, c.mchid, c.currency, c.path("data/journal.db"), timing, c.scanner, c.more))
}

const shortTimes = `[timing]
scan = "2s"
answer = "1s"
poll = "200ms"
confirm = "1s"
give_up = "2s"
follow_up = ["500ms"]
[audit]
after = ["1s", "2s", "3s", "4s", "5s"]
give_back = "never"`

func (c *counter) command(name string, args ...string) *exec.Cmd {
	all := append(slices.Clone(c.inside), append([]string{filepath.Join(c.bin, name)}, args...)...)
	cmd := exec.Command(all[0], all[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (c *counter) start() {
	c.Helper()
	c.configure()
	c.daemon = c.command("cpmd", "-config", c.path("cpmd.toml"))
	c.daemon.Stderr = c.logs
	if err := c.daemon.Start(); err != nil {
		c.Fatal(err)
	}
}

func (c *counter) stop() {
	if c.daemon != nil {
		_ = c.daemon.Process.Signal(syscall.SIGTERM)
		_ = c.daemon.Wait()
		c.daemon = nil
	}
}

func (c *counter) restart() { c.Helper(); c.stop(); c.start() }

// post tells the simulator.
func (c *counter) post(path, body string) {
	c.Helper()
	resp, err := http.Post(c.sim+path, "application/json", strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 {
		c.Fatalf("%s: %s", path, b)
	}
}

func (c *counter) habits(h string) { c.Helper(); c.post("/sim/habits", h) }

func (c *counter) till() *client.Client {
	c.Helper()
	t, err := client.New(client.Config{Addr: "unix:" + c.path("till.sock"), Patience: 20 * time.Second})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(t.Close)
	return t
}

// sell opens a sale and shows a code that ends so.
func (c *counter) sell(id, end string, until func(sale.View) bool) sale.View {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	defer cancel()
	t := c.till()
	v, _, err := t.PutSale(ctx, sale.Request{ID: id, Amount: 500, Currency: c.currency})
	if err == nil {
		err = t.Scan(ctx, "1", "28000000000000"+end)
	}
	for err == nil && !until(v) {
		v, err = t.WaitSale(ctx, id, v.Seq, 5*time.Second)
	}
	if err != nil {
		c.Fatalf("sale %s, %s: %v", id, v.State, err)
	}
	return v
}

// readyz is what /readyz says a person should do.
func (c *counter) readyz() []string {
	h := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", c.path("till.sock"))
	}}}
	resp, err := h.Get("http://till/readyz")
	if err != nil {
		return []string{"no answer: " + err.Error()}
	}
	defer resp.Body.Close()
	var v struct{ Advice []string }
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		return []string{"not read: " + err.Error()}
	}
	return v.Advice
}

func (c *counter) log() string {
	b, err := os.ReadFile(c.path("log"))
	if err != nil {
		c.Fatal(err)
	}
	return string(b)
}

// with are the lines that hold all words.
func with(text string, words ...string) (n int) {
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			n++
		}
	}
	return n
}

func (c *counter) eventually(what string, is func() bool) {
	c.Helper()
	for deadline := time.Now().Add(60 * time.Second); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			live, _ := c.command("cpmd", "check", "-live", c.path("cpmd.toml")).CombinedOutput()
			c.Fatalf("%s: not so\nreadyz %q\ncheck -live\n%s\nlog\n%s", what, c.readyz(), live, c.log())
		}
	}
}

var everyTrouble = flag.Bool("every-trouble", false, "TestTroubleIsTold plays its whole table, which takes minutes, and not each fourth row")

// TestTroubleIsTold: whatever goes wrong with a counter is said by /readyz, the diagnosis, the log and check -live, in
// the same words, once each; it says what to do; and it is gone when that is done.
func TestTroubleIsTold(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	habit := func(h string) func(*counter) { return func(c *counter) { c.habits(h) } }
	for i, tc := range []struct {
		name   string
		breaks func(*counter) // before the start
		acts   func(*counter) // after it
		want   string         // what is wrong
		todo   string         // what to do, in the same line
		mends  func(*counter)
	}{
		// QFPay and the credentials.
		{"wrong key", func(c *counter) { c.key = "0000" }, nil, "signs its answer with another key", "client_key_file", func(c *counter) { c.key = setupKey; c.restart() }},
		{"wrong app code", func(c *counter) { c.app = "0000" }, nil, "does not sign its answer", "compare gateway.url", func(c *counter) { c.app = setupApp; c.restart() }},
		{"merchant disabled", habit(`{"respcd": "1116"}`), nil, "refuses this merchant (respcd 1116", "ask QFPay", habit(`{"respcd": ""}`)},
		{"store disabled", habit(`{"respcd": "1243"}`), nil, "refuses this merchant (respcd 1243", "ask QFPay", habit(`{"respcd": ""}`)},
		{"an mchid too many", func(c *counter) { c.mchid = "M1" }, nil, "refuses the form of requests", "gateway.mchid", func(c *counter) { c.mchid = ""; c.restart() }},
		{"maintenance", habit(`{"respcd": "1100"}`), nil, "out of order (respcd 1100)", "wait", habit(`{"respcd": ""}`)},
		{"rate limit", habit(`{"status": 429}`), nil, "too many a minute (HTTP 429)", "rate_per_minute", habit(`{"status": 0}`)},
		{"bad gateway", habit(`{"status": 502}`), nil, "out of order (HTTP 502)", "ask QFPay", habit(`{"status": 0}`)},
		{"a proxy's password", habit(`{"status": 407}`), nil, "a proxy asks for a password", "HTTPS_PROXY", habit(`{"status": 0}`)},
		{"another server", habit(`{"status": 404}`), nil, "not as QFPay does", "correct gateway.url", habit(`{"status": 0}`)},
		{"a login page", habit(`{"fault": "garbage"}`), nil, "answers with a web page", "asks for a login", habit(`{"fault": ""}`)},
		{"half answers", habit(`{"fault": "truncated"}`), nil, "not as QFPay does", "correct gateway.url", habit(`{"fault": ""}`)},
		{"empty answers", habit(`{"fault": "nobody"}`), nil, "not as QFPay does", "correct gateway.url", habit(`{"fault": ""}`)},
		{"answers changed on the way", habit(`{"answer_sign": "wrong"}`), nil, "signature of QFPay's answers is wrong", "ask QFPay", habit(`{"answer_sign": "MD5"}`)},
		{"connections break", habit(`{"fault": "lost"}`), nil, "break off", "firewall", habit(`{"fault": ""}`)},
		{"answers are cut off", habit(`{"fault": "cut"}`), nil, "break off", "firewall", habit(`{"fault": ""}`)},
		{"no answer", habit(`{"fault": "hang"}`), nil, "gives no answer in time", "wait", habit(`{"fault": ""}`)},
		{"clock an hour behind", skewed("1h"), nil, "clock is 60 minutes behind", "timedatectl", skewed("0s")},
		{"clock days ahead", skewed("-72h"), nil, "clock is 3 days ahead", "timedatectl", skewed("0s")},

		// The way there.
		{"nothing listens", func(c *counter) { c.gateway = "http://" + freeAddr(c.T) }, nil, "refuses connections", "check gateway.url", func(c *counter) { c.gateway = c.sim; c.restart() }},
		{"no network", func(c *counter) { c.inside = alone(c.T) }, nil, "no way leads from this machine", "cable", func(c *counter) { c.inside = nil; c.restart() }},
		{"no name server", func(c *counter) { c.inside = alone(c.T); c.gateway = "https://gateway.example" }, nil, "no name server answers", "resolvectl",
			func(c *counter) { c.inside, c.gateway = nil, c.sim; c.restart() }},
		{"TLS intercepted", behindTLS(1), nil, "signed by \\\"Corporate Filter CA\\\"", "reads along", goodTLS},
		{"certificate expired", behindTLS(2), nil, "by this machine's clock it is not now", "set the clock", goodTLS},
		{"certificate not yet valid", behindTLS(3), nil, "by this machine's clock it is not now", "set the clock", goodTLS},
		{"another host's certificate", behindTLS(4), nil, "certificate of another host", "leads elsewhere", goodTLS},
		{"no TLS", func(c *counter) { c.gateway = strings.Replace(c.sim, "http:", "https:", 1) }, nil, "does not speak TLS", "its port", func(c *counter) { c.gateway = c.sim; c.restart() }},

		// This machine.
		{"scanner unplugged", func(c *counter) { c.scanner = c.serial(); c.unplug() }, nil, "the scanner is absent", "plug it in", func(c *counter) { c.plug() }},
		{"no serial port", func(c *counter) { c.scanner = c.serial(); c.unplug(); write(c.T, c.path("scanner"), "") }, nil, "is not a serial port", "cpmd scanners", func(c *counter) { c.unplug(); c.plug() }},
		{"scanner taken", func(c *counter) { c.scanner = c.serial(); c.take() }, nil, "the scanner is busy", "stop it", func(c *counter) { c.undo() }},
		{"port taken", func(c *counter) { c.squat() }, nil, "another program has it", "ss -ltnp", func(c *counter) { c.undo() }},
		{"token is a folder", func(c *counter) { c.tcp("token"); mkdir(c.T, c.path("token")) }, nil, "token", "", func(c *counter) { rm(c.T, c.path("token")) }},
		{"no folder for the token", func(c *counter) { c.tcp("gone/token") }, nil, "gone/token cannot be written", "create its folder", func(c *counter) { mkdir(c.T, c.path("gone")) }},
		{"no folder for a socket", func(c *counter) { c.more = "[[till]]\ndialect = \"line\"\nlisten = \"unix:gone/line.sock\"\n" }, nil, "gone/line.sock", "create the folder", func(c *counter) { mkdir(c.T, c.path("gone")) }},
		{"disk full", func(c *counter) { c.smallDisk() }, func(c *counter) { c.fillUp() }, "journal", "Make room", func(c *counter) { c.undo() }},

		// Money.
		{"money turns up", nil, func(c *counter) {
			v := c.sell("a", "1202", func(v sale.View) bool { return v.Final })
			c.post("/sim/portal", fmt.Sprintf(`{"complete": %q}`, v.Payments[0].OutTradeNo))
		}, "QFPay shows this payment as paid", "settle", settle},
		{"unresolved", nil, func(c *counter) { c.sell("a", "0054", func(v sale.View) bool { return v.State == sale.Unresolved }) }, "unresolved sales: 1", "Do not charge",
			func(c *counter) { c.ctl("resolve", "-yes", "-note", "looked at", "-even-though", "a", "not_paid") }},
	} {
		if !*everyTrouble && i%4 != 0 {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := &counter{T: t, bin: bin, currency: "HKD", scanner: `{ driver = "virtual" }`, app: setupApp, key: setupKey}
			var err error
			c.dir, err = os.MkdirTemp("", "trouble")
			if err == nil {
				err = os.Mkdir(c.path("data"), 0o700)
			}
			if err == nil {
				c.logs, err = os.Create(c.path("log"))
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.stop(); _ = c.logs.Close(); _ = os.RemoveAll(c.dir) })
			c.sim = simulator(t, bin)
			c.gateway = c.sim
			if tc.breaks != nil {
				tc.breaks(c)
			}
			c.start()
			if tc.acts != nil {
				tc.acts(c)
			}
			plain := strings.ReplaceAll(tc.want, `\"`, `"`)
			stands := func() bool { return with(strings.Join(c.readyz(), "\n"), plain, tc.todo) == 1 }
			c.eventually("readyz tells", stands)
			c.eventually("the log tells", func() bool { return with(c.log(), `"msg":"to do"`, tc.want, tc.todo) > 0 })
			out, err := c.command("cpmd", "check", "-live", c.path("cpmd.toml")).CombinedOutput()
			if err == nil || with(string(out), "TO DO:", plain, tc.todo) != 1 {
				t.Errorf("check -live: %v\n%s", err, out)
			}
			out, _ = exec.Command(filepath.Join(bin, "cpmctl"), "-addr", "unix:"+c.path("till.sock"), "diagnose").CombinedOutput()
			if with(string(out), "TO DO:", plain) != 1 {
				t.Errorf("diagnose:\n%s", out)
			}
			before := c.daemon
			tc.mends(c)
			c.eventually("mended", func() bool {
				all := strings.Join(c.readyz(), "\n")
				return with(all, plain) == 0 && with(all, "no answer:") == 0
			})
			if before == c.daemon {
				c.eventually("the log tells that it is mended", func() bool { return with(c.log(), `"msg":"no longer to do"`, tc.want) == 1 })
			}
			if n := with(c.log(), `"msg":"to do"`, tc.want); n != 1 {
				t.Errorf("the log tells it %d times:\n%s", n, c.log())
			}
			if out, _ := c.command("cpmd", "check", "-live", c.path("cpmd.toml")).CombinedOutput(); with(string(out), "TO DO:", plain) > 0 {
				t.Errorf("check -live, mended:\n%s", out)
			}
		})
	}
}

func skewed(by string) func(*counter) {
	return func(c *counter) { c.post("/sim/clock", fmt.Sprintf(`{"skew": %q}`, by)) }
}

func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// alone starts a program where there is no network.
func alone(t *testing.T) []string {
	if out, err := exec.Command("unshare", "-n", "true").CombinedOutput(); err != nil {
		t.Skipf("needs the right to leave the network: %v %s", err, out)
	}
	return []string{"unshare", "-n"}
}

// behindTLS puts a server between that shows one certificate, by its number, until undo makes it show a good one.
func behindTLS(which int32) func(*counter) {
	return func(c *counter) {
		ours, theirs := testca.New(c.T, "Our CA"), testca.New(c.T, "Corporate Filter CA")
		day := 24 * time.Hour
		certs := []tls.Certificate{ours.Leaf(c.T, "127.0.0.1", -day, day), theirs.Leaf(c.T, "127.0.0.1", -day, day), ours.Leaf(c.T, "127.0.0.1", -3*day, -day),
			ours.Leaf(c.T, "127.0.0.1", day, 3*day), ours.Leaf(c.T, "192.0.2.1", -day, day)}
		var now atomic.Int32
		now.Store(which)
		to, err := url.Parse(c.sim)
		if err != nil {
			c.Fatal(err)
		}
		s := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(to))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{Certificates: certs[now.Load() : now.Load()+1]}, nil
		}}
		s.StartTLS()
		c.Cleanup(s.Close)
		write(c.T, c.path("ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.Cert.Raw})))
		c.gateway, c.env, c.undo = s.URL, []string{"SSL_CERT_FILE=" + c.path("ca.pem")}, func() { now.Store(0) }
	}
}

func goodTLS(c *counter) { c.undo() }

// serial plugs a scanner in and returns how it is configured.
func (c *counter) serial() string {
	c.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = master.Close(); _ = slave.Close() })
	write(c.T, c.path("tty"), slave.Name())
	c.plug()
	return fmt.Sprintf(`{ driver = "serial", port = %q }`, c.path("scanner"))
}

func (c *counter) plug() {
	c.Helper()
	tty, err := os.ReadFile(c.path("tty"))
	if err == nil {
		err = os.Symlink(string(tty), c.path("scanner"))
	}
	if err != nil {
		c.Fatal(err)
	}
}

func (c *counter) unplug() { c.Helper(); rm(c.T, c.path("scanner")) }

// take holds the scanner's port, as another program does.
func (c *counter) take() {
	c.Helper()
	f, err := os.OpenFile(c.path("scanner"), os.O_RDWR|unix.O_NOCTTY, 0)
	if err == nil {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		c.Fatal(err)
	}
	c.undo = func() { _ = f.Close() }
}

func (c *counter) tcp(token string) {
	c.more = fmt.Sprintf("[[till]]\nname = \"port\"\ndialect = \"http\"\nlisten = \"tcp:%s\"\ntoken_file = %q\nallow = [\"sell\"]\n", freeAddr(c.T), token)
}

func (c *counter) squat() {
	c.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.Fatal(err)
	}
	c.more = fmt.Sprintf("[[till]]\nname = \"port\"\ndialect = \"http\"\nlisten = \"tcp:%s\"\ntoken_file = \"token\"\nallow = [\"sell\"]\n", l.Addr())
	c.undo = func() { _ = l.Close() }
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func rm(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func (c *counter) smallDisk() {
	c.Helper()
	if err := unix.Mount("tmpfs", c.path("data"), "tmpfs", 0, "size=1m"); err != nil {
		c.Skip("needs the right to mount a small tmpfs: ", err)
	}
	c.Cleanup(func() { _ = unix.Unmount(c.path("data"), unix.MNT_DETACH) })
}

// fillUp leaves no room on the disk, and sells until the journal says so.
func (c *counter) fillUp() {
	c.Helper()
	c.eventually("it runs", func() bool { return with(c.log(), `"msg":"ready"`) > 0 })
	c.undo = fill(c.T, c.path("data"))
	t, err := client.New(client.Config{Addr: "unix:" + c.path("till.sock")})
	if err != nil {
		c.Fatal(err)
	}
	defer t.Close()
	for i := 0; err == nil && i < 500; i++ {
		id := fmt.Sprint("fill", i)
		if _, _, err = t.PutSale(c.Context(), sale.Request{ID: id, Amount: 500, Currency: "HKD", Ticket: strings.Repeat("t", 60)}); err == nil {
			_, err = t.CancelSale(c.Context(), id)
		}
	}
	if err == nil {
		c.Fatal("the disk is full, and 500 sales went in")
	}
}

// ctl is what an operator does.
func (c *counter) ctl(args ...string) {
	c.Helper()
	out, err := exec.Command(filepath.Join(c.bin, "cpmctl"), append([]string{"-addr", "unix:" + c.path("till.sock")}, args...)...).CombinedOutput()
	if err != nil {
		c.Errorf("cpmctl %v: %v\n%s", args, err, out)
	}
}

func settle(c *counter) {
	c.Helper()
	var seq int
	if _, err := fmt.Sscanf(strings.Join(c.readyz(), "\n"), "alarm %d", &seq); err != nil {
		c.Fatal(err)
	}
	c.ctl("settle", "-note", "looked at", fmt.Sprint(seq))
}
