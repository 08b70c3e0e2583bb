package queue

import (
	"context"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// AlarmCalls returns the news of alarms that was not told yet by one way ("command" or "webhook"), oldest first.
func (q *Queue) AlarmCalls(_ context.Context, via string, limit int) ([]sale.AlarmCall, error) {
	calls, err := q.cfg.Journal.AlarmCalls(via, q.clock.now().Add(-sale.CallsExpire), limit)
	if err != nil {
		return nil, unavailable(err)
	}
	return calls, nil
}

// AlarmCalled notes that the news was told.
func (q *Queue) AlarmCalled(ctx context.Context, via string, c sale.AlarmCall) error {
	return q.ask(ctx, func() error {
		err := q.cfg.Journal.KeepAlarmCall(via, c.Event, c.Alarm.Seq, q.clock.now())
		if !journal.IsConstraint(err) {
			q.wrote(err)
		}
		return refusalOr(err)
	})
}
