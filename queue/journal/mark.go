package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A mark is a small file beside the journal that holds the seq of its last entry. SQLite reads a write-ahead log
// whose end is missing as a shorter one, and says nothing; the mark tells that entries are lost. It is written
// after each commit and not synced: after a power cut it may be behind the journal, never ahead.
type mark struct{ f *os.File }

func markPath(journal string) string { return journal + ".seq" }

func openMark(journal string) (mark, error) {
	f, err := os.OpenFile(markPath(journal), os.O_CREATE|os.O_RDWR, 0o600)
	return mark{f}, err
}

func (m mark) set(seq int64) {
	if m.f == nil {
		return
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(seq))
	_, _ = m.f.WriteAt(b[:], 0) // it only ever costs a warning less
}

func (m mark) close() error {
	if m.f == nil {
		return nil
	}
	return m.f.Close()
}

// readMark returns the seq that the journal must have reached; 0 where there is no mark.
func readMark(journal string) (int64, error) {
	b, err := os.ReadFile(markPath(journal))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0 {
		return 0, nil
	}
	if err == nil && len(b) != 8 {
		err = fmt.Errorf("%s has %d bytes, not 8", markPath(journal), len(b))
	}
	if err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}
