package till

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"cpmd/queue/sale"
)

// Codes of this package; the others are queue's.
const (
	unauthorized sale.Code = "unauthorized"
	internal               = sale.Internal
	notReady     sale.Code = "not_ready"
)

// NoPage means that no endpoint has the operator's page.
const NoPage sale.Code = "no_page"

// NotAllowed refuses what the endpoint or its peer has no permission for.
const NotAllowed sale.Code = "not_allowed"

// A Problem is what a till gets instead of an answer (RFC 9457, application/problem+json). The line dialect
// carries it as error.data.
type Problem struct {
	Type   string    `json:"type"` // always about:blank: Code tells problems apart
	Title  string    `json:"title"`
	Status int       `json:"status"`
	Detail string    `json:"detail"` // what to do, for people
	Code   sale.Code `json:"code"`   // stable, for programs
	Sale   string    `json:"sale,omitempty"`
	Advice []string  `json:"advice,omitempty"` // of /readyz: what a person should do

	allow string // the Allow header of a 405
}

var statusOf = map[sale.Code]int{
	sale.InvalidRequest:     http.StatusBadRequest,
	unauthorized:            http.StatusUnauthorized,
	NotAllowed:              http.StatusForbidden,
	sale.UnknownSale:        http.StatusNotFound,
	sale.UnknownRefund:      http.StatusNotFound,
	sale.UnknownLane:        http.StatusNotFound,
	sale.IDReused:           http.StatusConflict,
	sale.LaneBusy:           http.StatusConflict,
	sale.TicketUnresolved:   http.StatusConflict,
	sale.NotRefundable:      http.StatusConflict,
	sale.CodeUsed:           http.StatusConflict,
	sale.NotVirtual:         http.StatusConflict,
	sale.NotUnresolved:      http.StatusConflict,
	sale.ContradictsGateway: http.StatusConflict,
	sale.TicketPaid:         http.StatusConflict,
	sale.NoReceipt:          http.StatusConflict,
	sale.UnknownAlarm:       http.StatusNotFound,
	sale.UnknownDay:         http.StatusNotFound,
	sale.NotDeliverable:     http.StatusConflict,
	NoPage:                  http.StatusConflict,
	NotReloaded:             http.StatusConflict,
	sale.GatewayUnavailable: http.StatusBadGateway,
	sale.JournalUnavailable: http.StatusServiceUnavailable,
	sale.ShuttingDown:       http.StatusServiceUnavailable,
	notReady:                http.StatusServiceUnavailable,
	internal:                http.StatusInternalServerError,
}

func problem(status int, code sale.Code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// problemOf tells a till of an error. What is not a refusal is logged with the place where it happened and
// kept from the till; about is what it was about.
func (s *Server) problemOf(err error, place string, about ...zap.Field) *Problem {
	var e *sale.Error
	if !errors.As(err, &e) {
		s.log.Error("request failed", append(about, zap.String("request", place), zap.Error(err))...)
		return broken()
	}
	status, known := statusOf[e.Code]
	if !known {
		status = http.StatusConflict
	}
	p := problem(status, e.Code, e.Detail)
	p.Sale = e.Sale
	return p
}

func broken() *Problem {
	return problem(http.StatusInternalServerError, internal,
		"Something is wrong inside cpmd; its log says what. It is not known what came of the request: "+
			"ask again with the same id before doing anything else.")
}

// endpointGone answers on connections of an endpoint that the configuration no longer has, or does not have yet again.
func endpointGone() *Problem {
	return problem(http.StatusServiceUnavailable, sale.ShuttingDown, "This endpoint was just closed or changed; connect again.")
}

func tooMany() *Problem {
	return problem(http.StatusServiceUnavailable, notReady, "Too many connections at once; use one for many requests.")
}
