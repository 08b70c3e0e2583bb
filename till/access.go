package till

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"cpmd/queue/sale"
)

// How far an asker sees: lanes and endpoints other than its own are hidden from those that may not read them.

// saleFor returns a sale that the asker may see.
func (s *Server) saleFor(ctx context.Context, a *ask, id string) (sale.View, error) {
	v, err := s.desk.Sale(ctx, id)
	if err == nil && !a.seesAll() {
		err = a.sees(v)
	}
	if err != nil {
		return sale.View{}, err
	}
	return v, nil
}

// maySee refuses a sale that the asker may not see.
func (s *Server) maySee(ctx context.Context, a *ask) error {
	if a.seesAll() {
		return nil
	}
	_, err := s.saleFor(ctx, a, a.id)
	return err
}

// mayDecide refuses to refund or resolve a sale of a lane that the endpoint is not for.
func (s *Server) mayDecide(ctx context.Context, a *ask, id string) error {
	if a.lanes == nil {
		return nil
	}
	v, err := s.desk.Sale(ctx, id)
	if err != nil {
		return err
	}
	return a.lane(v.Lane)
}

// refundFor returns a refund that the asker made, or whose sale it may see.
func (s *Server) refundFor(ctx context.Context, a *ask) (sale.RefundView, error) {
	v, err := s.desk.Refund(ctx, a.id)
	if err == nil {
		err = s.seesRefund(ctx, a.access, v.By, v.Sale)
	}
	if err != nil {
		return sale.RefundView{}, err
	}
	return v, nil
}

func (s *Server) seesRefund(ctx context.Context, x access, by, id string) error {
	if x.seesAll() || endpointOf(by) == x.name {
		return nil
	}
	v, err := s.desk.Sale(ctx, id)
	if err != nil {
		return err
	}
	return x.sees(v)
}

// find lists the sale of an id and those of a ticket.
func (s *Server) find(ctx context.Context, a *ask) ([]sale.View, error) {
	a.filter.Ticket = a.find
	all, err := s.salesFor(ctx, a)
	if err != nil || isID(a.find) != nil {
		return all, err
	}
	v, err := s.saleFor(ctx, a, a.find)
	if refused := (*sale.Error)(nil); errors.As(err, &refused) && (refused.Code == sale.UnknownSale || refused.Code == NotAllowed) {
		return all, nil
	}
	if err == nil && !slices.ContainsFunc(all, func(o sale.View) bool { return o.ID == v.ID }) {
		all = append([]sale.View{v}, all...)
	}
	return all, err
}

// longestList is how many sales are looked through where some of them are hidden.
const longestList = 1000

// salesFor lists the sales that the asker may see.
func (s *Server) salesFor(ctx context.Context, a *ask) ([]sale.View, error) {
	if a.seesAll() {
		return s.desk.Sales(ctx, a.filter)
	}
	if a.filter.Lane != "" {
		if err := a.lane(a.filter.Lane); err != nil {
			return nil, err
		}
	}
	f := a.filter
	f.Limit = longestList
	all, err := s.desk.Sales(ctx, f)
	most := a.filter.Limit
	if most == 0 {
		most = 100
	}
	seen := []sale.View{}
	for _, v := range all {
		if len(seen) < most && a.sees(v) == nil {
			seen = append(seen, v)
		}
	}
	return seen, err
}

// lanesFor lists the lanes of the endpoint. A sale that the asker may not see is left out of its lane.
func (s *Server) lanesFor(ctx context.Context, a *ask) ([]sale.LaneView, error) {
	all, err := s.desk.Lanes(ctx)
	seen := []sale.LaneView{}
	for _, l := range all {
		if a.lane(l.Name) != nil {
			continue
		}
		if l.Sale != nil && a.sees(*l.Sale) != nil {
			l.Sale = nil
		}
		seen = append(seen, l)
	}
	return seen, err
}

// noticesFor leaves out what the asker may not see. One that cannot be judged is kept from it.
func (s *Server) noticesFor(ctx context.Context, x access, all []sale.Notice) ([]sale.Notice, error) {
	if x.seesAll() {
		return all, nil
	}
	var seen []sale.Notice
	for _, n := range all {
		var v struct{ ID, Lane, By, Sale string }
		err := json.Unmarshal(n.Data, &v)
		if err == nil {
			err = s.seesNotice(ctx, x, n.Kind, v.ID, v.Lane, v.By, v.Sale)
		}
		if err == nil {
			seen = append(seen, n)
		} else if refused := (*sale.Error)(nil); errors.As(err, &refused) && refused.Code == sale.JournalUnavailable {
			return nil, err // and not a gap in the stream
		}
	}
	return seen, nil
}

func (s *Server) seesNotice(ctx context.Context, x access, kind, id, lane, by, of string) error {
	switch kind {
	case "sale":
		return x.sees(sale.View{ID: id, Lane: lane, By: by})
	case "refund":
		return s.seesRefund(ctx, x, by, of)
	case "scan", "scanner":
		if err := x.check(anyOf(Sell, Read)); err != nil {
			return err
		}
		return x.lane(lane)
	case "reset": // about the stream itself
		return nil
	}
	if lane != "" {
		if err := x.lane(lane); err != nil {
			return err
		}
	}
	return x.check(anyOf(Read))
}

// laneNames lists the names of the lanes of the endpoint.
func (s *Server) laneNames(ctx context.Context, a *ask) ([]string, error) {
	lanes, err := s.lanesFor(ctx, a)
	names := []string{}
	for _, l := range lanes {
		names = append(names, l.Name)
	}
	return names, err
}

// An AccessView is what the asker may do here, and what is needed to write amounts and times.
type AccessView struct {
	By         string         `json:"by"`
	May        []Permission   `json:"may"`
	Lanes      []string       `json:"lanes"`      // those that it is for
	Currencies map[string]int `json:"currencies"` // decimals of the minor unit
	UTCOffset  int            `json:"utc_offset"` // seconds; of the configured time zone
	Now        time.Time      `json:"now"`
}

func (s *Server) whoAmI(ctx context.Context, a *ask) (int, any, error) {
	lanes, err := s.laneNames(ctx, a)
	now := time.Now()
	_, offset := now.In(s.location()).Zone()
	v := AccessView{By: a.by, May: []Permission{}, Lanes: lanes, Currencies: s.cfg.Currencies, UTCOffset: offset, Now: sale.Shown(now)}
	if v.Currencies == nil {
		v.Currencies = map[string]int{}
	}
	for _, p := range Permissions {
		if a.may[p] {
			v.May = append(v.May, p)
		}
	}
	return http.StatusOK, v, err
}
