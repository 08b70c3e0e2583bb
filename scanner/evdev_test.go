package scanner

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cpmd/scanner/usb"
)

// grabbed are the paths that another program has to itself; pipes cannot be grabbed, so tests only look here.
var grabbed sync.Map

func init() {
	grabNode = func(fd int) error {
		path, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		if _, taken := grabbed.Load(path); taken {
			return unix.EBUSY
		}
		return nil
	}
}

// The keys that a keyboard has, as the kernel shows them, and those of a box with a volume knob.
const (
	typingKeys = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe"
	volumeKeys = "e080ffdf01cfffff fffffffffffffffe 0"
)

// input adds an input device with its event nodes, the first of which types. They come as close together as the kernel's.
func (b *fakeBus) input(n, bus int, id, unique, name string, events ...int) (nodes []*os.File) {
	b.t.Helper()
	vendor, product, _ := strings.Cut(id, ":")
	parent := fmt.Sprintf("sys/devices/virtual/misc/uhid/%d", n)
	class := filepath.Join(b.root, "sys/class/input")
	os.MkdirAll(class, 0o755)
	for _, e := range events {
		nodes = append(nodes, b.pipe(fmt.Sprintf("dev/input/event%d", e)))
	}
	for i, e := range events {
		dir := fmt.Sprintf("%s/input/input%d", parent, n+i)
		keys := typingKeys
		if i > 0 {
			keys = volumeKeys
		}
		for file, content := range map[string]string{"id/bustype": fmt.Sprintf("%04x", bus), "id/vendor": vendor, "id/product": product,
			"uniq": unique, "name": name, "capabilities/key": keys, fmt.Sprintf("event%d/dev", e): ""} {
			b.file(dir+"/"+file, content+"\n")
		}
		os.Symlink("../..", filepath.Join(b.root, dir, "device"))
	}
	for i := range events {
		os.Symlink(filepath.Join(b.root, parent, fmt.Sprintf("input/input%d", n+i)), filepath.Join(class, fmt.Sprintf("input%d", n+i)))
	}
	return nodes
}

func (b *fakeBus) noInput(n int) {
	os.RemoveAll(filepath.Join(b.root, fmt.Sprintf("sys/class/input/input%d", n)))
}

// press makes the events of digits and Enter.
func press(digits string) (all []byte) {
	for _, r := range typed(digits) {
		if key := r[2]; key != 0 {
			all = append(all, event(evdevKeys[key], 1)...)
			all = append(all, make([]byte, inputEvent)...) // SYN_REPORT
			all = append(all, event(evdevKeys[key], 0)...)
			all = append(all, make([]byte, inputEvent)...)
		}
	}
	return all
}

func (b *fakeBus) evdev(serial string) Config {
	return Config{Driver: "evdev", Vendor: "05e0", Product: "1701", Serial: serial, Root: b.root}
}

func TestEvdevScannerComesBackByItself(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	bus.input(1, 3, "046d:c31c", "", "USB Keyboard", 1)
	c := runScanner(t, newReader(newEventDriver(bus.evdev(""))))
	c.waitState(t, Absent)
	nodes := bus.input(7, 5, "05e0:1701", "00:11:22:33:44:55", "Symbol Scanner", 9, 10)
	if st := c.waitState(t, Open); st.Device != filepath.Join(bus.root, "dev/input/event9") {
		t.Errorf("opened %s", st.Device)
	}
	nodes[0].Write(press(testCode))
	c.waitScans(t, testCode)
	nodes[1].Write(press(testCode + "1")) // whichever of its nodes types
	c.waitScans(t, testCode, testCode+"1")
	bus.noInput(7)
	bus.noInput(8)
	nodes[0].Write(make([]byte, inputEvent-1)) // as good as an error
	c.waitState(t, Lost)
	for _, n := range []string{"9", "10"} {
		os.Remove(filepath.Join(bus.root, "dev/input/event"+n))
	}
	again := bus.input(17, 5, "05e0:1701", "00:11:22:33:44:55", "Symbol Scanner", 11)
	c.waitState(t, Open)
	again[0].Write(press(testCode + "2"))
	c.waitScans(t, testCode, testCode+"1", testCode+"2")
}

// The kernel adds the nodes of a device one after the other: it is opened when they are all there.
func TestEvdevWaitsForAllNodes(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	bus.input(7, 5, "05e0:1701", "", "Symbol Scanner", 9)
	d := newEventDriver(bus.evdev(""))
	if l, st := d.open(); l != nil || st.State != Busy {
		t.Fatalf("opened at first sight: %+v", st)
	}
	os.Remove(filepath.Join(bus.root, "dev/input/event9"))
	bus.noInput(7)
	bus.input(7, 5, "05e0:1701", "", "Symbol Scanner", 9, 10)
	if l, st := d.open(); l != nil || st.State != Busy {
		t.Fatalf("opened although a node was new: %+v", st)
	}
	l, st := d.open()
	if l == nil {
		t.Fatalf("not opened: %+v", st)
	}
	defer l.Close()
	if n := len(l.handle.(*eventHandle).nodes); n != 2 {
		t.Errorf("%d of 2 nodes opened", n)
	}
}

// Events that the kernel dropped cost the code that they were part of, which is said, and no other. A key that no
// scanner types spoils its code.
func TestEvdevLostAndStrangeKeys(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	nodes := bus.input(7, 5, "05e0:1701", "", "Symbol Scanner", 9)
	c := runScanner(t, newReader(newEventDriver(bus.evdev(""))))
	c.waitState(t, Open)
	dropped := make([]byte, inputEvent)
	binary.NativeEndian.PutUint16(dropped[inputEvent-6:], synDropped)
	code := press("1234")
	nodes[0].Write(append(append(append(code[:len(code)/2:len(code)/2], dropped...), make([]byte, inputEvent)...), code[len(code)/2:]...))
	c.until(t, "advice", func(_ []Scan, st []Status) bool { return strings.Contains(st[len(st)-1].Advice, "too busy") })
	nodes[0].Write(press("5678"))
	c.waitScans(t, "5678")
	code = press("1234")
	nodes[0].Write(append(append(code[:len(code)/2:len(code)/2], event(240, 1)...), code[len(code)/2:]...))
	c.until(t, "advice", func(_ []Scan, st []Status) bool { return strings.Contains(st[len(st)-1].Advice, "layout") })
	nodes[0].Write(append(event(240, 0), press("90")...))
	c.waitScans(t, "5678", "90")
}

func TestEvdevTellsDevicesApart(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	bus.input(7, 5, "05e0:1701", "AA", "Symbol Scanner", 9)
	bus.input(8, 5, "05e0:1701", "BB", "Symbol Scanner", 10)
	if st := runScanner(t, newReader(newEventDriver(bus.evdev("")))).waitState(t, Denied); !strings.Contains(st.Advice, "address") {
		t.Errorf("advice %q", st.Advice)
	}
	if st := runScanner(t, newReader(newEventDriver(bus.evdev("BB")))).waitState(t, Open); !strings.HasSuffix(st.Device, "event10") {
		t.Errorf("opened %s", st.Device)
	}
	link := filepath.Join(bus.root, "dev/by-id")
	os.Symlink(filepath.Join(bus.root, "dev/input/event9"), link)
	byPort := Config{Driver: "evdev", Port: link, Root: bus.root}
	if st := runScanner(t, newReader(newEventDriver(byPort))).waitState(t, Open); !strings.HasSuffix(st.Device, "event9") {
		t.Errorf("opened %s", st.Device)
	}
}

func TestEvdevInUse(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	bus.input(7, 5, "05e0:1701", "", "Symbol Scanner", 9)
	node := filepath.Join(bus.root, "dev/input/event9")
	grabbed.Store(node, true)
	c := runScanner(t, newReader(newEventDriver(bus.evdev(""))))
	if st := c.waitState(t, Busy); !strings.Contains(st.Advice, "Another program has the scanner") {
		t.Errorf("advice %q", st.Advice)
	}
	grabbed.Delete(node)
	c.waitState(t, Open)
}

// Bluetooth scanners are listed with the line for them; keyboards that USB lists already are not listed twice.
func TestSurveyListsBluetooth(t *testing.T) {
	bus := newFakeBus(t)
	bus.input(1, 3, "046d:c31c", "", "USB Keyboard", 1)
	bus.input(7, 5, "05e0:1701", "00:11:22:33:44:55", "Symbol Scanner", 9, 10)
	bus.input(9, 5, "04e8:7021", "", "A Keyboard", 12)
	s := Survey{Root: usb.Root(bus.root), Access: func(string) error { return nil }, Holder: func(string) string { return "" }}
	got := s.Candidates()
	if len(got) != 2 || !got[0].Sure || got[1].Sure || got[0].Mode != ModeInput || got[0].State != Open {
		t.Fatalf("candidates %+v", got)
	}
	if want := `scanner = { driver = "evdev", vendor = "05e0", product = "1701", serial = "00:11:22:33:44:55" }`; got[0].Config != want || got[0].Rule() != "" {
		t.Errorf("config %s, rule %s", got[0].Config, got[0].Rule())
	}
	if !strings.Contains(got[1].Advice, "never opened") || !strings.Contains(got[1].Rule(), `ATTRS{id/vendor}=="04e8"`) {
		t.Errorf("a keyboard: %q, rule %q", got[1].Advice, got[1].Rule())
	}
}

// Learning from a scanner with several event nodes listens to all of them, and does not grab them.
func TestLearnFromAnyNode(t *testing.T) {
	t.Parallel()
	for _, which := range []int{0, 1} {
		bus := newFakeBus(t)
		nodes := bus.input(7, 5, "05e0:1701", "", "Symbol Scanner", 9, 10)
		grabbed.Store(filepath.Join(bus.root, "dev/input/event9"), true) // a grab would fail
		l, ok := bus.learn(false, func() { nodes[which].Write(press(testCode)) })
		if !ok || string(l.Scan.Text) != testCode || !strings.Contains(l.Candidate.Config, `driver = "evdev"`) || !strings.Contains(l.Candidate.Config, `terminator = "cr"`) {
			t.Errorf("node %d: learned %+v %t", which, l, ok)
		}
	}
}

// A code of which the kernel dropped events is not learned from: the next one is.
func TestLearnOnlyFromWholeCodes(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	nodes := bus.input(7, 5, "05e0:1701", "", "Symbol Scanner", 9)
	dropped := make([]byte, inputEvent)
	binary.NativeEndian.PutUint16(dropped[inputEvent-6:], synDropped)
	code, sent := press(testCode), 0
	l, ok := bus.learn(false, func() {
		if sent++; sent == 2 {
			nodes[0].Write(append(append(code[:8*inputEvent:8*inputEvent], dropped...), make([]byte, inputEvent)...))
			nodes[0].Write(code[len(code)-12*inputEvent:])
		} else if sent == 5 {
			nodes[0].Write(code)
		}
	})
	if !ok || string(l.Scan.Text) != testCode {
		t.Errorf("learned from %q", string(l.Scan.Text))
	}
}

// Listening may begin in the middle of a code: the rest of it is not learned from, and so not shown.
func TestLearnNotFromTheRestOfACode(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	nodes := bus.input(7, 5, "05e0:1701", "", "Symbol Scanner", 9)
	code := press(testCode)
	nodes[0].Write(code[len(code)/2:])
	if l, ok := bus.learn(false, func() { nodes[0].Write(code) }); !ok || string(l.Scan.Text) != testCode {
		t.Errorf("learned from %q", string(l.Scan.Text))
	}
}

// A scanner that sends no end is learned too, after one code and a second of silence.
func TestLearnFromAScannerWithoutTerminator(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	nodes := bus.input(7, 5, "05e0:1701", "", "Symbol Scanner", 9)
	code := press(testCode)
	var at time.Time
	l, ok := bus.learn(false, func() {
		if time.Since(at) > 1500*time.Millisecond { // which leaves time for the silence
			nodes[0].Write(code[:len(code)-4*inputEvent]) // without Enter
			at = time.Now()
		}
	})
	if !ok || string(l.Scan.Text) != testCode || !strings.Contains(l.Candidate.Config, `terminator = "none"`) || !strings.Contains(l.Advice, "Enter") {
		t.Errorf("learned %+v %t", l, ok)
	}
}
