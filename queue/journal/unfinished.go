package journal

import (
	"time"

	"cpmd/queue/sale"
)

// unfinished is the condition of the index over sales that still have something to come, word by word.
const unfinished = `(state NOT IN ('paid','not_paid') OR delivery IN ('awaited','returning'))`

// AttendedSales reads the sales that somebody stands at the counter for, or whose money goes back because nobody does:
// those that hold a lane, then those whose goods are not handed over; each oldest first.
func (j *Journal) AttendedSales() ([]sale.Sale, error) {
	held, err := j.salesWhere(unfinished + ` AND state IN ('waiting','paying','confirming','reversing') ORDER BY +created_at, rowid`)
	if err != nil {
		return nil, err
	}
	delivering, err := j.salesWhere(unfinished + ` AND state='paid' ORDER BY +created_at, rowid`)
	return append(held, delivering...), err
}

// OldestUnresolved reads the sales that have been unresolved for longest, oldest first, at most limit.
func (j *Journal) OldestUnresolved(limit int) ([]sale.Sale, error) {
	return j.salesWhere(unfinished+` AND state='unresolved' ORDER BY rowid LIMIT ?`, limit)
}

// A Place is where a sale stands among all, in the order in which they were opened.
type Place struct {
	Row int64
	ID  string
}

// LastPlace is the place of the newest sale; 0 where there is none.
func (j *Journal) LastPlace() (row int64, err error) {
	err = j.queryRow(`SELECT coalesce(max(rowid),0) FROM sale`).Scan(&row)
	return row, err
}

// PlaceOf is the place of a sale that is there.
func (j *Journal) PlaceOf(id string) (row int64, err error) {
	err = j.queryRow(`SELECT rowid FROM sale WHERE id=?`, id).Scan(&row)
	return row, err
}

// Unresolved reads which sales are unresolved from behind one place up to another, in order, at most limit.
func (j *Journal) Unresolved(after, upTo int64, limit int) ([]Place, error) {
	rows, err := j.query(`SELECT rowid, id FROM sale WHERE `+unfinished+` AND state='unresolved' AND rowid>? AND rowid<=? ORDER BY rowid LIMIT ?`,
		after, upTo, limit)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (p Place, err error) {
		err = r.Scan(&p.Row, &p.ID)
		return p, err
	})
}

// CountUnfinished counts the sales that still have something to come, by state.
func (j *Journal) CountUnfinished() (map[sale.State]int, error) {
	rows, err := j.query(`SELECT state, count(*) FROM sale WHERE ` + unfinished + ` GROUP BY state`)
	if err != nil {
		return nil, err
	}
	n := map[sale.State]int{}
	_, err = collect(rows, func(r row) (s sale.State, err error) {
		var of int
		err = r.Scan(&s, &of)
		n[s] = of
		return s, err
	})
	return n, err
}

// UnfinishedOpenedSince counts the sales opened since a time that still have something to come.
func (j *Journal) UnfinishedOpenedSince(t time.Time) (n int, err error) {
	err = j.queryRow(`SELECT count(*) FROM sale INDEXED BY sale_by_creation WHERE created_at>? AND `+unfinished, toText(t)).Scan(&n)
	return n, err
}

// OldestUnfinished is when the oldest sale was opened that still has something to come; zero where there is none.
func (j *Journal) OldestUnfinished() (at time.Time, err error) {
	rows, err := j.query(`SELECT created_at FROM sale WHERE rowid IN (SELECT min(rowid) FROM sale WHERE ` + unfinished + ` GROUP BY state)`)
	if err != nil {
		return at, err
	}
	all, err := collect(rows, func(r row) (t time.Time, err error) {
		var text string
		err = r.Scan(&text)
		return fromText(text), err
	})
	for i, t := range all {
		if i == 0 || t.Before(at) {
			at = t
		}
	}
	return at, err
}
