package app

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"cpmd/queue"
)

// notify tells the service manager how the daemon stands; without one it does nothing.
func notify(log *zap.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("could not notify the service manager", zap.String("state", state), zap.Error(err))
	}
}

// watchdog shows the service manager that the queue still moves, where it asked for that (WatchdogSec).
func watchdog(ctx context.Context, q *queue.Queue, log *zap.Logger) (stop func()) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if _, err := q.Lanes(ctx); err == nil {
					notify(log, daemon.SdNotifyWatchdog)
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}
