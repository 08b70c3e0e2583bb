package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cpmd/cmd/cpmd/app"
	"cpmd/cmd/cpmd/config"
	"cpmd/queue/sale"
	"cpmd/scanner"
	"cpmd/till"
	"cpmd/till/client"
)

const (
	testLimit  = time.Minute
	testAmount = 300 // minor units; below 200 QFPay's risk control may refuse (QFPay docs, payment page)
)

// testSale sells on a virtual lane with a made-up code, which no wallet has. The simulator takes it; at a test host of
// QFPay it is declined, which shows that everything up to the wallets works. A journal of its own is thrown away
// afterwards, so this is nothing for a host where a code could be real.
func (s *setup) testSale(ctx context.Context, cfg *config.Config) error {
	u, err := url.Parse(cfg.Gateway.URL)
	if err != nil {
		return err
	}
	simulated := u.Scheme == "http"
	if !simulated && !strings.HasPrefix(u.Hostname(), "test-openapi-") && u.Hostname() != "openapi-int.qfapi.com" {
		s.say("Here a sale moves money. To try one: cpmctl sale -amount 3.00 -currency HKD; show a wallet's code; then cpmctl refund.")
		return nil
	}
	dir, err := os.MkdirTemp("", "cpmd-test")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	trial := *cfg
	trial.Journal.Path = filepath.Join(dir, "journal.db")
	trial.Timing.Scan = 10 * time.Second
	trial.Lanes = []config.Lane{{Name: "1", PayType: cfg.Lanes[0].PayType, Scanner: scanner.Config{Driver: "virtual"}}}
	trial.Tills = []config.Till{{Name: "setup", Dialect: till.DialectHTTP, Network: "unix", Address: filepath.Join(dir, "till.sock"), Allow: till.DefaultPermissions}}
	ctx, cancel := context.WithTimeout(ctx, testLimit)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx, &trial, s.version, io.Discard) }()
	begun := time.Now()
	v, err := sell(ctx, trial.Tills[0].Listen(), slices.Sorted(maps.Keys(cfg.Gateway.Currencies))[0])
	took := time.Since(begun)
	cancel()
	if err = errors.Join(err, <-ended); err != nil {
		return fmt.Errorf("the test sale failed: %w", err)
	}
	switch {
	case v.State == sale.Paid:
		s.say("Test sale: paid, in %d ms.", took.Milliseconds())
	case !simulated && v.State == sale.NotPaid && len(v.Payments) > 0:
		s.say("Test sale: QFPay took the payment and declined the made-up code, as it should.")
	default:
		return fmt.Errorf("the test sale came to %s: %s", v.State, v.Message)
	}
	return nil
}

// sell opens a sale, shows a code and waits for the end.
func sell(ctx context.Context, addr, currency string) (v sale.View, err error) {
	c, err := client.New(client.Config{Addr: addr, Patience: 10 * time.Second})
	if err != nil {
		return v, err
	}
	defer c.Close()
	id := fmt.Sprint("setup-", time.Now().UnixNano())
	if v, _, err = c.PutSale(ctx, sale.Request{ID: id, Amount: testAmount, Currency: currency}); err != nil {
		return v, err
	}
	if err = c.Scan(ctx, "1", fmt.Sprintf("28%012d0000", time.Now().UnixMicro()%1e12)); err != nil {
		return v, err
	}
	for err == nil && !v.Final && v.State != sale.Unresolved {
		v, err = c.WaitSale(ctx, id, v.Seq, 5*time.Second)
	}
	return v, err
}
