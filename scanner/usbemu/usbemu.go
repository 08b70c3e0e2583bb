// Package usbemu plugs emulated USB scanners into a Linux kernel that has the module vhci_hcd: the kernel, the
// USB libraries and the daemon see real devices, which can be unplugged at any byte.
//
// The kernel speaks USB/IP over a socket (kernel documentation, usb/usbip_protocol); here that is one end of a
// socket pair, so there is no network. It serves the hardware tests alone, in a virtual machine of their own.
//
// Start reading at [Plug]. descriptors.go makes the devices, known.go and converters.go those of which real descriptors are
// known, scans.go what they send.
package usbemu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const vhci = "/sys/devices/platform/vhci_hcd.0/"

// USB/IP commands.
const (
	cmdSubmit = 1
	cmdUnlink = 2
	retSubmit = 3
	retUnlink = 4
)

// An urb is a request of the kernel for data from an endpoint.
type urb struct {
	seq uint32
	len int
}

// An endpoint pairs the kernel's requests with what the device sends.
type endpoint struct {
	waiting []urb
	queue   [][]byte
}

// A Plugged device is attached to the kernel.
type Plugged struct {
	dev  Device
	sock *os.File

	mu      sync.Mutex
	moved   *sync.Cond // something was taken from a queue, or the plug was pulled
	in      map[byte]*endpoint
	line    Line
	out     [][]byte // what the host sent to other endpoints than 0, and in output and feature reports
	pulled  bool
	stopped chan struct{}
}

// Plug attaches a device to a port of the virtual hub and returns as the kernel begins to ask what it is. It waits
// a while for the port, which an unplugged device holds for some time.
func Plug(d Device, port int) (*Plugged, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(pair[0])
	p := &Plugged{dev: d, sock: os.NewFile(uintptr(pair[1]), "usbip"), in: map[byte]*endpoint{}, stopped: make(chan struct{})}
	p.moved = sync.NewCond(&p.mu)
	go p.serve()
	line := fmt.Appendf(nil, "%d %d %d %d", port, pair[0], 0x10000+port, d.whole().speed)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		err := unix.EBUSY // as the kernel says of a port that has not yet let go of the device before
		if portFree(port) {
			var got error
			if got = os.WriteFile(vhci+"attach", line, 0); got == nil {
				break
			}
			errors.As(got, &err)
		}
		if err != unix.EBUSY || time.Now().After(deadline) {
			p.sock.Close()
			return nil, fmt.Errorf("usbemu: port %d: %w", port, err)
		}
	}
	return p, nil
}

func portFree(port int) bool {
	b, _ := os.ReadFile(vhci + "status")
	for line := range strings.Lines(string(b)) {
		var n int
		if f := strings.Fields(line); len(f) > 2 && f[0] == "hs" && f[2] == "004" {
			if fmt.Sscan(f[1], &n); n == port {
				return true
			}
		}
	}
	return false
}

// Unplug pulls the plug. What is still queued is lost. It may be called again.
func (p *Plugged) Unplug() {
	p.mu.Lock()
	if p.pulled {
		p.mu.Unlock()
		return
	}
	p.pulled = true
	p.moved.Broadcast()
	p.mu.Unlock()
	unix.Shutdown(int(p.sock.Fd()), unix.SHUT_RDWR)
	<-p.stopped
	p.sock.Close()
}

// Send queues one packet for an endpoint such as 0x81. It does not wait.
func (p *Plugged) Send(ep byte, packets ...[]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.endpoint(ep)
	e.queue = append(e.queue, packets...)
	p.match(e)
}

// Sync waits until the host has taken all but n of the packets sent to an endpoint.
func (p *Plugged) Sync(ep byte, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.endpoint(ep).queue) > n && !p.pulled {
		p.moved.Wait()
	}
}

// Received returns what the host has written to the device: output reports, feature reports and bulk data.
func (p *Plugged) Received() (all [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(all, p.out...)
}

func (p *Plugged) endpoint(ep byte) *endpoint {
	e := p.in[ep&0x0f]
	if e == nil {
		e = &endpoint{}
		p.in[ep&0x0f] = e
	}
	return e
}

// match answers requests from the queue. It writes with the lock held: an answer must leave before the one to a
// cancellation of the same request, or the kernel drops the device.
func (p *Plugged) match(e *endpoint) {
	for len(e.waiting) > 0 && len(e.queue) > 0 && !p.pulled {
		u, data := e.waiting[0], e.queue[0]
		e.waiting, e.queue = e.waiting[1:], e.queue[1:]
		p.answer(u.seq, 0, data[:min(len(data), u.len)])
		p.moved.Broadcast()
	}
}

func (p *Plugged) answer(seq uint32, status unix.Errno, data []byte) {
	p.sock.Write(append(answerHeader(retSubmit, seq, status, len(data)), data...))
}

func answerHeader(command, seq uint32, status unix.Errno, length int) []byte {
	b := make([]byte, 48)
	binary.BigEndian.PutUint32(b[0:], command)
	binary.BigEndian.PutUint32(b[4:], seq)
	binary.BigEndian.PutUint32(b[20:], uint32(-int32(status)))
	binary.BigEndian.PutUint32(b[24:], uint32(length))
	return b
}

// serve answers the kernel until the plug is pulled.
func (p *Plugged) serve() {
	defer close(p.stopped)
	head := make([]byte, 48)
	for {
		if _, err := io.ReadFull(p.sock, head); err != nil {
			return
		}
		field := func(at int) uint32 { return binary.BigEndian.Uint32(head[at:]) }
		seq := field(4)
		switch field(0) {
		case cmdSubmit:
			if p.submit(seq, field(12) == 1, byte(field(16)), int(int32(field(24))), [8]byte(head[40:48])) != nil {
				return
			}
		case cmdUnlink:
			p.unlink(seq, field(20))
		}
	}
}

func (p *Plugged) submit(seq uint32, in bool, ep byte, length int, setup [8]byte) error {
	var data []byte
	if !in && length > 0 {
		data = make([]byte, length)
		if _, err := io.ReadFull(p.sock, data); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pulled {
		return errors.New("unplugged")
	}
	switch {
	case ep == 0:
		reply, ok := p.control(setup, data)
		if !ok {
			p.answer(seq, unix.EPIPE, nil) // a stall
			return nil
		}
		if in {
			p.answer(seq, 0, reply[:min(len(reply), length)])
			return nil
		}
		p.sock.Write(answerHeader(retSubmit, seq, 0, length))
	case !in:
		p.out = append(p.out, data)
		p.sock.Write(answerHeader(retSubmit, seq, 0, length))
	default:
		e := p.endpoint(ep)
		e.waiting = append(e.waiting, urb{seq, length})
		p.match(e)
	}
	return nil
}

func (p *Plugged) unlink(seq, target uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var status unix.Errno
	for _, e := range p.in {
		for i, u := range e.waiting {
			if u.seq == target {
				e.waiting = append(e.waiting[:i:i], e.waiting[i+1:]...)
				status = unix.ECONNRESET
				break
			}
		}
	}
	p.sock.Write(answerHeader(retUnlink, seq, status, 0))
}
