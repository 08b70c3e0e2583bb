package queue

import (
	"context"
	"time"

	"go.uber.org/zap"

	"cpmd/queue/sale"
)

// longOutage is how long QFPay must have been away for the day to be compared once it is back.
const longOutage = 10 * time.Minute

// mostMissedDays is how many days are compared at the start that were missed because the machine was off.
const mostMissedDays = 7

// planDayEnd sets the timer of the next comparison.
func (q *Queue) planDayEnd() {
	if q.set().DayEnd == 0 || q.cfg.Location == nil {
		return
	}
	now, today := q.today()
	next := today.Add(q.set().DayEnd)
	if !next.After(now) {
		next = today.AddDate(0, 0, 1).Add(q.set().DayEnd)
	}
	q.timers.set(subject{"day", "end"}, next.UTC())
}

func (q *Queue) today() (now, midnight time.Time) {
	now = q.clock.now().In(q.cfg.Location)
	return now, time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, q.cfg.Location)
}

// makeUpDays compares the days that were missed, soon after the start and one after the other.
func (q *Queue) makeUpDays() {
	if q.set().DayEnd == 0 || q.cfg.Location == nil {
		return
	}
	now, today := q.today()
	if now.Before(today.Add(q.set().DayEnd)) {
		today = today.AddDate(0, 0, -1) // yesterday is still to come
	}
	last, known, err := q.cfg.Journal.LastReconciliation("")
	if err != nil {
		return
	}
	for n := 1; n <= mostMissedDays; n++ {
		day := today.AddDate(0, 0, -n).Format(time.DateOnly)
		if known && day <= last.Day || !known && !q.soldOn(day) {
			return
		}
		q.timers.set(subject{"day", day}, q.clock.now().Add(time.Duration(n)*time.Minute))
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
		if err == nil && by == "day_end" { // what QFPay listed late, or by another clock, stands in the day before
			_, err = q.Reconcile(ctx, dayBefore(day), by)
		}
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

func dayBefore(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, -1).Format(time.DateOnly)
}

// heard notes whether QFPay answers. After a long outage the day is compared.
func (q *Queue) heard(ok bool, now time.Time) {
	switch {
	case !ok && q.outage.IsZero():
		q.outage = now
	case ok && !q.outage.IsZero():
		if now.Sub(q.outage) >= longOutage && q.set().DayEnd > 0 && q.cfg.Location != nil {
			q.timers.set(subject{"day", now.In(q.cfg.Location).Format(time.DateOnly)}, now.Add(time.Minute))
		}
		q.outage = time.Time{}
	}
}
