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

	"cpmd/cmd/cpmd/config"
	"cpmd/payment"
	"cpmd/queue"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
	"cpmd/scanner"
	"cpmd/till"
)

// Run runs the daemon until the context ends, and returns when all is let go. An error says what to do.
func Run(ctx context.Context, cfg *config.Config, version string, logTo io.Writer) (err error) {
	log := newLogger(cfg.Log, logTo)
	defer func() { _ = log.Sync() }()

	journal, err := journal.Open(cfg.Journal.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()

	g := cfg.Gateway
	gateway, err := payment.New(payment.Config{URL: g.URL, AppCode: g.AppCode, ClientKey: g.ClientKey, MchID: g.MchID, Signature: g.Signature,
		Location: g.Zone, RatePerMinute: g.RatePerMinute, Answer: cfg.Timing.Answer, Observe: logExchanges(log.Named("gateway"))})
	if err != nil {
		return err
	}
	defer gateway.Close()

	lanes, scanners, err := makeLanes(cfg.Lanes)
	if err != nil {
		return err
	}
	metrics := newMetrics()
	q := queue.New(queue.Config{Rules: rules(cfg.Timing, cfg.Audit), Lanes: lanes, Location: g.Zone, Currencies: g.Currencies, Gateway: gateway, Journal: journal,
		DayEnd: cfg.Timing.DayEnd, OldIDs: cfg.Sales.OldIDs, Log: log.Named("queue"), Version: version, GatewayHealth: func() (any, []string) { return gatewayHealth(g.URL, gateway) }, Observe: metrics.observe})
	metrics.registry.MustRegister(state{q})

	queueCtx, stopQueue := context.WithCancel(context.WithoutCancel(ctx))
	defer stopQueue()
	ended := make(chan error, 1)
	go func() { ended <- q.Run(queueCtx) }()
	select {
	case <-q.Started():
	case err := <-ended:
		return err
	}

	stopScanners := runScanners(ctx, q, scanners)
	held := heldSockets(log)
	doors := endpoints(cfg.Tills, held)
	release(held, log)
	tills := till.New(till.Config{Endpoints: doors, Registry: metrics.registry,
		Metrics: promhttp.HandlerFor(metrics.registry, promhttp.HandlerOpts{})}, q, log.Named("till"))
	if err = tills.Start(ctx); err == nil {
		log.Info("ready", zap.String("version", version), zap.String("config", cfg.File), zap.String("gateway", g.URL), zap.Int("lanes", len(lanes)))
		notify(log, daemon.SdNotifyReady)
		stopWatchdog := watchdog(ctx, q, log)
		select {
		case <-ctx.Done():
		case err = <-ended:
			ended <- nil
		}
		notify(log, daemon.SdNotifyStopping)
		stopWatchdog()
	}
	log.Info("stopping")
	shut, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	err = errors.Join(err, tills.Shutdown(shut))
	stopScanners()
	stopQueue()
	return errors.Join(err, <-ended)
}

// shutdownLimit is how long tills may take to have their last answers.
const shutdownLimit = 5 * time.Second

func rules(t config.Timing, a config.Audit) sale.Rules {
	r := sale.DefaultRules()
	r.Scan, r.Answer, r.Poll, r.Confirm, r.GiveUp, r.Deliver, r.FollowUp = t.Scan, t.Answer, t.Poll, t.Confirm, t.GiveUp, t.Deliver, t.FollowUp
	r.Audit, r.GiveBack = a.After, a.GiveBack
	r.Beside, r.Apart = min(r.Beside, t.Answer/2), min(r.Apart, t.Poll*3/2) // a rehearsal has shorter times
	return r
}

func makeLanes(configured []config.Lane) (lanes []queue.Lane, scanners map[string]scanner.Scanner, err error) {
	scanners = map[string]scanner.Scanner{}
	for _, c := range configured {
		s, err := scanner.New(c.Scanner)
		if err != nil {
			return nil, nil, fmt.Errorf("the scanner of lane %s: %w", c.Name, err)
		}
		l := queue.Lane{Name: c.Name, PayType: c.PayType, Scanner: s}
		if v, ok := s.(*scanner.Virtual); ok {
			l.Feed = v.Feed
		}
		lanes, scanners[c.Name] = append(lanes, l), s
	}
	return lanes, scanners, nil
}

// runScanners runs every scanner until the context ends or stop is called; stop returns when all devices are let go.
func runScanners(ctx context.Context, q *queue.Queue, scanners map[string]scanner.Scanner) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for lane, s := range scanners {
		running.Go(func() { s.Run(ctx, q.Sink(lane)) })
	}
	return func() { cancel(); running.Wait() }
}
