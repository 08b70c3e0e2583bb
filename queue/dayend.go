package queue

import (
	"context"
	"time"

	"go.uber.org/zap"

	"cpmd/queue/sale"
)

// longOutage is how long QFPay must have been away for the day to be compared once it is back.
const longOutage = 10 * time.Minute

// planDayEnd sets the timer of the next comparison. A day that was missed, because the machine was off, is made up for
// soon after the start.
func (q *Queue) planDayEnd() {
	if q.cfg.DayEnd == 0 || q.cfg.Location == nil {
		return
	}
	now := q.clock.now().In(q.cfg.Location)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, q.cfg.Location)
	next := today.Add(q.cfg.DayEnd)
	if !next.After(now) {
		next = today.AddDate(0, 0, 1).Add(q.cfg.DayEnd)
	}
	q.timers.set(subject{"day", "end"}, next.UTC())
	yesterday := today.AddDate(0, 0, -1).Format(time.DateOnly)
	if last, ok, err := q.cfg.Journal.LastReconciliation(""); err == nil && !now.Before(today.Add(q.cfg.DayEnd)) && (!ok || last.Day < yesterday) && q.soldOn(yesterday) {
		q.timers.set(subject{"day", yesterday}, q.clock.now().Add(time.Minute))
	}
}

// soldOn reports whether anything was sent to QFPay on the day.
func (q *Queue) soldOn(day string) bool {
	from, to, err := sale.DayBounds(day, q.cfg.Location)
	if err != nil {
		return false
	}
	books, err := q.cfg.Journal.BooksBetween(from, to)
	return err == nil && len(books) > 0
}

// dayEnded compares the day before, or the day that is named, beside the main loop. What fails is tried again in an hour.
func (q *Queue) dayEnded(day string) {
	by := "outage"
	if day == "end" {
		by = "day_end"
		day = q.clock.now().In(q.cfg.Location).AddDate(0, 0, -1).Format(time.DateOnly)
		q.planDayEnd()
		if !q.soldOn(day) {
			return
		}
	}
	if q.stopping {
		return
	}
	q.calls.Add(1)
	go func() {
		defer q.calls.Done()
		ctx, cancel := context.WithTimeout(q.ctx, 10*time.Minute)
		defer cancel()
		r, err := q.Reconcile(ctx, day, by)
		if err == nil {
			q.log.Info("reconciled", zap.String("day", day), zap.Bool("clean", r.Clean()), zap.Int("agreed", r.Agreed))
			return
		}
		q.log.Warn("the day could not be compared with QFPay's list; it is tried again in an hour", zap.String("day", day), zap.Error(err))
		q.post(func() {
			if !q.stopping {
				q.timers.set(subject{"day", day}, q.clock.now().Add(time.Hour))
			}
		})
	}()
}

// heard notes whether QFPay answers. After a long outage the day is compared.
func (q *Queue) heard(ok bool, now time.Time) {
	switch {
	case !ok && q.outage.IsZero():
		q.outage = now
	case ok && !q.outage.IsZero():
		if now.Sub(q.outage) >= longOutage && q.cfg.DayEnd > 0 && q.cfg.Location != nil {
			q.timers.set(subject{"day", now.In(q.cfg.Location).Format(time.DateOnly)}, now.Add(time.Minute))
		}
		q.outage = time.Time{}
	}
}
