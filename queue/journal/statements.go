package journal

import (
	"database/sql"
	"sync"
)

// statements are read by SQLite once each: that takes it longer than to do what most of them say.
type statements struct {
	mu     sync.Mutex
	byText map[string]*sql.Stmt
}

// prepared returns the statement of a text. The writer's are prepared before its transactions begin: there is one
// connection, and who has it must not wait for it.
func (j *Journal) prepared(text string) (*sql.Stmt, error) {
	j.statements.mu.Lock()
	stmt := j.statements.byText[text]
	j.statements.mu.Unlock()
	if stmt != nil {
		return stmt, nil
	}
	stmt, err := j.db.Prepare(text)
	if err != nil {
		return nil, err
	}
	j.statements.mu.Lock()
	defer j.statements.mu.Unlock()
	if first := j.statements.byText[text]; first != nil { // somebody else was as quick
		_ = stmt.Close()
		return first, nil
	}
	if j.statements.byText == nil {
		j.statements.byText = map[string]*sql.Stmt{}
	}
	j.statements.byText[text] = stmt
	return stmt, nil
}

// queryRow reads one row with a prepared statement. There are as many texts as this package has, or lists have filters.
func (j *Journal) queryRow(text string, args ...any) row {
	stmt, err := j.prepared(text)
	if err != nil {
		return failed{err}
	}
	return stmt.QueryRow(args...)
}

// query reads rows with a prepared statement.
func (j *Journal) query(text string, args ...any) (*sql.Rows, error) {
	stmt, err := j.prepared(text)
	if err != nil {
		return nil, err
	}
	return stmt.Query(args...)
}

// failed is a row that could not be asked for.
type failed struct{ error }

func (f failed) Scan(...any) error { return f.error }
