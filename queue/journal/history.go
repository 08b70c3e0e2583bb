package journal

import (
	"encoding/json"
	"time"

	"cpmd/queue/sale"
)

// Notices returns what tills were told after a seq, in order, at most limit. The newest are at hand. It may be called from
// any goroutine.
func (j *Journal) Notices(after int64, limit int) ([]sale.Notice, error) {
	if list, ok := j.recent.since(after, limit); ok {
		return list, nil
	}
	return j.PastNotices(after, limit)
}

// PastNotices reads the same from the disk.
func (j *Journal) PastNotices(after int64, limit int) ([]sale.Notice, error) {
	rows, err := j.query(`SELECT seq, kind, at, told FROM event WHERE seq>? AND told IS NOT NULL ORDER BY seq LIMIT ?`, after, limit)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (n sale.Notice, err error) {
		var at, told string
		err = r.Scan(&n.Seq, &n.Kind, &at, &told)
		n.At, n.Data = fromText(at), json.RawMessage(told)
		return n, err
	})
}

// LastSeq returns the seq of the last event; 0 where there is none. Unlike Last it may be called from any goroutine.
func (j *Journal) LastSeq() (n int64, err error) {
	if last, ok := j.recent.last(); ok {
		return last, nil
	}
	err = j.queryRow(`SELECT coalesce(max(seq), 0) FROM event`).Scan(&n)
	return n, err
}

// A pastEntry is an entry of the journal as it is read back.
type PastEntry struct {
	Seq     int64
	At      time.Time
	Kind    string // "sale" or "refund"
	Subject string
	Cause   sale.Cause
}

// History reads all entries of a sale and of its refunds, in order, also from an archive.
func (j *Journal) History(sale string) ([]PastEntry, error) {
	all, _, err := orPast(j, "sale", sale, func(j *Journal) ([]PastEntry, bool, error) {
		all, err := j.historyHere(sale)
		return all, len(all) > 0, err
	})
	return all, err
}

func (j *Journal) historyHere(sale string) ([]PastEntry, error) {
	rows, err := j.query(`SELECT seq, at, kind, subject, cause FROM event WHERE kind='sale' AND subject=?1
		OR kind='refund' AND subject IN (SELECT id FROM refund WHERE sale_id=?1) ORDER BY seq`, sale)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (e PastEntry, err error) {
		var at, why string
		if err = r.Scan(&e.Seq, &at, &e.Kind, &e.Subject, &why); err != nil {
			return e, err
		}
		e.At = fromText(at)
		return e, json.Unmarshal([]byte(why), &e.Cause)
	})
}
