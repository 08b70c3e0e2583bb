// Command qfpaysim is a QFPay that runs on loopback, for testing clients: it signs, checks, charges and can be
// told to misbehave. Start reading at run; what it does is in package sim.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"cpmd/cmd/qfpaysim/sim"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const (
	exitFailed = 1
	exitUsage  = 64
)

func run(args []string, stdout, stderr io.Writer) int {
	cfg, listen, err := parse(args, stdout, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "qfpaysim: %v\nTry qfpaysim -help.\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		fmt.Fprintf(stderr, "qfpaysim: %v; is another one running there? -listen 127.0.0.1:0 takes a free port\n", err)
		return exitFailed
	}
	fmt.Fprintf(stdout, "qfpaysim listening on http://%s\n", l.Addr())
	if err := serve(ctx, l, sim.New(cfg)); err != nil {
		fmt.Fprintf(stderr, "qfpaysim: %v\n", err)
		return exitFailed
	}
	return 0
}

// serve answers until ctx ends; then it lets go of callers that are made to wait and returns.
func serve(ctx context.Context, l net.Listener, g *sim.Gateway) error {
	srv := &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	g.Close()
	stopping, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if srv.Shutdown(stopping) != nil {
		_ = srv.Close()
	}
	<-done
	return nil
}

func parse(args []string, stdout, stderr io.Writer) (cfg sim.Config, listen string, err error) {
	fs := flag.NewFlagSet("qfpaysim", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	var zone, payTypes, currencies string
	var quiet bool
	fs.StringVar(&listen, "listen", "127.0.0.1:9000", "loopback `address`; port 0 takes a free one")
	fs.StringVar(&cfg.AppCode, "app-code", "", "the merchant's app `code` (required)")
	fs.StringVar(&cfg.ClientKey, "client-key", "", "the merchant's client `key` (required)")
	fs.StringVar(&cfg.MchID, "mchid", "", "the merchant's `id`: every call must carry it; without it none may")
	fs.StringVar(&zone, "timezone", "+08:00", "`zone` of sysdtm, and of times without txzone")
	fs.DurationVar(&cfg.Skew, "clock-skew", 0, "added to the clock")
	fs.DurationVar(&cfg.Latency, "latency", 0, "before each answer")
	fs.IntVar(&cfg.RatePerMinute, "rate-per-minute", 0, "more `calls` get HTTP 429; QFPay's own limit is 400; 0: none")
	fs.Int64Var(&cfg.Seed, "seed", 1, "`number` that serial numbers and free choices come from")
	fs.StringVar(&payTypes, "pay-types", "", "enabled, joined by commas (default 800008,800108,800208,801008,805808,800708)")
	fs.StringVar(&currencies, "currencies", "", "enabled, joined by commas (default all that QFPay lists)")
	fs.StringVar(&cfg.Shape, "shape", "doc", "whose key sets answers have: doc, 2025, 2023, 2018 or 2017")
	fs.StringVar(&cfg.AnswerSign, "answer-sign", "MD5", "answers are signed MD5, same (as the request), fields (sorted), none or wrong")
	fs.IntVar(&cfg.Habits.PageSize, "page-size", 0, "`items` a page of a list holds, whatever was asked; 0: as asked")
	fs.BoolVar(&cfg.Habits.PageRepeats, "page-repeats", false, "every page after the last one is the last one again")
	fs.DurationVar((*time.Duration)(&cfg.Habits.ListLag), "list-lag", 0, "lists show everything as it was that long ago")
	fs.IntVar(&cfg.Habits.ListMisses, "list-misses", 0, "every `nth` item is left out of lists; 0: none")
	fs.BoolVar(&cfg.Habits.ListEmpty, "list-empty", false, "lists are empty")
	fs.BoolVar(&cfg.Lenient, "lenient", false, "let unknown and empty optional fields through")
	fs.BoolVar(&cfg.ReuseCodes, "reuse-codes", false, "an auth code may be used again")
	fs.BoolVar(&cfg.AnyHour, "any-hour", false, "refunds are taken at any hour, also from 23:30 to 00:30")
	fs.BoolVar(&cfg.AnyMonth, "any-month", false, "queries by number search all months, not only the current one")
	fs.BoolVar(&cfg.SameDayFunds, "same-day-funds", false, "a refund needs as much taken today, else 1269")
	fs.DurationVar(&cfg.WeChatCloseAfter, "wechat-close-after", 0, "a close of a younger WeChat order gets 1297; WeChat asks for 15s")
	fs.BoolVar(&quiet, "quiet", false, "no line a call on stderr")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			help(stdout, fs)
		}
		return cfg, "", err
	}
	if fs.NArg() > 0 {
		return cfg, "", fmt.Errorf("%q is not a flag", fs.Arg(0))
	}
	if cfg.AppCode == "" || cfg.ClientKey == "" {
		return cfg, "", errors.New("-app-code and -client-key are needed; any words will do, give the client the same")
	}
	at, err := time.Parse("-07:00", zone)
	if err != nil {
		return cfg, "", fmt.Errorf("-timezone %q is not like +08:00", zone)
	}
	_, offset := at.Zone()
	cfg.Zone = time.FixedZone(zone, offset)
	cfg.PayTypes, cfg.Currencies = split(payTypes), split(currencies)
	if !quiet {
		cfg.Log = stderr
	}
	if err := loopback(listen); err != nil {
		return cfg, "", err
	}
	return cfg, listen, cfg.Check()
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// loopback refuses addresses that others can reach: the control panel asks for no password.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("-listen %q is not like 127.0.0.1:9000", addr)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("-listen %q is not a loopback address; 127.0.0.1 and [::1] are", addr)
}

func help(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprint(w, `qfpaysim is a QFPay on loopback, for testing clients. No money moves.

  qfpaysim -app-code CODE -client-key KEY [flags]

`)
	fs.SetOutput(w)
	fs.PrintDefaults()
	fmt.Fprint(w, "\n", sim.Help())
}
