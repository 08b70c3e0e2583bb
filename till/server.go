package till

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// The dialects.
const (
	DialectHTTP = "http"
	DialectLine = "line"
)

// An Endpoint is one place where tills are heard: a [[till]] table of the configuration.
type Endpoint struct {
	Dialect   string // "http" or "line"
	Listen    string // "unix:/path" or "tcp:127.0.0.1:8460"; only loopback addresses
	TokenFile string // for tcp: holds the token, and is written at start where it is missing

	// Inherited is a listener that the service manager opened already; nil: open one.
	Inherited net.Listener
}

// A Config says where tills are heard.
type Config struct {
	Endpoints []Endpoint
	// Metrics answers GET /metrics; nil: there is none.
	Metrics http.Handler
	// Registry takes this package's own metrics; may be nil.
	Registry prometheus.Registerer
}

// limits keep one till, or something that is none, from harming the others.
type limits struct {
	connections int           // at once, per endpoint
	calls       int           // at once, per connection of the line dialect
	body        int64         // bytes of a request
	drain       int64         // bytes of a body too long that are read so that the answer is seen
	header      int           // bytes
	read        time.Duration // for a whole request to arrive
	write       time.Duration // for a till to take what is sent
	idle        time.Duration // between requests on an HTTP connection
	beat        time.Duration // between signs of life on an event stream
}

var defaultLimits = limits{
	connections: 256,
	calls:       32,
	body:        64 << 10,
	drain:       8 << 20,
	header:      16 << 10,
	read:        10 * time.Second,
	write:       10 * time.Second,
	idle:        2 * time.Minute,
	beat:        15 * time.Second,
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
	doors   []door
	serving sync.WaitGroup
}

// A door is an open endpoint.
type door struct {
	addr     string
	shutdown func(context.Context) error
}

// New makes a Server; [Server.Start] opens its endpoints.
func New(cfg Config, desk Desk, log *zap.Logger) *Server {
	return &Server{desk: desk, log: log, cfg: cfg, limits: defaultLimits,
		metrics: newMetrics(cfg.Registry), ending: make(chan struct{})}
}

// Start opens all endpoints and answers tills until [Server.Shutdown]. An error says which endpoint cannot be
// opened and what to do; nothing stays open then. ctx bounds the opening only.
func (s *Server) Start(ctx context.Context) error {
	for _, e := range s.cfg.Endpoints {
		if err := s.open(ctx, e); err != nil {
			return errors.Join(fmt.Errorf("till %s %s: %w", e.Dialect, e.Listen, err), s.Shutdown(ctx))
		}
	}
	return nil
}

func (s *Server) open(ctx context.Context, e Endpoint) error {
	if err := e.Check(); err != nil {
		return err
	}
	token := ""
	if e.isTCP() {
		var err error
		if token, err = readToken(e.TokenFile, s.log); err != nil {
			return err
		}
	}
	l := e.Inherited
	if l == nil {
		var err error
		if l, err = listen(ctx, e.Listen); err != nil {
			return err
		}
	}
	addr := l.Addr().Network() + ":" + l.Addr().String()
	l = newBounded(l, s.limits.connections, tooMany[e.Dialect])
	d := door{addr: addr}
	if e.Dialect == DialectLine {
		d.shutdown = s.serveLine(l, token, e.isTCP())
	} else {
		d.shutdown = s.serveHTTP(l, token, e.isTCP())
	}
	s.doors = append(s.doors, d)
	s.log.Info("tills are heard", zap.String("dialect", e.Dialect), zap.String("listen", addr))
	return nil
}

// Addrs tells where tills are heard, in the order of the endpoints and in the form of Endpoint.Listen; it
// tells the port that was chosen for port 0.
func (s *Server) Addrs() []string {
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
	errs := make([]error, len(s.doors))
	var closing sync.WaitGroup
	for i, d := range s.doors {
		closing.Go(func() { errs[i] = d.shutdown(ctx) })
	}
	closing.Wait()
	s.serving.Wait()
	return errors.Join(errs...)
}
