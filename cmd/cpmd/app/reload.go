package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"go.uber.org/zap"

	"cpmd/cmd/cpmd/config"
	"cpmd/payment"
	"cpmd/queue"
	"cpmd/scanner"
	"cpmd/till"
)

// A reloader takes over a changed configuration while sales run: all of it that was changed, or nothing.
type reloader struct {
	mu       sync.Mutex // one at a time
	now      *config.Config
	level    zap.AtomicLevel
	queue    *queue.Queue
	gateway  *payment.Client
	tills    *till.Server
	stations map[string]*station
	released map[string]bool // addresses that the service manager holds and that no [[till]] was for at the start
	log      *zap.Logger
}

// errRestart is a change that only a restart takes over.
var errRestart = errors.New("takes a restart (systemctl restart cpmd), which is safe at any time")

// reload reads the file again and returns what was changed. Where it is refused, everything stays as it is.
func (r *reloader) reload(ctx context.Context) (changed []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if changed, err = r.takeOver(ctx); err != nil {
		r.log.Error("the configuration is not taken over, and everything stays as it was: mend it and reload again", zap.Error(err))
		return nil, err
	}
	r.log.Info("the configuration is taken over", zap.String("config", r.now.File), zap.Strings("changed", changed))
	return changed, nil
}

func (r *reloader) takeOver(ctx context.Context) ([]string, error) {
	next, err := config.Load(r.now.File)
	if err != nil {
		return nil, err
	}
	if err := fixed(r.now, next); err != nil {
		return nil, err
	}
	scanners, err := r.newScanners(next)
	if err != nil {
		return nil, err
	}
	doors := endpoints(next.Tills, nil)
	if err := errors.Join(r.held(doors), r.tills.Refuses(ctx, doors)); err != nil {
		return nil, fmt.Errorf("%s: %w", next.File, err)
	}
	if err := r.queue.Change(ctx, settings(next)); err != nil {
		return nil, err
	}
	// From here on nothing fails.
	r.level.SetLevel(next.Log.Level)
	r.gateway.Limit(next.Gateway.RatePerMinute)
	for lane, s := range scanners {
		r.stations[lane].replace(s)
	}
	r.tills.Change(doors)
	changed := differences(r.now, next)
	r.now = next
	return changed, nil
}

// newScanners makes the scanners of those lanes whose scanner is another one now.
func (r *reloader) newScanners(next *config.Config) (map[string]scanner.Scanner, error) {
	made := map[string]scanner.Scanner{}
	for i, l := range next.Lanes {
		if l.Scanner == r.now.Lanes[i].Scanner {
			continue
		}
		s, err := scanner.New(l.Scanner)
		if err != nil {
			return nil, fmt.Errorf("the scanner of lane %s: %w", l.Name, err)
		}
		made[l.Name] = s
	}
	return made, nil
}

// held refuses addresses that the service manager holds and has handed over already.
func (r *reloader) held(doors []till.Endpoint) error {
	for _, e := range doors {
		if r.released[e.Listen] {
			return fmt.Errorf("till %s: systemd holds this address, and the change %w", e.Listen, errRestart)
		}
	}
	return nil
}

// names are those of the configuration's parts where they differ from that of the part.
var names = map[string]string{"Lanes": "lane", "Tills": "till"}

// fixedKeys name the fixed keys of parts of which the others can be changed.
var fixedKeys = map[string]string{"Timing": "timing.answer", "Log": "log.format", "Lanes": "lane (all but scanner)"}

// fixed refuses what cannot be changed while sales run; it names every key. A part of the configuration is fixed unless it
// is taken out here, which belongs to taking it over in takeOver.
func fixed(now, next *config.Config) error {
	a, b := *now, *next
	for _, c := range []*config.Config{&a, &b} {
		answer := c.Timing.Answer
		c.Timing, c.Audit, c.Sales, c.Log.Level, c.Gateway.RatePerMinute = config.Timing{Answer: answer}, config.Audit{}, config.Sales{}, 0, 0
		c.Tills = nil
		lanes := make([]config.Lane, len(c.Lanes))
		for i, l := range c.Lanes {
			virtual := l.Scanner.Driver == "virtual" // tills may feed it
			if lanes[i] = l; !virtual {
				lanes[i].Scanner = scanner.Config{}
			}
		}
		c.Lanes = lanes
	}
	var changed []string
	for _, part := range parts(&a, &b) {
		changed = append(changed, cmp.Or(fixedKeys[part], names[part], strings.ToLower(part)))
	}
	if len(changed) > 0 {
		return fmt.Errorf("%s: the change of %s %w", next.File, strings.Join(changed, ", "), errRestart)
	}
	return nil
}

// differences names the sections that differ.
func differences(a, b *config.Config) (all []string) {
	for _, part := range parts(a, b) {
		all = append(all, cmp.Or(names[part], strings.ToLower(part)))
	}
	return all
}

// parts lists the fields that differ.
func parts(a, b *config.Config) (all []string) {
	was, is := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range was.NumField() {
		if !reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()) {
			all = append(all, was.Type().Field(i).Name)
		}
	}
	return all
}

// follow reloads at each signal until the context ends.
func (r *reloader) follow(ctx context.Context, signals <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_, _ = r.reload(ctx) // it is logged
		}
	}
}
