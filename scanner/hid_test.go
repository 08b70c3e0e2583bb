package scanner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fakeBus is a folder that looks like /sys and /dev, and the devices plugged into it.
type fakeBus struct {
	t    *testing.T
	root string
	mu   sync.Mutex
	devs map[string]*fakeDevice // by interface path
}

func newFakeBus(t *testing.T) *fakeBus {
	return &fakeBus{t: t, root: t.TempDir(), devs: map[string]*fakeDevice{}}
}

// A fakeDevice is one HID interface. Reads time out at once unless there is something.
type fakeDevice struct {
	bus     *fakeBus
	path    string
	dir     string
	node    string
	reports chan []byte
	gone    chan struct{}
	written chan []byte
	closed  chan struct{} // gets a value at each Close
}

func (b *fakeBus) file(path, content string) {
	b.t.Helper()
	path = filepath.Join(b.root, path)
	os.MkdirAll(filepath.Dir(path), 0o755)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// plug adds a device with one HID interface.
func (b *fakeBus) plug(port, vendor, product, serial string, descriptor []byte) *fakeDevice {
	b.t.Helper()
	dev := "sys/bus/usb/devices/" + port
	b.itf(port+":1.0", descriptor)
	b.file(dev+"/busnum", "1\n")
	b.file(dev+"/devnum", port[2:]+"\n")
	b.file(dev+"/serial", serial+"\n")
	b.file(dev+"/idProduct", product+"\n")
	b.file("dev/bus/usb/001/00"+port[2:], "")
	b.file(dev+"/idVendor", vendor+"\n")
	d := &fakeDevice{bus: b, path: port + ":1.0", dir: filepath.Join(b.root, dev), node: filepath.Join(b.root, "dev/bus/usb/001/00"+port[2:]),
		reports: make(chan []byte, 1000), gone: make(chan struct{}), written: make(chan []byte, 10), closed: make(chan struct{}, 10)}
	b.mu.Lock()
	b.devs[d.path] = d
	b.mu.Unlock()
	return d
}

// itf adds a HID interface to what will be a device.
func (b *fakeBus) itf(path string, descriptor []byte) {
	b.t.Helper()
	port, _, _ := strings.Cut(path, ":")
	itf := "sys/bus/usb/devices/" + port + "/" + path
	b.file(itf+"/bInterfaceNumber", "0"+path[len(path)-1:]+"\n")
	b.file(itf+"/bInterfaceClass", "03\n")
	b.file(itf+"/bInterfaceSubClass", "00\n")
	b.file(itf+"/bInterfaceProtocol", "00\n")
	b.file(itf+"/ep_81/type", "Interrupt\n")
	b.file(itf+"/ep_81/wMaxPacketSize", "0040\n")
	b.file(itf+"/0003:0C2E:0907.0001/report_descriptor", string(descriptor))
	os.Symlink("../../../../drivers/usbhid", filepath.Join(b.root, itf, "driver"))
}

func (d *fakeDevice) unplug() {
	d.bus.mu.Lock()
	delete(d.bus.devs, d.path)
	d.bus.mu.Unlock()
	os.RemoveAll(d.dir)
	os.Remove(d.node)
	close(d.gone)
}

func (b *fakeBus) supported() bool { return true }

func (b *fakeBus) open(path string, _ bool) (handle, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.devs[path]; d != nil {
		return d, nil
	}
	return nil, errors.New("hidapi: failed to open device")
}

func (d *fakeDevice) Read() (arrived, error) {
	timer := time.NewTimer(readWait)
	defer timer.Stop()
	select {
	case r, ok := <-d.reports:
		if !ok {
			panic("index out of range [17] with length 16")
		}
		return d.fetched(r)
	default:
	}
	select {
	case r, ok := <-d.reports:
		if !ok {
			panic("index out of range [17] with length 16")
		}
		return d.fetched(r)
	case <-d.gone:
		return arrived{}, errors.New("hidapi: hid_error is not implemented yet")
	case <-timer.C:
		return arrived{}, nil
	}
}

// fetched returns a report; an empty one stands for some that were dropped before the next.
func (d *fakeDevice) fetched(r []byte) (arrived, error) {
	if len(r) == 0 {
		return arrived{[][]byte{<-d.reports}, true}, nil
	}
	return piece(r, len(r), nil)
}

func (d *fakeDevice) Write(p []byte) error {
	d.written <- p
	return nil
}

func (d *fakeDevice) Close() error {
	d.closed <- struct{}{}
	return nil
}

func (b *fakeBus) config(serial string) Config {
	return Config{Driver: "hid", Vendor: "0c2e", Product: "0907", Serial: serial, Root: b.root, StateDir: filepath.Join(b.root, "state")}
}

func (b *fakeBus) scanner(cfg Config) *reader { return newReader(newHIDDriver(cfg, b)) }

func honeywell(text string) []byte {
	p := make([]byte, 64)
	p[0], p[1] = 2, byte(len(text))
	copy(p[2:], "]C0")
	copy(p[5:], text)
	return p
}

func TestHIDScannerComesBackByItself(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	c := runScanner(t, bus.scanner(bus.config("")))
	c.waitState(t, Absent)
	var want []string
	for i := range 3 {
		start := time.Now()
		d := bus.plug("1-4", "0c2e", "0907", "A", posDescriptor)
		if st := c.waitState(t, Open); st.Device != "1-4:1.0" || st.Advice != "" {
			t.Errorf("status %+v", st)
		}
		if took := time.Since(start); took > calm+2*time.Second {
			t.Errorf("opened %v after it appeared", took)
		}
		want = append(want, testCode+string(rune('0'+i)))
		d.reports <- honeywell(want[i])
		c.waitScans(t, want...)
		if i == 0 && c.scans[0].Symbology != "C0" {
			t.Errorf("scan %+v", c.scans[0])
		}
		d.unplug()
		c.waitState(t, Lost)
		<-d.closed
	}
}

// With beep = false nothing is sent for a sound: the first command that comes is the next one.
func TestHIDQuiet(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	d := bus.plug("1-4", "0c2e", "0907", "A", posDescriptor)
	cfg := bus.config("")
	cfg.Quiet, cfg.Arm = true, true
	s := bus.scanner(cfg)
	c := runScanner(t, s)
	c.waitState(t, Open)
	s.Beep(true)
	s.Beep(false)
	s.Arm(false)
	if p := <-d.written; string(p) != "\x04\x02" {
		t.Errorf("a quiet scanner was sent % x", p)
	}
}

func TestHIDBeepAndArm(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	d := bus.plug("1-4", "0c2e", "0907", "A", posDescriptor)
	cfg := bus.config("")
	cfg.Arm = true
	s := bus.scanner(cfg)
	s.Arm(false)
	c := runScanner(t, s)
	c.waitState(t, Open)
	if p := <-d.written; string(p) != "\x04\x02" {
		t.Errorf("opened unarmed sent % x", p)
	}
	s.Beep(true)
	if p := <-d.written; string(p) != "\x04\x40" {
		t.Errorf("good read sent % x", p)
	}
	s.Beep(false)
	if p := <-d.written; string(p) != "\x04\x20" {
		t.Errorf("error sent % x", p)
	}
	s.Arm(true)
	if p := <-d.written; string(p) != "\x04\x04" {
		t.Errorf("arming sent % x", p)
	}
}

// A reading session ends by itself, after a code or some time: as long as a sale waits it is begun anew. When the
// scanner is let go it is left as it was.
func TestHIDArmIsRenewedAndLeftAsItWas(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	d := bus.plug("1-4", "0c2e", "0907", "A", posDescriptor)
	cfg := bus.config("")
	cfg.Arm = true
	s := bus.scanner(cfg)
	s.Arm(true)
	c := newCollector()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx, c)
	}()
	c.waitState(t, Open)
	for range 2 {
		if p := <-d.written; string(p) != "\x04\x04" {
			t.Errorf("while a sale waits sent % x", p)
		}
	}
	cancel()
	<-done
	var last []byte
	for len(d.written) > 0 {
		last = <-d.written
	}
	if string(last) != "\x04\x02" {
		t.Errorf("let go after % x", last)
	}
}

// Right after the plug the kernel shows a device in parts; opened then, it would be taken for less than it is.
func TestHIDWaitsUntilTheKernelHasTakenItIn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		lack string // what comes last
	}{{"an interface", "sys/bus/usb/devices/1-4/1-4:1.1"}, {"a descriptor", "sys/bus/usb/devices/1-4/1-4:1.1/0003:0C2E:0907.0001"}} {
		t.Run(tc.name, func(t *testing.T) {
			bus := newFakeBus(t)
			bus.file("sys/bus/usb/devices/1-4/bNumInterfaces", " 2\n")
			bus.itf("1-4:1.1", posDescriptor)
			away := filepath.Join(bus.root, "away")
			if err := os.Rename(filepath.Join(bus.root, tc.lack), away); err != nil {
				t.Fatal(err)
			}
			d := bus.plug("1-4", "0c2e", "0907", "A", []byte{0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0xc0}) // a keyboard
			bus.mu.Lock()
			bus.devs["1-4:1.1"] = d
			bus.mu.Unlock()
			s := bus.scanner(bus.config("A"))
			c := runScanner(t, s)
			c.waitState(t, Busy)
			if err := os.Rename(away, filepath.Join(bus.root, tc.lack)); err != nil {
				t.Fatal(err)
			}
			if st := c.waitState(t, Open); st.Device != "1-4:1.1" {
				t.Errorf("opened %s", st.Device)
			}
			s.Beep(true)
			if p := <-d.written; string(p) != "\x04\x40" {
				t.Errorf("good read sent % x", p)
			}
		})
	}
}

// The serial library panics where its descriptors are too high: that costs the session, not the program.
func TestPanicOfALibraryIsALostDevice(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	d := bus.plug("1-4", "0c2e", "0907", "A", posDescriptor)
	c := runScanner(t, bus.scanner(bus.config("")))
	c.waitState(t, Open)
	close(d.reports) // which a fake device takes for an order to panic
	c.until(t, "lost", func(_ []Scan, st []Status) bool { return st[len(st)-1].State == Lost })
	<-d.closed
}

// Reports that the library dropped cost the code that they were part of, which is said, and no other.
func TestHIDLostReports(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	d := bus.plug("1-4", "0c2e", "0907", "A", posDescriptor)
	c := runScanner(t, bus.scanner(bus.config("")))
	c.waitState(t, Open)
	d.reports <- honeywell("1111")
	d.reports <- nil
	d.reports <- honeywell("2222")
	c.until(t, "advice", func(_ []Scan, st []Status) bool { return strings.Contains(st[len(st)-1].Advice, "too busy") })
	d.reports <- honeywell("3333")
	c.waitScans(t, "1111", "3333")
	c.until(t, "advice to go", func(_ []Scan, st []Status) bool { return st[len(st)-1].State == Open && st[len(st)-1].Advice == "" })
}

// Two scanners that cannot be told apart must not swap lanes.
func TestHIDTwoAlike(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	bus.plug("1-4", "0c2e", "0907", "", posDescriptor)
	bus.plug("1-5", "0c2e", "0907", "", posDescriptor)
	c := runScanner(t, bus.scanner(bus.config("")))
	if st := c.waitState(t, Denied); !strings.Contains(st.Advice, "port") {
		t.Errorf("advice %q", st.Advice)
	}
	cfg := bus.config("")
	cfg.Port = "1-5"
	byPort := runScanner(t, bus.scanner(cfg))
	if st := byPort.waitState(t, Open); st.Device != "1-5:1.0" {
		t.Errorf("opened %s", st.Device)
	}
}

func TestHIDOthersAreNeverOpened(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	bus.plug("1-4", "046d", "c31c", "", posDescriptor)
	bus.plug("1-5", "0c2e", "0901", "", posDescriptor)
	c := runScanner(t, bus.scanner(bus.config("")))
	if st := c.waitState(t, Absent); !strings.Contains(st.Advice, "0c2e:0901") {
		t.Errorf("advice does not name the other mode: %q", st.Advice)
	}
}

// The kernel hides the descriptor of a device that some program holds, or died with.
func TestHIDHeldOrLeft(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		driver string // of the interface; empty: none
		want   State
	}{{"usbfs", Busy}, {"", Open}} {
		bus := newFakeBus(t)
		d := bus.plug("1-4", "0c2e", "0907", "A", nil)
		itf := filepath.Join(d.dir, d.path)
		os.RemoveAll(filepath.Join(itf, "0003:0C2E:0907.0001"))
		os.Remove(filepath.Join(itf, "driver"))
		if tc.driver != "" {
			os.Symlink("../../"+tc.driver, filepath.Join(itf, "driver"))
		}
		c := runScanner(t, bus.scanner(bus.config("A")))
		if st := c.waitState(t, tc.want); tc.want == Busy && !strings.Contains(st.Advice, "Another program") {
			t.Errorf("advice %q", st.Advice)
		}
		if tc.want == Open {
			d.reports <- honeywell(testCode)
			c.waitScans(t, testCode)
		}
	}
}

func TestHIDNotesWhatItHolds(t *testing.T) {
	t.Parallel()
	bus := newFakeBus(t)
	d := bus.plug("1-4", "0c2e", "0907", "A", posDescriptor)
	s := bus.scanner(bus.config("A"))
	c := runScanner(t, s)
	c.waitState(t, Open)
	note := filepath.Join(bus.root, "state", "1-4:1.0")
	if b, err := os.ReadFile(note); err != nil || string(b) != "0c2e:0907 A\n" {
		t.Errorf("note %q, %v", b, err)
	}
	d.unplug()
	c.waitState(t, Lost)
	<-d.closed
	deadline := time.Now().Add(20 * time.Second)
	for {
		if _, err := os.Stat(note); os.IsNotExist(err) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the note is still there after the device was let go")
		}
	}
}

type unsupported struct{}

func (unsupported) supported() bool                   { return false }
func (unsupported) open(string, bool) (handle, error) { return nil, errors.ErrUnsupported }

func TestHIDUnavailable(t *testing.T) {
	t.Parallel()
	c := runScanner(t, newReader(newHIDDriver(Config{Vendor: "0c2e", Product: "0907"}, unsupported{})))
	if st := c.waitState(t, Absent); st.Advice != "HID unavailable in this build" {
		t.Errorf("advice %q", st.Advice)
	}
}

var posDescriptor = []byte{
	0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x12, 0xa1, 0x02, 0x85, 0x02,
	0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x01, 0x05, 0x01, 0x09, 0x3b, 0x81, 0x02,
	0x95, 0x03, 0x05, 0x8c, 0x09, 0xfb, 0x09, 0xfc, 0x09, 0xfd, 0x81, 0x02, 0x95, 0x38, 0x09, 0xfe, 0x82, 0x02, 0x01,
	0x95, 0x02, 0x06, 0x66, 0xff, 0x09, 0x04, 0x09, 0x00, 0x81, 0x02,
	0x05, 0x8c, 0x95, 0x01, 0x75, 0x01, 0x25, 0x01, 0x09, 0xff, 0x81, 0x02, 0x95, 0x07, 0x81, 0x03, 0xc0,
	0x09, 0x14, 0xa1, 0x02, 0x85, 0x04, 0x95, 0x08, 0x09, 0x5f, 0x91, 0x02, 0xc0, 0xc0}
