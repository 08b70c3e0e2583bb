package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cpmd/cmd/cpmd/config"
	"cpmd/cmd/cpmd/live"
	"cpmd/cmd/cpmd/scanners"
	"cpmd/payment"
	"cpmd/scanner"
)

const defaultConfig = "/etc/cpmd/cpmd.toml"

// run does all steps. An error ends it; what is left to do afterwards is in the report.
func (s *setup) run(ctx context.Context) (r live.Report, err error) {
	old, err := s.existing()
	if err != nil {
		return r, err
	}
	if err := s.askGateway(ctx, old); err != nil {
		return r, err
	}
	if err := s.askRest(ctx, old); err != nil {
		return r, err
	}
	if err := s.write(old); err != nil {
		return r, err
	}
	later := s.letIn()
	cfg, warnings, err := config.Check(s.file)
	if err != nil {
		return r, err
	}
	if g := cfg.Gateway; g.AppCode != s.choice.appCode || g.ClientKey != s.choice.clientKey {
		return r, fmt.Errorf("%s names other files for the credentials than app_code and client_key beside it: write them there", s.file)
	}
	for _, w := range warnings {
		s.say("warning: %s", w)
	}
	if s.test {
		if err := s.testSale(ctx, cfg); err != nil {
			later = append(later, err.Error())
		}
	}
	later = append(later, s.startService()...)
	r = live.Check(ctx, cfg)
	r.ToDo = append(r.ToDo, later...)
	return r, nil
}

// existing reads the configuration that is there. One whose credentials are missing was never in use, such as the
// package's example: it is nil, as one that is not there.
func (s *setup) existing() (*config.Config, error) {
	if _, err := os.Stat(s.file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	old, err := config.Load(s.file)
	faults, _ := err.(config.Faults)
	_, noKey := os.Stat(filepath.Join(filepath.Dir(s.file), "client_key"))
	other := func(f config.Fault) bool {
		return !strings.HasPrefix(f.Key, "gateway.") || !strings.HasSuffix(f.Key, "_file")
	}
	switch {
	case err == nil:
		return old, nil
	case errors.Is(noKey, fs.ErrNotExist) && !slices.ContainsFunc(faults, other), s.force:
		return nil, nil
	}
	return nil, fmt.Errorf("the configuration that is there has faults; mend it, or let -force replace it (a copy is kept):\n%w", err)
}

// askGateway finds out where QFPay is and who asks, until QFPay takes it.
func (s *setup) askGateway(ctx context.Context, old *config.Config) (err error) {
	c := &s.choice
	if old != nil {
		c.url, c.mchid, c.signature = cmp.Or(c.url, old.Gateway.URL), cmp.Or(c.mchid, old.Gateway.MchID), cmp.Or(c.signature, old.Gateway.Signature)
		c.appCode, c.clientKey = cmp.Or(c.appCode, old.Gateway.AppCode), cmp.Or(c.clientKey, old.Gateway.ClientKey)
	}
	c.signature = cmp.Or(c.signature, "MD5")
	for again := false; ; again = true {
		if c.url == "" || again {
			where, err := s.ask("Where is QFPay: hk, hk-test, sandbox, simulator, or the address it gave you", cmp.Or(c.url, "hk"))
			if err != nil {
				return err
			}
			if !s.terminal {
				return errMissing{"-gateway", "where QFPay is"}
			}
			c.url = cmp.Or(hosts[where], where)
		}
		if c.appCode == "" || again {
			code, err := s.ask("App code", string(c.appCode))
			if err != nil {
				return err
			}
			c.appCode = payment.Secret(code)
		}
		if c.clientKey == "" && !s.terminal {
			return errMissing{"-client-key-file", "the client key"}
		}
		if c.clientKey == "" || again {
			key, err := s.secret("Client key")
			if err != nil {
				return err
			}
			c.clientKey = cmp.Or(payment.Secret(key), c.clientKey)
		}
		if c.appCode == "" && !s.terminal {
			return errMissing{"-app-code", "the app code"}
		}
		if err = s.try(ctx); err == nil || s.untried || ctx.Err() != nil {
			return ctx.Err()
		}
		if !s.terminal {
			return fmt.Errorf("%w\nNothing was written. -untried writes the configuration all the same", err)
		}
		s.say("%v", err)
	}
}

// try asks QFPay a harmless question. A wrong clock is told at the end.
func (s *setup) try(ctx context.Context) error {
	c := s.choice
	gateway, err := payment.New(payment.Config{URL: c.url, AppCode: c.appCode, ClientKey: c.clientKey, MchID: c.mchid, Signature: c.signature})
	if err != nil {
		return err
	}
	defer gateway.Close()
	for _, t := range gateway.Try(ctx) {
		if t.Kind != payment.ClockOff {
			return errors.New(t.String())
		}
	}
	s.say("QFPay at %s takes the credentials.", c.url)
	return nil
}

// askRest finds out about currencies, the scanner and the till's users.
func (s *setup) askRest(ctx context.Context, old *config.Config) (err error) {
	c := &s.choice
	if c.currencies == "" {
		if old != nil {
			c.currencies = plainCurrencies(old.Gateway.Currencies)
		} else if c.currencies, err = s.ask("Currencies, as HKD or HKD,JPY=0", "HKD"); err != nil {
			return err
		}
	}
	if c.currencies, err = currencyTable(c.currencies); err != nil {
		return err
	}
	if s.scannerIs == "" && old != nil {
		return nil // the scanner stays as it is
	}
	if c.scanner, err = s.findScanner(ctx); err != nil {
		return err
	}
	if len(s.users) == 0 {
		user, err := s.ask("Which user runs the till's program? Empty: decide later", "")
		if err != nil {
			return err
		}
		s.users = strings.Fields(user)
	}
	return nil
}

// findScanner returns the value of the key scanner.
func (s *setup) findScanner(ctx context.Context) (string, error) {
	is := s.scannerIs
	for {
		switch {
		case is == "virtual":
			return `{ driver = "virtual" }`, nil
		case strings.HasPrefix(is, "/"):
			return fmt.Sprintf(`{ driver = "serial", port = %q }`, is), nil
		case strings.Contains(is, "{"):
			return findScannerIn(is), nil
		case is == "learn":
			unhush := scanners.Hush(s.in) // a keyboard scanner types into the terminal too: the code would answer the next question
			s.say("Scan any code now, within a minute. Goods will do.")
			wait, cancel := context.WithTimeout(ctx, time.Minute)
			l, ok := scanner.Survey{}.Learn(wait, false, func(c scanner.Candidate, err error) { s.say("%s is not listened to: %v", c.Name, err) })
			cancel()
			unhush()
			if ok {
				return findScannerIn(l.Candidate.Config), nil
			}
			s.say("No code came.")
		case is != "" && is != "find":
			return "", fmt.Errorf("-scanner %s is not known: write find, learn, virtual, a serial port's path or a line of cpmd scanners", is)
		default:
			var usable []scanner.Candidate
			for _, c := range (scanner.Survey{}).Candidates() {
				if c.Sure && c.Config != "" {
					usable = append(usable, c)
				}
			}
			for i, c := range usable {
				s.say("%d  %s: %s", i+1, c.Name, c.Config)
			}
			if len(usable) == 1 {
				return findScannerIn(usable[0].Config), nil
			}
			s.say("%d scanners are plugged in.", len(usable))
		}
		if !s.terminal {
			return "", errMissing{"-scanner", "which scanner it is"}
		}
		answer, err := s.ask("Scanner: find, learn (scan a code), virtual (none), or a serial port's path", "learn")
		if err != nil {
			return "", err
		}
		is = answer
	}
}

func findScannerIn(line string) string { return line[max(strings.IndexByte(line, '{'), 0):] }
