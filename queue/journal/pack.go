package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// A backup is one file: the archives are in it as they are, and the first start on it puts them beside it again.

// archiveSchema is the first schema that has archives.
const archiveSchema = 4

// An archiveEntry is what the journal knows of an archive.
type archiveEntry struct {
	name, sha256 string
	bytes        int64
}

// archives are all archives that the journal refers to.
func (j *Journal) archives() ([]archiveEntry, error) {
	var schema int
	if err := j.db.QueryRow(`PRAGMA user_version`).Scan(&schema); err != nil || schema < archiveSchema {
		return nil, err
	}
	rows, err := j.db.Query(`SELECT name, sha256, bytes FROM archive ORDER BY n`)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (a archiveEntry, err error) { return a, r.Scan(&a.name, &a.sha256, &a.bytes) })
}

// pack puts the archives into a backup. One that cannot be read is left out: the rest is worth having, and Check tells.
func (j *Journal) pack(ctx context.Context, to string, archives []archiveEntry) error {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: to, RawQuery: "_pragma=synchronous(FULL)"}).String())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	for _, a := range archives {
		content, err := os.ReadFile(j.beside(a.name))
		if err != nil || digest(content) != a.sha256 {
			continue
		}
		if _, err := db.ExecContext(ctx, `INSERT INTO archive_file (name, content) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET content=excluded.content`,
			a.name, content); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	return db.Close()
}

// unpack puts the archives of a restored backup beside the journal, each on the disk before it leaves the journal.
func (j *Journal) unpack() error {
	rows, err := j.db.Query(`SELECT name FROM archive_file ORDER BY name`)
	if err != nil {
		return err
	}
	names, err := collect(rows, func(r row) (name string, err error) { return name, r.Scan(&name) })
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := j.unpackOne(name); err != nil {
			return fmt.Errorf("an archive of the restored backup could not be put beside it: %w", err)
		}
	}
	return nil
}

func (j *Journal) unpackOne(name string) error {
	var content []byte
	var sum string
	if err := j.db.QueryRow(`SELECT content, sha256 FROM archive_file f JOIN archive a ON a.name=f.name WHERE f.name=?`, name).Scan(&content, &sum); err != nil {
		return err
	}
	if digest(content) != sum || name != filepath.Base(name) {
		return fmt.Errorf("%s in the journal is damaged", name)
	}
	path := j.beside(name)
	if there, _, err := digestOfFile(path); err != nil || there != sum {
		if err == nil { // keep what is there: it may be of use to somebody
			if err := os.Rename(path, path+".damaged"); err != nil {
				return err
			}
		}
		f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(content)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		if err := errors.Join(os.Rename(path+".part", path), j.syncFolder()); err != nil {
			return err
		}
	}
	_, err := j.db.Exec(`DELETE FROM archive_file WHERE name=?`, name)
	return err
}

// faultsOfArchives looks whether each archive is what was written, beside the journal or in it.
func (j *Journal) faultsOfArchives() (faults []string, err error) {
	archives, err := j.archives()
	if err != nil {
		return nil, err
	}
	for _, a := range archives {
		var content []byte
		err := j.db.QueryRow(`SELECT content FROM archive_file WHERE name=?`, a.name).Scan(&content)
		is := digest(content)
		if errors.Is(err, sql.ErrNoRows) {
			is, _, err = digestOfFile(j.beside(a.name))
		}
		if err == nil && is != a.sha256 {
			err = errors.New("it has changed since it was written")
		}
		if err != nil {
			faults = append(faults, (&DamagedArchive{j.beside(a.name), err}).Error())
		}
	}
	return faults, nil
}
