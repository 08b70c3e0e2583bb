// Package messenger calls a command or a webhook when an alarm opens and when it is settled, so that a person hears of
// it.
//
// Start reading at [Messenger.Run]. What is to be told comes from the journal and is noted there once it was told: a
// restart loses nothing, and may tell a thing twice, with the same id. Each way has a goroutine of its own, which waits
// for nobody and for which nobody waits.
package messenger

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// A Config says whom to call. Both ways may be empty.
type Config struct {
	Command []string       // a program's path and its arguments; no shell
	Webhook payment.Secret // an address; secret because those of chat services let everybody write who knows them
	Version string
	// Called hears what came of each call; may be nil.
	Called func(via string, ok bool)
}

// A Desk is what a Messenger needs of the queue.
type Desk interface {
	Changed() <-chan struct{}
	AlarmCalls(ctx context.Context, via string, limit int) ([]sale.AlarmCall, error)
	AlarmCalled(ctx context.Context, via string, c sale.AlarmCall) error
}

// A Message is what is told. The same ID again is the same news.
type Message struct {
	ID      string         `json:"id"`    // such as "counter-3/alarm/1812/opened"
	Event   string         `json:"event"` // "opened" or "settled"
	Host    string         `json:"host"`
	Version string         `json:"version"`
	Alarm   sale.AlarmView `json:"alarm"`
}

// A Messenger tells alarms to whom it may concern.
type Messenger struct {
	cfg  Config
	desk Desk
	log  *zap.Logger
	host string
	ways []*way
}

// A way is one of those that are configured.
type way struct {
	via  string
	tell func(context.Context, Message) error

	mu      sync.Mutex
	failing error // of the last call; nil where it was heard
	since   time.Time
}

// New makes a Messenger; [Messenger.Run] lets it work.
func New(cfg Config, desk Desk, log *zap.Logger) *Messenger {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown"
	}
	m := &Messenger{cfg: cfg, desk: desk, log: log, host: host}
	if len(cfg.Command) > 0 {
		m.ways = append(m.ways, &way{via: "command", tell: command(cfg.Command).run})
	}
	if cfg.Webhook != "" {
		m.ways = append(m.ways, &way{via: "webhook", tell: newWebhook(cfg.Webhook).post})
	}
	return m
}

// Run tells what is to be told until the context ends, and returns when no call is under way any more.
func (m *Messenger) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, w := range m.ways {
		running.Go(func() { m.serve(ctx, w) })
	}
	running.Wait()
}

// The pace of a way that fails: from the first wait to the longest, twice as long each time.
const (
	retryFirst = 2 * time.Second
	retryMost  = 10 * time.Minute
	// gather is how long news may wait for more: a busy counter changes all the time, and is not asked each time.
	gather = time.Second
)

func (m *Messenger) serve(ctx context.Context, w *way) {
	wait := retryFirst
	for ctx.Err() == nil {
		changed := m.desk.Changed() // before the look, so that nothing is missed
		again := gather
		if m.round(ctx, w) {
			wait = retryFirst
			select {
			case <-changed:
			case <-ctx.Done():
			}
		} else {
			again, wait = wait, min(2*wait, retryMost)
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
		}
	}
}

// round tells all that is to be told now, and reports whether nothing is left. News that is refused must not keep the
// rest from being heard; where nobody answers, the rest waits.
func (m *Messenger) round(ctx context.Context, w *way) (all bool) {
	const most = 100
	calls, err := m.desk.AlarmCalls(ctx, w.via, most)
	if err != nil {
		return false // the journal is down, which is told elsewhere
	}
	all = len(calls) < most
	for _, c := range calls {
		err := w.tell(ctx, Message{ID: fmt.Sprintf("%s/alarm/%d/%s", m.host, c.Alarm.Seq, c.Event), Event: c.Event, Host: m.host, Version: m.cfg.Version, Alarm: c.Alarm})
		if ctx.Err() != nil {
			return false
		}
		m.note(w, c, err)
		if err == nil {
			err = m.desk.AlarmCalled(ctx, w.via, c)
		}
		if err != nil {
			all = false
		}
		if err != nil && !isRefusal(err) {
			break
		}
	}
	return all
}

// note remembers and tells what came of a call. A way that goes on failing is told of once, and on the diagnosis page
// until it works.
func (m *Messenger) note(w *way, c sale.AlarmCall, err error) {
	if m.cfg.Called != nil {
		m.cfg.Called(w.via, err == nil)
	}
	w.mu.Lock()
	before := w.failing
	if w.failing = err; err != nil && before == nil {
		w.since = time.Now()
	}
	w.mu.Unlock()
	fields := []zap.Field{zap.String("via", w.via), zap.Int64("alarm", c.Alarm.Seq), zap.String("event", c.Event), zap.Error(err)}
	if c.Alarm.Kind == "sale" || c.Alarm.Kind == "refund" {
		fields = append(fields, zap.String(c.Alarm.Kind, c.Alarm.ID))
	}
	switch {
	case err != nil && before == nil:
		m.log.Error("nobody could be told of an alarm; it is tried again", fields...)
	case err != nil:
		m.log.Debug("nobody could be told of an alarm yet", fields...)
	default:
		m.log.Info("an alarm was told", fields...)
	}
}

// Advice is what a person should do about ways that fail.
func (m *Messenger) Advice() (all []string) {
	for _, w := range m.ways {
		w.mu.Lock()
		if w.failing != nil {
			all = append(all, fmt.Sprintf("alarms have not been told by alarm.%s since %s (%v): mend it, and look at the alarms here (cpmctl alarms)",
				w.via, sale.Shown(w.since).Format(time.RFC3339), w.failing))
		}
		w.mu.Unlock()
	}
	return all
}
