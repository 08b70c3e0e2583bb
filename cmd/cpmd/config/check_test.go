package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpmd/cmd/cpmd/config"
)

func TestCheckLooksAtTheMachine(t *testing.T) {
	dir := credentials(t)
	write(t, dir, "ttyACM0", "")
	if err := os.Symlink("ttyACM0", filepath.Join(dir, "by-id")); err != nil {
		t.Fatal(err)
	}
	path := write(t, dir, "cpmd.toml", `[gateway]
url = "https://test-openapi-hk.qfapi.com"
rate_per_minute = 100
[journal]
path = "nowhere/journal.db"
[timing]
poll = "2s"
[[lane]]
name = "1"
scanner = { driver = "serial", port = "`+dir+`/ttyACM0" }
[[lane]]
name = "2"
[lane.scanner]
driver = "serial"
port = "`+dir+`/by-id"
[[lane]]
name = "3"
scanner = { driver = "serial", port = "`+dir+`/ttyACM7" }
[[till]]
dialect = "http"
listen = "unix:app_code/till.sock"
[[till]]
dialect = "http"
listen = "tcp:127.0.0.1:8460"
token_file = "run/token"
`)
	c, warnings, err := config.Check(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Lanes) != 3 {
		t.Errorf("%d lanes, want 3", len(c.Lanes))
	}
	want := `cpmd.toml:2: gateway.url: is for live tests: real wallets are charged and the money is not settled; refund every payment
cpmd.toml:5: journal.path: the folder nowhere does not exist; create it, owned by the user that runs cpmd
cpmd.toml:7: timing.poll: may lead to 90 queries a minute (3 lanes, one each 2s), but gateway.rate_per_minute leaves only 75 for them: queries will wait; write a longer time
cpmd.toml:15: lane.scanner.port: leads to ttyACM0, as that of lane "1" does; give each lane its own scanner
cpmd.toml:18: lane.scanner.port: ttyACM7 does not exist now; plug the scanner in (cpmd scanners lists what is)
cpmd.toml:21: till.listen: app_code is not a folder; choose another place
cpmd.toml:25: till.token_file: the folder run does not exist; create it, owned by the user that runs cpmd`
	if diff := cmp.Diff(want, strings.ReplaceAll(warnings.Error(), dir+"/", "")); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestCheckKnowsTheHostsOfQFPay(t *testing.T) {
	for host, want := range map[string]string{
		"https://openapi-hk.qfapi.com":  "",
		"https://openapi.qfpay.com":     "",
		"https://openapi-hk.qfapi.co":   "is not a host that QFPay documents",
		"https://openapi-int.qfapi.com": "is QFPay's sandbox",
		"http://127.0.0.1:9000":         "",
	} {
		dir := credentials(t)
		text := strings.Replace(least, "https://openapi-hk.qfapi.com/", host, 1)
		text = strings.Replace(text, "unix:/run/cpmd/", "unix:", 1) + "[journal]\npath = \"journal.db\"\n"
		_, warnings, err := config.Check(write(t, dir, "cpmd.toml", text))
		if err != nil {
			t.Fatal(err)
		}
		if got := warnings.Error(); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: warnings %q, want %q", host, got, want)
		}
	}
}

// A file of before the key was renamed works as it did, and the check tells the new name.
func TestOldNameOfFollowUp(t *testing.T) {
	dir := credentials(t)
	text := strings.Replace(least, "unix:/run/cpmd/", "unix:", 1) + "[journal]\npath = \"journal.db\"\n[timing]\nreconcile = [\"3m\", \"4m\"]\n"
	path := write(t, dir, "cpmd.toml", text)
	if c, err := config.Load(path); err != nil || !slices.Equal(c.Timing.FollowUp, []time.Duration{3 * time.Minute, 4 * time.Minute}) {
		t.Fatalf("Load: %+v, %v", c, err)
	}
	_, warnings, err := config.Check(path)
	want := path + ":12: timing.reconcile: is called follow_up now; rename it"
	if err != nil || len(warnings) != 1 || !strings.HasPrefix(warnings.Error(), want) {
		t.Errorf("Check: %v, warnings %q, want %q", err, warnings, want)
	}
	// Both at once is a mistake: only one of them can be meant.
	path = write(t, dir, "cpmd.toml", text+"follow_up = [\"5m\"]\n")
	want = path + ":12: timing.reconcile: is the old name of follow_up, which is there too; remove it"
	if _, err := config.Load(path); err == nil || err.Error() != want {
		t.Errorf("Load with both names: %v, want %q", err, want)
	}
}

func TestNever(t *testing.T) {
	for _, test := range []struct {
		lines string
		ok    func(*config.Config) bool
	}{
		{"[timing]\nday_end = \"never\"\n", func(c *config.Config) bool { return c.Timing.DayEnd == 0 }},
		{"[timing]\nday_end = \"23:59\"\n", func(c *config.Config) bool { return c.Timing.DayEnd == 24*time.Hour-time.Minute }},
		{"[audit]\ngive_back = \"never\"\n", func(c *config.Config) bool { return c.Audit.GiveBack < 0 }},
		{"[audit]\ngive_back = \"24h\"\n", func(c *config.Config) bool { return c.Audit.GiveBack == 24*time.Hour }},
	} {
		if c, err := config.Load(write(t, credentials(t), "cpmd.toml", least+test.lines)); err != nil || !test.ok(c) {
			t.Errorf("%s: %+v, %v", test.lines, c, err)
		}
	}
}
