package certify

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A bill is what the till is asked to collect.
type bill struct {
	ID, Currency, Ticket string
	Amount               int64
}

// A verdict is what a till says in the end, by its exit status, which are those of cpmctl.
type verdict int

const (
	saysPaid     verdict = 0
	saysNotPaid  verdict = 1
	saysNotKnown verdict = 2
	saysMisused  verdict = 64 // it refuses the bill as it stands, for a person to correct
	saysNothing  verdict = -1 // it did not end, or with another status
)

func (v verdict) String() string {
	switch v {
	case saysPaid:
		return "paid"
	case saysNotPaid:
		return "not paid"
	case saysNotKnown:
		return "not known"
	case saysMisused:
		return "wrong usage"
	}
	return "nothing"
}

// A run is the till's program, started once for a bill.
type run struct {
	cmd   *exec.Cmd
	out   output
	ended chan struct{}
	late  atomic.Bool // it was stopped because it took too long
}

// start starts the till. It is the leader of a group, so that what it starts itself ends with it.
func start(command []string, b bill, f *front, dir string, limit time.Duration) (*run, error) {
	args := fill(command, b, f)
	r := &run{cmd: exec.Command(args[0], args[1:]...), ended: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), "CPMD_SOCKET="+f.Socket(), "CPMD_LINE="+f.Line(), "CPMD_URL=http://"+f.httpAddr,
		"CPMD_LINE_ADDR="+f.lineAddr, "CPMD_TOKEN_FILE="+f.TokenFile(), "CPMD_TILL_DIR="+dir)
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	r.cmd.WaitDelay = time.Second
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("the till cannot be started: %w", err)
	}
	tooLate := time.AfterFunc(limit, func() { r.late.Store(true); r.signal(syscall.SIGKILL) })
	go func() {
		_ = r.cmd.Wait()
		tooLate.Stop()
		r.signal(syscall.SIGKILL) // what it left behind
		close(r.ended)
	}()
	return r, nil
}

func (r *run) signal(s syscall.Signal) { _ = syscall.Kill(-r.cmd.Process.Pid, s) }

// kill ends the till as a power cut would.
func (r *run) kill() {
	r.signal(syscall.SIGKILL)
	<-r.ended
}

func (r *run) verdict() verdict {
	<-r.ended
	code := verdict(r.cmd.ProcessState.ExitCode())
	if r.late.Load() || !slices.Contains([]verdict{saysPaid, saysNotPaid, saysNotKnown, saysMisused}, code) {
		return saysNothing
	}
	return code
}

// said is how it ended, in words.
func (r *run) said(limit time.Duration) string {
	switch v := r.verdict(); {
	case r.late.Load():
		return fmt.Sprintf("it did not end within %v", limit)
	case v == saysNothing:
		return "it ended with " + r.cmd.ProcessState.String() + ", which is no verdict"
	default:
		return fmt.Sprintf("it said %q", v)
	}
}

// fill puts a bill into the command. Without a {name} in it, the bill follows the command.
func fill(command []string, b bill, f *front) []string {
	amount := strconv.FormatInt(b.Amount, 10)
	values := strings.NewReplacer("{id}", b.ID, "{amount}", amount, "{decimal}", amount[:len(amount)-2]+"."+amount[len(amount)-2:],
		"{currency}", b.Currency, "{ticket}", b.Ticket, "{socket}", f.Socket(), "{line}", f.Line(),
		"{url}", "http://"+f.httpAddr, "{token_file}", f.TokenFile())
	filled := make([]string, len(command))
	named := false
	for i, word := range command {
		filled[i] = values.Replace(word)
		named = named || filled[i] != word
	}
	if !named {
		filled = append(filled, b.ID, amount, b.Currency, b.Ticket)
	}
	return filled
}

// An output is what a till printed; the last lines of it are kept.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const outputLimit = 16 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	if over := o.buf.Len() - outputLimit; over > 0 {
		o.buf.Next(over)
	}
	return len(p), nil
}

// last returns the last n lines.
func (o *output) last(n int) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := strings.Split(strings.TrimRight(o.buf.String(), "\n"), "\n")
	if len(all) == 1 && all[0] == "" {
		return nil
	}
	return all[max(0, len(all)-n):]
}
