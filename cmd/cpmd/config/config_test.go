package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap/zapcore"

	"cpmd/cmd/cpmd/config"
	"cpmd/scanner"
	"cpmd/till"
)

func TestMain(m *testing.M) {
	os.Unsetenv("CREDENTIALS_DIRECTORY") // of whoever runs the tests
	goleak.VerifyTestMain(m)
}

const least = `[gateway]
url = "https://openapi-hk.qfapi.com/"
[[lane]]
name = "1"
scanner = { driver = "virtual" }
[[till]]
dialect = "http"
listen = "unix:/run/cpmd/till.sock"
`

// zones are equal if they are the same time.
var zones = cmp.Comparer(func(a, b *time.Location) bool {
	at := time.Unix(0, 0)
	return at.In(a).Format(time.RFC3339) == at.In(b).Format(time.RFC3339)
})

func TestDefaults(t *testing.T) {
	dir := credentials(t)
	got, err := config.Load(write(t, dir, "cpmd.toml", least))
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		File: filepath.Join(dir, "cpmd.toml"),
		Gateway: config.Gateway{
			URL: "https://openapi-hk.qfapi.com", AppCode: "CANARY-APP-CODE", ClientKey: "CANARY-CLIENT-KEY",
			Signature: "MD5", Zone: time.FixedZone("", 8*3600), RatePerMinute: 400, Currencies: map[string]int{"HKD": 2},
		},
		Journal: config.Journal{Path: "/var/lib/cpmd/journal.db", KeepDays: 400},
		Timing: config.Timing{
			Scan: time.Minute, Answer: 40 * time.Second, Poll: 2 * time.Second, Confirm: time.Minute, GiveUp: 2 * time.Minute, Deliver: 2 * time.Minute,
			FollowUp: []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}, DayEnd: 3*time.Hour + 30*time.Minute,
		},
		Audit: config.Audit{After: []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}, GiveBack: 15 * time.Minute},
		Sales: config.Sales{OldIDs: "answer"},
		Log:   config.Log{Level: zapcore.InfoLevel, Format: "json"},
		Lanes: []config.Lane{{Name: "1", PayType: "800008", Scanner: scanner.Config{Driver: "virtual"}}},
		Tills: []config.Till{{Name: "unix:/run/cpmd/till.sock", Dialect: "http", Network: "unix", Address: "/run/cpmd/till.sock",
			Allow: []till.Permission{"sell", "refund", "resolve", "read"}, Connections: 256}},
	}
	if diff := cmp.Diff(want, got, zones); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

func TestEveryKey(t *testing.T) {
	dir := credentials(t)
	write(t, dir, "code", "A1\r\n") // as a Windows editor leaves it
	got, err := config.Load(write(t, dir, "cpmd.toml", `
[gateway]
url = "http://localhost:9000"
app_code_file = "code"
client_key_file = "`+dir+`/client_key"
mchid = "ZaMVg12345"
signature = "SHA256"
timezone = "-03:30"
rate_per_minute = 1
[gateway.currencies]
HKD = 2
JPY = 0
[journal]
path = "../journal.db"
keep_days = 90
[timing]
scan = "100ms"
answer = "200ms"
poll = "100ms"
confirm = "200ms"
give_up = "201ms"
deliver = "3s"
follow_up = ["1s", "1s"]
day_end = "00:00"
[audit]
after = ["2s", "3s"]
give_back = "never"
[sales]
old_ids = "refuse"
[log]
level = "debug"
format = "console"
[[lane]]
name = "front_desk.1-a"
pay_type = "800108"
[lane.scanner]
driver = "serial"
port = "/dev/serial/by-id/usb-Honeywell"
baud = 115200
protocol = "ssi"
ack = true
terminator = "crlf"
idle = "50ms"
aim = true
beep = false
arm = true
[[lane]]
name = "2"
scanner = { driver = "hid", port = "1-4.2", vendor = "0c2e", product = "0907", serial = "77", mode = "keyboard", layout = "de", invert_caps = true }
[[till]]
dialect = "http"
listen = "tcp:localhost:8460"
token_file = "run/token"
[[till]]
dialect = "http"
listen = "tcp:[::1]:8460"
token_file = "/run/cpmd/token"
name = "page"
allow = ["display"]
lanes = ["2"]
origins = ["https://till.example:8443", "http://localhost:3000"]
connections = 4
[[till]]
dialect = "line"
listen = "unix:run/line.sock"
name = "front_1.a-b"
allow = ["refund", "sell"]
lanes = ["2", "front_desk.1-a"]
peers = { refund = ["root", "supervisors"], sell = ["cashier$"] }
connections = 4096
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		File: filepath.Join(dir, "cpmd.toml"),
		Gateway: config.Gateway{
			URL: "http://localhost:9000", AppCode: "A1", ClientKey: "CANARY-CLIENT-KEY", MchID: "ZaMVg12345", Signature: "SHA256",
			Zone: time.FixedZone("", -(3*3600 + 1800)), RatePerMinute: 1, Currencies: map[string]int{"HKD": 2, "JPY": 0},
		},
		Journal: config.Journal{Path: filepath.Join(filepath.Dir(dir), "journal.db"), KeepDays: 90},
		Timing: config.Timing{
			Scan: 100 * time.Millisecond, Answer: 200 * time.Millisecond, Poll: 100 * time.Millisecond,
			Confirm: 200 * time.Millisecond, GiveUp: 201 * time.Millisecond, Deliver: 3 * time.Second, FollowUp: []time.Duration{time.Second, time.Second},
			DayEnd: 1, // midnight itself
		},
		Audit: config.Audit{After: []time.Duration{2 * time.Second, 3 * time.Second}, GiveBack: -1},
		Sales: config.Sales{OldIDs: "refuse"},
		Log:   config.Log{Level: zapcore.DebugLevel, Format: "console"},
		Lanes: []config.Lane{
			{Name: "front_desk.1-a", PayType: "800108", Scanner: scanner.Config{
				Driver: "serial", Port: "/dev/serial/by-id/usb-Honeywell", Baud: 115200, Protocol: "ssi", ACK: true,
				Terminator: "crlf", Idle: 50 * time.Millisecond, AIM: true, Quiet: true, Arm: true}},
			{Name: "2", PayType: "800008", Scanner: scanner.Config{
				Driver: "hid", Port: "1-4.2", Vendor: "0c2e", Product: "0907", Serial: "77", Mode: "keyboard", Layout: "de", InvertCaps: true}},
		},
		Tills: []config.Till{
			{Name: "tcp:127.0.0.1:8460", Dialect: "http", Network: "tcp", Address: "127.0.0.1:8460", TokenFile: filepath.Join(dir, "run/token"),
				Allow: []till.Permission{"sell", "refund", "resolve", "read"}, Connections: 256},
			{Name: "page", Dialect: "http", Network: "tcp", Address: "[::1]:8460", TokenFile: "/run/cpmd/token", Allow: []till.Permission{"display"},
				Lanes: []string{"2"}, Origins: []string{"https://till.example:8443", "http://localhost:3000"}, Connections: 4},
			{Name: "front_1.a-b", Dialect: "line", Network: "unix", Address: filepath.Join(dir, "run/line.sock"), Allow: []till.Permission{"refund", "sell"},
				Lanes: []string{"2", "front_desk.1-a"}, Peers: map[till.Permission][]string{"refund": {"root", "supervisors"}, "sell": {"cashier$"}}, Connections: 4096},
		},
	}
	if diff := cmp.Diff(want, got, zones); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

// Promise 5 holds for credentials as well: no printed form of a Config shows them.
func TestSecretsArePrintedNowhere(t *testing.T) {
	c, err := config.Load(write(t, credentials(t), "cpmd.toml", least))
	if err != nil {
		t.Fatal(err)
	}
	c.Gateway.Zone = nil // a time zone has no JSON
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprintf("%v %+v %#v %s %s", c, *c, c.Gateway, c.Gateway.AppCode, asJSON); strings.Contains(all, "CANARY") {
		t.Errorf("a secret is printed: %s", all)
	}
}

func TestFilesThatAreNoConfiguration(t *testing.T) {
	dir := credentials(t)
	for _, test := range []struct{ name, text, want string }{
		{"missing", "", ": does not exist; give the path of the configuration with -config"},
		{"folder", "", ": is a folder; name the file in it"},
		{"large", strings.Repeat("# large\n", 1<<17) + "\n", ": is larger than 1 MiB"},
		{"bom", "\ufeff" + least, ":1: starts with a byte order mark"},
		{"utf16", "\xff\xfe[\x00g\x00", ":1: is UTF-16 text; save it as UTF-8"},
		{"latin1", least + "# caf\xe9\n#\xff", ":9: is not UTF-8 text; save the file as UTF-8"},
		{"long", least + "# " + strings.Repeat("x", 5000), ":9: is longer than 4096 bytes"},
		{"nul", least + "\x00", ":9: till: not valid TOML"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(dir, test.name)
			switch test.name {
			case "missing":
			case "folder":
				if err := os.Mkdir(path, 0o700); err != nil {
					t.Fatal(err)
				}
			default:
				write(t, dir, test.name, test.text)
			}
			_, err := config.Load(path)
			var faults config.Faults
			if !errors.As(err, &faults) || !strings.HasPrefix(err.Error(), path+test.want) {
				t.Errorf("Load: %v, want %q", err, path+test.want)
			}
		})
	}
}

// A configuration that every user may change decides nothing safely.
func TestWorldWritableIsRefused(t *testing.T) {
	path := write(t, credentials(t), "cpmd.toml", least)
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o644: true, 0o664: true, 0o666: false, 0o602: false, 0o777: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(path)
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "may be changed by every user of this machine") {
			t.Errorf("mode %04o: %v, want ok = %v", mode, err, ok)
		}
	}
}

// What "cpmd check" tells of each endpoint.
func TestTillString(t *testing.T) {
	c, err := config.Load(write(t, credentials(t), "cpmd.toml", least+`
[[till]]
dialect = "line"
listen = "unix:/run/cpmd/line.sock"
name = "front"
allow = ["sell", "refund"]
peers = { refund = ["supervisors", "alice"] }
lanes = ["1"]
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"till unix:/run/cpmd/till.sock (http): sell, refund, resolve, read",
		"till unix:/run/cpmd/line.sock (line, front): sell, refund (for supervisors, alice); sees its own sales only; lanes 1",
	} {
		if got := c.Tills[i].String(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestBoundaries(t *testing.T) {
	long := strings.Repeat("n", 32)
	for _, test := range []struct {
		name, old, new string
		ok             bool
	}{
		{"lane name of 32", `"1"`, `"` + long + `"`, true},
		{"lane name of 33", `"1"`, `"` + long + `n"`, false},
		{"socket path of 107", "/run/cpmd/till.sock", "/" + strings.Repeat("s", 106), true},
		{"socket path of 108", "/run/cpmd/till.sock", "/" + strings.Repeat("s", 107), false},
		{"http on 127.0.0.2", "https://openapi-hk.qfapi.com/", "http://127.0.0.2", true},
		{"http on ::1", "https://openapi-hk.qfapi.com/", "http://[::1]:9000", true},
		{"http on a mapped address", "https://openapi-hk.qfapi.com/", "http://[::ffff:127.0.0.1]:9000", true},
		{"http on a mapped LAN address", "https://openapi-hk.qfapi.com/", "http://[::ffff:10.0.0.1]:9000", false},
		{"http on ::1 of an interface", "https://openapi-hk.qfapi.com/", "http://[::1%25eth0]:9000", false},
		{"http on localhost.example.com", "https://openapi-hk.qfapi.com/", "http://localhost.example.com", false},
		{"http behind a user name", "https://openapi-hk.qfapi.com/", "http://127.0.0.1@10.0.0.1", false},
		{"port 65535", "openapi-hk.qfapi.com/", "openapi-hk.qfapi.com:65535", true},
		{"port 0", "openapi-hk.qfapi.com/", "openapi-hk.qfapi.com:0", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := config.Load(write(t, credentials(t), "cpmd.toml", strings.Replace(least, test.old, test.new, 1)))
			if (err == nil) != test.ok {
				t.Errorf("Load: %v, want ok = %v", err, test.ok)
			}
		})
	}
}
