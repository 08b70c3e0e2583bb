package till

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"

	"go.uber.org/zap"

	"cpmd/queue/sale"
)

// NotReloaded means that a changed configuration was refused, and that everything stays as it was.
const NotReloaded sale.Code = "not_reloaded"

// A ReloadView names the sections of the configuration that were changed.
type ReloadView struct {
	Changed []string `json:"changed"`
}

// reload has a changed configuration taken over.
func (s *Server) reload(ctx context.Context, _ *ask) (int, any, error) {
	if s.cfg.Reload == nil {
		return 0, nil, &sale.Error{Code: NotReloaded, Detail: "There is no configuration file here to read again."}
	}
	changed, err := s.cfg.Reload(ctx)
	if err != nil {
		return 0, nil, &sale.Error{Code: NotReloaded, Detail: fmt.Sprintf("Everything stays as it was. %v", err)}
	}
	return http.StatusOK, ReloadView{append([]string{}, changed...)}, nil
}

// Refuses reports why a server cannot change to other endpoints now; nil: it can.
func (s *Server) Refuses(ctx context.Context, next []Endpoint) error {
	d, err := s.desk.Diagnosis(ctx)
	if err != nil {
		return err
	}
	var all []error
	for _, was := range s.endpoints() {
		i := slices.IndexFunc(next, func(e Endpoint) bool { return e.Listen == was.Listen })
		switch {
		case i < 0 && was.Inherited != nil:
			all = append(all, fmt.Errorf("till %s: systemd holds this address; take it out of cpmd.socket too (systemctl edit cpmd.socket), then restart both "+
				"(systemctl stop cpmd.service; systemctl restart cpmd.socket; systemctl start cpmd.service)", was.Listen))
		case i < 0 || next[i].name() != was.name():
			for _, v := range d.Unsettled {
				if endpointOf(v.By) == was.name() {
					all = append(all, fmt.Errorf("till %s: sale %s was opened there and is %s; reload again when it is final", was.Listen, v.ID, v.State))
				}
			}
		}
	}
	for _, e := range next {
		if err := e.Check(); err != nil {
			all = append(all, fmt.Errorf("till %s %s: %w", e.Dialect, e.Listen, err))
		}
	}
	return errors.Join(all...)
}

// Change closes endpoints that are gone and opens new ones. One that allows something else now goes on at the same socket,
// so that no till is refused; those that are connected connect again. One that cannot be opened is tried again and again.
func (s *Server) Change(next []Endpoint) {
	s.changing.Lock()
	defer s.changing.Unlock()
	select {
	case <-s.ending:
		return
	default:
	}
	doors := make([]*door, len(next))
	s.mu.Lock()
	was := s.doors
	for i, e := range next {
		if at := slices.IndexFunc(was, func(d *door) bool { return same(d.endpoint, e) }); at >= 0 {
			doors[i] = was[at]
			continue
		}
		doors[i] = s.newDoor(e, append(slices.Clip(was), doors[:i]...))
		if at := slices.IndexFunc(was, func(d *door) bool { return d.endpoint.Listen == e.Listen }); at >= 0 {
			doors[i].endpoint.Inherited = was[at].endpoint.Inherited
			doors[i].kept = was[at].keep(s.log)
		}
	}
	s.doors = doors
	s.mu.Unlock()
	for _, d := range was {
		if !slices.Contains(doors, d) {
			close(d.replaced)
			s.close(d)
		}
	}
	for _, d := range doors {
		if !slices.Contains(was, d) {
			s.openOrTry(context.Background(), d)
		}
	}
}

// same reports whether two endpoints are alike, whoever opened their sockets.
func same(a, b Endpoint) bool {
	a.Inherited, b.Inherited = nil, nil
	return reflect.DeepEqual(a, b)
}

func (s *Server) endpoints() (all []Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.doors {
		all = append(all, d.endpoint)
	}
	return all
}

// keep returns a second handle on a door's socket, which stays open when the door is closed; nil where there is none.
func (d *door) keep(log *zap.Logger) net.Listener {
	socket, ok := d.socket.(interface{ File() (*os.File, error) })
	if !ok {
		return nil
	}
	f, err := socket.File()
	if err != nil {
		log.Warn("a socket is opened anew", zap.String("listen", d.endpoint.Listen), zap.Error(err))
		return nil
	}
	defer f.Close()
	kept, err := net.FileListener(f)
	if err != nil {
		log.Warn("a socket is opened anew", zap.String("listen", d.endpoint.Listen), zap.Error(err))
		return nil
	}
	if ours, ok := d.socket.(*net.UnixListener); ok && d.endpoint.Inherited == nil { // whose name goes with the last handle
		ours.SetUnlinkOnClose(false)
		kept.(*net.UnixListener).SetUnlinkOnClose(true)
	}
	return kept
}

// close lets nobody new in at a door, and the last answers out. It does not wait for them: the request that changes the
// endpoints may have come in there.
func (s *Server) close(d *door) {
	s.mu.Lock()
	shutdown := d.shutdown
	s.mu.Unlock()
	if shutdown == nil { // and never opened: see keepTrying
		return
	}
	s.log.Info("endpoint closed", zap.String("name", d.endpoint.name()), zap.String("listen", d.endpoint.Listen))
	s.trying.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.limits.leave)
		defer cancel()
		_ = shutdown(ctx) // what has not gone by then is cut
	})
}
