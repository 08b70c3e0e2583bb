package scanners

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"cpmd/scanner"
	"cpmd/scanner/usb"
)

var update = flag.Bool("update", false, "write the golden files")

// A tree builds a folder that looks like /sys and /dev.
type tree struct {
	t    *testing.T
	root string
}

func (b tree) file(path, content string) {
	b.t.Helper()
	path = filepath.Join(b.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// A function is one interface of a device in the tree.
type function struct {
	class, subclass, protocol string
	driver                    string
	descriptor                []byte
	tty                       string
}

func (b tree) plug(port, id, serial, maker, name string, functions ...function) {
	dev := "sys/bus/usb/devices/" + port + "/"
	vendor, product, _ := strings.Cut(id, ":")
	num := port[len(port)-1:]
	for file, content := range map[string]string{"idVendor": vendor, "idProduct": product, "serial": serial, "manufacturer": maker,
		"product": name, "busnum": "1", "devnum": num, "bDeviceClass": "00"} {
		b.file(dev+file, content+"\n")
	}
	b.file("dev/bus/usb/001/00"+num, "")
	for i, f := range functions {
		itf := dev + port + ":1." + string(rune('0'+i)) + "/"
		b.file(itf+"bInterfaceNumber", "0"+string(rune('0'+i)))
		b.file(itf+"bInterfaceClass", f.class)
		b.file(itf+"bInterfaceSubClass", f.subclass)
		b.file(itf+"bInterfaceProtocol", f.protocol)
		if f.driver != "" {
			os.Symlink("../"+f.driver, filepath.Join(b.root, itf, "driver"))
		}
		if f.descriptor != nil {
			b.file(itf+"0003:"+strings.ToUpper(id)+".0001/report_descriptor", string(f.descriptor))
		}
		if f.tty != "" {
			b.file(itf+"tty/"+f.tty+"/dev", "")
			b.file("dev/"+f.tty, "")
		}
	}
}

var (
	keyboardDescriptor = []byte{0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0xc0}
	posDescriptor      = []byte{0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0xc0}
	vendorDescriptor   = []byte{0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0xc0}
	ibmDescriptor      = []byte{0x06, 0x00, 0x4b, 0x09, 0x01, 0xa1, 0x01, 0xc0}

	keyboard = function{"03", "01", "01", "usbhid", keyboardDescriptor, ""}
	posMode  = function{"03", "00", "00", "usbhid", posDescriptor, ""}
	comMode  = function{"02", "02", "01", "cdc_acm", nil, "ttyACM0"}
)

var cases = []struct {
	name  string
	plug  func(tree)
	adapt func(*scanner.Survey)
}{
	{"nothing", func(tree) {}, nil},
	{"usable", func(b tree) {
		b.plug("1-3", "05f9:4204", "", "Datalogic ADC, Inc.", "Handheld Barcode Scanner", comMode, function{class: "0a", driver: "cdc_acm"})
		b.plug("1-4", "0c2e:0907", "18234B0A1C", "Honeywell Imaging & Mobility", "1900", posMode)
	}, nil},
	{"keyboard", func(b tree) {
		b.plug("1-2", "046d:c31c", "", "Logitech", "USB Keyboard", keyboard)
		b.plug("1-4", "05f9:2216", "S/N G14", "Datalogic", "QuickScan", keyboard)
	}, nil},
	{"denied", func(b tree) {
		b.plug("1-4", "0c2e:0907", "18234B0A1C", "Honeywell Imaging & Mobility", "1900", posMode)
		b.plug("1-5", "05f9:4204", "", "Datalogic ADC, Inc.", "Handheld Barcode Scanner", comMode)
	}, func(s *scanner.Survey) {
		s.Access = func(string) error { return syscall.EACCES }
		s.Group = func(path string) string {
			if strings.Contains(path, "tty") {
				return "dialout"
			}
			return "root"
		}
	}},
	{"wrong-mode", func(b tree) {
		b.plug("1-3", "05e0:1900", "", "Symbol Technologies, Inc, 2008", "Symbol Bar Code Scanner", function{"03", "00", "00", "usbhid", vendorDescriptor, ""})
		b.plug("1-4", "0c2e:0007", "", "Honeywell", "SurePOS Scanner", function{"03", "00", "00", "usbhid", ibmDescriptor, ""})
	}, nil},
	{"busy", func(b tree) {
		held := posMode
		held.driver, held.descriptor = "usbfs", nil // which the kernel shows only while its own driver has it
		b.plug("1-4", "0c2e:0907", "18234B0A1C", "Honeywell Imaging & Mobility", "1900", held)
		b.plug("1-5", "05f9:4204", "", "Datalogic ADC, Inc.", "Handheld Barcode Scanner", comMode)
		b.plug("1-6", "051d:0002", "", "APC", "Back-UPS", held)
	}, func(s *scanner.Survey) {
		s.Holder = func(path string) string {
			if strings.Contains(path, "tty") {
				return "minicom (process 812)"
			}
			return "cpmd (process 640)"
		}
	}},
	{"ibm-hand-held", func(b tree) {
		b.plug("1-3", "05e0:0600", "", "Symbol Technologies, Inc, 2008", "Symbol Bar Code Scanner", function{"03", "00", "00", "usbhid", vendorDescriptor, ""})
	}, nil},
	{"bluetooth", func(b tree) {
		dir := "sys/class/input/input7/"
		for name, content := range map[string]string{"id/bustype": "0005", "id/vendor": "05e0", "id/product": "1701", "name": "Symbol CS4070",
			"uniq": "00:11:22:33:44:55", "capabilities/key": "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe", "event3/dev": ""} {
			b.file(dir+name, content+"\n")
		}
	}, nil},
	{"two-alike", func(b tree) {
		b.plug("1-4", "0c2e:0907", "", "Honeywell Imaging & Mobility", "1900", posMode)
		b.plug("1-5", "0c2e:0907", "", "Honeywell Imaging & Mobility", "1900", posMode)
	}, nil},
}

func TestOutput(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/scanners.md")
	if err != nil && !*update {
		t.Fatal(err)
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			b := tree{t, t.TempDir()}
			tc.plug(b)
			survey := scanner.Survey{Root: usb.Root(b.root), Access: func(string) error { return nil }, Holder: func(string) string { return "" }}
			if tc.adapt != nil {
				tc.adapt(&survey)
			}
			var stdout, stderr bytes.Buffer
			if code := run(nil, &stdout, &stderr, survey); code != 0 || stderr.Len() > 0 {
				t.Errorf("exit %d, %s", code, &stderr)
			}
			golden := filepath.Join("testdata", tc.name+".txt")
			if *update {
				os.MkdirAll("testdata", 0o755)
				os.WriteFile(golden, stdout.Bytes(), 0o644)
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), stdout.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if !strings.Contains(string(doc), "```\n"+string(want)+"```\n") {
				t.Errorf("docs/scanners.md does not show this output")
			}
		})
	}
}

// Whatever line the command offers, the daemon must take.
func TestConfigLinesAreValid(t *testing.T) {
	for _, tc := range cases {
		b := tree{t, t.TempDir()}
		tc.plug(b)
		survey := scanner.Survey{Root: usb.Root(b.root), Access: func(string) error { return nil }, Holder: func(string) string { return "" }}
		for _, c := range survey.Candidates() {
			if c.Config == "" {
				continue
			}
			cfg := scanner.Config{Driver: "hid", Vendor: c.USB.Vendor, Product: c.USB.Product, Serial: c.USB.Serial}
			switch c.Mode {
			case scanner.ModeCOM:
				cfg.Driver = "serial"
			case scanner.ModeInput:
				cfg.Driver = "evdev"
			}
			if !strings.Contains(c.Config, fmt.Sprintf("driver = %q, vendor = %q, product = %q", cfg.Driver, cfg.Vendor, cfg.Product)) {
				t.Errorf("%s: %s", c.Name, c.Config)
			}
			if faults := cfg.Check(); len(faults) > 0 {
				t.Errorf("%s: %v", c.Config, faults)
			}
		}
	}
}

func TestMisuse(t *testing.T) {
	for _, args := range [][]string{{"-learn", "-release"}, {"extra"}, {"-unknown"}} {
		var stdout, stderr bytes.Buffer
		if code := run(args, &stdout, &stderr, scanner.Survey{Root: usb.Root(t.TempDir())}); code != misuse || stderr.Len() == 0 {
			t.Errorf("%q: exit %d, %q", args, code, &stderr)
		}
	}
}

func TestReleaseWithNothingLeft(t *testing.T) {
	var stdout, stderr bytes.Buffer
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "1-4:1.0"), []byte("0c2e:0907 \n"), 0o644) // unplugged since
	if code := run([]string{"-release", "-state-dir", dir}, &stdout, &stderr, scanner.Survey{Root: usb.Root(t.TempDir())}); code != 0 {
		t.Errorf("exit %d: %s", code, &stderr)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 || stdout.String() != "Nothing was left behind.\n" {
		t.Errorf("notes %v, said %q", left, &stdout)
	}
}

func TestLearnWithNothingThere(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run([]string{"-learn"}, &stdout, &stderr, scanner.Survey{Root: usb.Root(t.TempDir())}); code != failed || !strings.Contains(stderr.String(), "cpmd scanners") {
		t.Errorf("exit %d, %q", code, &stderr)
	}
}

// What a scanner types while the command listens is neither shown nor left for the shell to run.
func TestHushKeepsCodesOutOfTheTerminal(t *testing.T) {
	person, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer person.Close()
	defer terminal.Close()
	before, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	end := Hush(terminal)
	person.WriteString("280438849930815813\r")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		end()
	}()
	person.WriteString("280438849930815813\r") // the kernel is late
	<-ended
	after, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal is not as before: %+v, %v", after, err)
	}
	person.WriteString("ls\r") // what a person types next
	line := make([]byte, 100)
	n, err := terminal.Read(line)
	if string(line[:n]) != "ls\n" || err != nil {
		t.Errorf("the shell reads %q, %v", line[:n], err)
	}
	n, err = person.Read(line)
	if shown := string(line[:n]); strings.Contains(shown, "2804") || err != nil {
		t.Errorf("the terminal shows %q, %v", shown, err)
	}
}

func TestHushLeavesOtherFilesAlone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.WriteString("kept")
	Hush(r)()
	got := make([]byte, 10)
	if n, err := r.Read(got); string(got[:n]) != "kept" || err != nil {
		t.Errorf("read %q, %v", got[:n], err)
	}
}
