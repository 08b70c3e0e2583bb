package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.uber.org/zap"

	"cpmd/cmd/cpmd/config"
	"cpmd/payment"
	"cpmd/queue"
)

// A reloader takes over a changed configuration while sales run: all of it that was changed, or nothing.
type reloader struct {
	now     *config.Config
	level   zap.AtomicLevel
	queue   *queue.Queue
	gateway *payment.Client
	log     *zap.Logger
}

// errRestart is a change that only a restart takes over.
var errRestart = errors.New("takes a restart (systemctl restart cpmd), which is safe at any time")

// reload reads the file again. Where it is refused, everything stays as it is.
func (r *reloader) reload(ctx context.Context) error {
	next, err := config.Load(r.now.File)
	if err == nil {
		err = fixed(r.now, next)
	}
	if err == nil {
		err = r.queue.Change(ctx, settings(next))
	}
	if err != nil {
		r.log.Error("the configuration is not taken over, and everything stays as it was: mend it and reload again", zap.Error(err))
		return err
	}
	r.level.SetLevel(next.Log.Level)
	r.gateway.Limit(next.Gateway.RatePerMinute)
	r.now = next
	r.log.Info("the configuration is taken over", zap.String("config", next.File))
	return nil
}

// fixedKeys name parts of the configuration whose name is not that of their section, or of which only that is fixed.
var fixedKeys = map[string]string{"Timing": "timing.answer", "Log": "log.format", "Lanes": "lane", "Tills": "till"}

// fixed refuses what cannot be changed while sales run; it names every key. A part of the configuration is fixed unless it
// is taken out here, which belongs to taking it over in reload.
func fixed(now, next *config.Config) error {
	a, b := *now, *next
	for _, c := range []*config.Config{&a, &b} {
		answer := c.Timing.Answer
		c.Timing, c.Audit, c.Sales, c.Log.Level, c.Gateway.RatePerMinute = config.Timing{Answer: answer}, config.Audit{}, config.Sales{}, 0, 0
	}
	var changed []string
	was, is := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range was.NumField() {
		if !reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()) {
			part := was.Type().Field(i).Name
			changed = append(changed, cmp.Or(fixedKeys[part], strings.ToLower(part)))
		}
	}
	if len(changed) > 0 {
		return fmt.Errorf("%s: the change of %s %w", next.File, strings.Join(changed, ", "), errRestart)
	}
	return nil
}

// follow reloads at each signal until the context ends.
func (r *reloader) follow(ctx context.Context, signals <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_ = r.reload(ctx) // it is logged
		}
	}
}
