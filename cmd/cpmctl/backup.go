package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"cpmd/till/client"
)

var backupCommand = &command{
	name: "backup", args: []string{"FILE"}, summary: "copy the journal while cpmd goes on",
	about: `The copy is the journal as it is at one moment, and sales are not held up. It is written under another name, checked, and only then called FILE, so that what is there under that name is whole. "cpmd check -journal FILE" looks into it.

Restoring one is explained in docs/watching.md: an old copy does not know what was sold since, so QFPay has to be asked.`,
	exits: [3]string{"written", "not written", "not written"},
	begin: func(fs *flag.FlagSet) action {
		replace := fs.Bool("replace", false, "replace FILE if it is there")
		return func(t *tool, args []string) (int, error) {
			path := args[0]
			if _, err := os.Lstat(path); err == nil && !*replace {
				return usagef("%s is there already; choose another name, or -replace", path)
			}
			size, sum, err := t.backup(path)
			if err != nil {
				if u, ok := errors.AsType[*client.Unreachable](err); ok {
					return exitUnavailable, u
				}
				return exitNotPaid, err
			}
			return t.done(0, map[string]any{"file": path, "bytes": size, "sha256": sum}, func(w io.Writer) {
				fmt.Fprintf(w, "%s: %s, SHA-256 %s\n", path, count(size, "byte"), sum)
			})
		}
	},
}

// backup is on disk when it returns.
func (t *tool) backup(path string) (size int64, sum string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-")
	if err != nil {
		return 0, "", err
	}
	defer func() {
		if f != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	hash, buffered := sha256.New(), bufio.NewWriterSize(f, 1<<20)
	header, err := t.Fetch(t.first, "/v1/backup", io.MultiWriter(buffered, hash))
	if err == nil {
		err = errors.Join(buffered.Flush(), f.Sync())
	}
	if err != nil {
		return 0, "", err
	}
	sum = hex.EncodeToString(hash.Sum(nil))
	if want := header.Get("X-Content-Sha256"); want != sum {
		return 0, "", fmt.Errorf("what came is not what cpmd sent (SHA-256 %s, not %s); try again", sum, want)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, "", err
	}
	name := f.Name()
	err = f.Close()
	f = nil
	if err = errors.Join(err, os.Rename(name, path)); err != nil {
		_ = os.Remove(name)
		return 0, "", err
	}
	return info.Size(), sum, syncDir(filepath.Dir(path))
}

// syncDir has the file's name on disk, too.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
