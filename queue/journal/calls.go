package journal

import (
	"time"

	"cpmd/queue/sale"
)

// AlarmCalls reads what was not told yet by one way ("command" or "webhook"): alarms that stand, and both events of those
// that were settled since a time, in order.
func (j *Journal) AlarmCalls(via string, since time.Time, limit int) ([]sale.AlarmCall, error) {
	rows, err := j.query(`SELECT event, `+alarmColumns+` FROM (
			SELECT 'opened' AS event, * FROM alarm WHERE settled_at='' OR settled_at>=?2
			UNION ALL SELECT 'settled', * FROM alarm WHERE settled_at>=?2 AND settled_at<>'') news
		WHERE NOT EXISTS (SELECT 1 FROM alarm_call c WHERE c.alarm=news.seq AND c.event=news.event AND c.via=?1)
		ORDER BY seq, event LIMIT ?3`, via, toText(since), limit)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (c sale.AlarmCall, err error) {
		a, err := readAlarm(prefixed{r, &c.Event})
		c.Alarm = sale.AlarmViewOf(a)
		return c, err
	})
}

// prefixed is a row with one column before those that are read.
type prefixed struct {
	row
	first any
}

func (p prefixed) Scan(dest ...any) error { return p.row.Scan(append([]any{p.first}, dest...)...) }

// KeepAlarmCall notes that the news of an alarm was told.
func (j *Journal) KeepAlarmCall(via, event string, alarm int64, at time.Time) error {
	tx, err := j.db.Begin()
	if err != nil {
		return err
	}
	if _, err = tx.Exec(`INSERT INTO alarm_call (alarm, event, via, done_at) VALUES (?,?,?,?) ON CONFLICT DO NOTHING`,
		alarm, event, via, toText(at)); err == nil {
		err = j.commit(tx, Write{Kind: "alarm_call"})
	}
	if err != nil {
		_ = tx.Rollback()
	}
	return err
}
