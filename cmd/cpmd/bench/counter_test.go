package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"cpmd/queue/sale"
	"cpmd/till/client"
)

const (
	appCode   = "5D81A2E5B0B94D3A8E6C1F2A7B9C0D1E"
	clientKey = "9F8E7D6C5B4A39281706F5E4D3C2B1A0"
)

// A counter is the real daemon with one serial scanner on a pty and a till on its socket.
type counter struct {
	t       *testing.T
	dir     string
	scanner *os.File
	daemon  *exec.Cmd
	till    *client.Client
	env     []string
	sales   int
}

// newCounter sets a counter up on a gateway, with more lines for sections of its configuration. The daemon does not run yet.
func newCounter(t *testing.T, gateway, timing string) *counter {
	dir, err := os.MkdirTemp("", "bench") // a short path: the socket is in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := &counter{t: t, dir: dir}
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close(); slave.Close() })
	c.scanner = master
	for name, text := range map[string]string{"app_code": appCode, "client_key": clientKey, "cpmd.toml": fmt.Sprintf(`[gateway]
url = %q
app_code_file = "app_code"
client_key_file = "client_key"
currencies = { HKD = 2 }
[journal]
path = %q
[timing]
%s
[log]
level = "debug"
[[lane]]
name = "1"
pay_type = "800008"
scanner = { driver = "serial", port = %q, baud = 9600 }
[[till]]
dialect = "http"
listen = "unix:%s/s"
connections = 2048
`, gateway, c.journal(), timing, slave.Name(), dir)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c.till, err = client.New(client.Config{Addr: "unix:" + dir + "/s", Patience: time.Minute}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.till.Close)
	return c
}

func (c *counter) journal() string { return filepath.Join(c.dir, "journal.db") }

// start starts the daemon and returns how long it took until it was ready for sales.
func (c *counter) start() time.Duration {
	c.t.Helper()
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	c.daemon = exec.Command(cpmd, "run", "-config", filepath.Join(c.dir, "cpmd.toml"))
	c.daemon.Stdout, c.daemon.Stderr = log, log
	c.daemon.Env = append(os.Environ(), c.env...)
	c.daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	from := time.Now()
	if err := c.daemon.Start(); err != nil {
		c.t.Fatal(err)
	}
	for !c.isReady() {
		if time.Since(from) > 2*time.Minute {
			c.t.Fatalf("not ready after %v: %s", time.Since(from), c.logged())
		}
		time.Sleep(time.Millisecond)
	}
	took := time.Since(from)
	c.t.Cleanup(c.stop)
	c.waitFor(`"state":"open"`, 10*time.Second) // the scanner: what it read before is forgotten
	return took
}

func (c *counter) isReady() bool {
	conn, err := net.Dial("unix", c.dir+"/s")
	if err != nil {
		return false
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /readyz HTTP/1.0\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer := make([]byte, 15)
	_, err = conn.Read(answer)
	return err == nil && strings.Contains(string(answer), " 200")
}

func (c *counter) stop() {
	if c.daemon == nil {
		return
	}
	_ = c.daemon.Process.Kill() // a stop would wait for answers
	_ = c.daemon.Wait()
	c.daemon = nil
}

func (c *counter) logged() string {
	b, _ := os.ReadFile(filepath.Join(c.dir, "log"))
	return string(b)
}

// waitFor waits until the daemon's log has some words.
func (c *counter) waitFor(words string, limit time.Duration) {
	c.t.Helper()
	for from := time.Now(); !strings.Contains(c.logged(), words); time.Sleep(50 * time.Millisecond) {
		if time.Since(from) > limit {
			c.t.Fatalf("the log has no %q after %v", words, limit)
		}
	}
}

// open opens a sale and returns its id.
func (c *counter) open() string {
	c.t.Helper()
	c.sales++
	id := fmt.Sprintf("b%d", c.sales)
	if _, _, err := c.till.PutSale(context.Background(), sale.Request{ID: id, Amount: 12850, Currency: "HKD", Lane: "1"}); err != nil {
		c.t.Fatal(err)
	}
	return id
}

// scan shows a code that pays at once. It returns when its last byte is on the line.
func (c *counter) scan() time.Time {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.scanner, "28%012d9999\r", c.sales+1000000*os.Getpid()%1000000); err != nil {
		c.t.Fatal(err)
	}
	return time.Now()
}

// paid waits until the sale is paid.
func (c *counter) paid(id string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for seq := int64(0); ; {
		v, err := c.till.WaitSale(ctx, id, seq, 20*time.Second)
		if err != nil {
			c.t.Fatal(err)
		}
		if v.State == sale.Paid {
			return
		}
		if v.Final {
			c.t.Fatalf("sale %s is %s: %s", id, v.State, v.Message)
		}
		seq = v.Seq
	}
}

// sell is one whole sale.
func (c *counter) sell() {
	id := c.open()
	c.scan()
	c.paid(id)
}
