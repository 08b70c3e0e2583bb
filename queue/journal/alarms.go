package journal

import (
	"time"

	"cpmd/queue/sale"
)

// alarms reads what a person must look at, newest first.
func (j *Journal) Alarms(since time.Time) ([]sale.AlarmView, error) {
	rows, err := j.db.Query(`SELECT seq, at, kind, subject, cause ->> 'alarm' FROM event WHERE cause ->> 'alarm' IS NOT NULL AND at>=? ORDER BY seq DESC LIMIT 50`, toText(since))
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (a sale.AlarmView, err error) {
		var at string
		err = r.Scan(&a.Seq, &at, &a.Kind, &a.ID, &a.What)
		a.At = sale.Shown(fromText(at))
		return a, err
	})
}
