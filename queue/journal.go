package queue

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed schema/*.sql
var schema embed.FS

// applicationID marks a file as a cpmd journal in SQLite's header ("cpmd").
const applicationID = 0x63706d64

// A Journal is the durable record: one SQLite file, one connection, every commit on disk before it returns.
type Journal struct {
	db     *sql.DB
	path   string
	lock   *os.File
	mark   mark
	last   int64 // seq of the last event; owned by the writer
	faults Faults

	prepared map[string]*sql.Stmt // by their text
}

// OpenJournal opens the journal at path, or makes it where there is none. It refuses a file that is not a
// journal, is damaged, was made by a newer cpmd, or is in use, and changes nothing then.
func OpenJournal(path string, options ...JournalOption) (*Journal, error) {
	if err := inspect(path); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w; make its folder, and let the user that cpmd runs as write there", path, err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("journal %s is in use by another cpmd; stop that one first", path)
	}
	j := &Journal{path: path, lock: lock}
	for _, option := range options {
		option(j)
	}
	if err := j.open(); err != nil {
		j.Close()
		return nil, explainOpen(path, err)
	}
	return j, nil
}

// inspect looks at the files before SQLite touches them.
func inspect(path string) error {
	head := make([]byte, 16)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if st, err := os.Stat(path + "-wal"); err == nil && st.Size() > 0 {
			return fmt.Errorf("journal %s is missing but %s-wal, a part of it, is there; put the file back from where it went, or move the -wal file away to begin a new journal", path, path)
		}
		if marked, err := readMark(path); err != nil || marked > 0 {
			return errors.Join(fmt.Errorf("journal %s is missing, and %s tells that it had %d entries; put the file back from where it went, or remove %s to begin a new journal", path, markPath(path), marked, markPath(path)), err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("journal %s: %w; let the user that cpmd runs as read and write it", path, err)
	}
	defer f.Close()
	n, err := io.ReadFull(f, head)
	if n == 0 && errors.Is(err, io.EOF) {
		return nil // an empty file is a new journal
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("journal %s cannot be read: %w", path, err)
	}
	if string(head) != "SQLite format 3\x00" {
		return fmt.Errorf("journal %s is not a cpmd journal (no SQLite header); nothing was changed. Correct journal.path, or move the file away to begin a new journal", path)
	}
	return nil
}

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

func (j *Journal) open() error {
	if st, err := os.Stat(j.path); err == nil && st.Size() > 0 {
		if err := j.connect("mode=ro"); err != nil { // look first: a foreign file stays as it is
			return err
		}
		err := errors.Join(j.own(), j.undamaged(), j.unlost())
		if err = errors.Join(err, j.db.Close()); err != nil {
			return err
		}
	}
	if err := j.connect(url.Values{"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"}}.Encode()); err != nil {
		return err
	}
	if err := j.durable(); err != nil {
		return err
	}
	if err := j.migrate(); err != nil {
		return err
	}
	if err := os.Chmod(j.path, 0o600); err != nil {
		return err
	}
	var err error
	if j.mark, err = openMark(j.path); err != nil {
		return err
	}
	if err := j.prepare(); err != nil {
		return err
	}
	return j.db.QueryRow(`SELECT coalesce(max(seq),0) FROM event`).Scan(&j.last)
}

func (j *Journal) connect(query string) error {
	abs, err := filepath.Abs(j.path)
	if err != nil {
		return err
	}
	j.db, err = sql.Open("sqlite", (&url.URL{Scheme: "file", Path: abs, RawQuery: query}).String())
	if err != nil {
		return err
	}
	j.db.SetMaxOpenConns(1)
	return nil
}

// own refuses a database of something else, or of a newer cpmd.
func (j *Journal) own() error {
	var app, version, tables int
	if err := errors.Join(
		j.db.QueryRow(`PRAGMA application_id`).Scan(&app),
		j.db.QueryRow(`PRAGMA user_version`).Scan(&version),
		j.db.QueryRow(`SELECT count(*) FROM sqlite_schema`).Scan(&tables)); err != nil {
		return err
	}
	if tables > 0 && app != applicationID {
		return errors.New("it is an SQLite database of something else; nothing was changed. Correct journal.path")
	}
	if newest := len(migrations()); version > newest {
		return fmt.Errorf("it was made by a newer cpmd (schema %d, this one knows %d); nothing was changed. Install that version again", version, newest)
	}
	return nil
}

// durable reads the settings back that durability rests on.
func (j *Journal) durable() error {
	var mode string
	var sync, foreign int
	if err := errors.Join(
		j.db.QueryRow(`PRAGMA journal_mode`).Scan(&mode),
		j.db.QueryRow(`PRAGMA synchronous`).Scan(&sync),
		j.db.QueryRow(`PRAGMA foreign_keys`).Scan(&foreign)); err != nil {
		return err
	}
	if mode != "wal" || sync != 2 || foreign != 1 {
		return fmt.Errorf("SQLite did not take the settings that make it durable (journal_mode %s, synchronous %d, foreign_keys %d); put the journal on a local disk", mode, sync, foreign)
	}
	return nil
}

// undamaged checks the file's structure.
func (j *Journal) undamaged() error {
	var verdict string
	if err := j.db.QueryRow(`PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("it is damaged (%s); nothing was changed. Copy it and its -wal file away, then restore a backup", verdict)
	}
	return nil
}

func migrations() []string {
	names, err := fs.Glob(schema, "schema/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	return names
}

// migrate brings an older journal up to date, a transaction a step.
func (j *Journal) migrate() error {
	var version int
	if err := j.db.QueryRow(`PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	for i, name := range migrations() {
		if i < version {
			continue
		}
		text, err := schema.ReadFile(name)
		if err != nil {
			return err
		}
		tx, err := j.db.Begin()
		if err != nil {
			return err
		}
		_, err = tx.Exec(string(text) + fmt.Sprintf("\nPRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, i+1))
		if err = errors.Join(err, finish(tx, err)); err != nil {
			return fmt.Errorf("%s: %w", strings.TrimPrefix(name, "schema/"), err)
		}
	}
	return nil
}

func finish(tx *sql.Tx, err error) error {
	if err != nil {
		return tx.Rollback()
	}
	return tx.Commit()
}

// Close ends the journal; what was appended is on disk already.
func (j *Journal) Close() error {
	var err error
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

// stamp is how times are written: sortable text that support can read.
const stamp = "2006-01-02T15:04:05.000000Z"

func toText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stamp)
}

func fromText(s string) time.Time {
	t, err := time.Parse(stamp, s)
	if err != nil {
		return time.Time{}
	}
	return t
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

// Fatal says that the disk may hold something else than was written: the process must stop and start again
// from what is really there. A failed fsync is never retried.
func Fatal(err error) bool {
	switch resultCode(err) {
	case sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC:
		return true
	}
	c := primary(err)
	return c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB
}

// broken says that the journal refuses an entry by its own rules: writing it again will not help.
func broken(err error) bool {
	return primary(err) == sqlite3.SQLITE_CONSTRAINT
}
