package queue

import "database/sql"

// A Write is one transaction of a journal, as its Faults see it.
type Write struct {
	Seq     int64     // of the entry; 0 for the probe of a journal that was down, which leaves nothing
	Kind    string    // of the entry: "sale", "refund", "scan" or "scanner"
	Subject string    // the sale's, refund's or lane's name
	Event   EventKind // that changed a sale or refund
}

// Faults break a journal on purpose, for tests of what a bad disk or the end of the process does. Either may be
// nil, and may block for as long as the process is to stand still.
type Faults struct {
	// Before is called before a commit. Its error comes in place of the commit: nothing of the write is kept.
	Before func(Write) error
	// After is called when the write is on disk. Its error is returned all the same, as a commit may do whose
	// last fsync failed.
	After func(Write) error
}

// A JournalOption changes how a journal is opened.
type JournalOption func(*Journal)

// WithFaults opens a journal that breaks when it is told to.
func WithFaults(f Faults) JournalOption { return func(j *Journal) { j.faults = f } }

// commit ends a transaction; on an error the caller rolls back.
func (j *Journal) commit(tx *sql.Tx, w Write) error {
	if j.faults.Before != nil {
		if err := j.faults.Before(w); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if j.faults.After != nil {
		return j.faults.After(w)
	}
	return nil
}

// LimitPages makes the journal behave as if its disk held that many pages, for tests of a full disk.
func (j *Journal) LimitPages(most string) error {
	_, err := j.db.Exec("PRAGMA max_page_count=" + most)
	return err
}
