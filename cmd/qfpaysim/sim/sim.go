// Package sim is a QFPay gateway for tests: the /trade/v1 calls that Consumer Presented Mode needs, the
// signatures, the field rules, the response codes, and every way in which answers go missing or lie. It keeps
// a ledger of what was charged, so that "at most one charge a sale" can be checked from outside.
//
// It is written from QFPay's public pages and captured answers, apart from package payment, so that each
// checks the other. Start reading at [New]; what it can be told to do is in behaviours.go and surprises.go, and
// docs/qfpaysim.md has all of it for people.
//
// A Gateway starts no goroutine and reads time only through [Config].Clock and timers of package time. Made
// inside a testing/synctest bubble it runs on the bubble's clock.
package sim

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"sync"
	"time"
)

// Config says what merchant the gateway knows and how it behaves where QFPay's pages leave a choice. The zero
// value of each field but AppCode and ClientKey is usable.
type Config struct {
	AppCode   string // X-QF-APPCODE of the only merchant
	ClientKey string // signs requests and answers
	MchID     string // if set every call must carry it; if not no call may

	Clock func() time.Time // default time.Now
	Skew  time.Duration    // added to Clock
	Zone  *time.Location   // of sysdtm and of txdtm without txzone; default +0800
	Seed  int64            // makes serial numbers and other free choices repeatable

	Latency       time.Duration // before each answer to a /trade call
	RatePerMinute int           // more calls in a minute get HTTP 429; 0: no limit. QFPay's own limit is 400

	PayTypes   []string // enabled; others get 1104 "filter error". Default: the six of QFPay's current table
	Currencies []string // default: the thirteen that QFPay lists
	Shape      string   // whose key sets answers have: "doc" (default), "2025", "2023", "2018" or "2017"
	AnswerSign string   // of answers: one of AnswerSigns; default "MD5"

	Lenient          bool          // unknown and empty optional fields are let through
	ReuseCodes       bool          // an auth code may be used again
	AnyHour          bool          // refunds are taken at any hour; else not from 23:30 to 00:30
	AnyMonth         bool          // a query by number searches all months; else only the current one
	SameDayFunds     bool          // a refund needs as much taken today in that wallet and currency, else 1269
	WeChatCloseAfter time.Duration // a close of a younger WeChat order gets 1297; WeChat itself asks for 15s

	Habits Habits // to begin with; its AnswerSign is the one above

	Log io.Writer // one line a call, codes masked; nil: none
}

// A Gateway is a QFPay with a ledger. It is an [http.Handler] and safe for use by many goroutines.
type Gateway struct {
	cfg      Config
	payTypes map[string]bool
	money    map[string]bool
	closed   chan struct{}
	once     sync.Once
	panel    http.Handler

	mu      sync.Mutex
	skew    time.Duration
	orders  []*order // in the order of arrival
	refunds []*refund
	byNo    map[string]*order // also those that QFPay knows nothing of, for the ledger
	backNo  map[string]*refund
	serials map[string]bool
	codes   map[string]bool // auth codes used
	late    []*order        // on their way, not arrived
	scripts []*Script
	strays  []Request
	calls   []time.Time // of the last minute
	count   int

	habits    Habits
	busyUntil time.Time
}

// New makes a gateway with an empty ledger. It panics if cfg has an unknown Shape or AnswerSign, which only
// a programming mistake can cause; [Config.Check] says it without.
func New(cfg Config) *Gateway {
	if err := cfg.Check(); err != nil {
		panic(err)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Zone == nil {
		cfg.Zone = time.FixedZone("+0800", 8*3600)
	}
	if cfg.Shape == "" {
		cfg.Shape = "doc"
	}
	if len(cfg.PayTypes) == 0 {
		cfg.PayTypes = defaultPayTypes
	}
	if len(cfg.Currencies) == 0 {
		cfg.Currencies = defaultCurrencies
	}
	g := &Gateway{cfg: cfg, closed: make(chan struct{}), payTypes: set(cfg.PayTypes), money: set(cfg.Currencies)}
	g.panel = g.controls()
	g.Reset()
	return g
}

// Check returns what is wrong with the configuration.
func (c Config) Check() error {
	switch {
	case c.AppCode == "" || c.ClientKey == "":
		return errors.New("sim: an app code and a client key are needed")
	case c.Shape != "" && shapes[c.Shape] == nil:
		return fmt.Errorf("sim: no shape %q; there are doc, 2025, 2023, 2018 and 2017", c.Shape)
	}
	h := c.Habits
	h.AnswerSign = or(c.AnswerSign, "MD5")
	return h.check()
}

// Close lets go of every caller that is made to wait; their connections break. The ledger stays readable.
func (g *Gateway) Close() { g.once.Do(func() { close(g.closed) }) }

// Reset forgets payments, refunds, scripts, habits beyond Config's and the clock's skew beyond Config.Skew.
func (g *Gateway) Reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.skew = g.cfg.Skew
	g.orders, g.refunds, g.late, g.scripts, g.strays, g.calls, g.count = nil, nil, nil, nil, nil, nil, 0
	g.byNo, g.backNo = map[string]*order{}, map[string]*refund{}
	g.serials, g.codes = map[string]bool{}, map[string]bool{}
	g.habits, g.busyUntil = g.cfg.Habits, time.Time{}
	g.habits.AnswerSign = or(g.cfg.AnswerSign, "MD5")
}

// SetSkew sets what is added to Clock, and Advance adds to it. What was due in between happens.
func (g *Gateway) SetSkew(d time.Duration) { g.mu.Lock(); g.skew = d; g.mu.Unlock() }

// Advance moves the gateway's clock.
func (g *Gateway) Advance(d time.Duration) { g.mu.Lock(); g.skew += d; g.mu.Unlock() }

// Now is the gateway's time, in its zone.
func (g *Gateway) Now() time.Time { g.mu.Lock(); defer g.mu.Unlock(); return g.now() }

func (g *Gateway) now() time.Time { return g.cfg.Clock().Add(g.skew).In(g.cfg.Zone) }

// ServeHTTP answers /trade/v1/... as QFPay does and /sim/... as the control panel.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/trade/v1/payment", "/trade/v1/query", "/trade/v1/reversal", "/trade/v1/close", "/trade/v1/refund":
		g.trade(w, r)
	default:
		g.panel.ServeHTTP(w, r)
	}
}

// pick is a number in [0, n) that depends on the seed and the words alone, so that concurrent calls do not
// change each other's luck.
func (g *Gateway) pick(n uint64, words ...string) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, g.cfg.Seed, words)
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x % n
}

// serial makes a syssn of 26 digits that starts with the day.
func (g *Gateway) serial(now time.Time, words ...string) string {
	for n := g.pick(1e8, words...); ; n = (n + 1) % 1e8 {
		s := fmt.Sprintf("%s0003000200%08d", now.Format("20060102"), n)
		if !g.serials[s] {
			g.serials[s] = true
			return s
		}
	}
}

func set(words []string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
