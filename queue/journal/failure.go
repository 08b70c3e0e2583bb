package journal

import (
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"
)

func explainOpen(path string, err error) error {
	switch code := primary(err); code {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("journal %s is damaged (%w); nothing was changed. Copy it and its -wal file away, then restore a backup", path, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("journal %s: the disk is full; make room", path)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("journal %s cannot be written (%w); let the user that cpmd runs as write it and its folder", path, err)
	}
	return fmt.Errorf("journal %s: %w", path, err)
}

// resultCode is SQLite's extended result code, 0 where err is none of its errors.
func resultCode(err error) int {
	var e interface{ Code() int }
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func primary(err error) int { return resultCode(err) & 0xff }

// IsFatal reports whether the disk may hold something else than was written: the process must stop and start again
// from what is really there. A failed fsync is never retried.
func IsFatal(err error) bool {
	switch resultCode(err) {
	case sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC:
		return true
	}
	c := primary(err)
	return c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB
}

// IsConstraint reports whether the journal refuses an entry by its own rules: writing it again will not help.
func IsConstraint(err error) bool {
	return primary(err) == sqlite3.SQLITE_CONSTRAINT
}
