// Package live tries what a configuration needs, as "cpmd check -live" and "cpmd setup" do: QFPay by a harmless
// question, and then either the running daemon, which knows best how it stands, or the scanners, the journal and the
// tills' addresses one by one.
package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"cpmd/cmd/cpmd/app"
	"cpmd/cmd/cpmd/config"
	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/scanner"
	"cpmd/till"
	"cpmd/till/client"
)

// A Report is what came of a check.
type Report struct {
	Fine []string // what works
	ToDo []string // what a person should do, most urgent first; each cause once
}

func (r *Report) fine(format string, args ...any) {
	r.Fine = append(r.Fine, fmt.Sprintf(format, args...))
}

func (r *Report) todo(all ...string) {
	for _, a := range all {
		if !slices.Contains(r.ToDo, a) {
			r.ToDo = append(r.ToDo, a)
		}
	}
}

// Limits of each look: QFPay's answer takes 10 s at most, a device opens or not within two.
const (
	daemonLimit  = 5 * time.Second
	scannerLimit = 2 * time.Second
)

// Check tries everything. It takes scanners for a moment, unless a daemon has them.
func Check(ctx context.Context, cfg *config.Config) (r Report) {
	r.qfpay(ctx, cfg)
	if r.daemon(ctx, cfg.Tills) {
		return r
	}
	r.fine("cpmd is not running; looked at its parts instead")
	r.journal(cfg.Journal.Path)
	r.scanners(ctx, cfg.Lanes)
	for _, t := range cfg.Tills {
		r.address(t)
	}
	return r
}

func (r *Report) qfpay(ctx context.Context, cfg *config.Config) {
	gateway, err := payment.New(app.GatewayConfig(cfg))
	if err != nil {
		r.todo(err.Error())
		return
	}
	defer gateway.Close()
	troubles := gateway.Try(ctx)
	for _, t := range troubles {
		r.todo(t.String())
	}
	if len(troubles) == 0 {
		r.fine("QFPay at %s answers, takes the credentials, and has the same time", cfg.Gateway.URL)
	}
}

// daemon asks the running daemon for what is to be done; it reports whether there is one.
func (r *Report) daemon(ctx context.Context, tills []config.Till) (runs bool) {
	ctx, cancel := context.WithTimeout(ctx, daemonLimit)
	defer cancel()
	var refused error
	for _, t := range tills {
		if !slices.Contains(t.Allow, till.Read) {
			continue
		}
		c, err := client.New(client.Config{Addr: t.Listen(), TokenFile: t.TokenFile})
		if err != nil {
			continue
		}
		d, err := c.Diagnosis(ctx)
		c.Close()
		if err == nil {
			r.fine("cpmd %s runs", d.Version)
			if !d.Ready && len(d.Advice) == 0 {
				r.todo("cpmd takes no sales: " + d.Journal.Error)
			}
			r.todo(d.Advice...)
			return true
		}
		if e := (*client.Error)(nil); errors.As(err, &e) || errors.Is(err, syscall.EACCES) {
			refused = fmt.Errorf("cpmd at %s does not tell this user how it stands: %w; run this as root", t.Listen(), err)
		}
	}
	if refused != nil {
		r.todo(refused.Error())
	}
	return refused != nil
}

// leastRoom is what a journal should find on its disk: months of sales.
const leastRoom = 100 << 20

func (r *Report) journal(path string) {
	dir := path[:strings.LastIndexByte(path, '/')+1]
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		r.todo(fmt.Sprintf("the journal's folder %s cannot be written (%v): create it, or give it to the user that runs cpmd", dir, err))
		return
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err == nil && int64(disk.Bavail)*disk.Bsize < leastRoom {
		r.todo(fmt.Sprintf("the disk of %s is almost full: make room (journalctl --vacuum-size=100M, apt clean)", dir))
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		r.fine("the journal %s will be made at the first start", path)
		return
	}
	report, err := journal.Check(path)
	if err != nil {
		r.todo(err.Error())
		return
	}
	for _, f := range report.Faults {
		r.todo("the journal has a fault: " + f + " (cpmd check -journal " + path + ")")
	}
	r.fine("journal %s: %d sales, %d unfinished", path, report.Sales, report.Unfinished)
}

// scanners opens each one for a moment, with the words that the daemon would have.
func (r *Report) scanners(ctx context.Context, lanes []config.Lane) {
	ctx, cancel := context.WithTimeout(ctx, scannerLimit)
	defer cancel()
	looks := make([]look, len(lanes))
	var running sync.WaitGroup
	for i, l := range lanes {
		s, err := scanner.New(l.Scanner)
		if err != nil {
			looks[i].last = scanner.Status{State: scanner.Absent, Advice: err.Error()}
			continue
		}
		once, found := context.WithCancel(ctx)
		looks[i].found = found
		running.Go(func() { defer found(); s.Run(once, &looks[i]) })
	}
	running.Wait()
	for i, l := range lanes {
		switch st := looks[i].last; {
		case looks[i].open:
			r.fine("lane %s: the scanner can be read (%s)", l.Name, st.Device)
		case st.Advice != "":
			r.todo(fmt.Sprintf("lane %s: the scanner is %s: %s", l.Name, st.State, st.Advice))
		default:
			r.todo(fmt.Sprintf("lane %s: the scanner is not found: plug it in (cpmd scanners lists what is there)", l.Name))
		}
	}
}

// A look is what a scanner said while it was tried. It is over when the device is open.
type look struct {
	found context.CancelFunc
	last  scanner.Status
	open  bool
}

func (l *look) Scanned(scanner.Scan) {}

func (l *look) StatusChanged(s scanner.Status) {
	if l.open {
		return // it is let go
	}
	l.last = s
	if s.State == scanner.Open {
		l.open = true
		l.found()
	}
}

// address looks whether a till's address is free.
func (r *Report) address(t config.Till) {
	if t.Network == "unix" {
		if info, err := os.Lstat(t.Address); err == nil && info.Mode().Type() != os.ModeSocket {
			r.todo(fmt.Sprintf("till %s: there is a file of that name that is no socket: move it away", t.Listen()))
		}
		return
	}
	l, err := net.Listen("tcp", t.Address)
	if err == nil {
		_ = l.Close()
	} else {
		r.todo(fmt.Sprintf("till %s: the port cannot be opened (%v): end the program that has it (ss -ltnp), or choose another port", t.Listen(), errors.Unwrap(err)))
	}
	if f, err := os.Open(t.TokenFile); err == nil {
		_ = f.Close()
	} else if !errors.Is(err, os.ErrNotExist) {
		r.todo(fmt.Sprintf("till %s: the token cannot be read (%v): correct its owner and mode, or remove it and restart cpmd", t.Listen(), err))
	}
}
