package till

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"cpmd/till/page"
)

// The dialects.
const (
	DialectHTTP = "http"
	DialectLine = "line"
)

// An Endpoint is one place where tills are heard: a [[till]] table of the configuration.
type Endpoint struct {
	Name      string // for people and for the journal; empty: Listen
	Dialect   string // "http" or "line"
	Listen    string // "unix:/path" or "tcp:127.0.0.1:8460"; only loopback addresses
	TokenFile string // for tcp: holds the token, and is written at start where it is missing

	Allow       []Permission            // nil: DefaultPermissions
	Peers       map[Permission][]string // the users and groups that a permission is for; not there: all; for unix
	Lanes       []string                // nil: all
	Origins     []string                // of web pages that may use it, such as "https://till.example"; for http
	Connections int                     // of tills at once; 0: DefaultConnections

	// Inherited is a listener that the service manager opened already; nil: open one.
	Inherited net.Listener
}

// DefaultConnections is how many tills may be connected to an endpoint at once.
const DefaultConnections = 256

func (e Endpoint) name() string { return cmp.Or(e.Name, e.Listen) }

func (e Endpoint) allowed() []Permission {
	if e.Allow == nil {
		return DefaultPermissions
	}
	return e.Allow
}

// A Config says where tills are heard.
type Config struct {
	Endpoints []Endpoint
	// Metrics answers GET /metrics; nil: there is none.
	Metrics http.Handler
	// Backup makes a copy of the journal, which is gone when it is closed; nil: there are none.
	Backup func(context.Context) (io.ReadSeekCloser, error)
	// Reload takes over a changed configuration and returns what was changed; nil: there is none.
	Reload func(context.Context) (changed []string, err error)
	// Location is the time zone of days, and Currencies are the decimals of each; for the pages.
	Location   *time.Location // nil: UTC
	Currencies map[string]int
	// Languages are those of the customer display; nil: those that come with cpmd.
	Languages *page.Languages
	// Registry takes this package's own metrics; may be nil.
	Registry prometheus.Registerer
}

// limits keep one till, or something that is none, from harming the others.
type limits struct {
	connections int           // of tills at once, per endpoint that names no number
	strangers   int           // connections at once beside those, that have not shown yet that they may be here
	grace       time.Duration // that such a connection has at least
	calls       int           // at once, per connection of the line dialect
	body        int64         // bytes of a request
	drain       int64         // bytes of a body too long that are read so that the answer is seen
	header      int           // bytes
	read        time.Duration // for a whole request to arrive
	write       time.Duration // for a till to take what is sent
	idle        time.Duration // between requests on an HTTP connection
	leave       time.Duration // for the last answers of an endpoint that is closed while others stay
	beat        time.Duration // between signs of life on an event stream
	retry       time.Duration // before the first new try to open an endpoint, then twice as long each time
	retryMost   time.Duration
}

var defaultLimits = limits{
	connections: DefaultConnections,
	strangers:   512,
	grace:       250 * time.Millisecond,
	calls:       32,
	body:        64 << 10,
	drain:       8 << 20,
	header:      16 << 10,
	read:        10 * time.Second,
	write:       10 * time.Second,
	idle:        2 * time.Minute,
	leave:       5 * time.Second,
	beat:        15 * time.Second,
	retry:       250 * time.Millisecond,
	retryMost:   15 * time.Second,
}

// A Server answers tills on all its endpoints.
type Server struct {
	desk    Desk
	log     *zap.Logger
	cfg     Config
	limits  limits
	metrics *metrics

	ending  chan struct{} // closed when Shutdown begins: waits and event streams end
	end     sync.Once
	serving sync.WaitGroup
	trying  sync.WaitGroup

	changing sync.Mutex // is held while endpoints change; none do once ending is closed

	mu    sync.Mutex
	doors []*door

	links     links
	languages *page.Languages
}

// New makes a Server; [Server.Start] opens its endpoints.
func New(cfg Config, desk Desk, log *zap.Logger) *Server {
	words := cfg.Languages
	if words == nil {
		words = page.BuiltIn()
	}
	return &Server{desk: desk, log: log, cfg: cfg, limits: defaultLimits,
		metrics: newMetrics(cfg.Registry), ending: make(chan struct{}), languages: words}
}

// Start opens all endpoints and answers tills until [Server.Shutdown]. One that cannot be opened, such as one
// whose port another program has, is tried again in the background; [Server.Closed] tells. The error is about an
// endpoint that is none. ctx bounds the opening only.
func (s *Server) Start(ctx context.Context) error {
	for _, e := range s.cfg.Endpoints {
		if err := e.Check(); err != nil {
			return fmt.Errorf("till %s %s: %w", e.Dialect, e.Listen, err)
		}
	}
	for _, e := range s.cfg.Endpoints {
		s.mu.Lock()
		d := s.newDoor(e, s.doors)
		s.doors = append(s.doors, d)
		s.mu.Unlock()
		s.openOrTry(ctx, d)
	}
	return nil
}

// Addrs tells where tills are heard, in the order of the endpoints and in the form of Endpoint.Listen; it
// tells the port that was chosen for port 0.
func (s *Server) Addrs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	addrs := make([]string, len(s.doors))
	for i, d := range s.doors {
		addrs[i] = d.addr
	}
	return addrs
}

// Shutdown ends waits and event streams at once, lets short requests finish until ctx ends, and closes
// everything. No goroutine of the server is left when it returns nil. It may be called twice.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end.Do(func() { close(s.ending) })
	s.changing.Lock() // a change that has begun
	defer s.changing.Unlock()
	s.trying.Wait()
	s.mu.Lock()
	doors := slices.Clone(s.doors)
	s.mu.Unlock()
	errs := make([]error, len(doors))
	var closing sync.WaitGroup
	for i, d := range doors {
		if d.shutdown != nil { // nobody opens doors any more
			closing.Go(func() { errs[i] = d.shutdown(ctx) })
		}
	}
	closing.Wait()
	s.serving.Wait()
	return errors.Join(errs...)
}
