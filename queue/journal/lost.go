package journal

import "fmt"

// unlost compares the journal's end with its mark.
func (j *Journal) unlost() error {
	marked, err := readMark(j.path)
	if err != nil {
		return err
	}
	var tables int
	if err := j.db.QueryRow(`SELECT count(*) FROM sqlite_schema WHERE name='event'`).Scan(&tables); err != nil {
		return err
	}
	var last int64
	if tables > 0 {
		if err := j.db.QueryRow(`SELECT coalesce(max(seq),0) FROM event`).Scan(&last); err != nil {
			return err
		}
	}
	if last < marked {
		return endLost(j.path, last, marked)
	}
	return nil
}

// endLost reports that the journal ends before its mark.
func endLost(journal string, last, marked int64) error {
	return fmt.Errorf("its end is lost: entry %d was written, but it ends at %d (an old copy, or a missing or shortened %s-wal); nothing was changed. "+
		"Put the newest copy of both files back. If there is none: copy all away, remove %s, start, and compare each day since with QFPay (cpmctl reconcile)",
		marked, last, journal, markPath(journal))
}
