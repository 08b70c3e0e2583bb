package journal_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// What the program of an earlier schema showed of the journal in testdata, which it left when it was killed.
type shown struct {
	Sales   map[string]sale.View
	Refunds map[string]sale.RefundView
	Alarms  []struct{ Kind, ID, What string }
	Notices int
}

// A journal that the program of an earlier schema wrote opens: it is migrated, and every sale, refund, alarm and sum reads as
// that program showed it. What the newest program left, an earlier one refuses (TestWhatIsNotOpened).
func TestPreviousVersion(t *testing.T) {
	for schema := 1; schema < len(journal.Migrations()); schema++ {
		t.Run(fmt.Sprint("schema ", schema), func(t *testing.T) { takeOver(t, schema) })
	}
}

func takeOver(t *testing.T, schema int) {
	path := previous(t, schema)
	clean(t, path, schema)
	j, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var was shown
	if err := json.Unmarshal(read(t, fmt.Sprintf("testdata/schema%d.json", schema)), &was); err != nil {
		t.Fatal(err)
	}
	compareWithPrevious(t, j, was)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	clean(t, path, len(journal.Migrations()))
	if j, err = journal.Open(path); err != nil { // once migrated, it stays as it is
		t.Fatal(err)
	}
	compareWithPrevious(t, j, was)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func compareWithPrevious(t *testing.T, j *journal.Journal, was shown) {
	t.Helper()
	for id, want := range was.Sales { // but for the words of the messages
		s, ok, err := j.Sale(id)
		if err != nil || !ok {
			t.Fatalf("%s: %v %v", id, ok, err)
		}
		is := sale.ViewOf(s, sale.DefaultRules())
		is.Message = ""
		if diff := cmp.Diff(want, is); diff != "" {
			t.Errorf("%s (-was +is):\n%s", id, diff)
		}
		if s.State.Final() == s.EndedAt.IsZero() {
			t.Errorf("%s is %s and ended at %v", id, s.State, s.EndedAt)
		}
	}
	for id, want := range was.Refunds {
		f, ok, err := j.Refund(id)
		if err != nil || !ok {
			t.Fatalf("%s: %v %v", id, ok, err)
		}
		is := sale.RefundViewOf(f)
		is.Message = ""
		if diff := cmp.Diff(want, is); diff != "" {
			t.Errorf("%s (-was +is):\n%s", id, diff)
		}
		s, _, err := j.Sale(f.Sale)
		if err != nil || s.Payment(f.Payment) == nil || s.Payment(f.Payment).Outcome != sale.OutcomePaid || f.GiveBack {
			t.Errorf("refund %s gives back payment %q of %+v", id, f.Payment, s)
		}
	}
	alarms, err := j.Alarms(time.Time{}, 100)
	if err != nil || len(alarms) != len(was.Alarms) {
		t.Fatalf("%d alarms, were %d: %v", len(alarms), len(was.Alarms), err)
	}
	for i, a := range alarms {
		if w := was.Alarms[i]; a.Kind != w.Kind || a.Subject != w.ID || a.What != w.What || !a.SettledAt.IsZero() {
			t.Errorf("got alarm %+v, was %+v", a, w)
		}
	}
	if notices, err := j.Notices(0, 10000); err != nil || len(notices) != was.Notices {
		t.Errorf("%d notices, were %d: %v", len(notices), was.Notices, err)
	}
}

func clean(t *testing.T, path string, schema int) {
	t.Helper()
	r, err := journal.Check(path)
	if err != nil || len(r.Faults) > 0 || r.Schema != schema || r.Sales == 0 || r.Unfinished == 0 {
		t.Errorf("schema %d: %+v %v", schema, r, err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// previous is a copy of that journal.
func previous(t *testing.T, schema int) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(read(t, fmt.Sprintf("testdata/schema%d.db.gz", schema))))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	path := filepath.Join(t.TempDir(), "journal.db")
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
