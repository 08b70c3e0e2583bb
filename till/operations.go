package till

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"strings"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// An ask is a decoded request; an operation uses what its fields filled in.
type ask struct {
	access                    // of who asks
	gone      <-chan struct{} // closed when who asks has left
	id        string
	sale      sale.Request
	refund    sale.RefundRequest
	word      sale.Resolution
	filter    sale.Filter
	place     string // the lane of a scan
	day       string
	code      string
	token     string
	all       bool
	find      string // an id or a ticket
	languages string // of the customer display
	seq       int64  // of an alarm
	width     int    // columns of a receipt's text
	wait      time.Duration
	after     int64 // -1: not given
}

// An operation is one thing that tills can do, in every dialect.
type operation struct {
	method string // of the line dialect
	route  string // of the http dialect: an HTTP method and a path
	needs  []Permission
	fields []field
	do     func(s *Server, ctx context.Context, a *ask) (status int, body any, err error)
}

// The fields that several operations share.
var (
	idField    = field{"id", inPath, true, word(func(a *ask) *string { return &a.id }, isID)}
	waitField  = field{"wait", inQuery, false, duration(func(a *ask) *time.Duration { return &a.wait })}
	afterField = field{"after", inQuery, false, integer(func(a *ask) *int64 { return &a.after }, 0, math.MaxInt64)}
	langField  = field{"lang", inQuery, false, word(func(a *ask) *string { return &a.languages }, optional(isPrintable))}
	dayField   = field{"day", inQuery, false, word(func(a *ask) *string { return &a.day }, optional(isDay))}
)

// operations is also the one place that says which permission each operation needs, in both dialects. Where
// there are two, "read" shows everything and the other one only what was opened at the same endpoint.
var operations = []operation{
	{"sale.put", "PUT /v1/sales/{id}", anyOf(Sell), []field{idField,
		{"amount", inBody, true, amount(func(a *ask) *int64 { return &a.sale.Amount })},
		{"currency", inBody, true, word(func(a *ask) *string { return &a.sale.Currency }, isCurrency)},
		{"lane", inBody, false, word(func(a *ask) *string { return &a.sale.Lane }, optional(isPrintable))},
		{"ticket", inBody, false, word(func(a *ask) *string { return &a.sale.Ticket }, optional(isPrintable))},
		{"auth_code", inBody, false, word(func(a *ask) *payment.AuthCode { return &a.sale.AuthCode }, optional(isCode))},
		{"confirm_delivery", inBody, false, yesNo(func(a *ask) *bool { return &a.sale.ConfirmDelivery })},
		{"settle", inBody, false, settle},
		{"again", inBody, false, yesNo(func(a *ask) *bool { return &a.sale.Again })},
		{"operator", inBody, false, word(func(a *ask) *string { return &a.sale.Operator }, optional(isPrintable))},
		{"shift", inBody, false, word(func(a *ask) *string { return &a.sale.Shift }, optional(isPrintable))},
		{"metadata", inBody, false, texts(func(a *ask) *map[string]string { return &a.sale.Metadata })},
	}, (*Server).putSale},

	{"sale.get", "GET /v1/sales/{id}", anyOf(Sell, Read), []field{idField, waitField, afterField}, (*Server).getSale},

	{"sale.cancel", "POST /v1/sales/{id}/cancel", anyOf(Sell), []field{idField}, (*Server).cancelSale},

	{"sale.list", "GET /v1/sales", anyOf(Sell, Read), []field{
		{"state", inQuery, false, word(func(a *ask) *sale.State { return &a.filter.State }, optional(isState))},
		{"lane", inQuery, false, word(func(a *ask) *string { return &a.filter.Lane }, optional(isPrintable))},
		{"day", inQuery, false, word(func(a *ask) *string { return &a.filter.Day }, optional(isDay))},
		{"ticket", inQuery, false, word(func(a *ask) *string { return &a.filter.Ticket }, optional(isPrintable))},
		{"limit", inQuery, false, integer(func(a *ask) *int { return &a.filter.Limit }, 1, 1000)},
		{"find", inQuery, false, word(func(a *ask) *string { return &a.find }, optional(isPrintable))},
	}, (*Server).listSales},

	{"sale.delivered", "POST /v1/sales/{id}/delivered", anyOf(Sell), []field{idField}, (*Server).delivered},

	{"sale.resolve", "POST /v1/sales/{id}/resolve", anyOf(Resolve), []field{idField,
		{"outcome", inBody, true, word(func(a *ask) *sale.State { return &a.word.Outcome },
			oneOf(sale.Paid, sale.NotPaid, sale.State(sale.Returned)))},
		noteField(func(a *ask) *string { return &a.word.Note }), evenThough,
	}, (*Server).resolve},

	{"sale.ask", "POST /v1/sales/{id}/ask", anyOf(Sell, Resolve), []field{idField}, (*Server).askNow},

	{"sale.story", "GET /v1/sales/{id}/story", anyOf(Sell, Read), []field{idField}, (*Server).story},

	{"sale.receipt", "GET /v1/sales/{id}/receipt", anyOf(Sell, Read), []field{idField,
		{"width", inQuery, false, columns},
	}, (*Server).receipt},

	{"refund.put", "PUT /v1/refunds/{id}", anyOf(Refund), []field{idField,
		{"sale", inBody, true, word(func(a *ask) *string { return &a.refund.Sale }, isID)},
		{"amount", inBody, true, amount(func(a *ask) *int64 { return &a.refund.Amount })},
	}, (*Server).putRefund},

	{"refund.get", "GET /v1/refunds/{id}", anyOf(Refund, Read), []field{idField, waitField, afterField}, (*Server).getRefund},

	{"refund.resolve", "POST /v1/refunds/{id}/resolve", anyOf(Resolve), []field{idField,
		{"outcome", inBody, true, word(func(a *ask) *sale.State { return &a.word.Outcome },
			oneOf(sale.State(sale.Refunded), sale.State(sale.NotRefunded)))},
		noteField(func(a *ask) *string { return &a.word.Note }), evenThough,
	}, (*Server).resolveRefund},

	{"alarms", "GET /v1/alarms", anyOf(Read), []field{
		{"all", inQuery, false, yesNo(func(a *ask) *bool { return &a.all })},
	}, (*Server).alarms},
	{"alarm.settle", "POST /v1/alarms/{seq}/settle", anyOf(Resolve), []field{
		{"seq", inPath, true, integer(func(a *ask) *int64 { return &a.seq }, 1, math.MaxInt64)},
		noteField(func(a *ask) *string { return &a.word.Note }),
	}, (*Server).settleAlarm},

	{"totals", "GET /v1/totals", anyOf(Read), []field{dayField}, (*Server).totals},
	{"reconcile", "GET /v1/reconciliation", anyOf(Read), []field{dayField,
		{"last", inQuery, false, yesNo(func(a *ask) *bool { return &a.all })},
	}, (*Server).reconcile},
	{"lanes", "GET /v1/lanes", anyOf(Sell, Read), nil, (*Server).lanes},

	{"lane.scan", "POST /v1/lanes/{lane}/scan", anyOf(Sell), []field{
		{"lane", inPath, true, word(func(a *ask) *string { return &a.place }, isPrintable)},
		{"code", inBody, true, word(func(a *ask) *string { return &a.code }, isCode)},
	}, (*Server).scan},

	{"displays", "GET /v1/displays", anyOf(Display, Read), []field{langField}, (*Server).displays},

	// Over http it can be had as events too.
	{displayMethod, "GET /v1/lanes/{lane}/display", anyOf(Display, Read), []field{
		{"lane", inPath, true, word(func(a *ask) *string { return &a.place }, isPrintable)}, langField,
	}, (*Server).display},

	{"day", "GET /v1/day", anyOf(Read), []field{dayField}, (*Server).day},
	{"access", "GET /v1/access", Permissions, nil, (*Server).whoAmI},
	{"page.link", "POST /v1/page/links", anyOf(Read), []field{
		{"operator", inBody, false, word(func(a *ask) *string { return &a.sale.Operator }, optional(isOperator))},
	}, (*Server).pageLink},

	{"reload", "POST /v1/reload", anyOf(Resolve), nil, (*Server).reload},

	{"diagnosis", "GET /v1/diagnosis", anyOf(Read), nil, (*Server).diagnosis},

	// The event stream has no answer of its own: each dialect has its way to send it.
	{subscribe, "GET /v1/events", anyOf(Sell, Refund, Read), []field{afterField}, nil},
}

const (
	subscribe     = "events.subscribe"
	displayMethod = "display"
)

// slow reports whether the operation asks QFPay, reads much or may change the endpoints, so that others must not wait behind it.
func (o *operation) slow() bool {
	return o.method == "reconcile" || o.method == "day" || o.method == "reload"
}

func created(is bool) int {
	if is {
		return http.StatusCreated
	}
	return http.StatusOK
}

func (s *Server) putSale(ctx context.Context, a *ask) (int, any, error) {
	a.sale.ID, a.sale.By = a.id, a.by
	if a.sale.Lane == "" && len(a.lanes) == 1 {
		a.sale.Lane = a.lanes[0]
	}
	if a.sale.Lane != "" {
		if err := a.lane(a.sale.Lane); err != nil {
			return 0, nil, err
		}
	}
	v, isNew, err := s.desk.PutSale(ctx, a.sale)
	if err == nil && !isNew && !a.seesAll() {
		err = a.sees(v) // the same request, but at another endpoint
	}
	return created(isNew), whole(v), err
}

func (s *Server) getSale(ctx context.Context, a *ask) (int, any, error) {
	v, err := await(s, a, func() (sale.View, int64, bool, error) {
		v, err := s.saleFor(ctx, a, a.id)
		return v, v.Seq, v.Final, err
	})
	return http.StatusOK, whole(v), err
}

func (s *Server) cancelSale(ctx context.Context, a *ask) (int, any, error) {
	if err := s.maySee(ctx, a); err != nil {
		return 0, nil, err
	}
	v, err := s.desk.CancelSale(ctx, a.id, a.by)
	return http.StatusAccepted, whole(v), err
}

func (s *Server) delivered(ctx context.Context, a *ask) (int, any, error) {
	if err := s.maySee(ctx, a); err != nil {
		return 0, nil, err
	}
	v, err := s.desk.ConfirmDelivery(ctx, a.id, a.by)
	return http.StatusOK, whole(v), err
}

func (s *Server) resolve(ctx context.Context, a *ask) (int, any, error) {
	if err := s.mayDecide(ctx, a, a.id); err != nil {
		return 0, nil, err
	}
	a.word.ID, a.word.By = a.id, a.by
	v, err := s.desk.Resolve(ctx, a.word)
	return http.StatusOK, whole(v), err
}

func (s *Server) story(ctx context.Context, a *ask) (int, any, error) {
	if err := s.maySee(ctx, a); err != nil {
		return 0, nil, err
	}
	v, err := s.desk.Story(ctx, a.id)
	v.Sale = whole(v.Sale)
	return http.StatusOK, v, err
}

func (s *Server) receipt(ctx context.Context, a *ask) (int, any, error) {
	if err := s.maySee(ctx, a); err != nil {
		return 0, nil, err
	}
	v, err := s.desk.Receipt(ctx, a.id, cmp.Or(a.width, sale.WideReceipt))
	return http.StatusOK, v, err
}

func (s *Server) reconcile(ctx context.Context, a *ask) (int, any, error) {
	if a.all {
		v, err := s.desk.LastReconciliation(ctx, a.day)
		return http.StatusOK, v, err
	}
	v, err := s.desk.Reconcile(ctx, a.day, a.by)
	return http.StatusOK, v, err
}

func (s *Server) listSales(ctx context.Context, a *ask) (int, any, error) {
	look := s.salesFor
	if a.find != "" {
		look = s.find
	}
	all, err := look(ctx, a)
	list := make([]sale.View, len(all))
	for i, v := range all {
		list[i] = whole(v)
	}
	return http.StatusOK, map[string]any{"sales": list}, err
}

func (s *Server) putRefund(ctx context.Context, a *ask) (int, any, error) {
	if err := s.mayDecide(ctx, a, a.refund.Sale); err != nil {
		return 0, nil, err
	}
	a.refund.ID, a.refund.By = a.id, a.by
	v, isNew, err := s.desk.PutRefund(ctx, a.refund)
	return created(isNew), v, err
}

func (s *Server) getRefund(ctx context.Context, a *ask) (int, any, error) {
	v, err := await(s, a, func() (sale.RefundView, int64, bool, error) {
		v, err := s.refundFor(ctx, a)
		return v, v.Seq, v.Final, err
	})
	return http.StatusOK, v, err
}

func (s *Server) totals(ctx context.Context, a *ask) (int, any, error) {
	v, err := s.desk.Totals(ctx, a.day)
	if v.Rows == nil {
		v.Rows = []sale.TotalRow{}
	}
	return http.StatusOK, v, err
}

func (s *Server) lanes(ctx context.Context, a *ask) (int, any, error) {
	all, err := s.lanesFor(ctx, a)
	return http.StatusOK, map[string]any{"lanes": all}, err
}

func (s *Server) scan(ctx context.Context, a *ask) (int, any, error) {
	if err := a.lane(a.place); err != nil {
		return 0, nil, err
	}
	err := s.desk.Feed(ctx, a.place, a.code)
	return http.StatusAccepted, map[string]any{"lane": a.place, "accepted": true}, err
}

func (s *Server) diagnosis(ctx context.Context, _ *ask) (int, any, error) {
	v, err := s.Diagnosis(ctx)
	return http.StatusOK, v, err
}

// Diagnosis is the desk's, and tells of endpoints that are not open as well.
func (s *Server) Diagnosis(ctx context.Context) (sale.Diagnosis, error) {
	v, err := s.desk.Diagnosis(ctx)
	if closed := s.Closed(); closed != nil {
		v.Advice = append(strings.Split(closed.Error(), "\n"), v.Advice...)
	}
	return v, err
}

// whole makes an empty list of payments [] and not null, which some tills' JSON readers stumble over.
func whole(v sale.View) sale.View {
	if v.Payments == nil {
		v.Payments = []sale.PaymentView{}
	}
	return v
}
