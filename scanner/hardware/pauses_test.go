//go:build hardware

package hardware

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cpmd/scanner"
	"cpmd/scanner/usbemu"
)

// A scanner pauses anywhere inside its codes while sales wait. The whole code pays, or it is shown again; no part of
// one is submitted, told to tills or written down.
func TestPausesInsideCodes(t *testing.T) {
	patterns := few(100, 8)
	r := rand.New(rand.NewPCG(1, 2))
	for _, k := range []kind{kinds[0], kinds[5]} {
		t.Run(k.name, func(t *testing.T) {
			c := newCounter(t, anyWallet, k.configFor("P1"))
			p := plug(t, k.device("P1"), 0)
			c.lane(1, scanner.Open)
			var codes []string
			for i := range patterns / 2 {
				code := fmt.Sprintf("28%012d5813", r.Int64N(1e12)) // which is paid at once
				codes = append(codes, code)
				id := fmt.Sprintf("P-%d", i)
				c.open(id, 1)
				parts := k.send("", code)
				if k.name == "cdc" { // a byte a packet
					parts = nil
					for _, b := range []byte(code + "\r") {
						parts = append(parts, []byte{b})
					}
				}
				long, total := false, time.Duration(0) // long: it may have been given up
				first, second := r.IntN(len(parts)), r.IntN(len(parts))
				for j, part := range parts {
					if j == first || j == second {
						pause := time.Duration(r.IntN(700)) * time.Millisecond
						if r.IntN(4) == 0 {
							pause += 1200 * time.Millisecond
						}
						total += pause
						long = total > 800*time.Millisecond
						time.Sleep(pause)
					}
					pace(p, k.ep, [][]byte{part})
				}
				for try := 0; long && try < 2; try++ { // once more, and where both halves were given up, twice
					time.Sleep(1600 * time.Millisecond)
					var s sale
					if c.get("http://till/v1/sales/"+id, &s) == nil && s.State != "waiting" {
						break
					}
					pace(p, k.ep, parts)
				}
				c.paid(id)
			}
			time.Sleep(1600 * time.Millisecond) // the next code stands alone
			pace(p, k.ep, k.send("", goods))
			for _, text := range c.strays() {
				if !slices.ContainsFunc(codes, func(code string) bool { return text == code[:4]+"**********"+code[14:] }) {
					t.Errorf("tills were told of %q", text)
				}
			}
			if got := c.charges(); got != len(codes) {
				t.Errorf("%d sales were charged %d times", len(codes), got)
			}
			c.stop()
			files, _ := filepath.Glob(filepath.Join(filepath.Dir(c.config), "journal.db*"))
			for _, name := range files {
				written, _ := os.ReadFile(name)
				for _, code := range codes {
					for _, part := range []string{code[:12], code[6:]} {
						if strings.Contains(string(written), part) {
							t.Errorf("%s holds %q of %q", filepath.Base(name), part, code)
						}
					}
				}
			}
		})
	}
}

// An old code that the scanner kept comes after it was plugged in, while a sale waits: it pays nothing.
func TestOldCodesPayNothing(t *testing.T) {
	for _, k := range []kind{kinds[0], kinds[1], kinds[5]} {
		t.Run(k.name, func(t *testing.T) {
			c := newCounter(t, anyWallet, k.configFor("O1"))
			c.lane(1, scanner.Absent)
			c.open("waits", 1)
			p := plug(t, k.device("O1"), 0)
			device(t, "O1")
			for i, after := range []time.Duration{0, 150 * time.Millisecond, 400 * time.Millisecond} {
				time.Sleep(after)
				p.Send(k.ep, k.send("]C0", fmt.Sprintf("28000000000000000%d", i))...)
				p.Sync(k.ep, 0) // the first waits for the opening, the others come so long after it
			}
			c.lane(1, scanner.Open)
			c.reaches("waits", "waiting")
			pace(p, k.ep, k.send("]C0", walletCode))
			c.paid("waits")
			if got := c.charges(); got != 1 {
				t.Errorf("charged %d times", got)
			}
		})
	}
}

// reset has the kernel reset the device at a port, as a driver in trouble does. (USBDEVFS_RESET, linux/usbdevice_fs.h)
func reset(t *testing.T, port string) {
	t.Helper()
	number := func(name string) (n int) {
		b, err := os.ReadFile("/sys/bus/usb/devices/" + port + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if n, err = strconv.Atoi(strings.TrimSpace(string(b))); err != nil {
			t.Fatal(err)
		}
		return n
	}
	f, err := os.OpenFile(fmt.Sprintf("/dev/bus/usb/%03d/%03d", number("busnum"), number("devnum")), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), 'U'<<8|20, 0); errno != 0 {
		t.Fatalf("reset: %v", errno)
	}
}

// Plugged in and out faster than it can be opened, reset, unbound, put to sleep: the scanner is read again.
func TestQuickReplugs(t *testing.T) {
	k := kinds[0]
	s := start(t, k.configFor("Q1"))
	s.wait(0, "absent", func(l line) bool { return l.State == scanner.Absent })
	r := rand.New(rand.NewPCG(3, 4))
	rounds := few(50, 2)
	var p *usbemu.Plugged
	for range rounds {
		p = plug(t, k.device("Q1"), 0)
		time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
		p.Unplug()
	}
	p = plug(t, k.device("Q1"), 0)
	n := 0
	// What is said of an earlier plug may come late, so the code is shown until it is read.
	scans := func(what string, i int) {
		t.Helper()
		code := fmt.Sprintf("%s%d", walletCode, i)
		poll(t, what, func() bool {
			s.mu.Lock()
			n = len(s.lines)
			s.mu.Unlock()
			pace(p, k.ep, k.send("", code))
			for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
				if len(s.scansFrom(n, 0)) > 0 {
					break
				}
			}
			got := s.scansFrom(n, 0)
			if len(got) > 0 && got[0] != code {
				t.Errorf("%s: got %q", what, got)
			}
			return len(got) > 0
		})
		s.mu.Lock()
		n = len(s.lines)
		s.mu.Unlock()
	}
	scans(fmt.Sprintf("after %d replugs", rounds), 0)
	size := s.size()
	t.Logf("FIGURE %d quick replugs: %+v", rounds, size)
	if size.Files > 30 || size.Routines > 20 {
		t.Errorf("after %d replugs %+v", rounds, size)
	}
	port := device(t, "Q1").Port
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
	usb := "/sys/bus/usb/devices/" + port
	write(usb+"/power/control", "auto") // an open scanner must not be put to sleep, or it comes back
	write(usb+"/power/autosuspend_delay_ms", "0")
	time.Sleep(500 * time.Millisecond)
	pace(p, k.ep, k.send("", walletCode+"1"))
	l, m := s.scan(n, 0)
	if n = m; l.Scan != walletCode+"1" {
		t.Errorf("with autosuspend: got %q", l.Scan)
	}
	reset(t, port)
	scans("after a reset, over which the library may keep its handle or lose it", 2)
	write(usb+"/authorized", "0")
	_, n = s.state(n, 0, scanner.Lost)
	write(usb+"/authorized", "1")
	scans("not authorized for a while", 3)
	write(usb+"/bConfigurationValue", "0")
	_, n = s.state(n, 0, scanner.Lost)
	write(usb+"/bConfigurationValue", "1")
	scans("reset to no configuration and back", 4)
	// Taken from the kernel's own driver and given back: the library may take the device for gone until it is plugged
	// in again. Then that is what the advice says.
	write("/sys/bus/usb/drivers/usb/unbind", port)
	_, n = s.state(n, 0, scanner.Lost)
	write("/sys/bus/usb/drivers/usb/bind", port)
	l, _ = s.wait(n, "open, or what to do", func(l line) bool {
		return l.State == scanner.Open || strings.Contains(l.Advice, "plug the scanner in again")
	})
	t.Logf("FIGURE unbound and bound: %s", l.State)
	if l.State != scanner.Open {
		p.Unplug()
		poll(t, "the device gone", func() bool { _, err := os.Stat(usb); return err != nil })
		p = plug(t, k.device("Q1"), 0)
	}
	scans("unbound and bound", 5)
}
