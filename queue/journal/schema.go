package journal

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed schema/*.sql
var schema embed.FS

// applicationID marks a file as a cpmd journal in SQLite's header ("cpmd").
const applicationID = 0x63706d64

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
	if version > 0 && version < archiveSchema && j.Bytes() <= checkedFirst {
		// It was made without room for giving pages back to the disk one by one. A larger one keeps them for new sales.
		if _, err := j.db.Exec(`VACUUM`); err != nil {
			return err
		}
	}
	return nil
}
