package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A large journal opens without being checked first. Damage in it is found while sales go on, nothing is written any more, and no
// start takes it again until a whole one is there.
func TestLargeJournalIsCheckedBeside(t *testing.T) {
	defer func(was int64) { checkedFirst = was }(checkedFirst)
	checkedFirst = 0
	j := year(t, filepath.Join(t.TempDir(), "journal.db"))
	path := j.Path()
	<-j.sound.ended
	sold(t, j, 5000, nil)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := 4096
	middle := len(whole) / page / 2 * page
	broken := bytes.Clone(whole)
	copy(broken[middle:], bytes.Repeat([]byte{0xff}, page))
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(path); err != nil {
		t.Fatal(err)
	}
	<-j.sound.ended
	if err := j.Append(Entry{At: t0, Kind: "scan", Subject: "1"}); !IsFatal(err) {
		t.Errorf("it is written to: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("the next start: %v", err)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(path); err != nil {
		t.Fatalf("restored: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(suspect(path)); err == nil {
		t.Error("the restored journal is still suspect")
	}
}
