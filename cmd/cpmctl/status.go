package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"cpmd/queue/sale"
)

// A status writes lines for people and, on a terminal, keeps one line below them that changes while cpmctl waits.
type status struct {
	mu    sync.Mutex
	w     io.Writer
	live  bool // w is a terminal
	shown bool
}

// say writes a line that stays.
func (s *status) say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	fmt.Fprintln(s.w, line)
}

func (s *status) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
}

func (s *status) wipe() {
	if s.shown {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.shown = false
	}
}

// during shows line, renewed each second, until stop is called. Where there is no terminal it shows nothing.
func (s *status) during(line func(now time.Time) string) (stop func()) {
	if !s.live {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			s.mu.Lock()
			fmt.Fprint(s.w, "\r\x1b[K"+line(time.Now()))
			s.shown = true
			s.mu.Unlock()
			select {
			case <-tick.C:
			case <-end:
				s.clear()
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

// remaining tells how long a sale may go on as it stands; empty: there is no limit.
func remaining(v sale.View, now time.Time) string {
	left := func(by time.Time) string { return clock(max(by.Sub(now), 0)) }
	switch {
	case v.Delivery == sale.Awaited && v.DeliverBy != nil:
		return left(*v.DeliverBy) + " left to confirm the delivery"
	case v.State == sale.Waiting && v.ScanBy != nil:
		return left(*v.ScanBy) + " left to show a code"
	case v.DecideBy != nil:
		return left(*v.DecideBy) + " at most"
	}
	return ""
}

// clock writes a time as minutes and seconds, rounded up: 0:00 is over.
func clock(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
