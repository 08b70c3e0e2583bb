package journal

import (
	"database/sql"
	"errors"
	"time"

	"cpmd/queue/sale"
)

const (
	alarmColumns = `seq, at, kind, subject, payment, what, settled_at, settled_by, note`
	insertAlarm  = `INSERT INTO alarm (` + alarmColumns + `) VALUES (?,?,?,?,?,?,'','','')`
	settleAlarm  = `UPDATE alarm SET settled_at=?, settled_by=?, note=? WHERE seq=?`
	alarmStands  = `SELECT EXISTS (SELECT 1 FROM alarm WHERE settled_at='' AND what=?1 AND (subject=?2 OR ?3))`
)

// stands reports whether the alarm has been raised already and nobody has settled it.
func (w *writer) stands(a *sale.Alarm, anywhere bool) (yes bool, err error) {
	err = w.tx.Stmt(w.prepared[alarmStands]).QueryRow(a.What, a.Subject, anywhere).Scan(&yes)
	return yes, err
}

// alarm writes a new alarm, or that one is settled.
func (w *writer) alarm(a *sale.Alarm, seq int64) error {
	if a.Seq > 0 {
		_, err := w.exec(settleAlarm, toText(a.SettledAt), a.SettledBy, a.Note, a.Seq)
		return err
	}
	_, err := w.exec(insertAlarm, seq, toText(a.At), a.Kind, a.Subject, a.Payment, a.What)
	return err
}

func readAlarm(r row) (a sale.Alarm, err error) {
	var at, settled string
	err = r.Scan(&a.Seq, &at, &a.Kind, &a.Subject, &a.Payment, &a.What, &settled, &a.SettledBy, &a.Note)
	a.At, a.SettledAt = fromText(at), fromText(settled)
	return a, err
}

// Alarms reads the alarms that stand, and those raised since a time that are settled, newest first, at most limit.
func (j *Journal) Alarms(since time.Time, limit int) ([]sale.Alarm, error) {
	rows, err := j.query(`SELECT `+alarmColumns+` FROM alarm WHERE settled_at='' OR at>=? ORDER BY settled_at<>'', seq DESC LIMIT ?`,
		toText(since), limit)
	if err != nil {
		return nil, err
	}
	return collect(rows, readAlarm)
}

// OpenAlarms counts the alarms that stand.
func (j *Journal) OpenAlarms() (n int, err error) {
	err = j.queryRow(`SELECT count(*) FROM alarm WHERE settled_at=''`).Scan(&n)
	return n, err
}

// Alarm reads one alarm; ok is false where there is none.
func (j *Journal) Alarm(seq int64) (a sale.Alarm, ok bool, err error) {
	a, err = readAlarm(j.queryRow(`SELECT `+alarmColumns+` FROM alarm WHERE seq=?`, seq))
	if errors.Is(err, sql.ErrNoRows) {
		return sale.Alarm{}, false, nil
	}
	return a, err == nil, err
}
