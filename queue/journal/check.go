package journal

import (
	"context"
	"errors"
	"fmt"
)

// A JournalReport is what a look at a journal finds. Nothing is changed by looking.
type Report struct {
	Path       string
	Schema     int
	Entries    int64 // seq of the last one
	Sales      int
	Unfinished int // sales and refunds that are followed
	Faults     []string
}

// rulesOfBooks are queries that must find nothing.
var rulesOfBooks = []struct{ what, query string }{
	{"paid sales without exactly one paid payment", `SELECT id FROM sale s WHERE state='paid' AND 1 <> (SELECT count(*) FROM payment WHERE sale_id=s.id AND outcome='paid')`},
	{"sales not paid that have a payment alive or paid", `SELECT id FROM sale s WHERE state='not_paid' AND EXISTS (SELECT 1 FROM payment WHERE sale_id=s.id AND outcome IN ('','paid'))`},
	{"followed sales without a payment", `SELECT id FROM sale s WHERE state IN ('paying','confirming','reversing','unresolved') AND NOT EXISTS (SELECT 1 FROM payment WHERE sale_id=s.id AND outcome='')`},
	{"unfinished sales without a timer", `SELECT id FROM sale WHERE next_at='' AND state NOT IN ('paid','not_paid')`},
	{"sales whose refunds do not add up", `SELECT id FROM sale s WHERE refunded <> (SELECT coalesce(sum(amount),0) FROM refund WHERE sale_id=s.id AND state='refunded' AND id NOT LIKE 'back:%')`},
	{"sales without an entry that tells of them", `SELECT id FROM sale s WHERE NOT EXISTS (SELECT 1 FROM event WHERE kind='sale' AND subject=s.id)`},
	{"payments whose number is not registered", `SELECT out_trade_no FROM payment p WHERE NOT EXISTS (SELECT 1 FROM number n WHERE n.out_trade_no=p.out_trade_no)`},
}

// CheckJournal looks at the journal at path, also while a daemon uses it. An error says why it cannot be read;
// faults that it could read past are in the report.
func Check(path string) (r Report, err error) {
	if err := inspect(path); err != nil {
		return r, err
	}
	j := &Journal{path: path}
	if err := j.connect("mode=ro"); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, j.db.Close()) }()
	if err := errors.Join(j.own(), j.undamaged(context.Background()), j.unlost()); err != nil {
		return r, explainOpen(path, err)
	}
	r.Path = path
	if err := errors.Join(
		j.db.QueryRow(`PRAGMA user_version`).Scan(&r.Schema),
		j.db.QueryRow(`SELECT coalesce(max(seq),0) FROM event`).Scan(&r.Entries),
		j.db.QueryRow(`SELECT count(*) FROM sale`).Scan(&r.Sales),
		j.db.QueryRow(`SELECT (SELECT count(*) FROM sale WHERE state NOT IN ('paid','not_paid') OR delivery IN ('awaited','returning'))
			+ (SELECT count(*) FROM refund WHERE state IN ('refunding','unresolved'))`).Scan(&r.Unfinished)); err != nil {
		return r, explainOpen(path, err)
	}
	if r.Faults, err = j.faultsOfBooks(); err != nil {
		return r, explainOpen(path, err)
	}
	if r.Schema >= archiveSchema {
		faults, err := j.faultsOfArchives()
		r.Faults = append(r.Faults, faults...)
		return r, err
	}
	return r, nil
}

func (j *Journal) faultsOfBooks() (faults []string, err error) {
	text := func(r row) (s string, err error) { return s, r.Scan(&s) }
	rows, err := j.db.Query(`PRAGMA integrity_check(20)`)
	if err != nil {
		return nil, err
	}
	verdicts, err := collect(rows, text)
	if err != nil {
		return nil, err
	}
	for _, v := range verdicts {
		if v != "ok" {
			faults = append(faults, v)
		}
	}
	for _, rule := range rulesOfBooks {
		rows, err := j.db.Query(rule.query + ` LIMIT 20`)
		if err != nil {
			return nil, err
		}
		ids, err := collect(rows, text)
		if err != nil {
			return nil, err
		}
		if len(ids) > 0 {
			faults = append(faults, fmt.Sprintf("%s: %v", rule.what, ids))
		}
	}
	return faults, nil
}
