// Package examples holds small complete tills in several languages, one file each. Its test sells with those
// whose interpreter is on the machine.
package examples

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// The tills wait most of the time: more of them than there are processors.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// A counter is what a till talks to: a daemon with all kinds of endpoints, which can lose answers and restart.
type counter struct {
	t         *testing.T
	desk      *tilltest.Desk
	dir, addr string // addr: of the TCP endpoint, its own so that nobody takes it over a restart
	server    *till.Server
	lossy     []*tilltest.Lossy
	broken    atomic.Int64 // sales that the journal will not take
}

// front is the desk with a journal that can be broken.
type front struct {
	*tilltest.Desk
	broken *atomic.Int64
}

func (f front) PutSale(ctx context.Context, r sale.Request) (sale.View, bool, error) {
	if f.broken.Add(-1) >= 0 {
		return sale.View{}, false, &sale.Error{Code: sale.JournalUnavailable, Detail: "The disk is full."}
	}
	return f.Desk.PutSale(ctx, r)
}

var counters atomic.Int32

func newCounter(t *testing.T) *counter {
	n := counters.Add(1)
	c := &counter{t: t, desk: tilltest.NewDesk(), dir: tilltest.SocketDir(t), addr: fmt.Sprintf("127.0.%d.%d:0", 1+n/250, 1+n%250)}
	if err := os.WriteFile(filepath.Join(c.dir, "token"), []byte(tilltest.Token), 0o600); err != nil {
		t.Fatal(err)
	}
	c.start()
	t.Cleanup(c.stop)
	return c
}

func (c *counter) start() {
	c.t.Helper()
	var endpoints []till.Endpoint
	c.lossy = nil
	for _, e := range []till.Endpoint{
		{Dialect: till.DialectHTTP, Listen: "unix:" + filepath.Join(c.dir, "http")},
		{Dialect: till.DialectLine, Listen: "unix:" + filepath.Join(c.dir, "line")},
		{Dialect: till.DialectHTTP, Listen: "tcp:" + c.addr, TokenFile: filepath.Join(c.dir, "token")},
	} {
		network, addr, _ := strings.Cut(e.Listen, ":")
		l, err := net.Listen(network, addr)
		if err != nil {
			c.t.Fatal(err)
		}
		if network == "tcp" {
			c.addr = l.Addr().String()
		}
		lossy := &tilltest.Lossy{Listener: l}
		c.lossy = append(c.lossy, lossy)
		e.Inherited = lossy
		endpoints = append(endpoints, e)
	}
	c.server = till.New(till.Config{Endpoints: endpoints}, front{c.desk, &c.broken}, zaptest.NewLogger(c.t))
	if err := c.server.Start(context.Background()); err != nil {
		c.t.Fatal(err)
	}
}

func (c *counter) stop() {
	c.t.Helper()
	if err := c.server.Shutdown(context.Background()); err != nil {
		c.t.Error(err)
	}
}

func (c *counter) open(id, ticket string) {
	c.t.Helper()
	if _, _, err := c.desk.PutSale(context.Background(), sale.Request{ID: id, Amount: 12850, Currency: "HKD", Ticket: ticket}); err != nil {
		c.t.Fatal(err)
	}
}

// await waits until the till has opened the sale. What changes from then on it learns by seq, whether it waits
// already or not.
func (c *counter) await(id string) {
	c.t.Helper()
	deadline := time.After(90 * time.Second)
	for {
		if _, err := c.desk.Sale(context.Background(), id); err == nil {
			return
		}
		select {
		case <-deadline:
			c.t.Fatalf("sale %s never came", id)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (c *counter) set(id string, s sale.State) { c.desk.SetState(id, s, "") }

// A program is one example and how to build and start it. {dir} in its commands is a folder for what is built.
type program struct {
	file    string
	install string   // what Debian calls what it needs
	probe   []string // succeeds where that is there
	build   []string
	run     []string
}

var programs = []program{
	{"till.py", "python3", []string{"python3", "--version"}, nil, []string{"python3", "till.py"}},
	{"line_till.py", "python3", []string{"python3", "--version"}, nil, []string{"python3", "line_till.py"}},
	{"till.js", "nodejs", []string{"node", "--version"}, nil, []string{"node", "till.js"}},
	{"Till.java", "default-jdk-headless", []string{"javac", "-version"}, []string{"javac", "-d", "{dir}", "Till.java"},
		[]string{"java", "-XX:TieredStopAtLevel=1", "-cp", "{dir}", "Till"}},
	{"till.php", "php-cli php-curl", []string{"php", "-r", `exit(extension_loaded("curl") ? 0 : 1);`}, nil, []string{"php", "till.php"}},
	{"till.pas", "fp-compiler fp-units-fcl", []string{"fpc", "-iV"}, []string{"fpc", "-v0", "-FE{dir}", "-o{dir}/till", "till.pas"}, []string{"{dir}/till"}},
	{"Till.cs", "mono-mcs mono-runtime", []string{"mcs", "--version"}, []string{"mcs", "-out:{dir}/Till.exe", "Till.cs"}, []string{"mono", "{dir}/Till.exe"}},
	{"till.sh", "curl", []string{"curl", "--version"}, nil, []string{"sh", "till.sh"}},
	// on a client that is generated from what GET /openapi.json answers
	{"generated", "golang, and have the modules of generated/build.sh", []string{"generated/build.sh", "-probe"},
		[]string{"generated/build.sh", "{dir}/openapi.json", "{dir}"}, []string{"{dir}/till"}},
}

// ready builds the till in a folder of its own and returns the command that starts it.
func (p program) ready(t *testing.T) []string {
	t.Helper()
	if exec.Command(p.probe[0], p.probe[1:]...).Run() != nil {
		t.Skip("needs: apt-get install ", p.install)
	}
	dir := t.TempDir()
	openAPI, err := till.OpenAPI()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "openapi.json"), openAPI, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	in := func(command []string) (c []string) {
		for _, word := range command {
			c = append(c, strings.ReplaceAll(word, "{dir}", dir))
		}
		return c
	}
	if b := in(p.build); len(b) > 0 {
		if out, err := exec.Command(b[0], b[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return in(p.run)
}

// run starts the till for the sale "a" of HKD 128.50, ticket 88211.
func (c *counter) run(command []string) *exec.Cmd {
	c.t.Helper()
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], "a", "12850", "HKD", "88211")...)
	cmd.Env = append(os.Environ(), "CPMD_SOCKET="+filepath.Join(c.dir, "http"), "CPMD_LINE="+filepath.Join(c.dir, "line"),
		"CPMD_URL=http://"+c.addr, "CPMD_TOKEN_FILE="+filepath.Join(c.dir, "token"))
	cmd.Stdout, cmd.Stderr = new(bytes.Buffer), os.Stderr
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// wait checks how the till ended and what it showed.
func (c *counter) wait(cmd *exec.Cmd, exit int, shown ...string) {
	c.t.Helper()
	late := time.AfterFunc(150*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	_ = cmd.Wait()
	out := cmd.Stdout.(*bytes.Buffer).String()
	if got := cmd.ProcessState.ExitCode(); got != exit {
		c.t.Errorf("exit %d, want %d", got, exit)
	}
	rest := out
	for _, want := range shown {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			c.t.Errorf("%q is not shown, or not in this order:\n%s", want, out)
		}
		rest = after
	}
	if all, _ := c.desk.Sales(context.Background(), sale.Filter{Ticket: "88211"}); len(all) > 1 {
		c.t.Errorf("the bill was charged %d times", len(all))
	}
}

var stories = map[string]func(*counter, []string){
	"paid": func(c *counter, p []string) {
		cmd := c.run(p)
		c.await("a")
		c.set("a", sale.Confirming)
		c.set("a", sale.Paid)
		c.wait(cmd, 0, "Paid.", "PAID")
	},
	"not paid": func(c *counter, p []string) {
		cmd := c.run(p)
		c.await("a")
		c.desk.SetState("a", sale.NotPaid, sale.Declined)
		c.wait(cmd, 1, "Not paid.", "NOT PAID")
	},
	"not known": func(c *counter, p []string) {
		cmd := c.run(p)
		c.await("a")
		c.set("a", sale.Unresolved)
		c.wait(cmd, 2, "Not confirmed. Do not charge again.", "NOT KNOWN")
	},
	"lane busy": func(c *counter, p []string) {
		c.open("b", "")
		c.wait(c.run(p), 1, "sale b holds the lane", "NOT PAID")
	},
	"the ticket is not finished": func(c *counter, p []string) {
		c.open("b", "88211")
		c.set("b", sale.Unresolved)
		c.wait(c.run(p), 2, "sale b of this ticket is not finished", "NOT KNOWN")
	},
	"lost answers": func(c *counter, p []string) {
		for _, l := range c.lossy {
			l.Lose(1)
		}
		cmd := c.run(p)
		c.await("a")
		c.set("a", sale.Paid)
		c.wait(cmd, 0, "No answer. Asking again.", "PAID")
	},
	"the daemon restarts": func(c *counter, p []string) {
		cmd := c.run(p)
		c.await("a")
		c.stop()
		c.set("a", sale.Paid)
		c.start()
		c.wait(cmd, 0, "PAID")
	},
	"the till crashes": func(c *counter, p []string) {
		cmd := c.run(p)
		c.await("a")
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		cmd = c.run(p)
		c.set("a", sale.Paid)
		c.wait(cmd, 0, "PAID")
	},
	"something is broken for a while": func(c *counter, p []string) {
		c.broken.Store(1)
		cmd := c.run(p)
		c.await("a")
		c.set("a", sale.Paid)
		c.wait(cmd, 0, "The disk is full. Asking again.", "PAID")
	},
}

func TestTills(t *testing.T) {
	for _, p := range programs {
		t.Run(p.file, func(t *testing.T) {
			t.Parallel()
			command := p.ready(t)
			for name, story := range stories {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					story(newCounter(t), command)
				})
			}
		})
	}
}
