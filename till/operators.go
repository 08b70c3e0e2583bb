package till

import (
	"context"
	"net/http"

	"cpmd/queue/sale"
)

// This file is what operators ask for: alarms, and decisions where QFPay does not tell.

var evenThough = field{"even_though", inBody, false, yesNo(func(a *ask) *bool { return &a.word.EvenThough })}

func noteField(into func(a *ask) *string) field {
	return field{"note", inBody, true, word(into, isNote)}
}

func (s *Server) resolveRefund(ctx context.Context, a *ask) (int, any, error) {
	if a.lanes != nil {
		v, err := s.desk.Refund(ctx, a.id)
		if err == nil {
			err = s.mayDecide(ctx, a, v.Sale)
		}
		if err != nil {
			return 0, nil, err
		}
	}
	a.word.ID, a.word.By = a.id, a.by
	v, err := s.desk.ResolveRefund(ctx, a.word)
	return http.StatusOK, v, err
}

func (s *Server) askNow(ctx context.Context, a *ask) (int, any, error) {
	may := s.maySee
	if a.may[Resolve] { // whoever decides about all sales may look first
		may = func(ctx context.Context, a *ask) error { return s.mayDecide(ctx, a, a.id) }
	}
	if err := may(ctx, a); err != nil {
		return 0, nil, err
	}
	v, err := s.desk.AskNow(ctx, a.id, a.by)
	return http.StatusAccepted, whole(v), err
}

func (s *Server) alarms(ctx context.Context, a *ask) (int, any, error) {
	all, err := s.desk.Alarms(ctx, a.all)
	return http.StatusOK, map[string]any{"alarms": append([]sale.AlarmView{}, all...)}, err
}

func (s *Server) settleAlarm(ctx context.Context, a *ask) (int, any, error) {
	v, err := s.desk.SettleAlarm(ctx, a.seq, a.word.Note, a.by)
	return http.StatusOK, v, err
}
