package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tellEach appends entries that tills see, each third of them one that they do not, in one write.
func tellEach(j *Journal, n int) error {
	var entries []Entry
	for range n {
		e := Entry{At: t0, Kind: "scan", Subject: "1"}
		if i := len(entries); i%3 < 2 {
			e.Told = func(seq int64) any { return fmt.Sprint("<", seq, "> told \u2028") }
		}
		entries = append(entries, e)
	}
	return j.Append(entries...)
}

// What is at hand is what is on disk, from every position, before and after the oldest of it is dropped.
func TestRecentIsWhatIsOnDisk(t *testing.T) {
	j := fresh(t)
	defer j.Close()
	same := func(when string) {
		t.Helper()
		if last, err := j.LastSeq(); err != nil || last != j.Last() {
			t.Errorf("%s: the last seq is %d, not %d: %v", when, last, j.Last(), err)
		}
		for after := int64(0); after <= j.Last()+1; after += 1 + j.Last()/20 {
			for _, limit := range []int{1, 10000} {
				got, err := j.Notices(after, limit)
				want, err2 := j.PastNotices(after, limit)
				if err = errors.Join(err, err2); err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(want, got) {
					t.Fatalf("%s, after %d, at most %d: %v (-disk +at hand)\n%s", when, after, limit, err, cmp.Diff(want, got))
				}
			}
		}
	}
	same("empty")
	for n := range 12 {
		if err := tellEach(j, 10+n*40); err != nil {
			t.Fatal(err)
		}
		same(fmt.Sprint("write ", n))
	}
	if _, all := j.recent.since(0, 1); all || len(j.recent.notices) >= 2*mostRecent {
		t.Errorf("everything is kept at hand: %d", len(j.recent.notices))
	}
	j = reopen(t, j)
	same("reopened")
	if err := tellEach(j, 5); err != nil {
		t.Fatal(err)
	}
	same("reopened and written")
}

// After a commit that failed only the disk knows what is in the journal; it is asked until a write goes well.
func TestRecentAfterAFailedCommit(t *testing.T) {
	for name, hooks := range map[string]func(fail func(Write) error) Hooks{
		"nothing is kept":       func(fail func(Write) error) Hooks { return Hooks{Before: fail} },
		"it is there after all": func(fail func(Write) error) Hooks { return Hooks{After: fail} },
	} {
		t.Run(name, func(t *testing.T) {
			var broken error
			j, err := Open(filepath.Join(t.TempDir(), "journal.db"), WithHooks(hooks(func(Write) error { return broken })))
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			if err := tellEach(j, 4); err != nil {
				t.Fatal(err)
			}
			broken = errors.New("the disk is not well")
			if err := tellEach(j, 2); err == nil {
				t.Fatal("written")
			}
			broken = nil
			for _, write := range []int{0, 1} {
				if write > 0 && name == "nothing is kept" {
					if err := tellEach(j, write); err != nil {
						t.Fatal(err)
					}
				}
				for after := range int64(8) {
					got, err := j.Notices(after, 100)
					want, err2 := j.PastNotices(after, 100)
					if err = errors.Join(err, err2); err != nil || len(got)+len(want) > 0 && cmp.Diff(want, got) != "" {
						t.Errorf("after %d: %v (-disk +told)\n%s", after, err, cmp.Diff(want, got))
					}
				}
			}
		})
	}
}
