package scanner

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A handle is an open device. Only its owner's goroutine calls it: closing a handle while another goroutine reads
// is a use after free in the HID library, and may hit a reused descriptor in the serial one.
type handle interface {
	// Read waits a short time (readWait) for what the device sends, and returns it in the pieces that it came in:
	// reports, for HID. None and no error say that it was silent. An error means that the device is gone.
	Read() (arrived, error)
	// Write sends one command. It may fail; it does not block for long.
	Write(p []byte) error
	// Close may take seconds where the kernel takes its time to bind its driver again.
	Close() error
}

// A rester is a handle whose device may be waited for longer while it is silent.
type rester interface {
	// Rest waits until there may be something to read or the bell rings; one that cannot hear the bell waits for a
	// second at most, and not at all while a command may come that must not be late.
	Rest(b *bell, attentive bool)
}

// attention is how long after a sale a command must not be late.
const attention = 2 * time.Minute

// Arrived is what one read brought.
type arrived struct {
	parts [][]byte
	lost  bool // something may be missing before it
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
	lost bool // something is missing before it
}

// An inbox carries chunks from the owner to the decoder. Silence comes through it too, so that a slow decoder
// never takes a late byte for a pause.
type inbox struct {
	mu     sync.Mutex
	chunks []chunk
	bytes  int
	full   bool // something had to be dropped
	ended  bool
	ready  chan struct{} // has a value if there may be something to take
}

func (b *inbox) put(c chunk) {
	b.mu.Lock()
	if n := len(b.chunks); len(c.data) == 0 && n > 0 && len(b.chunks[n-1].data) == 0 {
		b.chunks[n-1] = c
	} else if b.bytes += len(c.data); b.bytes <= maxWaiting {
		c.lost = c.lost || b.full
		b.full = false
		b.chunks = append(b.chunks, c)
	} else {
		b.full = true
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

// take returns what waits; ended reports whether nothing comes after it.
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
	bell   *bell         // rung after orders and stop

	attentive atomic.Int64 // until when, in nanoseconds since began
	began     time.Time

	parting []byte // the last command, set before stop is closed; none if empty
}

func startOwner(h handle) *owner {
	o := &owner{
		inbox:  inbox{ready: make(chan struct{}, 1)},
		orders: make(chan []byte, 8),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
		bell:   newBell(),
		began:  time.Now(),
	}
	go o.own(h)
	return o
}

func (o *owner) own(h handle) {
	defer close(o.done)
	defer o.bell.close()
	defer h.Close()
	defer o.inbox.end()
	runtime.LockOSThread() // which ends with this goroutine, and its priority with it
	urgent()
	last := time.Now() // the silence after opening is told too
	// Silence is counted in reads that waited and got nothing. By the clock a machine that was asleep for a moment
	// would take its own pause for the end of a code.
	quiet := time.Duration(0)
	for {
		select {
		case <-o.stop:
			if len(o.parting) > 0 {
				h.Write(o.parting)
			}
			return
		case p := <-o.orders:
			// a beep that fails is no reason to stop reading; a device that is gone fails at Read. The read in
			// between gives a scanner that sleeps time to wake up.
			h.Write(p)
		default:
		}
		got, err := contained(h)
		now := time.Now()
		for i, p := range got.parts {
			o.inbox.put(chunk{p, now, got.lost && i == 0})
			last = now
		}
		if err != nil {
			return
		}
		if len(got.parts) > 0 {
			quiet = 0
		} else if quiet += readWait; quiet <= quietFor {
			o.inbox.put(chunk{at: last.Add(quiet)})
		} else if r, ok := h.(rester); ok {
			r.Rest(o.bell, int64(time.Since(o.began)) < o.attentive.Load())
		}
	}
}

// contained reads, and turns a panic of the library into an error: the serial one indexes a fixed array by
// descriptor and panics from 1024 on.
func contained(h handle) (got arrived, err error) {
	defer func() {
		if r := recover(); r != nil {
			got, err = arrived{}, fmt.Errorf("reading: %v", r)
		}
	}()
	return h.Read()
}

// urgent raises the priority of this thread, where the user may: a busy machine must not make it miss reports.
func urgent() {
	if runtime.GOOS == "linux" { // elsewhere it is the whole process
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, -10)
	}
}

// piece returns the bytes of one read as arrived.
func piece(p []byte, n int, err error) (arrived, error) {
	if n == 0 {
		return arrived{}, err
	}
	return arrived{parts: [][]byte{append([]byte(nil), p[:n]...)}}, err
}

// order hands a command to the owner, or drops it where too many wait.
func (o *owner) order(p []byte) {
	if len(p) == 0 {
		return
	}
	select {
	case o.orders <- p:
		o.bell.ring()
	default:
	}
}

// letGo makes the owner close its handle.
func (o *owner) letGo() {
	close(o.stop)
	o.bell.ring()
}

// attend tells the owner whether a customer is at the counter, so that commands must not be late.
func (o *owner) attend(customer bool) {
	until := int64(math.MaxInt64)
	if !customer {
		until = int64(time.Since(o.began) + attention)
	}
	o.attentive.Store(until)
	o.bell.ring()
}
