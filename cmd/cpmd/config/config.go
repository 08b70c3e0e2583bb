// Package config reads cpmd's configuration file and refuses what could not work or would not be safe: every
// fault at once, each with its line, its key and what to do about it.
//
// Start reading at [Load]. Each section has a file of its own (gateway.go, timing.go, lane.go, till.go) that
// lists its keys with their defaults and rules; table.go is how they read, lines.go knows where a key stands.
package config

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"

	"cpmd/payment"
	"cpmd/scanner"
	"cpmd/till"
	"cpmd/till/page"
)

// A Config is a whole, checked configuration: all defaults filled in, all paths absolute.
type Config struct {
	File    string // the file it was read from
	Gateway Gateway
	Journal Journal
	Timing  Timing
	Audit   Audit
	Alarm   Alarm
	Sales   Sales
	Log     Log
	Display Display
	Lanes   []Lane // at least one; names differ
	Tills   []Till // at least one; addresses differ
}

// A Gateway is how QFPay is reached and as whom.
type Gateway struct {
	URL           string // scheme and host, no slash at the end; http only for loopback
	AppCode       payment.Secret
	ClientKey     payment.Secret
	MchID         string         // empty: not sent
	Signature     string         // "MD5" or "SHA256"
	Zone          *time.Location // of txdtm; fixed, named like "+08:00"
	RatePerMinute int            // requests, 1 to 400
	Currencies    map[string]int // ISO 4217 code: decimals; others are refused
}

// A Journal is where the durable record lives.
type Journal struct {
	Path     string
	KeepDays int // days that stay in it; older months move to files beside it. 0: all stay
}

// A Timing is how long to wait for what. Poll < Confirm, Answer <= Confirm < GiveUp.
type Timing struct {
	Scan     time.Duration   // for a scan
	Answer   time.Duration   // for the answer to a payment request
	Poll     time.Duration   // between queries while the customer stands there
	Confirm  time.Duration   // from submission to the cancel attempt
	GiveUp   time.Duration   // from submission to `unresolved`
	Deliver  time.Duration   // for goods to be handed over, where the till confirms that; then the money goes back
	FollowUp []time.Duration // between queries about an unresolved sale; the last one repeats
	DayEnd   time.Duration   // since midnight: when the day before is compared with QFPay's list; 0: never
}

// An Audit is how payments that have ended are looked at again.
type Audit struct {
	After    []time.Duration // from the end
	GiveBack time.Duration   // from money found for a sale that is not paid until it is given back; negative: never
}

// An Alarm is who is called when an alarm opens, and when it is settled.
type Alarm struct {
	Command []string       // an absolute path and arguments; empty: none
	Webhook payment.Secret // https, or http for loopback; empty: none
}

// Sales is what is asked of tills.
type Sales struct {
	OldIDs string // "answer" or "refuse": an id of an earlier day's sale, with the same content
}

// A Display is what customers are shown.
type Display struct {
	Languages string // the folder of further languages; empty: none
}

// A Log is what is logged and how.
type Log struct {
	Level  zapcore.Level
	Format string // "json" or "console"
}

// A Lane is one counter position.
type Lane struct {
	Name    string
	PayType string
	Scanner scanner.Config
}

// A Till is one address at which till software connects.
type Till struct {
	Name        string // in the journal and in messages; its Listen where the file has none
	Dialect     string // "http" or "line"
	Network     string // "unix" or "tcp", as for net.Listen
	Address     string // an absolute path, or a loopback IP address with its port
	TokenFile   string // for tcp; empty for unix
	Allow       []till.Permission
	Peers       map[till.Permission][]string // users and groups; a permission that is not in it is for all
	Lanes       []string                     // nil: all
	Origins     []string                     // of web pages
	Connections int
}

// Listen is the address as the file has it, but for relative paths.
func (t Till) Listen() string { return t.Network + ":" + t.Address }

// Load reads the file at path and the credential files that it names. A relative path in it starts at the
// file's own folder; a relative credential file at $CREDENTIALS_DIRECTORY, where that is set.
//
// The error, if any, is a [Faults] that holds everything that is wrong.
func Load(path string) (*Config, error) {
	c, s := load(path)
	if len(s.faults) > 0 {
		return nil, s.sorted()
	}
	return c, nil
}

// load returns the source as well, whose faults say whether the Config is any good.
func load(path string) (*Config, *source) {
	s := &source{name: path, known: map[string]string{}}
	s.dir, _ = filepath.Abs(filepath.Dir(path))
	s.credentials = os.Getenv("CREDENTIALS_DIRECTORY")
	if s.credentials == "" {
		s.credentials = s.dir
	}
	root := s.open(path)
	if root == nil {
		return nil, s
	}
	defer root.done()
	g := gateway(root.table("gateway"))
	l := lanes(root)
	return &Config{
		File:    filepath.Join(s.dir, filepath.Base(path)),
		Gateway: g,
		Journal: journal(root.table("journal")),
		Timing:  timing(root.table("timing"), !loopbackURL(g.URL)),
		Audit:   audit(root.table("audit"), !loopbackURL(g.URL)),
		Alarm:   alarm(root.table("alarm")),
		Sales:   sales(root.table("sales")),
		Log:     logging(root.table("log")),
		Display: display(root.table("display")),
		Lanes:   l,
		Tills:   tills(root, l),
	}, s
}

func journal(t *table) Journal {
	defer t.done()
	return Journal{
		Path: read(t, "path", "/var/lib/cpmd/journal.db", func(name string) (string, error) {
			if name == "" || strings.HasSuffix(name, "/") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '?' }) {
				return "", todo("%q cannot be the journal; name a file, such as /var/lib/cpmd/journal.db", name)
			}
			return t.path(name), nil
		}),
		KeepDays: read(t, "keep_days", int64(400), func(n int64) (int, error) {
			if n == 0 {
				return 0, nil
			}
			return between(leastDays, 36500)(n)
		}),
	}
}

// leastDays is how long sales stay in the journal at least: tills, refunds and the comparison of days ask for those of the last weeks.
const leastDays = 31

func display(t *table) Display {
	defer t.done()
	return Display{
		Languages: read(t, "languages", "", func(folder string) (string, error) {
			if folder == "" {
				return "", nil
			}
			folder = t.path(folder)
			if _, err := page.ReadLanguages(folder); err != nil {
				return "", todo("%v", err)
			}
			return folder, nil
		}),
	}
}

func logging(t *table) Log {
	defer t.done()
	return Log{
		Level: read(t, "level", "info", func(s string) (l zapcore.Level, err error) {
			if _, err := oneOf("debug", "info", "warn", "error")(s); err != nil {
				return l, err
			}
			return zapcore.ParseLevel(s)
		}),
		Format: read(t, "format", "json", oneOf("json", "console")),
	}
}
