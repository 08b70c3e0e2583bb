package scanner

import (
	"fmt"
	"sync"
	"time"
)

// A handle is an open device. Only its owner's goroutine calls it: closing a handle while another goroutine reads
// is a use after free in the HID library, and may hit a reused descriptor in the serial one.
type handle interface {
	// Read waits a short time (readWait) for bytes; none and no error say that it was silent. An error means that
	// the device is gone.
	Read(p []byte) (int, error)
	// Write sends one command. It may fail; it does not block for long.
	Write(p []byte) error
	// Close may take seconds where the kernel takes its time to bind its driver again.
	Close() error
}

// readWait is how long one Read waits. It bounds how late a beep is and how exactly silence is measured.
const readWait = 50 * time.Millisecond

// quietFor is how long after the last byte silence is still reported.
const quietFor = 2 * time.Second

// maxWaiting bounds the bytes that wait to be decoded; only a device gone mad sends that much.
const maxWaiting = 16 << 20

// A chunk is what one read brought. Without data it says that the device was silent up to then.
type chunk struct {
	data []byte
	at   time.Time
}

// An inbox carries chunks from the owner to the decoder. Silence comes through it too, so that a slow decoder
// never takes a late byte for a pause.
type inbox struct {
	mu     sync.Mutex
	chunks []chunk
	bytes  int
	ended  bool
	ready  chan struct{} // has a value if there may be something to take
}

func (b *inbox) put(c chunk) {
	b.mu.Lock()
	if n := len(b.chunks); len(c.data) == 0 && n > 0 && len(b.chunks[n-1].data) == 0 {
		b.chunks[n-1] = c
	} else if b.bytes += len(c.data); b.bytes <= maxWaiting {
		b.chunks = append(b.chunks, c)
	}
	b.mu.Unlock()
	b.wake()
}

func (b *inbox) end() {
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	b.wake()
}

func (b *inbox) wake() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take returns what waits; ended says that nothing comes after it.
func (b *inbox) take() (chunks []chunk, ended bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	chunks, b.chunks, b.bytes = b.chunks, nil, 0
	return chunks, b.ended
}

// An owner reads one handle and does nothing else, for the HID library drops what is not fetched within 32
// reports.
type owner struct {
	inbox  inbox
	orders chan []byte   // commands to write
	stop   chan struct{} // closed to make it let go
	done   chan struct{} // closed when the handle is closed
}

func startOwner(h handle) *owner {
	o := &owner{
		inbox:  inbox{ready: make(chan struct{}, 1)},
		orders: make(chan []byte, 8),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	go o.own(h)
	return o
}

func (o *owner) own(h handle) {
	defer close(o.done)
	defer h.Close()
	defer o.inbox.end()
	buf := make([]byte, 4096)
	var last time.Time
	for {
		select {
		case <-o.stop:
			return
		case p := <-o.orders:
			// a beep that fails is no reason to stop reading; a device that is gone fails at Read. The read in
			// between gives a scanner that sleeps time to wake up.
			h.Write(p)
		default:
		}
		n, err := contained(h, buf)
		now := time.Now()
		switch {
		case n > 0:
			o.inbox.put(chunk{append([]byte(nil), buf[:n]...), now})
			last = now
		case err == nil && now.Sub(last) < quietFor:
			o.inbox.put(chunk{at: now})
		}
		if err != nil {
			return
		}
	}
}

// contained reads, and turns a panic of the library into an error: the serial one indexes a fixed array by
// descriptor and panics from 1024 on.
func contained(h handle, buf []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("reading: %v", r)
		}
	}()
	return h.Read(buf)
}

// order hands a command to the owner, or drops it where too many wait.
func (o *owner) order(p []byte) {
	if len(p) == 0 {
		return
	}
	select {
	case o.orders <- p:
	default:
	}
}
