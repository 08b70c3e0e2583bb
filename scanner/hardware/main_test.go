//go:build hardware

package hardware

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cpmd/scanner"
	"cpmd/scanner/input"
	"cpmd/scanner/usb"
	"cpmd/scanner/usbemu"
)

// A line is what the subject tells: a scan, a status, or its own size.
type line struct {
	Lane      int
	Scan      string        `json:",omitempty"`
	Symbology string        `json:",omitempty"`
	State     scanner.State `json:",omitempty"`
	Device    string        `json:",omitempty"`
	Advice    string        `json:",omitempty"`
	Size      *size         `json:",omitempty"`
	at        time.Time
}

// A size is what a leak would make grow.
type size struct{ Files, Threads, Routines int }

// TestMain is the subject if it is told so: it reads the scanners of its argument until it is asked to end, and
// prints lines.
func TestMain(m *testing.M) {
	if cfg := os.Getenv("SUBJECT"); cfg != "" {
		os.Exit(subject(cfg))
	}
	os.Exit(m.Run())
}

func subject(cfg string) int {
	var configs []scanner.Config
	if err := json.Unmarshal([]byte(cfg), &configs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	var mu sync.Mutex
	say := func(l line) {
		mu.Lock()
		defer mu.Unlock()
		json.NewEncoder(os.Stdout).Encode(l)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ask := make(chan os.Signal, 1)
	signal.Notify(ask, syscall.SIGUSR1)
	go func() {
		for range ask {
			fds, _ := os.ReadDir("/proc/self/fd")
			threads, _ := os.ReadDir("/proc/self/task")
			say(line{Size: &size{len(fds) - 1, len(threads), runtime.NumGoroutine()}})
		}
	}()
	var running sync.WaitGroup
	for i, c := range configs {
		s, err := scanner.New(c)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		running.Go(func() { s.Run(ctx, sink{i, s, say}) })
	}
	running.Wait()
	return 0
}

type sink struct {
	lane int
	s    scanner.Scanner
	say  func(line)
}

func (k sink) Scanned(s scanner.Scan) {
	k.say(line{Lane: k.lane, Scan: string(s.Text), Symbology: s.Symbology, Device: s.Device})
	k.s.Beep(true)
}

func (k sink) StatusChanged(s scanner.Status) {
	k.say(line{Lane: k.lane, State: s.State, Device: s.Device, Advice: s.Advice})
}

// A process is a running subject.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	mu    sync.Mutex
	lines []line
	news  chan struct{}
}

func start(t *testing.T, configs ...scanner.Config) *process {
	t.Helper()
	return startAs(t, nil, configs...)
}

func startAs(t *testing.T, who *syscall.SysProcAttr, configs ...scanner.Config) *process {
	t.Helper()
	for i := range configs {
		configs[i].StateDir = "/tmp/scanners"
	}
	b, _ := json.Marshal(configs)
	p := &process{t: t, cmd: exec.Command("/proc/self/exe"), news: make(chan struct{}, 1)}
	p.cmd.Env = append(os.Environ(), "SUBJECT="+string(b))
	p.cmd.SysProcAttr = who
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			l := line{at: time.Now()}
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				continue
			}
			p.mu.Lock()
			p.lines = append(p.lines, l)
			p.mu.Unlock()
			select {
			case p.news <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.stop()
		}
	})
	return p
}

// stop ends the subject as a service manager does.
func (p *process) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the subject ended with %v", err)
	}
}

// wait waits for a line from number from on, and returns it and the number after it.
func (p *process) wait(from int, what string, ok func(line) bool) (line, int) {
	p.t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for {
		p.mu.Lock()
		i := slices.IndexFunc(p.lines[from:], ok)
		if i >= 0 {
			l := p.lines[from+i]
			p.mu.Unlock()
			return l, from + i + 1
		}
		p.mu.Unlock()
		select {
		case <-p.news:
		case <-limit.C:
			p.mu.Lock()
			defer p.mu.Unlock()
			p.t.Fatalf("%s: not within 30 s; lines from %d: %+v", what, from, p.lines[from:])
		}
	}
}

// state waits for a lane's state.
func (p *process) state(from, lane int, s scanner.State) (line, int) {
	p.t.Helper()
	return p.wait(from, fmt.Sprintf("lane %d %s", lane, s), func(l line) bool { return l.Lane == lane && l.State == s })
}

// scan waits for the next scan of a lane.
func (p *process) scan(from, lane int) (line, int) {
	p.t.Helper()
	return p.wait(from, fmt.Sprintf("a scan of lane %d", lane), func(l line) bool { return l.Lane == lane && l.Scan != "" })
}

// busy says that the scanner was not read in time because this machine was too busy: the code is dropped, the
// customer is to show it again, and so does a test that is not about speed.
const busy = "too busy"

// show sends a code until it arrives, and returns its line and the number after it.
func (p *process) show(from, lane int, send func()) (line, int) {
	p.t.Helper()
	for range 3 {
		send()
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			if len(p.scansFrom(from, lane)) > 0 {
				return p.scan(from, lane)
			}
		}
		if !p.saidBusy(lane) {
			break
		}
		p.t.Log("this machine was too busy: shown again")
	}
	return p.scan(from, lane)
}

// saidBusy reports whether the lane's scanner ever complained of this machine.
func (p *process) saidBusy(lane int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.lines, func(l line) bool { return l.Lane == lane && strings.Contains(l.Advice, busy) })
}

func (p *process) size() size {
	p.t.Helper()
	p.mu.Lock()
	from := len(p.lines)
	p.mu.Unlock()
	p.cmd.Process.Signal(syscall.SIGUSR1)
	l, _ := p.wait(from, "size", func(l line) bool { return l.Size != nil })
	return *l.Size
}

// scans returns all texts of a lane so far.
func (p *process) scans(lane int) (texts []string) { return p.scansFrom(0, lane) }

func (p *process) scansFrom(from, lane int) (texts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines[from:] {
		if l.Lane == lane && l.Scan != "" {
			texts = append(texts, l.Scan)
		}
	}
	return texts
}

func plug(t *testing.T, d usbemu.Device, port int) *usbemu.Plugged {
	t.Helper()
	p, err := usbemu.Plug(d, port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Unplug) // where the test does not get that far; twice does no harm
	return p
}

// poll waits for what it cannot be told of.
func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// device returns a device by its serial number, once the kernel knows it and has drivers for it.
func device(t *testing.T, serial string) usb.Device {
	t.Helper()
	var found usb.Device
	poll(t, serial+" in sysfs", func() bool {
		for _, d := range usb.Root("").Devices(func(d usb.Device) bool { return d.Serial == serial }) {
			found = d
			return len(d.Interfaces) > 0 && d.Interfaces[0].Driver != ""
		}
		return false
	})
	return found
}

// typedInto returns what a keyboard types into the console's input layer (evdev) while do runs.
func typedInto(t *testing.T, serial string, do func()) (keys int) {
	t.Helper()
	var event string
	poll(t, serial+" as a keyboard", func() bool {
		for _, d := range usb.Root("").Devices(func(d usb.Device) bool { return d.Serial == serial }) {
			for _, i := range d.Interfaces {
				if len(i.Events) > 0 {
					event = i.Events[0]
				}
			}
		}
		_, err := os.Stat(event)
		return event != "" && err == nil
	})
	return pressed(t, event, do)
}

// eventKeys returns the same of a device by its address, such as one over Bluetooth.
func eventKeys(t *testing.T, address string, do func()) (keys int) {
	t.Helper()
	for _, d := range input.Devices("") {
		if d.Unique == address {
			return pressed(t, d.Nodes[0], do)
		}
	}
	t.Fatalf("no input device %s", address)
	return 0
}

// pressed counts the keys that a node of the input layer tells of while do runs.
func pressed(t *testing.T, event string, do func()) (keys int) {
	t.Helper()
	f, err := os.OpenFile(filepath.Clean(event), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	do()
	// struct input_event is 24 bytes: time, type, code, value; type 1 is a key, value 1 a press
	buf := make([]byte, 24)
	f.SetReadDeadline(time.Now().Add(time.Second))
	for {
		n, err := f.Read(buf)
		if err != nil || n != 24 {
			return keys
		}
		if buf[16] == 1 && buf[20] == 1 {
			keys++
		}
	}
}
