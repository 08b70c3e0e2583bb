package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"cpmd/queue"
	"cpmd/queue/sale"
	"cpmd/till"
)

// The service manager hears how the daemon stands when something changed that tills see, at most every statusPause, and every
// adviceEvery in any case.
const (
	statusPause = 2 * time.Second
	adviceEvery = 30 * time.Second
)

// notify tells the service manager how the daemon stands; without one it does nothing.
func notify(log *zap.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("could not notify the service manager", zap.String("state", state), zap.Error(err))
	}
}

// supervise shows the service manager that the queue is alive, where it asked for that (WatchdogSec), and in a line of
// words how the daemon stands (systemctl status cpmd). What a person should do goes to the log as well, once, and once
// more when it is done.
func supervise(ctx context.Context, q *queue.Queue, tills *till.Server, log *zap.Logger) (stop func()) {
	watchdog := time.Duration(0)
	if os.Getenv("NOTIFY_SOCKET") != "" {
		var err error
		if watchdog, err = daemon.SdWatchdogEnabled(false); err != nil {
			log.Warn("the service manager's watchdog cannot be served", zap.Error(err))
		}
	}
	every := adviceEvery
	if watchdog > 0 {
		every = min(every, watchdog/3)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		var (
			last   string // status told
			told   []string
			d      sale.Diagnosis
			unsaid error     // why d is not known
			looked time.Time // when d was
			news   = true
		)
		for {
			changed := q.Changed()
			err := alive(ctx, q, every)
			if ctx.Err() != nil {
				return
			}
			if err == nil && watchdog > 0 {
				notify(log, daemon.SdNotifyWatchdog)
			}
			switch {
			case err != nil:
				d, unsaid, looked = sale.Diagnosis{}, err, time.Time{}
			case news || time.Since(looked) >= adviceEvery:
				d, unsaid = diagnosis(ctx, tills)
				looked = time.Now()
			}
			if unsaid == nil {
				told = tell(log, told, d.Advice)
			}
			if s := status(q, err, d, unsaid); s != last {
				notify(log, "STATUS="+s)
				last = s
			}
			pause := time.Now().Add(min(statusPause, every))
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				news = false
			case <-changed:
				news = true
				if !sleep(ctx, time.Until(pause)) {
					return
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}

// sleep reports whether the context has not ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func diagnosis(ctx context.Context, tills *till.Server) (sale.Diagnosis, error) {
	ctx, cancel := context.WithTimeout(ctx, statusPause)
	defer cancel()
	return tills.Diagnosis(ctx)
}

// tell logs what is new and what is gone since it was told last.
func tell(log *zap.Logger, told, advice []string) []string {
	for _, a := range advice {
		if !slices.Contains(told, a) {
			log.Warn("to do", zap.String("advice", a))
		}
	}
	for _, a := range told {
		if !slices.Contains(advice, a) {
			log.Info("no longer to do", zap.String("advice", a))
		}
	}
	return advice
}

func alive(ctx context.Context, q *queue.Queue, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return q.Alive(ctx)
}

// status is one line: whether sales are taken, and what a person should do first.
func status(q *queue.Queue, alive error, d sale.Diagnosis, unsaid error) string {
	if alive != nil {
		return line("not responding: %v", alive)
	}
	if err := q.Ready(); err != nil {
		if e := (*sale.Error)(nil); errors.As(err, &e) {
			return line("no sales: %s", e.Detail)
		}
		return line("no sales: %v", err)
	}
	switch {
	case unsaid != nil:
		return line("ready, but: %v", unsaid)
	case len(d.Advice) == 0:
		return line("ready; lanes: %d, unfinished sales: %d", len(d.Lanes), d.UnfinishedSales())
	case len(d.Advice) == 1:
		return line("ready, but: %s", d.Advice[0])
	}
	return line("ready, but: %s (and %d more: cpmctl diagnose)", d.Advice[0], len(d.Advice)-1)
}

// line makes one line of a text: a line break would begin another message to the service manager.
func line(format string, args ...any) string {
	return strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
}
