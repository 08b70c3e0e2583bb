package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// room is how much of the disk a backup leaves to the journal.
const room = 256 << 20

// Backup writes the journal as it is at one moment, with its archives, to a new file, while it is in use: readers of a
// write-ahead log are in no writer's way. It refuses where the disk would get too full for the journal itself.
func Backup(ctx context.Context, journal, to string) (err error) {
	j := &Journal{path: journal}
	var disk unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(to), &disk); err != nil {
		return fmt.Errorf("%s: %w", filepath.Dir(to), err)
	}
	if err := j.connect("mode=ro"); err != nil {
		return err
	}
	defer j.db.Close()
	if err := j.own(); err != nil {
		return explainOpen(journal, err)
	}
	archives, err := j.archives()
	if err != nil {
		return explainOpen(journal, err)
	}
	need := j.Bytes() + room
	for _, a := range archives {
		need += a.bytes
	}
	if free := int64(disk.Bavail) * disk.Bsize; free < need {
		return fmt.Errorf("a backup needs %d MiB on the disk of %s, and %d are free: make room", need>>20, filepath.Dir(to), free>>20)
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // SQLite would choose the mode by the umask
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(to)
		}
	}()
	if err := f.Close(); err != nil {
		return err
	}
	if _, err = j.db.ExecContext(ctx, `VACUUM INTO ?`, to); err != nil || len(archives) == 0 {
		return err
	}
	return j.pack(ctx, to, archives)
}
