package scanner

import (
	"context"
	"sync"
	"time"
)

// A Virtual scanner has no device: its codes come from Feed. It serves tests, demonstrations and tills that scan
// with hardware of their own.
type Virtual struct {
	mu    sync.Mutex
	scans []Scan
	ready chan struct{}
}

// NewVirtual returns a Virtual scanner.
func NewVirtual() *Virtual { return &Virtual{ready: make(chan struct{}, 1)} }

// maxFed bounds the codes that wait while nobody runs the scanner.
const maxFed = 1024

// Feed scans a code, as of now. It never blocks; it may be called at any time and from any goroutine.
func (v *Virtual) Feed(text string) {
	v.mu.Lock()
	if len(v.scans) < maxFed {
		v.scans = append(v.scans, Scan{Text: Text(text), Device: "virtual", At: time.Now()})
	}
	v.mu.Unlock()
	select {
	case v.ready <- struct{}{}:
	default:
	}
}

// Run delivers what is fed until the context ends.
func (v *Virtual) Run(ctx context.Context, sink Sink) {
	sink.StatusChanged(Status{State: Open, Device: "virtual", Since: time.Now()})
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.ready:
		}
		v.mu.Lock()
		scans := v.scans
		v.scans = nil
		v.mu.Unlock()
		for _, s := range scans {
			sink.Scanned(s)
		}
	}
}

// Beep does nothing.
func (v *Virtual) Beep(bool) {}
