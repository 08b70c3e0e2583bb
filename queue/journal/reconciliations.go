package journal

import (
	"database/sql"
	"encoding/json"
	"errors"

	"cpmd/queue/sale"
)

// KeepReconciliation keeps the last comparison of a day.
func (j *Journal) KeepReconciliation(r sale.Reconciliation) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tx, err := j.db.Begin()
	if err != nil {
		return err
	}
	if _, err = tx.Exec(`INSERT INTO reconciliation (day, at, clean, result) VALUES (?,?,?,?)
		ON CONFLICT (day) DO UPDATE SET at=excluded.at, clean=excluded.clean, result=excluded.result`, r.Day, toText(r.At), r.Clean(), string(b)); err == nil {
		err = j.commit(tx, Write{Kind: "reconciliation", Subject: r.Day})
	}
	if err != nil {
		_ = tx.Rollback()
	}
	return err
}

// LastReconciliation reads the kept comparison of a day, or of the newest day that has one where day is empty.
func (j *Journal) LastReconciliation(day string) (r sale.Reconciliation, ok bool, err error) {
	var text string
	err = j.queryRow(`SELECT result FROM reconciliation WHERE ?1='' OR day=?1 ORDER BY day DESC LIMIT 1`, day).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &r)
	}
	return r, err == nil, err
}
