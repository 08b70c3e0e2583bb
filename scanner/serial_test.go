package scanner

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// A line is a pty with a link to it, as udev links a scanner under a name that stays.
type line struct {
	*os.File // the scanner's end
	link     string
}

func plugLine(t *testing.T, link string) *line {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	name := slave.Name()
	slave.Close()
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	l := &line{master, link}
	t.Cleanup(func() { master.Close() })
	return l
}

func (l *line) unplug() {
	os.Remove(l.link)
	l.Close()
}

func (l *line) send(t *testing.T, s string) {
	t.Helper()
	if _, err := l.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc")
	}
	return len(fds)
}

func TestSerialCodesWithEveryTerminator(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ terminator, sent string }{
		{"auto", testCode + "\r" + testCode + "1\n" + testCode + "2\r\n"},
		{"cr", testCode + "\r" + testCode + "1\r\n" + testCode + "2\r"},
		{"lf", testCode + "\n" + testCode + "1\n" + testCode + "2\r\n"},
		{"crlf", testCode + "\r\n" + testCode + "1\r\n" + testCode + "2\r\n"},
		{"tab", testCode + "\t" + testCode + "1\t" + testCode + "2\t"},
		{"etx", "\x02" + testCode + "\x03\x02" + testCode + "1\x03\x02" + testCode + "2\x03"},
	} {
		t.Run(tc.terminator, func(t *testing.T) {
			l := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
			c := runScanner(t, mustNew(t, Config{Driver: "serial", Port: l.link, Terminator: tc.terminator}))
			c.waitState(t, Open)
			l.send(t, tc.sent)
			c.waitScans(t, testCode, testCode+"1", testCode+"2")
		})
	}
}

func TestSerialCodeWithoutTerminatorEndsBySilence(t *testing.T) {
	t.Parallel()
	l := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
	c := runScanner(t, mustNew(t, Config{Driver: "serial", Port: l.link, Terminator: "none"}))
	c.waitState(t, Open)
	start := time.Now()
	l.send(t, testCode)
	c.waitScans(t, testCode)
	if d := time.Since(start); d < 490*time.Millisecond {
		t.Errorf("a code without end was taken for whole after %v", d)
	}
	c.until(t, "time", func(s []Scan, _ []Status) bool { return time.Since(s[0].At) >= 490*time.Millisecond })
}

func TestSerialGarbageAndEndlessLinesDoNotSpoilTheNextCode(t *testing.T) {
	t.Parallel()
	l := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
	c := runScanner(t, mustNew(t, Config{Driver: "serial", Port: l.link}))
	c.waitState(t, Open)
	go l.WriteString("\x00\x00\r\n\r" + strings.Repeat("9", 5000) + "\r" + "\x00" + testCode + "\r")
	c.waitScans(t, testCode)
}

// A code that waited in the line until the port was opened may be an earlier customer's; so is what is left of one.
func TestSerialWhatWaitedForTheOpeningIsNobodys(t *testing.T) {
	t.Parallel()
	l := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
	l.send(t, testCode+"\r"+testCode[:7])
	c := runScanner(t, mustNew(t, Config{Driver: "serial", Port: l.link}))
	c.waitState(t, Open)
	l.send(t, testCode+"9\r")
	c.waitScans(t, testCode+"9")
}

func TestSerialScannerComesBackByItself(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "scanner")
	c := runScanner(t, mustNew(t, Config{Driver: "serial", Port: link}))
	st := c.waitState(t, Absent)
	if st.Advice == "" {
		t.Error("absent, and no word on what to do")
	}
	var want []string
	for i := range 5 {
		start := time.Now()
		l := plugLine(t, link)
		c.waitState(t, Open)
		if d := time.Since(start); d > calm+2*time.Second {
			t.Errorf("opened %v after it appeared", d)
		}
		text := testCode + string(rune('0'+i))
		want = append(want, text)
		l.send(t, text+"\r"+"28043884") // half a code is lost with the plug
		c.waitScans(t, want...)
		l.unplug()
		c.waitState(t, Lost)
	}
}

func TestSerialReplugsLeakNothing(t *testing.T) {
	link := filepath.Join(t.TempDir(), "scanner")
	c := runScanner(t, mustNew(t, Config{Driver: "serial", Port: link}))
	c.waitState(t, Absent)
	files, routines := openFiles(t), runtime.NumGoroutine()
	for range 6 {
		l := plugLine(t, link)
		c.waitState(t, Open)
		l.unplug()
		c.waitState(t, Lost)
	}
	deadline := time.Now().Add(20 * time.Second)
	for openFiles(t) > files || runtime.NumGoroutine() > routines {
		if time.Now().After(deadline) {
			t.Fatalf("%d files and %d goroutines, before: %d and %d", openFiles(t), runtime.NumGoroutine(), files, routines)
		}
		runtime.Gosched()
	}
}

// A scanner that takes no commands must cost neither scans nor the end of the program.
func TestSerialCommandsToADeafDeviceDoNotBlock(t *testing.T) {
	t.Parallel()
	l := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
	s := mustNew(t, Config{Driver: "serial", Port: l.link, Maker: "honeywell"})
	c := runScanner(t, s)
	c.waitState(t, Open)
	for len(c.texts()) < 50 { // fills the pty's buffer, which nobody empties
		for range 8 {
			s.Beep(true)
		}
		n := len(c.texts())
		l.send(t, testCode+"\r")
		c.until(t, "scan", func(scans []Scan, _ []Status) bool { return len(scans) > n })
	}
}

// A port is held by one program at a time, whoever runs it, and by nobody once that one was killed.
func TestSerialIsHeldByOne(t *testing.T) {
	t.Parallel()
	l := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
	first := runScanner(t, mustNew(t, Config{Driver: "serial", Port: l.link}))
	first.waitState(t, Open)
	second := runScanner(t, mustNew(t, Config{Driver: "serial", Port: l.link}))
	if st := second.waitState(t, Busy); !strings.Contains(st.Advice, "Another program holds") {
		t.Errorf("advice %q", st.Advice)
	}
	l.send(t, testCode+"\r")
	first.waitScans(t, testCode)
	f, err := os.OpenFile(l.link, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if left, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGEXCL); err != nil || left != 0 {
		t.Errorf("what a kill would leave behind: %d %v", left, err)
	}
}

// A scanner that waits for an answer gets it.
func TestSerialAnswers(t *testing.T) {
	t.Parallel()
	packet := []byte{0, 0xf3, 0, 0, 3} // Zebra's DECODE_DATA: a Code 128
	packet = append(packet, testCode...)
	packet[0] = byte(len(packet))
	sum := 0
	for _, b := range packet {
		sum += int(b)
	}
	packet = append(packet, byte(-sum>>8), byte(-sum))
	for _, tc := range []struct {
		cfg        Config
		sent, want string
	}{
		{Config{ACK: true}, testCode + "\r", "\x06"},
		{Config{Protocol: "ssi"}, string(packet), "\x00\x04\xd0\x04\x00\xff\x28"}, // after the waking byte
	} {
		l := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
		tc.cfg.Driver, tc.cfg.Port = "serial", l.link
		c := runScanner(t, mustNew(t, tc.cfg))
		c.waitState(t, Open)
		l.send(t, tc.sent)
		c.waitScans(t, testCode)
		got := make([]byte, len(tc.want))
		if _, err := io.ReadFull(l, got); err != nil || string(got) != tc.want {
			t.Errorf("%+v: answered % x, %v", tc.cfg, got, err)
		}
	}
}

func TestSerialBeep(t *testing.T) {
	t.Parallel()
	for _, quiet := range []bool{false, true} {
		l := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
		s := mustNew(t, Config{Driver: "serial", Port: l.link, Maker: "honeywell", Quiet: quiet, Arm: true})
		c := runScanner(t, s)
		c.waitState(t, Open)
		s.Beep(true)
		s.Beep(false)
		s.(Armer).Arm(true) // commands arrive in order: what comes before this one is the beep
		want := "\x16\x07\r\x16T\r"
		if quiet {
			want = "\x16T\r"
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(l, got); err != nil || string(got) != want {
			t.Errorf("quiet %t: sent %q, %v", quiet, got, err)
		}
	}
}

// The serial library panics for descriptors from 1024 on.
func TestSerialOpensInAProcessWithManyFiles(t *testing.T) {
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	if limit.Cur < 2000 {
		t.Skip("the limit on open files is too low to show it")
	}
	link := filepath.Join(t.TempDir(), "scanner")
	c := runScanner(t, mustNew(t, Config{Driver: "serial", Port: link}))
	c.waitState(t, Absent)
	for range 1100 {
		f, err := os.Open("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	for i := range 3 {
		l := plugLine(t, link)
		c.waitState(t, Open)
		l.send(t, testCode+"\r")
		c.until(t, "scan", func(scans []Scan, _ []Status) bool { return len(scans) == i+1 })
		l.unplug()
		c.waitState(t, Lost)
	}
}

func TestSerialPortThatIsNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	os.WriteFile(path, nil, 0o600)
	c := runScanner(t, mustNew(t, Config{Driver: "serial", Port: path}))
	if st := c.waitState(t, Denied); !strings.Contains(st.Advice, "not a serial port") {
		t.Errorf("advice %q", st.Advice)
	}
}

// A line is set as the scanner's is: 9600 8N1, or what the configuration says. A pty shows only the stop bits of it.
func TestSerialLineSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		cfg  Config
		want serial.Mode
	}{
		{Config{}, serial.Mode{BaudRate: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit}},
		{Config{DataBits: 7, Parity: "even"}, serial.Mode{BaudRate: 9600, DataBits: 7, Parity: serial.EvenParity, StopBits: serial.OneStopBit}},
		{Config{Baud: 115200, DataBits: 7, Parity: "space", StopBits: 2}, serial.Mode{BaudRate: 115200, DataBits: 7, Parity: serial.SpaceParity, StopBits: serial.TwoStopBits}},
		{Config{DataBits: 8, Parity: "none", StopBits: 1}, serial.Mode{BaudRate: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit}},
	} {
		if diff := cmp.Diff(tc.want, *tc.cfg.line()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tc.cfg, diff)
		}
	}
	l := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
	runScanner(t, mustNew(t, Config{Driver: "serial", Port: l.link, StopBits: 2})).waitState(t, Open)
	f, err := os.OpenFile(l.link, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if set, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != nil || set.Cflag&unix.CSTOPB == 0 {
		t.Errorf("the line is set to %+v, %v", set, err)
	}
}

// Prefix and suffix of the configuration are taken off, and what lacks them is said and dropped.
func TestSerialPrefixAndSuffix(t *testing.T) {
	t.Parallel()
	l := plugLine(t, filepath.Join(t.TempDir(), "scanner"))
	c := runScanner(t, mustNew(t, Config{Driver: "serial", Port: l.link, Prefix: "<", Suffix: ">"}))
	c.waitState(t, Open)
	l.send(t, testCode+"\r")
	c.until(t, "advice", func(_ []Scan, st []Status) bool { return strings.Contains(st[len(st)-1].Advice, "prefix") })
	l.send(t, "<"+testCode+">\r")
	c.waitScans(t, testCode)
}
