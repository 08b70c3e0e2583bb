// Package app wires the daemon: config, journal, gateway, queue, scanners and tills. It never touches signals or
// flags, so that tests start it as the command does.
//
// Start reading at [Run]: the order in which things start is the order in which they may be needed, and they stop
// the other way round.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"cpmd/cmd/cpmd/config"
	"cpmd/cmd/cpmd/messenger"
	"cpmd/payment"
	"cpmd/queue"
	"cpmd/queue/journal"
	"cpmd/scanner"
	"cpmd/till"
	"cpmd/till/page"
)

// Run runs the daemon until the context ends, and returns when all is let go. An error says what to do.
func Run(ctx context.Context, cfg *config.Config, version string, logTo io.Writer) error {
	return RunReloading(ctx, cfg, version, logTo, nil)
}

// RunReloading does what Run does, and reads the configuration again whenever something comes from reload.
func RunReloading(ctx context.Context, cfg *config.Config, version string, logTo io.Writer, reload <-chan struct{}) (err error) {
	unix.Umask(0o077) // the journal and the files that SQLite makes beside it; sockets and tokens get modes of their own
	level := zap.NewAtomicLevelAt(cfg.Log.Level)
	log := newLogger(cfg.Log, level, logTo)
	defer func() { _ = log.Sync() }()

	languages, err := page.ReadLanguages(cfg.Display.Languages)
	if err != nil {
		return err
	}
	record, err := journal.Open(cfg.Journal.Path, journalOptions...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, record.Close()) }()

	pay := GatewayConfig(cfg)
	metrics := newMetrics(version)
	logged := logExchanges(log.Named("gateway"))
	pay.Observe = func(ctx context.Context, e payment.Exchange) { logged(ctx, e); metrics.exchanged(e) }
	gateway, err := payment.New(pay)
	if err != nil {
		return err
	}
	defer gateway.Close()

	lanes, stations, err := makeLanes(cfg.Lanes)
	if err != nil {
		return err
	}
	shop := queueConfig(cfg, lanes)
	shop.Gateway, shop.Journal, shop.Log, shop.Version, shop.Observe = gateway, record, log.Named("queue"), version, metrics.observe
	shop.Wrote = metrics.wrote
	shop.GatewayHealth = func() (any, []string) { return gatewayHealth(cfg.Gateway.URL, gateway) }
	var calls *messenger.Messenger
	shop.Advise = func() []string { return calls.Advice() }
	q := queue.New(shop)
	told := messengerConfig(cfg)
	told.Version, told.Called = version, metrics.called
	calls = messenger.New(told, q, log.Named("alarms"))
	metrics.registry.MustRegister(gauges{q, record.OpenAlarms})

	queueCtx, stopQueue := context.WithCancel(context.WithoutCancel(ctx))
	defer stopQueue()
	ended := make(chan error, 1)
	go func() { ended <- q.Run(queueCtx) }()
	select {
	case <-q.Started():
	case err := <-ended:
		return err
	}

	defer runBeside(ctx, func(ctx context.Context) { keepAsking(ctx, gateway) })()
	stopScanners := runScanners(ctx, q, stations)
	stopCalls := runBeside(ctx, calls.Run)
	held := heldSockets(log)
	doors := endpoints(cfg.Tills, held)
	reloads := &reloader{now: cfg, level: level, queue: q, gateway: gateway, stations: stations, released: release(held, log), log: log}
	tills := till.New(till.Config{Endpoints: doors, Registry: metrics.registry, Backup: newBackups(cfg.Journal.Path).make, Reload: reloads.reload,
		Location: cfg.Gateway.Zone, Currencies: cfg.Gateway.Currencies, Languages: languages,
		Metrics: promhttp.HandlerFor(metrics.registry, promhttp.HandlerOpts{})}, q, log.Named("till"))
	reloads.tills = tills
	if err = tills.Start(ctx); err == nil {
		stopReloads := runBeside(ctx, func(ctx context.Context) { reloads.follow(ctx, reload) })
		log.Info("ready", zap.String("version", version), zap.String("config", cfg.File), zap.String("gateway", cfg.Gateway.URL), zap.Int("lanes", len(lanes)))
		notify(log, daemon.SdNotifyReady)
		stopReports := supervise(ctx, q, tills, log)
		select {
		case <-ctx.Done():
		case err = <-ended:
			ended <- nil
		}
		notify(log, daemon.SdNotifyStopping)
		stopReports()
		stopReloads()
	}
	log.Info("stopping")
	shut, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	err = errors.Join(err, tills.Shutdown(shut))
	stopScanners()
	stopCalls()
	stopQueue()
	return errors.Join(err, <-ended)
}

// journalOptions are set by tests.
var journalOptions []journal.Option

// shutdownLimit is how long tills may take to have their last answers. A connection that has said nothing yet is given 5 s by http.Server;
// that is no fault of the end.
const shutdownLimit = 6 * time.Second

func makeLanes(configured []config.Lane) (lanes []queue.Lane, stations map[string]*station, err error) {
	stations = map[string]*station{}
	for _, c := range configured {
		s, err := scanner.New(c.Scanner)
		if err != nil {
			return nil, nil, fmt.Errorf("the scanner of lane %s: %w", c.Name, err)
		}
		stations[c.Name] = &station{now: s}
		l := queue.Lane{Name: c.Name, PayType: c.PayType, Scanner: stations[c.Name]}
		if v, ok := s.(*scanner.Virtual); ok {
			l.Feed = v.Feed
		}
		lanes = append(lanes, l)
	}
	return lanes, stations, nil
}

// runScanners runs every scanner until the context ends or stop is called; stop returns when all devices are let go.
func runScanners(ctx context.Context, q *queue.Queue, stations map[string]*station) (stop func()) {
	return runBeside(ctx, func(ctx context.Context) {
		var running sync.WaitGroup
		for lane, s := range stations {
			running.Go(func() { s.Run(ctx, q.Sink(lane)) })
		}
		running.Wait()
	})
}

// runBeside runs f until the context ends or stop is called; stop returns when f has.
func runBeside(ctx context.Context, f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	return func() { cancel(); running.Wait() }
}
