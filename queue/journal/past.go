package journal

import (
	"database/sql"
	"errors"
	"time"
)

// What is archived is read with the same statements as the journal: a few sales are put into tables of memory. Nothing of
// an archive is opened before somebody asks for what is in it.

// past is what the archives have of one sale, found by the sale's or refund's id or by a number; nil where they have none.
// What is also in the journal is not in here.
func (j *Journal) past(kind, key string) (*Journal, string, error) {
	sale, p, err := scanPart(j.queryRow(whereArchived, kind, key))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	b, _, err := j.archivedSale(sale, p)
	if err != nil {
		return nil, "", err
	}
	past, err := j.inMemory([]bundle{b})
	return past, sale, err
}

// pastBetween is what the archives have of sales and refunds that were opened, sent or ended between two times; nil where
// they have none.
func (j *Journal) pastBetween(from, to time.Time) (*Journal, error) {
	rows, err := j.query(`SELECT '', p.n, a.name, p.at, p.bytes, p.sha256 FROM archive_part p JOIN archive a ON a.n=p.archive
		WHERE p.last>=? AND p.first<? ORDER BY p.n`, toText(from), toText(to))
	if err != nil {
		return nil, err
	}
	parts, err := collect(rows, func(r row) (part, error) { _, p, err := scanPart(r); return p, err })
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	var all []bundle
	for _, p := range parts {
		_, bundles, err := j.readPart(p, "")
		if err != nil {
			return nil, err
		}
		for _, b := range bundles {
			var is int64
			err := j.queryRow(`SELECT part FROM archived WHERE kind='sale' AND key=? AND back=0`, b.id()).Scan(&is)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return nil, err
			}
			first, last := b.span()
			if err == nil && is == p.n && last >= toText(from) && first < toText(to) {
				all = append(all, b)
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return j.inMemory(all)
}

// tables are the statements that make the tables of sales, without the rules, which a record of the past obeyed in its time.
func (j *Journal) tables() ([]string, error) {
	rows, err := j.query(`SELECT sql FROM sqlite_schema WHERE type='table' AND name IN ('sale','payment','refund','event')`)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (text string, err error) { return text, r.Scan(&text) })
}

func (j *Journal) inMemory(bundles []bundle) (past *Journal, err error) {
	tables, err := j.tables()
	if err != nil {
		return nil, err
	}
	past = &Journal{path: j.path}
	if past.db, err = sql.Open("sqlite", ":memory:"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			past.forget()
		}
	}()
	past.db.SetMaxOpenConns(1)
	for _, text := range tables {
		if _, err := past.db.Exec(text); err != nil {
			return nil, err
		}
	}
	if _, err := past.db.Exec(`BEGIN`); err != nil {
		return nil, err
	}
	for _, b := range bundles {
		if err := b.rows(func(table string, r record) error {
			if table == "event" && len(bundles) > 1 {
				return nil // of one sale only
			}
			text, args, err := insertion(table, r)
			if err != nil {
				return err
			}
			stmt, err := past.prepared(text)
			if err == nil {
				_, err = stmt.Exec(args...)
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	_, err = past.db.Exec(`COMMIT`)
	return past, err
}

// forget ends a past.
func (j *Journal) forget() { _ = j.db.Close() }

// orPast reads from the journal, or from the archives what is not there.
func orPast[T any](j *Journal, kind, key string, read func(*Journal) (T, bool, error)) (v T, ok bool, err error) {
	if v, ok, err = read(j); ok || err != nil {
		return v, ok, err
	}
	past, _, err := j.past(kind, key)
	if err != nil {
		return v, false, err
	}
	if past == nil {
		if j.cameBack(kind, key) {
			return read(j)
		}
		return v, false, nil
	}
	defer past.forget()
	return read(past)
}

// cameBack reports whether something was archived once: it may have come back while somebody looked for it.
func (j *Journal) cameBack(kind, key string) (yes bool) {
	err := j.queryRow(`SELECT EXISTS (SELECT 1 FROM archived WHERE kind=? AND key=? AND back=1)`, kind, key).Scan(&yes)
	return err == nil && yes
}

// andPast adds what the archives have of some days to what the journal has, each thing once.
func andPast[T any](j *Journal, from, to time.Time, key func(T) string, read func(*Journal) ([]T, error)) ([]T, error) {
	for tries := 0; ; tries++ {
		recalls := j.recalls.Load()
		all, err := read(j)
		if err != nil {
			return nil, err
		}
		past, err := j.pastBetween(from, to)
		if err != nil {
			return nil, err
		}
		if past != nil {
			older, err := read(past)
			past.forget()
			if err != nil {
				return nil, err
			}
			all = merged(older, all, key)
		}
		if j.recalls.Load() == recalls || tries > 3 { // else something came back after the journal was read
			return all, nil
		}
	}
}

func merged[T any](older, newer []T, key func(T) string) []T {
	seen := map[string]bool{}
	var all []T
	for _, list := range [][]T{newer, older} {
		for _, v := range list {
			if !seen[key(v)] {
				seen[key(v)] = true
				all = append(all, v)
			}
		}
	}
	return all
}
