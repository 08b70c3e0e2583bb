package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"cpmd/cmd/cpmd/config"
)

// noDecimals are currencies whose smallest unit is the whole (ISO 4217); all others that QFPay lists have cents.
var noDecimals = map[string]bool{"JPY": true}

// currencyTable makes HKD,JPY=0 the TOML table { HKD = 2, JPY = 0 }.
func currencyTable(plain string) (string, error) {
	var parts []string
	for _, word := range strings.FieldsFunc(plain, func(r rune) bool { return r == ',' || r == ' ' }) {
		code, decimals, given := strings.Cut(strings.ToUpper(word), "=")
		if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return "", fmt.Errorf("%q is not a currency: write three letters, such as HKD, or JPY=0 with its decimals", word)
		}
		if !given {
			decimals = "2"
			if noDecimals[code] {
				decimals = "0"
			}
		}
		parts = append(parts, code+" = "+decimals)
	}
	if len(parts) == 0 {
		return "", errors.New("no currency is named: write one, such as HKD")
	}
	return "{ " + strings.Join(parts, ", ") + " }", nil
}

func plainCurrencies(all map[string]int) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, fmt.Sprintf("%s=%d", code, all[code]))
	}
	return strings.Join(parts, ",")
}

// text is the whole configuration. At the usual place it has the addresses that the service manager holds.
func (s *setup) text(scanner string) string {
	dir := filepath.Dir(s.file)
	journal, tills := filepath.Join(dir, "journal.db"), fmt.Sprintf(`[[till]]
name = "counter"
dialect = "http"
listen = %q
`, "unix:"+filepath.Join(dir, "till.sock"))
	if s.file == defaultConfig {
		journal, tills = "/var/lib/cpmd/journal.db", usualTills
	}
	c := s.choice
	return fmt.Sprintf(`# Written by cpmd setup. docs/configuration.md explains every key; after a change: cpmd check -live

[gateway]
url = %q
app_code_file = "app_code"
client_key_file = "client_key"
mchid = %q
signature = %q
currencies = %s

[journal]
path = %q

[[lane]]
name = "1"
scanner = %s

%s`, c.url, c.mchid, c.signature, c.currencies, journal, scanner, tills)
}

const usualTills = `[[till]]
name = "counter"
dialect = "http"
listen = "unix:/run/cpmd/till.sock"

[[till]]
name = "local-port"
dialect = "http"
listen = "tcp:127.0.0.1:8460"
token_file = "/run/cpmd/token"
allow = ["sell", "read"]

[[till]]
name = "line"
dialect = "line"
listen = "unix:/run/cpmd/line.sock"
allow = ["sell", "refund", "read"]
`

// write puts the credentials and the configuration in place, each at once or not at all. A configuration that says
// the same already stays as it is, with everything else that is in it.
func (s *setup) write(old *config.Config) error {
	dir := filepath.Dir(s.file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	scanner := s.choice.scanner
	if scanner == "" {
		scanner = `{ driver = "virtual" }` // of the old one, whose own is compared below
	}
	made, err := s.trial(scanner)
	if err != nil {
		return err
	}
	keep := old != nil && s.same(old, made)
	if old != nil && !keep && !s.force && !s.yes("The configuration that is there says something else. Replace it? A copy is kept") {
		return fmt.Errorf("%s is in use and says something else than what was asked for: edit it, or let -force replace it (a copy is kept)", s.file)
	}
	if old != nil && !keep && s.choice.scanner == "" {
		return errMissing{"-scanner", "which scanner the new configuration has"}
	}
	for name, secret := range map[string]string{"app_code": s.choice.appCode.Reveal(), "client_key": s.choice.clientKey.Reveal()} {
		if err := replace(filepath.Join(dir, name), secret+"\n", 0o600, -1); err != nil {
			return err
		}
	}
	if keep {
		s.say("%s stays as it is.", s.file)
		return nil
	}
	if was, err := os.ReadFile(s.file); err == nil {
		aside := s.file + time.Now().UTC().Format(".before-20060102-150405")
		if err := replace(aside, string(was), 0o600, -1); err != nil {
			return err
		}
		s.say("The old configuration is kept as %s.", aside)
	}
	group, mode := s.machine.group(), fs.FileMode(0o600)
	if group >= 0 {
		mode = 0o640
	}
	if err := replace(s.file, s.text(scanner), mode, group); err != nil {
		return err
	}
	s.say("%s is written.", s.file)
	return nil
}

// trial loads what would be written, in a folder of its own.
func (s *setup) trial(scanner string) (*config.Config, error) {
	dir, err := os.MkdirTemp("", "cpmd-setup")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "cpmd.toml")
	if err := errors.Join(os.WriteFile(file, []byte(s.text(scanner)), 0o600),
		os.WriteFile(filepath.Join(dir, "app_code"), []byte(s.choice.appCode.Reveal()), 0o600),
		os.WriteFile(filepath.Join(dir, "client_key"), []byte(s.choice.clientKey.Reveal()), 0o600)); err != nil {
		return nil, err
	}
	return config.Load(file)
}

// same reports whether a configuration already says what was chosen.
func (s *setup) same(old, made *config.Config) bool {
	g, h := old.Gateway, made.Gateway
	return g.URL == h.URL && g.MchID == h.MchID && g.Signature == h.Signature && maps.Equal(g.Currencies, h.Currencies) &&
		(s.choice.scanner == "" || reflect.DeepEqual(old.Lanes[0].Scanner, made.Lanes[0].Scanner))
}

// replace writes a file so that whoever reads it sees the old one or the new one, whole.
func replace(path, text string, mode fs.FileMode, group int) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".cpmd-setup-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(mode)); err == nil && group >= 0 {
		err = f.Chown(-1, group)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
