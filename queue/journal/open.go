package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver
)

// Open opens the journal at path, or makes it where there is none. It refuses a file that is not a
// journal, is damaged, was made by a newer cpmd, or is in use, and changes nothing then.
func Open(path string, options ...Option) (*Journal, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // one lock, whatever name it is opened by
	}
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
		return begins(path, "missing")
	}
	if err != nil {
		return fmt.Errorf("journal %s: %w; let the user that cpmd runs as read and write it", path, err)
	}
	defer f.Close()
	n, err := io.ReadFull(f, head)
	if n == 0 && errors.Is(err, io.EOF) {
		return begins(path, "empty")
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("journal %s cannot be read: %w", path, err)
	}
	if string(head) != "SQLite format 3\x00" {
		return fmt.Errorf("journal %s is not a cpmd journal (no SQLite header); nothing was changed. Correct journal.path, or move the file away to begin a new journal", path)
	}
	return nil
}

// begins reports why a journal of which there is no file, or an empty one, is not a new one: something is left of it.
func begins(path, is string) error {
	if st, err := os.Stat(path + "-wal"); err == nil && st.Size() > 0 {
		return fmt.Errorf("journal %s is %s but %s-wal, a part of it, is there; nothing was changed. Put the newest copy of the file back, or move the -wal file away to begin a new journal", path, is, path)
	}
	if marked, err := readMark(path); err != nil || marked > 0 {
		return errors.Join(fmt.Errorf("journal %s is %s, and %s tells that it had %d entries; nothing was changed. Put the newest copy of the file back, or remove %s to begin a new journal", path, is, markPath(path), marked, markPath(path)), err)
	}
	return nil
}

func (j *Journal) open() error {
	first := j.mustCheckFirst()
	if st, err := os.Stat(j.path); err == nil && st.Size() > 0 {
		if err := j.connect("mode=ro"); err != nil { // look first: a foreign file stays as it is
			return err
		}
		err := j.own()
		if first && err == nil {
			err = j.undamaged(context.Background())
		}
		err = errors.Join(err, j.unlost())
		if err = errors.Join(err, j.db.Close()); err != nil {
			return err
		}
	}
	// auto_vacuum first: it is only taken by a file that has nothing in it yet.
	if err := j.connect(url.Values{"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"}}.Encode()); err != nil {
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
	if err := j.unpack(); err != nil {
		return err
	}
	var err error
	if j.mark, err = openMark(j.path); err != nil {
		return err
	}
	if err := j.prepareWrites(); err != nil {
		return err
	}
	if err := j.db.QueryRow(`SELECT coalesce(max(seq),0) FROM event`).Scan(&j.last); err != nil {
		return err
	}
	j.recent.begin(j.last)
	if first {
		_ = os.Remove(suspect(j.path)) // it is well, or another one
	} else {
		j.checkBeside()
	}
	return nil
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

func finish(tx *sql.Tx, err error) error {
	if err != nil {
		return tx.Rollback()
	}
	return tx.Commit()
}
