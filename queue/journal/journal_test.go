package journal

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpmd/payment"
	"cpmd/queue/sale"
)

var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// keep appends and says that it must go well.
func keep(t *testing.T, j *Journal, entries ...Entry) {
	t.Helper()
	if err := j.Append(entries...); err != nil {
		t.Fatal(err)
	}
}

func reopen(t *testing.T, j *Journal) *Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := Open(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func fresh(t *testing.T) *Journal {
	t.Helper()
	j, err := Open(filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// Whatever may change of a sale and its payment is as it was written after a restart: limits and evidence too.
func TestEverythingIsKept(t *testing.T) {
	at := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Minute) }
	s := sale.Sale{ID: "a", Lane: "1", Ticket: "t", Amount: 100, Currency: "HKD", Content: "c", State: sale.Paying, CreatedAt: t0, UpdatedAt: t0,
		ScanBy: at(1), NextAt: at(2), By: "till", Operator: "o", Shift: "s", Metadata: map[string]string{"k": "v"},
		Payments: []sale.Payment{{OutTradeNo: "N1", PayType: "800008", Code: sale.MaskedCode{Mask: "m", Hash: "h"}, TxDTM: "t", SentAt: t0,
			ConfirmBy: at(3), GiveUpBy: at(4), Progress: sale.Progress{InFlight: true, Sends: 1, WindowFrom: t0}}}}
	j := fresh(t)
	keep(t, j, Entry{At: t0, Kind: "sale", Subject: "a", Sale: &s})
	s.State, s.CancelAsked, s.UpdatedAt, s.ScanBy, s.NextAt, s.Slow, s.Seq, s.Rejected = sale.Reversing, true, at(5), at(6), at(7), 3, 9, "r"
	p := &s.Payments[0]
	p.ConfirmBy, p.GiveUpBy, p.SysSN, p.ChnlSN, p.RespCD, p.Resolved = at(8), at(9), "S", "C", "1143", "800108"
	p.Progress = sale.Progress{Sends: 2, WindowFrom: at(10), Moved: time.Hour, Known: true, Suspect: payment.Declined, Confirm: 2, Agreed: 1, Genuine: true,
		Soft: true, Closed: true, Throttled: true, Quiet: 1, QuietAt: at(11), Success: true, Last: payment.Pending, Absent: 1, Paid: 1, PaidAt: at(12),
		Cancel: sale.CancelUnknown, CancelAt: at(13), Loose: true, Cancels: 2, Slow: 3, Polls: 4, Decided: true}
	keep(t, j, Entry{At: at(5), Kind: "sale", Subject: "a", Sale: &s})
	j = reopen(t, j)
	if got, ok, err := j.Sale("a"); err != nil || !ok || cmp.Diff(s, got) != "" {
		t.Errorf("%v %v (-written +read):\n%s", ok, err, cmp.Diff(s, got))
	}
	s.State, s.NextAt, s.EndedAt, s.CancelAsked = sale.Paid, time.Time{}, at(14), true
	p.Outcome, p.AuditAt = sale.OutcomePaid, at(15)
	p.Progress.Audit = sale.Audit{Looks: 1, Unclear: 2, Found: at(16), BackAt: at(17), Backs: 1, Back: true, Kept: true, Missing: true, Closing: true}
	keep(t, j, Entry{At: at(14), Kind: "sale", Subject: "a", Sale: &s})
	j = reopen(t, j)
	if got, _, err := j.Sale("a"); err != nil || cmp.Diff(s, got) != "" {
		t.Errorf("%v (-written +read):\n%s", err, cmp.Diff(s, got))
	}
	f := sale.Refund{ID: "r", Sale: "a", Amount: 40, Currency: "HKD", OutTradeNo: "R1", Payment: "N1", PaidSysSN: "S", By: "boss", TxDTM: "t",
		State: sale.Refunding, CreatedAt: t0, UpdatedAt: t0, NextAt: at(1)}
	keep(t, j, Entry{At: t0, Kind: "refund", Subject: "r", Refund: &f})
	f.State, f.Why, f.UpdatedAt, f.EndedAt, f.NextAt, f.SysSN, f.RespCD, f.Seq = sale.NotRefunded, "w", at(2), at(3), at(4), "RS", "1269", 7
	f.Progress = sale.RefundProgress{Sends: 1, WindowFrom: t0, Known: true, Suspect: payment.Refused, Why: "w", Agreed: 1, Absent: 2, Genuine: true, Quiet: 1, QuietAt: at(5)}
	keep(t, j, Entry{At: at(3), Kind: "refund", Subject: "r", Refund: &f})
	j = reopen(t, j)
	if got, _, err := j.Refund("r"); err != nil || cmp.Diff(f, got) != "" {
		t.Errorf("%v (-written +read):\n%s", err, cmp.Diff(f, got))
	}
}

// A journal whose end is lost, one of a newer program and a file of something else are refused, and stay as they are.
func TestWhatIsNotOpened(t *testing.T) {
	for _, c := range []struct{ name, words, sql string }{
		{"its end is lost", "its end is lost", ""},
		{"a newer program's", "Install that version again", fmt.Sprintf("PRAGMA user_version = %d", len(migrations())+1)},
		{"something else", "something else", "PRAGMA application_id = 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := fresh(t)
			path := j.Path()
			if c.sql != "" {
				if _, err := j.db.Exec(c.sql); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if c.sql == "" {
				if err := os.WriteFile(markPath(path), binary.BigEndian.AppendUint64(nil, 1), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if j, err := Open(path); err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v %v", j, err)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("the file was changed, %v", err)
			}
		})
	}
}

// A file system may leave an empty file after a power cut. It is not taken for a new journal while anything tells that
// there was one: every bill in it could be charged again.
func TestEmptiedJournalIsNotNew(t *testing.T) {
	for _, c := range []struct{ name, left string }{{"its mark is left", ".seq"}, {"its log is left", "-wal"}} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			for name, content := range map[string][]byte{"": nil, c.left: binary.BigEndian.AppendUint64(nil, 4)} {
				if err := os.WriteFile(path+name, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if j, err := Open(path); err == nil {
				j.Close()
				t.Error("it was begun anew")
			} else if !strings.Contains(err.Error(), "is empty") {
				t.Error(err)
			}
			if left, err := os.ReadFile(path + c.left); err != nil || len(left) != 8 {
				t.Errorf("%s was changed: %x, %v", c.left, left, err)
			}
		})
	}
}

// Two daemons on one journal would both pay: the second one is refused, whatever name the file goes by.
func TestOneDaemonAJournal(t *testing.T) {
	j := fresh(t)
	defer j.Close()
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(j.Path(), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{j.Path(), link} {
		if second, err := Open(path); err == nil {
			second.Close()
			t.Errorf("%s was opened twice", path)
		} else if !strings.Contains(err.Error(), "in use by another cpmd") {
			t.Error(err)
		}
	}
}

// An alarm stands once, a general one once in all, and again after it was settled.
func TestAlarmsStandOnce(t *testing.T) {
	j := fresh(t)
	defer j.Close()
	raise := func(subject, what string, once bool) {
		t.Helper()
		keep(t, j, Entry{At: t0, Kind: "alarm", Subject: subject, Once: once,
			Alarm: &sale.Alarm{At: t0, Kind: "sale", Subject: subject, What: what}})
	}
	raise("a", "odd", false)
	raise("a", "odd", false)
	raise("b", "odd", false)
	raise("a", "key", true)
	raise("b", "key", true)
	n, err := j.OpenAlarms()
	if err != nil || n != 3 {
		t.Fatalf("%d alarms, %v", n, err)
	}
	list, err := j.Alarms(t0, 10)
	if err != nil {
		t.Fatal(err)
	}
	a := list[0]
	a.SettledAt, a.SettledBy, a.Note = t0, "boss", "done"
	keep(t, j, Entry{At: t0, Kind: "alarm", Subject: a.Subject, Alarm: &a})
	if n, _ := j.OpenAlarms(); n != 2 {
		t.Errorf("%d stand after one was settled", n)
	}
	raise(a.Subject, a.What, true)
	if n, _ := j.OpenAlarms(); n != 3 {
		t.Errorf("%d stand after it came again", n)
	}
}
