// Package journal is the durable record: one SQLite file, with every SQL statement of the program. It knows how sales and
// refunds are kept, and no rule that changes them; what must never break stands in schema/ as constraints and triggers.
//
// Start reading at [Open], then [Journal.Append]: one transaction, on disk before it returns.
package journal

import (
	"database/sql"
	"errors"
	"os"
	"sync/atomic"
)

// A Journal is the durable record: one SQLite file, one connection, every commit on disk before it returns.
type Journal struct {
	db    *sql.DB
	path  string
	lock  *os.File
	mark  mark
	last  int64 // seq of the last event; owned by the writer
	hooks Hooks

	writes     map[string]*sql.Stmt // the writer's, by their text
	statements statements
	recent     recent
	sound      *soundness
	recalls    atomic.Int64 // how often something came back from an archive
}

// Close ends the journal; what was appended is on disk already.
func (j *Journal) Close() error {
	var err error
	j.sound.end()
	if j.db != nil {
		// A journal that ends as one file is easier to copy; it is no harm if this fails.
		_, _ = j.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
		err = j.db.Close()
	}
	return errors.Join(err, j.mark.close(), j.lock.Close())
}

// Last is the seq of the last event.
func (j *Journal) Last() int64 { return j.last }

// Path is where the journal is.
func (j *Journal) Path() string { return j.path }

// Bytes is the size of the journal on disk.
func (j *Journal) Bytes() int64 {
	var n int64
	for _, suffix := range []string{"", "-wal"} {
		if st, err := os.Stat(j.path + suffix); err == nil {
			n += st.Size()
		}
	}
	return n
}
