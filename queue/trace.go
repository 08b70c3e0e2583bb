package queue

import (
	"context"

	"go.uber.org/zap"

	"cpmd/queue/sale"
)

// A Trace is what a line of the log or a request to QFPay is about. Every line about a sale has the sale's id in the
// field "sale", and the number of its payment in "attempt" where it is about one; so one search finds the whole story.
type Trace struct {
	Sale    string
	Attempt int // from 1; 0: before the first payment
	Refund  string
}

type traceKey struct{}

func (t Trace) in(ctx context.Context) context.Context { return context.WithValue(ctx, traceKey{}, t) }

// TraceOf returns what a request is about, from the context that the gateway was called with.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}

// Fields are the trace as it stands in the log.
func (t Trace) Fields() (fields []zap.Field) {
	if t.Sale != "" {
		fields = append(fields, zap.String("sale", t.Sale))
	}
	if t.Attempt > 0 {
		fields = append(fields, zap.Int("attempt", t.Attempt))
	}
	if t.Refund != "" {
		fields = append(fields, zap.String("refund", t.Refund))
	}
	return fields
}

// with is the trace and more.
func (t Trace) with(more ...zap.Field) []zap.Field { return append(t.Fields(), more...) }

// traceOf is the trace of a sale, at the payment with the number or at its last one.
func traceOf(s sale.Sale, payment string) Trace {
	for i := range s.Payments {
		if s.Payments[i].OutTradeNo == payment {
			return Trace{Sale: s.ID, Attempt: i + 1}
		}
	}
	return Trace{Sale: s.ID, Attempt: len(s.Payments)}
}

func traceOfRefund(f sale.Refund) Trace { return Trace{Sale: f.Sale, Refund: f.ID} }

// traceOn is the trace of the sale that holds a lane; empty where none does.
func (q *Queue) traceOn(l *lane) Trace {
	if s := q.sales[l.holder]; s != nil {
		return traceOf(*s, "")
	}
	return Trace{}
}

// traceOfSubject finds out which sale a subject belongs to, for the lines about what went wrong.
func (q *Queue) traceOfSubject(about subject) Trace {
	switch about.kind {
	case "sale":
		if s := q.sales[about.id]; s != nil {
			return traceOf(*s, "")
		}
		return Trace{Sale: about.id}
	case "refund":
		if f := q.refunds[about.id]; f != nil {
			return traceOfRefund(*f)
		}
		if f, ok, err := q.cfg.Journal.Refund(about.id); err == nil && ok {
			return traceOfRefund(f)
		}
		return Trace{Refund: about.id}
	}
	return Trace{}
}
