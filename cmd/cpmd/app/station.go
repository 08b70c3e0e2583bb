package app

import (
	"context"
	"sync"

	"cpmd/scanner"
)

// A station is where a lane's scanner stands. The scanner may be replaced by another one while cpmd runs.
type station struct {
	mu    sync.Mutex
	now   scanner.Scanner
	armed *bool              // as it was asked for last; nil: never
	stop  context.CancelFunc // of the scanner that runs; nil: none does
}

// Run runs the scanner, and each that takes its place once the one before has let its device go.
func (s *station) Run(ctx context.Context, sink scanner.Sink) {
	for ctx.Err() == nil {
		run, stop := context.WithCancel(ctx)
		s.mu.Lock()
		now := s.now
		s.stop = stop
		s.mu.Unlock()
		now.Run(run, sink)
		stop()
	}
}

// replace puts another scanner in place.
func (s *station) replace(next scanner.Scanner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = next
	if s.armed != nil {
		arm(next, *s.armed)
	}
	if s.stop != nil {
		s.stop()
	}
}

func (s *station) Beep(good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Beep(good)
}

// Arm does something where the scanner can be armed.
func (s *station) Arm(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = &on
	arm(s.now, on)
}

func arm(s scanner.Scanner, on bool) {
	if a, ok := s.(scanner.Armer); ok {
		a.Arm(on)
	}
}
