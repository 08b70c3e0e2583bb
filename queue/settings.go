package queue

import (
	"context"
	"time"

	"go.uber.org/zap"

	"cpmd/queue/sale"
)

// Settings are what can be changed while sales run. A sale that is under way goes on by the new ones, as it would after
// a restart.
type Settings struct {
	// Rules are the limits. Answer must stay as it is: requests under way have the old one, and what an empty list
	// proves depends on it.
	Rules  sale.Rules
	DayEnd time.Duration // when the day before is compared with QFPay's list, from midnight; 0: never
	OldIDs string        // "refuse" refuses an id that an earlier day's sale has, even if the content is the same
}

// set are the settings of now. Whoever decides something takes them once.
func (q *Queue) set() *Settings { return q.settings.Load() }

// Change takes over new settings between two steps.
func (q *Queue) Change(ctx context.Context, s Settings) error {
	return q.ask(ctx, func() error {
		s.Rules.Answer = q.set().Rules.Answer
		q.settings.Store(&s)
		q.timers.set(subject{"day", "end"}, time.Time{})
		q.planDayEnd()
		q.log.Info("new settings", zap.Any("rules", s.Rules))
		return nil
	})
}
