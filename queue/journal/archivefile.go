package journal

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// An archive is a file of gzip members, one after the other, so that zcat reads it as a whole and one member is read by
// itself. A member is a part: some lines of JSON, each a bundle. Of each part the journal has the place and the SHA-256.

// A part is where some bundles are.
type part struct {
	n         int64  // in the journal; 0: not there yet
	name      string // of the file, without its folder
	at, bytes int64
	sha256    string
	first     string
	last      string
}

// mostInPart is how many bundles are compressed together: enough to be small, and few enough to find one soon.
const mostInPart = 64

// spare is how much of the disk an archive leaves to the journal.
const spare = 64 << 20

// A DamagedArchive is an archive that is not what was written. It stops nothing but what needs it.
type DamagedArchive struct {
	Path string
	Err  error
}

func (e *DamagedArchive) Error() string {
	return fmt.Sprintf("the archive %s of the journal cannot be read (%v): what is in it is known and is never charged again, but cannot be shown or refunded. "+
		"Put the file back from a backup (the newest one that has it); cpmd need not be stopped", e.Path, e.Err)
}

func (e *DamagedArchive) Unwrap() error { return e.Err }

// IsDamagedArchive reports whether something failed because an archive is damaged or missing; the journal itself is well.
func IsDamagedArchive(err error) bool {
	var e *DamagedArchive
	return errors.As(err, &e)
}

// beside is the path of a file that belongs to the journal.
func (j *Journal) beside(name string) string { return filepath.Join(filepath.Dir(j.path), name) }

// readPart reads the lines of a part in which a text occurs; an empty one is in all of them.
func (j *Journal) readPart(p part, with string) (lines [][]byte, all []bundle, err error) {
	text, err := p.unpack(j.beside(p.name))
	if err != nil {
		return nil, nil, &DamagedArchive{j.beside(p.name), err}
	}
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(with)) {
			continue
		}
		b, err := readLine(line)
		if err != nil {
			return nil, nil, &DamagedArchive{j.beside(p.name), err}
		}
		lines, all = append(lines, line), append(all, b)
	}
	return lines, all, nil
}

// unpack reads a part, if it is what was written.
func (p part) unpack(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	packed := make([]byte, p.bytes)
	if _, err := f.ReadAt(packed, p.at); err != nil {
		return nil, err
	}
	if digest(packed) != p.sha256 {
		return nil, fmt.Errorf("bytes %d to %d have changed", p.at, p.at+p.bytes)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func digestOfFile(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// An archiveWriter writes an archive under a name that is not its own yet.
type archiveWriter struct {
	j     *Journal
	f     *os.File
	parts []part
	lines [][]byte // of the part that is being made
	next  part
}

func (j *Journal) unfinishedArchive() string { return j.path + ".archive" }

func (j *Journal) newArchive() (*archiveWriter, error) {
	f, err := os.OpenFile(j.unfinishedArchive(), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	return &archiveWriter{j: j, f: f}, err
}

// discard leaves nothing behind.
func (w *archiveWriter) discard() {
	_ = w.f.Close()
	_ = os.Remove(w.f.Name())
}

func (w *archiveWriter) add(b *bundle) error {
	line, err := b.line()
	if err != nil {
		return err
	}
	first, last := b.span()
	if w.next.first == "" || first < w.next.first {
		w.next.first = first
	}
	w.next.last = max(w.next.last, last)
	if w.lines = append(w.lines, line); len(w.lines) < mostInPart {
		return nil
	}
	return w.flush()
}

// flush writes the part that is being made.
func (w *archiveWriter) flush() error {
	if len(w.lines) == 0 {
		return nil
	}
	var disk unix.Statfs_t
	if err := unix.Fstatfs(int(w.f.Fd()), &disk); err != nil {
		return err
	}
	if free := int64(disk.Bavail) * disk.Bsize; free < spare {
		return fmt.Errorf("old months are moved out of the journal when its disk has %d MiB free; it has %d", spare>>20, free>>20)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for _, line := range w.lines {
		if _, err := z.Write(line); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	if n := len(w.parts); n > 0 {
		w.next.at = w.parts[n-1].at + w.parts[n-1].bytes
	}
	w.next.bytes, w.next.sha256 = int64(packed.Len()), digest(packed.Bytes())
	if err := w.j.hooks.file("write", func() error { _, err := w.f.Write(packed.Bytes()); return err }); err != nil {
		return err
	}
	w.parts, w.next, w.lines = append(w.parts, w.next), part{}, nil
	return nil
}

// finish has the file on the disk under the name of its month, and reads it back. Whatever is there under that name
// already stays.
func (w *archiveWriter) finish(month string) (name, sum string, err error) {
	if err := w.flush(); err != nil {
		return "", "", err
	}
	if err := w.j.hooks.file("sync", w.f.Sync); err != nil {
		return "", "", err
	}
	if err := w.j.hooks.file("read back", w.readBack); err != nil {
		return "", "", err
	}
	sum, _, err = digestOfFile(w.f.Name())
	if err != nil {
		return "", "", err
	}
	if name, err = w.j.freeName(month, sum); err != nil {
		return "", "", err
	}
	if err := w.j.hooks.file("rename", func() error { return os.Rename(w.f.Name(), w.j.beside(name)) }); err != nil {
		return "", "", err
	}
	return name, sum, w.j.hooks.file("sync folder", w.j.syncFolder)
}

// readBack reads all parts, from the disk and not from memory as far as the system goes along.
func (w *archiveWriter) readBack() error {
	_ = unix.Fadvise(int(w.f.Fd()), 0, 0, unix.FADV_DONTNEED)
	for _, p := range w.parts {
		p.name = filepath.Base(w.f.Name())
		if _, _, err := w.j.readPart(p, ""); err != nil {
			return err
		}
	}
	return nil
}

// freeName is the name of a month's archive, with a number where there is one already. A file of the same content is one
// that a crash left there.
func (j *Journal) freeName(month, sum string) (string, error) {
	for n := 1; ; n++ {
		name := filepath.Base(j.path) + "." + month + ".jsonl.gz"
		if n > 1 {
			name = strings.Replace(name, ".jsonl", fmt.Sprintf(".%d.jsonl", n), 1)
		}
		there, _, err := digestOfFile(j.beside(name))
		if errors.Is(err, os.ErrNotExist) || err == nil && there == sum && !j.hasArchive(name) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
	}
}

func (j *Journal) hasArchive(name string) (yes bool) {
	err := j.queryRow(`SELECT EXISTS (SELECT 1 FROM archive WHERE name=?)`, name).Scan(&yes)
	return yes || err != nil
}

func (j *Journal) syncFolder() error {
	d, err := os.Open(filepath.Dir(j.path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
