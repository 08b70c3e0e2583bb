package scanner

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cpmd/scanner/usb"
)

// pipe makes a FIFO in the place of a device node and returns the device's end.
func (b *fakeBus) pipe(path string) *os.File {
	b.t.Helper()
	path = filepath.Join(b.root, path)
	os.MkdirAll(filepath.Dir(path), 0o755)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		b.t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { f.Close() })
	return f
}

// learn runs Learn on the bus until a code comes; send is called while it listens.
func (b *fakeBus) learn(all bool, send func()) (Learned, bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	type answer struct {
		l  Learned
		ok bool
	}
	got := make(chan answer, 1)
	s := Survey{Root: usb.Root(b.root), Access: func(string) error { return nil }, Holder: func(string) string { return "" }}
	go func() {
		l, ok := s.Learn(ctx, all, func(c Candidate, err error) { b.t.Errorf("%s: %v", c.Name, err) })
		got <- answer{l, ok}
	}()
	again := time.NewTicker(400 * time.Millisecond) // less often than a code takes, and the silence before it
	defer again.Stop()
	for {
		select {
		case a := <-got:
			return a.l, a.ok
		case <-again.C:
			send()
		}
	}
}

// event makes a struct input_event of a key.
func event(code uint16, value uint32) []byte {
	b := make([]byte, inputEvent)
	binary.NativeEndian.PutUint16(b[inputEvent-8:], 1)
	binary.NativeEndian.PutUint16(b[inputEvent-6:], code)
	binary.NativeEndian.PutUint32(b[inputEvent-4:], value)
	return b
}

func TestLearnFromAKeyboardWithoutGrabbingIt(t *testing.T) {
	t.Parallel()
	b := newFakeBus(t)
	b.plug("1-3", "0c2e", "0907", "", posDescriptor)
	b.pipe("dev/hidraw7")
	b.file("sys/bus/usb/devices/1-3/1-3:1.0/0003:0C2E:0907.0001/hidraw/hidraw7/dev", "")
	b.plug("1-4", "046d", "c31c", "", []byte{0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0xc0})
	b.file("sys/bus/usb/devices/1-4/1-4:1.0/0003:0C2E:0907.0001/input/input5/event3/dev", "")
	keys := b.pipe("dev/input/event3")
	l, ok := b.learn(false, func() {
		for _, key := range []uint16{evdevKeys[0x1f], evdevKeys[0x25], evdevKeys[0x27], evdevKeys[0x21]} { // 2804
			keys.Write(event(key, 1))
			keys.Write(event(key, 0))
		}
		keys.Write(event(evdevKeys[0xe1], 1)) // Shift
		keys.Write(event(evdevKeys[0x04], 1))
		keys.Write(event(evdevKeys[0x04], 2)) // repeated by the kernel
		keys.Write(event(evdevKeys[0x04], 0))
		keys.Write(event(evdevKeys[0xe1], 0))
		keys.Write(event(evdevKeys[keyEnterUsage], 1))
		keys.Write(event(evdevKeys[keyEnterUsage], 0))
	})
	if !ok || l.Candidate.USB.Port != "1-4" || string(l.Scan.Text) != "2804A" || !strings.Contains(l.Candidate.Config, "046d") {
		t.Errorf("learned %+v %q", l, string(l.Scan.Text))
	}
	if !l.Candidate.Sure || !strings.Contains(l.Candidate.Advice, "USB-COM") {
		t.Errorf("what has scanned is no scanner: %+v", l.Candidate)
	}
}

// What cannot be listened to is said, with what to do.
func TestLearnSaysWhoHasTheScanner(t *testing.T) {
	t.Parallel()
	for driver, want := range map[string]string{"usbfs": "cpmd daemon", "": "-release"} {
		b := newFakeBus(t)
		d := b.plug("1-4", "0c2e", "0907", "", nil)
		itf := filepath.Join(d.dir, d.path)
		os.RemoveAll(filepath.Join(itf, "0003:0C2E:0907.0001"))
		os.Remove(filepath.Join(itf, "driver"))
		if driver != "" {
			os.Symlink("../../"+driver, filepath.Join(itf, "driver"))
		}
		s := Survey{Root: usb.Root(b.root), Access: func(string) error { return nil }, Holder: func(string) string { return "" }}
		var said []string
		_, ok := s.Learn(t.Context(), false, func(_ Candidate, err error) { said = append(said, err.Error()) })
		if ok || len(said) != 1 || !strings.Contains(said[0], want) {
			t.Errorf("driver %q: %t, said %q", driver, ok, said)
		}
	}
}

func TestHints(t *testing.T) {
	for _, tc := range []struct {
		mode Mode
		text string
		want string
	}{
		{ModeKeyboard, "280438849930815813", ""},
		{ModeKeyboard, "@*)$#**$((#)*!%*!#", `layout = "fr"`},
		{ModeKeyboard, "HqvdufyWm==", "invert_caps = true"},
		{ModeKeyboard, "hQVDUFZwMQ)", `layout = "de"`},
		{ModePOS, "HqvdufyWm==", ""},
		{ModeCOM, "]C0280438849930815813", "aim = true"},
		{ModeCOM, "hQVDUFYwMQ==", ""},
	} {
		if got := hint(tc.mode, tc.text); (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s, %q: %q, want %q", tc.mode, tc.text, got, tc.want)
		}
	}
}

const keyEnterUsage = 0x28

func TestLearnFromHIDPOS(t *testing.T) {
	t.Parallel()
	b := newFakeBus(t)
	b.plug("1-3", "0c2e", "0907", "", posDescriptor)
	b.file("sys/bus/usb/devices/1-3/1-3:1.0/0003:0C2E:0907.0001/hidraw/hidraw7/dev", "")
	raw := b.pipe("dev/hidraw7")
	l, ok := b.learn(false, func() { raw.Write(honeywell(testCode)[:64]) })
	if !ok || l.Candidate.Mode != ModePOS || string(l.Scan.Text) != testCode || l.Scan.Symbology != "C0" {
		t.Errorf("learned %+v", l)
	}
}

func TestLearnFromSerial(t *testing.T) {
	t.Parallel()
	b := newFakeBus(t)
	b.plug("1-3", "1a86", "7523", "", nil)
	b.file("sys/bus/usb/devices/1-3/1-3:1.1/tty/ttyACM0/dev", "")
	os.MkdirAll(filepath.Join(b.root, "dev"), 0o755)
	l := plugLine(t, filepath.Join(b.root, "dev/ttyACM0"))
	if _, ok := b.learn(false, func() {}); ok {
		t.Error("a port that may be anything was opened without being asked to")
	}
	got, ok := b.learn(true, func() { l.WriteString("]Q1hQVDUFYwMQ==\r") })
	if !ok || got.Candidate.Mode != ModeCOM || !strings.Contains(got.Advice, "aim = true") {
		t.Errorf("learned %+v", got)
	}
}

func TestMasked(t *testing.T) {
	for text, want := range map[Text]string{
		"4006381333931":                "4006381333931",
		testCode:                       "2804**********5813",
		"hQVDUFYwMWETTwegAAAAVQE":      "hQVD***************AVQE",
		Text(strings.Repeat("x", 120)): "xxxx****************xxxx",
	} {
		if got := text.Masked(); got != want {
			t.Errorf("%q shown as %q, want %q", string(text), got, want)
		}
	}
}

// A port that another program looks into for a moment is learned from all the same.
func TestLearnFromAPortThatIsBusyForAMoment(t *testing.T) {
	t.Parallel()
	b := newFakeBus(t)
	b.plug("1-3", "1a86", "7523", "", nil)
	b.file("sys/bus/usb/devices/1-3/1-3:1.1/tty/ttyACM0/dev", "")
	os.MkdirAll(filepath.Join(b.root, "dev"), 0o755)
	l := plugLine(t, filepath.Join(b.root, "dev/ttyACM0"))
	other, err := openSerial(l.link, Config{})
	if err != nil {
		t.Fatal(err)
	}
	let := time.AfterFunc(300*time.Millisecond, func() { other.Close() })
	defer let.Stop()
	if got, ok := b.learn(true, func() { l.WriteString("1234\r") }); !ok || string(got.Scan.Text) != "1234" || !strings.Contains(got.Candidate.Config, `terminator = "cr"`) {
		t.Errorf("learned %+v", got)
	}
}
