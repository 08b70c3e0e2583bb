package journal

import (
	"database/sql"

	"cpmd/queue/sale"
)

// A Write is one transaction of a journal, as its Hooks see it.
type Write struct {
	Seq     int64          // of the entry; 0 for the probe of a journal that was down, which leaves nothing
	Kind    string         // of the entry: "sale", "refund", "scan" or "scanner"; "archive" where old sales are moved away
	Subject string         // the sale's, refund's or lane's name
	Event   sale.EventKind // that changed a sale or refund
}

// Hooks break a journal on purpose, for tests of what a bad disk or the end of the process does. Each may be
// nil, and may block for as long as the process is to stand still.
type Hooks struct {
	// Before is called before a commit. Its error comes in place of the commit: nothing of the write is kept.
	Before func(Write) error
	// After is called when the write is on disk. Its error is returned all the same, as a commit may do whose
	// last fsync failed.
	After func(Write) error
	// File is called before each step of writing an archive: "write", "sync", "read back", "rename", "sync folder". Its
	// error comes in place of the step.
	File func(step string) error
}

func (h Hooks) file(step string, do func() error) error {
	if h.File != nil {
		if err := h.File(step); err != nil {
			return err
		}
	}
	return do()
}

// An Option changes how a journal is opened.
type Option func(*Journal)

// WithHooks opens a journal that breaks when it is told to.
func WithHooks(f Hooks) Option { return func(j *Journal) { j.hooks = f } }

// commit ends a transaction; on an error the caller rolls back.
func (j *Journal) commit(tx *sql.Tx, w Write) error {
	if j.hooks.Before != nil {
		if err := j.hooks.Before(w); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if j.hooks.After != nil {
		return j.hooks.After(w)
	}
	return nil
}

// LimitPages makes the journal behave as if its disk held that many pages, for tests of a full disk.
func (j *Journal) LimitPages(most string) error {
	_, err := j.db.Exec("PRAGMA max_page_count=" + most)
	return err
}
