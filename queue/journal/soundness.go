package journal

import (
	"context"
	"errors"
	"os"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"
)

// A small journal is checked before it is opened. For one of a year that takes longer than a counter can wait, so it is
// checked while sales go on, with a connection of its own. Damage that is found then ends the process, and a file beside
// the journal has the next start check it first.

// checkedFirst is the size up to which a journal is checked before it is opened; tests change it.
var checkedFirst int64 = 32 << 20

// soundness is a check that runs beside.
type soundness struct {
	stop   context.CancelFunc
	ended  chan struct{}
	mu     sync.Mutex
	damage error
}

// A damaged journal is not written to any more.
type damaged struct{ verdict string }

func (d damaged) Error() string { return d.verdict }

// Code is SQLite's, so that IsFatal knows it.
func (d damaged) Code() int { return sqlite3.SQLITE_CORRUPT }

// suspect is the file that has the next start look first.
func suspect(journal string) string { return journal + ".damaged" }

// mustCheckFirst reports whether the journal is checked before it is opened.
func (j *Journal) mustCheckFirst() bool {
	_, err := os.Stat(suspect(j.path))
	return j.Bytes() <= checkedFirst || err == nil
}

// checkBeside begins the check of a journal that was not checked first.
func (j *Journal) checkBeside() {
	ctx, stop := context.WithCancel(context.Background())
	j.sound = &soundness{stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(j.sound.ended)
		beside := &Journal{path: j.path}
		if err := beside.connect("mode=ro&_pragma=busy_timeout(5000)"); err != nil {
			return
		}
		defer beside.db.Close()
		if err := beside.undamaged(ctx); errors.As(err, &damaged{}) {
			_ = os.WriteFile(suspect(j.path), []byte(err.Error()+"\n"), 0o600)
			j.sound.mu.Lock()
			defer j.sound.mu.Unlock()
			j.sound.damage = err
		}
	}()
}

// end stops the check.
func (s *soundness) end() {
	if s != nil {
		s.stop()
		<-s.ended
	}
}

// found is the damage that was found, if any.
func (s *soundness) found() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damage
}

// undamaged checks the file's structure.
func (j *Journal) undamaged(ctx context.Context) error {
	var verdict string
	if err := j.db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		if primary(err) == sqlite3.SQLITE_CORRUPT || primary(err) == sqlite3.SQLITE_NOTADB {
			return damaged{err.Error()}
		}
		return err
	}
	if verdict != "ok" {
		return damaged{verdict}
	}
	return nil
}
