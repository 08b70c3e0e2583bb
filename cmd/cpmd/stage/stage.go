// Package stage sets up a whole counter on this machine out of real parts: the qfpaysim and cpmd programs, serial
// scanners on ptys, and a till on the daemon's socket. The demonstration plays on it, and the crash tests.
//
// Start reading at [New].
package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"

	"cpmd/till/client"
)

// A Plan says what to set up.
type Plan struct {
	Dir    string // an empty folder, with a short path: the socket is in it
	Data   string // where the journal goes; empty: Dir
	Cpmd   string // the programs
	Sim    string
	Lanes  int
	Timing string   // the [timing] section's lines
	Sims   []string // further flags of qfpaysim
	More   string   // further lines of the configuration, behind a [[till]]
}

// A Stage is a counter. Its methods are called from one goroutine.
type Stage struct {
	plan    Plan
	gateway *program
	daemon  *program
	URL     string // of the gateway
	Till    *client.Client
	ports   []*os.File // the scanners' ends of the ptys
	// held are the daemon's ends. A pty whose last user closes it hangs up, which no scanner does when a daemon
	// dies, so they stay open here too.
	held []*os.File
}

const (
	appCode   = "5D81A2E5B0B94D3A8E6C1F2A7B9C0D1E"
	clientKey = "9F8E7D6C5B4A39281706F5E4D3C2B1A0"
)

// Secrets are what no output of the daemon may contain.
var Secrets = []string{appCode, clientKey}

// New starts the gateway and plugs the scanners in; Start starts the daemon.
func New(p Plan) (_ *Stage, err error) {
	s := &Stage{plan: p}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err := s.startGateway(); err != nil {
		return nil, err
	}
	var lanes strings.Builder
	for i := range p.Lanes {
		master, slave, err := pty.Open()
		if err != nil {
			return nil, fmt.Errorf("a pty for the scanner: %w", err)
		}
		s.ports, s.held = append(s.ports, master), append(s.held, slave)
		link := filepath.Join(p.Dir, fmt.Sprintf("scanner%d", i+1))
		if err := os.Symlink(slave.Name(), link); err != nil {
			return nil, err
		}
		fmt.Fprintf(&lanes, "[[lane]]\nname = \"%d\"\npay_type = \"800008\"\nscanner = { driver = \"serial\", port = %q, baud = 9600 }\n", i+1, link)
	}
	files := map[string]string{"app_code": appCode, "client_key": clientKey, "cpmd.toml": fmt.Sprintf(`[gateway]
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
%s
[[till]]
dialect = "http"
listen = %q
%s`, s.URL, s.Journal(), p.Timing, lanes.String(), "unix:"+s.Socket(), p.More)}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.Dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	s.Till, err = client.New(client.Config{Addr: "unix:" + s.Socket(), Patience: 15 * time.Second})
	return s, err
}

// FindSim finds qfpaysim beside the program self, or in PATH.
func FindSim(self string) (string, error) {
	beside := filepath.Join(filepath.Dir(self), "qfpaysim")
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	}
	found, err := exec.LookPath("qfpaysim")
	if err != nil {
		return "", fmt.Errorf("qfpaysim is neither beside cpmd nor in PATH; build it (make build) or name it with -qfpaysim")
	}
	return found, nil
}

// Config is the daemon's configuration file.
func (s *Stage) Config() string { return filepath.Join(s.plan.Dir, "cpmd.toml") }

// Journal is where the daemon's journal is.
func (s *Stage) Journal() string {
	if s.plan.Data != "" {
		return filepath.Join(s.plan.Data, "journal.db")
	}
	return filepath.Join(s.plan.Dir, "journal.db")
}

// Socket is where the daemon listens for tills.
func (s *Stage) Socket() string { return filepath.Join(s.plan.Dir, "till.sock") }

func (s *Stage) startGateway() error {
	first := newFirstLine()
	p, err := start(s.plan.Dir, "qfpaysim.log", first, s.plan.Sim,
		append([]string{"-listen", "127.0.0.1:0", "-app-code", appCode, "-client-key", clientKey, "-any-hour", "-quiet"}, s.plan.Sims...)...)
	if err != nil {
		return err
	}
	s.gateway = p
	line, err := first.wait(10 * time.Second)
	if err != nil {
		return fmt.Errorf("qfpaysim did not start: %w", err)
	}
	_, s.URL, _ = strings.Cut(line, "listening on ")
	s.URL = strings.TrimSpace(s.URL)
	return nil
}

// Start starts the daemon; it may have been killed before.
func (s *Stage) Start() (err error) {
	s.daemon, err = start(s.plan.Dir, "cpmd.log", io.Discard, s.plan.Cpmd, "run", "-config", s.Config())
	return err
}

// Ready waits until the daemon reads all scanners.
func (s *Stage) Ready(ctx context.Context) error {
	for {
		lanes, err := s.Till.Lanes(ctx)
		if err == nil {
			open := 0
			for _, l := range lanes {
				if l.Scanner.State == "open" {
					open++
				}
			}
			if open == s.plan.Lanes {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the daemon is not ready: %w (%v); see %s", ctx.Err(), err, filepath.Join(s.plan.Dir, "cpmd.log"))
		case <-s.daemon.ended:
			return fmt.Errorf("the daemon ended; see %s", filepath.Join(s.plan.Dir, "cpmd.log"))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Scan lets the scanner of a lane (from 1) send a code, as a real one does: the text and a carriage return.
func (s *Stage) Scan(lane int, code string) error {
	_, err := io.WriteString(s.ports[lane-1], code+"\r")
	return err
}

// Kill ends the daemon with SIGKILL and waits until it is gone.
func (s *Stage) Kill() error { return s.daemon.stop(syscall.SIGKILL) }

// Stop ends the daemon cleanly.
func (s *Stage) Stop() error { return s.daemon.stop(syscall.SIGTERM) }

// Signal sends the daemon a signal and returns a channel that closes when it has ended.
func (s *Stage) Signal(sig syscall.Signal) (ended <-chan struct{}, err error) {
	return s.daemon.ended, s.daemon.cmd.Process.Signal(sig)
}

// PID is the daemon's process.
func (s *Stage) PID() int { return s.daemon.cmd.Process.Pid }

// Gateway sends the gateway a signal, for example one that holds it still.
func (s *Stage) Gateway(sig syscall.Signal) error { return s.gateway.cmd.Process.Signal(sig) }

// Write puts raw bytes on the line of a lane's scanner (from 1).
func (s *Stage) Write(lane int, b []byte) error {
	_, err := s.ports[lane-1].Write(b)
	return err
}

// Get fetches a path of the till API as it is.
func (s *Stage) Get(ctx context.Context, path string) ([]byte, error) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.Socket())
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://till"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// Output is everything that the daemon ever wrote.
func (s *Stage) Output() ([]byte, error) { return os.ReadFile(filepath.Join(s.plan.Dir, "cpmd.log")) }

// A Ledger is what of the gateway's books a stage compares: qfpaysim's ledger, read over HTTP so that the daemon does not
// carry a simulator with it.
type Ledger struct {
	Payments []struct {
		OutTradeNo string `json:"out_trade_no"`
		Charged    int64  `json:"charged"` // kept by the shop, minor units
		Charges    int    `json:"charges"` // how often the customer was charged
		Posts      int    `json:"posts"`   // payment requests
	} `json:"payments"`
}

// Ledger asks the gateway what it charged.
func (s *Stage) Ledger() (l Ledger, err error) {
	resp, err := http.Get(s.URL + "/sim/ledger")
	if err != nil {
		return l, err
	}
	defer resp.Body.Close()
	return l, json.NewDecoder(resp.Body).Decode(&l)
}

// Complete lets the customer pay a payment after all.
func (s *Stage) Complete(outTradeNo string) error {
	resp, err := http.Post(s.URL+"/sim/portal", "application/json", strings.NewReader(fmt.Sprintf(`{"complete":%q}`, outTradeNo)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("qfpaysim: %s", resp.Status)
	}
	return nil
}

// Close ends everything.
func (s *Stage) Close() error {
	var err error
	if s.Till != nil {
		s.Till.Close()
	}
	for _, p := range []*program{s.daemon, s.gateway} {
		if p != nil {
			err = errors.Join(err, p.stop(syscall.SIGTERM))
		}
	}
	for _, f := range append(s.ports, s.held...) {
		err = errors.Join(err, f.Close())
	}
	return err
}

// A program is a process that this one started.
type program struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
}

func start(dir, logName string, stdout io.Writer, name string, args ...string) (*program, error) {
	log, err := os.OpenFile(filepath.Join(dir, logName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &program{cmd: exec.Command(name, args...), log: log, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = io.MultiWriter(stdout, log), log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; build the programs first: make build", err), log.Close())
	}
	go func() { _ = p.cmd.Wait(); close(p.ended) }()
	return p, nil
}

// stopLimit is how long a program may take to end.
const stopLimit = 15 * time.Second

func (p *program) stop(sig syscall.Signal) error {
	select {
	case <-p.ended:
		return p.log.Close()
	default:
	}
	err := p.cmd.Process.Signal(sig)
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		err = errors.Join(err, fmt.Errorf("%s did not end in %v", filepath.Base(p.cmd.Path), stopLimit), p.cmd.Process.Kill())
		<-p.ended
	}
	return errors.Join(err, p.log.Close())
}

// A firstLine passes the first line that is written to it to who waits for it.
type firstLine struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	line chan string
	done bool
}

func newFirstLine() *firstLine { return &firstLine{line: make(chan string, 1)} }

func (f *firstLine) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.done {
		f.buf.Write(p)
		if i := bytes.IndexByte(f.buf.Bytes(), '\n'); i >= 0 {
			f.line <- string(f.buf.Bytes()[:i])
			f.done = true
		}
	}
	return len(p), nil
}

func (f *firstLine) wait(d time.Duration) (string, error) {
	select {
	case line := <-f.line:
		return line, nil
	case <-time.After(d):
		return "", errors.New("it said nothing")
	}
}
