package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpmd/queue/sale"
)

var (
	long     = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC) // when the sales of these tests were
	thisYear = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
)

func never(string) bool { return false }
func goOn() error       { return nil }

// sold appends a sale with all that may hang on it: declined and paid payments, a refund, and what tills were told.
func sold(t *testing.T, j *Journal, n int, change func(*sale.Sale)) {
	t.Helper()
	id, at := fmt.Sprintf("s-%03d", n), long.Add(time.Duration(n)*time.Minute)
	s := sale.Sale{ID: id, Lane: "1", Ticket: "bill-" + id, Amount: 100, Currency: "HKD", Content: "content of " + id, State: sale.Waiting, CreatedAt: at, UpdatedAt: at, NextAt: at}
	var all []Entry
	entry := func(at time.Time) {
		s := s
		s.Payments = slices.Clone(s.Payments)
		all = append(all, Entry{At: at, Kind: "sale", Subject: id, Cause: sale.Cause{Event: sale.Due, From: "<&>"}, Sale: &s,
			Told: func(seq int64) any { s.Seq = seq; return sale.ViewOf(s, sale.DefaultRules()) }})
	}
	entry(at)
	s.State = sale.Confirming
	s.Payments = []sale.Payment{{OutTradeNo: "N-" + id, PayType: "800008", Code: sale.MaskedCode{Mask: "28**", Hash: "hash of " + id}, SentAt: at.Add(time.Second)}}
	entry(at.Add(time.Second))
	s.State, s.NextAt, s.EndedAt, s.UpdatedAt = sale.Paid, time.Time{}, at.Add(10*time.Second), at.Add(10*time.Second)
	s.Payments[0].Outcome, s.Payments[0].SysSN = sale.OutcomePaid, "SYS-"+id
	if change != nil {
		change(&s)
	}
	entry(at.Add(10 * time.Second))
	all = append(all, Entry{At: at, Kind: "scan", Subject: "1", Told: func(int64) any { return "a barcode" }})
	keep(t, j, all...)
	if n%3 == 0 && s.State == sale.Paid && s.NextAt.IsZero() {
		refund(t, j, s, "r-"+id, 30, at.AddDate(0, 1, 0))
	}
}

func refund(t *testing.T, j *Journal, s sale.Sale, id string, amount int64, at time.Time) {
	t.Helper()
	f := sale.Refund{ID: id, Sale: s.ID, Amount: amount, Currency: "HKD", OutTradeNo: "F-" + id, Payment: s.Payments[0].OutTradeNo, PaidSysSN: "x",
		State: sale.Refunding, CreatedAt: at, UpdatedAt: at, NextAt: at}
	keep(t, j, Entry{At: at, Kind: "refund", Subject: id, Cause: sale.Cause{Event: sale.Opened}, Refund: &f})
	f.State, f.NextAt, f.EndedAt = sale.Refunded, time.Time{}, at.Add(time.Second)
	s.Refunded += amount
	keep(t, j, Entry{At: f.EndedAt, Kind: "refund", Subject: id, Refund: &f}, Entry{At: f.EndedAt, Kind: "sale", Subject: s.ID, Sale: &s})
}

// year is a journal with old sales, some of which are not over, and a new one.
func year(t *testing.T, path string, options ...Option) *Journal {
	t.Helper()
	yearOnce.Do(func() { yearFile, yearMark = makeYear(t) })
	if err := errors.Join(os.WriteFile(path, yearFile, 0o600), os.WriteFile(markPath(path), yearMark, 0o600)); err != nil {
		t.Fatal(err)
	}
	j, err := Open(path, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

var (
	yearOnce           sync.Once
	yearFile, yearMark []byte
)

func makeYear(t *testing.T) (file, mark []byte) {
	j := fresh(t)
	for n := range 150 {
		sold(t, j, n, nil)
	}
	for n, open := range standing {
		sold(t, j, n, open)
	}
	keep(t, j, Entry{At: long, Kind: "alarm", Subject: "s-203", Alarm: &sale.Alarm{At: long, Kind: "sale", Subject: "s-203", What: "look at this"}},
		Entry{At: long, Kind: "alarm", Subject: "2026-01-05", Alarm: &sale.Alarm{At: long, Kind: "day", Subject: "2026-01-05", Payment: "N-s-204", What: "only here"}})
	sold(t, j, int(thisYear.Sub(long)/time.Minute), nil)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(j.Path())
	mark, err2 := os.ReadFile(markPath(j.Path()))
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return file, mark
}

// standing are old sales that something is still to come of; 203 and 204 have alarms that stand.
var standing = map[int]func(*sale.Sale){
	200: func(s *sale.Sale) {
		s.State, s.EndedAt, s.NextAt, s.Payments[0].Outcome = sale.Unresolved, time.Time{}, thisYear, ""
	},
	201: func(s *sale.Sale) { s.Payments[0].AuditAt = thisYear },
	203: nil,
	204: nil,
}

// seen is everything that somebody may ask of the journal.
type seen struct {
	Sales    map[string]sale.Sale
	Refunds  map[string]sale.Refund
	Stories  map[string][]PastEntry
	Ended    []sale.Sale
	Day      []sale.Sale
	Back     []sale.Refund
	Books    map[string]sale.Book
	Numbers  map[string]map[string]sale.Book
	Of       map[string]string
	UsedCode map[string]bool
}

func look(t *testing.T, j *Journal) seen {
	t.Helper()
	all := seen{map[string]sale.Sale{}, map[string]sale.Refund{}, map[string][]PastEntry{}, nil, nil, nil, nil, map[string]map[string]sale.Book{}, map[string]string{}, map[string]bool{}}
	need := func(ok bool, err error) {
		if err != nil || !ok {
			_, _, line, _ := runtime.Caller(1)
			t.Fatalf("line %d: not found: %v", line, err)
		}
	}
	var err error
	for _, n := range []int{0, 1, 63, 64, 120, 149, 200, 201, 203, 204} {
		id := fmt.Sprintf("s-%03d", n)
		s, ok, err := j.Sale(id)
		need(ok, err)
		all.Sales[id] = s
		all.Stories[id], err = j.History(id)
		need(len(all.Stories[id]) > 2, err)
		all.Numbers[id], err = j.BooksOf("N-" + id)
		need(len(all.Numbers[id]) == 1, err)
		all.Of[id], err = j.SaleOf("N-"+id, "")
		need(all.Of[id] == id, err)
		all.UsedCode[id], err = j.CodeUsed("hash of " + id)
		need(all.UsedCode[id], err)
		refunds, err := j.RefundsOf(id)
		need(true, err)
		for _, f := range refunds {
			g, ok, err := j.Refund(f.ID)
			need(ok && cmp.Equal(f, g), err)
			all.Refunds[f.ID] = f
		}
	}
	if _, ok, err := j.Sale("nobody's"); ok || err != nil {
		t.Fatalf("a sale that never was: %v %v", ok, err)
	}
	from, to := long.Truncate(24*time.Hour), long.Truncate(24*time.Hour).AddDate(0, 0, 1)
	all.Ended, err = j.SalesEndedBetween(from, to)
	need(len(all.Ended) > 150, err)
	all.Day, err = j.Sales(sale.Filter{Day: "2026-01-05", Limit: 1000}, time.UTC)
	need(len(all.Day) == 154, err)
	all.Books, err = j.BooksBetween(from, to)
	need(len(all.Books) == 154, err)
	all.Back, err = j.RefundsEndedBetween(from.AddDate(0, 1, 0), to.AddDate(0, 1, 0))
	need(len(all.Back) == 52, err)
	return all
}

// archive moves everything that may be moved.
func archive(j *Journal) (moved bool, err error) {
	a, err := j.BeginArchiving(thisYear.AddDate(0, 0, -100), goOn)
	if err != nil || a == nil {
		return false, err
	}
	for {
		more, err := a.Load()
		if err != nil || !more {
			return err == nil, err
		}
		if err := a.Move(time.Hour, never); err != nil {
			return false, err
		}
	}
}

func count(t *testing.T, j *Journal, text string) (n int) {
	t.Helper()
	if err := j.queryRow(text).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func same(t *testing.T, before, after seen) {
	t.Helper()
	if !reflect.DeepEqual(before, after) {
		t.Errorf("(-before +after):\n%s", cmp.Diff(before, after))
	}
}

// An old month moves to a file; what is not over stays; everything is found as it was, also after a restart.
func TestArchive(t *testing.T) {
	j := year(t, filepath.Join(t.TempDir(), "journal.db"))
	before := look(t, j)
	if moved, err := archive(j); err != nil || !moved {
		t.Fatal(moved, err)
	}
	if n := count(t, j, `SELECT count(*) FROM sale`); n != len(standing)+1 {
		t.Errorf("%d sales are left", n)
	}
	if n := count(t, j, `SELECT count(*) FROM event WHERE kind='scan'`); n != 1 {
		t.Errorf("%d events of lanes are left", n)
	}
	same(t, before, look(t, j))
	if moved, err := archive(j); err != nil || moved {
		t.Errorf("it is moved again: %v %v", moved, err)
	}
	last := j.Last()
	j = reopen(t, j)
	if j.Last() != last {
		t.Errorf("the journal ends at %d, not %d", j.Last(), last)
	}
	same(t, before, look(t, j))
	if r, err := Check(j.Path()); err != nil || len(r.Faults) > 0 {
		t.Errorf("%+v %v", r, err)
	}
	if info, err := os.Stat(j.Path() + ".2026-01.jsonl.gz"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

// Nothing that was archived is taken again: no sale or refund under the same id, no code, no number.
func TestArchivedIsNeverTakenAgain(t *testing.T) {
	j := year(t, filepath.Join(t.TempDir(), "journal.db"))
	if _, err := archive(j); err != nil {
		t.Fatal(err)
	}
	waits := sale.Sale{ID: "new", Lane: "1", Amount: 100, Currency: "HKD", State: sale.Waiting, CreatedAt: thisYear, NextAt: thisYear}
	keep(t, j, Entry{At: thisYear, Kind: "sale", Subject: "new", Sale: &waits})
	for what, text := range map[string]string{
		"sale":   add("sale", "id='s-001'", "lane='9'"),
		"refund": add("refund", "id='r-s-003'", "sale_id='s-201'", "payment='N-s-201'", "out_trade_no='free'"),
		"code":   add("payment", "sale_id='new'", "code_hash='hash of s-001'", "out_trade_no='free'"),
		"number": add("number", "out_trade_no='N-s-001'"),
	} {
		if _, err := j.db.Exec(`INSERT OR IGNORE INTO number VALUES ('free')`); err != nil {
			t.Fatal(err)
		}
		if _, err := j.db.Exec(text); !IsConstraint(err) {
			t.Errorf("the %s is taken again: %v", what, err)
		}
	}
}

// What happens to an archived sale brings it back whole; later it is archived again, in a file of its own.
func TestArchivedSaleComesBack(t *testing.T) {
	j := year(t, filepath.Join(t.TempDir(), "journal.db"))
	before := look(t, j)
	if _, err := archive(j); err != nil {
		t.Fatal(err)
	}
	s, _, err := j.Sale("s-120")
	if err != nil {
		t.Fatal(err)
	}
	refund(t, j, s, "late", 20, long.AddDate(0, 2, 0))
	keep(t, j, Entry{At: thisYear, Kind: "scan", Subject: "1"}) // the newest event stays, and its sale with it
	after := look(t, j)
	if f, ok, err := j.Refund("late"); err != nil || !ok || f.Amount != 20 || after.Sales["s-120"].Refunded != 50 {
		t.Errorf("%+v %v %v, refunded %d", f, ok, err, after.Sales["s-120"].Refunded)
	}
	if f, ok, err := j.Refund("r-s-120"); err != nil || !ok || f.Amount != 30 {
		t.Errorf("its earlier refund: %+v %v %v", f, ok, err)
	}
	if want := append(slices.Clone(before.Stories["s-120"]), after.Stories["s-120"][len(before.Stories["s-120"]):]...); !cmp.Equal(want, after.Stories["s-120"]) {
		t.Error("its story is not the old one and more")
	}
	if _, err := j.db.Exec(add("sale", "id='s-001'")); !IsConstraint(err) {
		t.Errorf("the guard of another sale is gone: %v", err)
	}
	if moved, err := archive(j); err != nil || !moved {
		t.Fatal(moved, err)
	}
	same(t, after, look(t, j))
	if _, err := os.Stat(j.Path() + ".2026-01.2.jsonl.gz"); err != nil {
		t.Error(err)
	}
	if r, err := Check(j.Path()); err != nil || len(r.Faults) > 0 {
		t.Errorf("%+v %v", r, err)
	}
}

// A sale that changes while its month is being moved stays in the journal.
func TestChangedWhileMoving(t *testing.T) {
	j := year(t, filepath.Join(t.TempDir(), "journal.db"))
	a, err := j.BeginArchiving(thisYear.AddDate(0, 0, -100), goOn)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := j.Sale("s-007")
	if err != nil {
		t.Fatal(err)
	}
	refund(t, j, s, "meanwhile", 20, long.AddDate(0, 2, 0))
	before := look(t, j)
	for {
		more, err := a.Load()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		if err := a.Move(time.Millisecond, func(id string) bool { return id == "s-100" }); err != nil {
			t.Fatal(err)
		}
	}
	same(t, before, look(t, j))
	for _, id := range []string{"s-007", "s-100"} {
		if n := count(t, j, `SELECT count(*) FROM sale WHERE id='`+id+`'`); n != 1 {
			t.Errorf("%s was moved", id)
		}
	}
}

// The process dies, or the step fails, at every step: of writing the file and of each transaction. Nothing is lost, and
// the next try moves the rest.
func TestArchiveDiesAtEachStep(t *testing.T) {
	origin := filepath.Join(t.TempDir(), "journal.db")
	j := year(t, origin)
	before := look(t, j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	errDies := errors.New("the step fails")
	for _, how := range []string{"dies before", "fails before", "fails after"} {
		done := false
		for step := 0; !done; step += stepsApart {
			dir := t.TempDir()
			copyFolder(t, filepath.Dir(origin), dir)
			path, left := filepath.Join(dir, "journal.db"), t.TempDir()
			n := 0
			at := func(moment string) error {
				if moment != how[strings.Index(how, " ")+1:] {
					return nil
				}
				if n++; n != step+1 {
					return nil
				}
				if how == "dies before" {
					copyFolder(t, dir, left) // as the disk is at that moment
				}
				return errDies
			}
			j, err := Open(path, WithHooks(Hooks{Before: func(Write) error { return at("before") }, After: func(Write) error { return at("after") },
				File: func(string) error { return at("before") }}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = archive(j); err == nil {
				done = true
			} else if !errors.Is(err, errDies) {
				t.Fatalf("%s step %d: %v", how, step, err)
			}
			if how == "dies before" && !done {
				_ = j.Close()
				if j, err = Open(filepath.Join(left, "journal.db")); err != nil {
					t.Fatalf("%s step %d: %v", how, step, err)
				}
			}
			if step%2 == 0 && how == "dies before" {
				same(t, before, look(t, j))
			}
			for range 2 { // the first may take up what was interrupted
				if _, err := archive(j); err != nil {
					t.Fatalf("%s step %d, again: %v", how, step, err)
				}
			}
			same(t, before, look(t, j))
			if n := count(t, j, `SELECT count(*) FROM sale`); n != len(standing)+1 {
				t.Errorf("%s step %d: %d sales are left", how, step, n)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*.archive")); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if step > 100 {
				t.Fatal("it never ends")
			}
		}
	}
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(from, "*"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err = errors.Join(err, os.WriteFile(filepath.Join(to, filepath.Base(f)), b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// An archive that is damaged anywhere, cut off, gone or of somebody else is noticed and said with what to do; sales go on,
// and what is in it is still known. Put back, it is read again.
func TestDamagedArchive(t *testing.T) {
	j := year(t, filepath.Join(t.TempDir(), "journal.db"))
	if _, err := archive(j); err != nil {
		t.Fatal(err)
	}
	path := j.Path() + ".2026-01.jsonl.gz"
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string][]byte{"cut off": whole[:len(whole)/3], "empty": {}, "longer": append(slices.Clone(whole), 0), "of somebody else": []byte(strings.Repeat("x", len(whole)))}
	for _, at := range []int{0, 5, 30, len(whole) / 4, len(whole) / 2, len(whole) - 40, len(whole) - 5} {
		other := slices.Clone(whole)
		other[at] ^= 0x10
		damages[fmt.Sprint("a bit at ", at)] = other
	}
	damages["gone"] = nil
	for name, content := range damages {
		t.Run(name, func(t *testing.T) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if content != nil {
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			defer func() {
				if err := os.WriteFile(path, whole, 0o600); err != nil {
					t.Fatal(err)
				}
			}()
			if r, err := Check(j.Path()); err != nil || len(r.Faults) != 1 || !strings.Contains(r.Faults[0], "Put the file back") {
				t.Errorf("check says %+v %v", r, err)
			}
			unread := 0
			for n := 0; n < 150; n += 13 {
				s, ok, err := j.Sale(fmt.Sprintf("s-%03d", n))
				switch {
				case IsDamagedArchive(err):
					unread++
				case err != nil || !ok || s.State != sale.Paid:
					t.Errorf("sale %d: %+v %v %v", n, s, ok, err)
				}
			}
			if unread == 0 && name != "longer" {
				if !strings.Contains(name, "a bit") { // it may be in the part that has events of lanes alone
					t.Error("every sale is read")
				}
			}
			if used, err := j.CodeUsed("hash of s-001"); err != nil || !used {
				t.Errorf("its code may be used again: %v", err)
			}
			if _, err := j.db.Exec(add("sale", "id='s-001'", "lane='9'")); !IsConstraint(err) {
				t.Errorf("its id may be used again: %v", err)
			}
			sold(t, j, 1000+count(t, j, `SELECT count(*) FROM sale`), nil) // a sale goes on
		})
	}
	if _, ok, err := j.Sale("s-001"); err != nil || !ok {
		t.Errorf("the file is back: %v %v", ok, err)
	}
}

// A disk that gets full while a month is written costs nothing: the file goes away, and sales go on.
func TestArchiveOnAFullDisk(t *testing.T) {
	full := errors.New("no space left on device")
	writes := 0
	j := year(t, filepath.Join(t.TempDir(), "journal.db"), WithHooks(Hooks{File: func(step string) error {
		if writes++; writes > 1 {
			return full
		}
		return nil
	}}))
	before := look(t, j)
	if _, err := archive(j); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(j.Path() + ".*rchive*"); len(files) > 0 {
		t.Errorf("%v is left", files)
	}
	same(t, before, look(t, j))
	sold(t, j, 1000, nil)
}

// A backup has the archives in it: restored alone, everything is found, and the files are there again.
func TestBackupHasTheArchives(t *testing.T) {
	j := year(t, filepath.Join(t.TempDir(), "journal.db"))
	before := look(t, j)
	if _, err := archive(j); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := Backup(t.Context(), j.Path(), to); err != nil {
		t.Fatal(err)
	}
	if r, err := Check(to); err != nil || len(r.Faults) > 0 {
		t.Fatalf("%+v %v", r, err)
	}
	restored, err := Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	same(t, before, look(t, restored))
	if n := count(t, restored, `SELECT count(*) FROM archive_file`); n != 0 {
		t.Errorf("%d files are still in the journal", n)
	}
}

// The space of what was moved goes back to the disk.
func TestArchiveGivesSpaceBack(t *testing.T) {
	j := year(t, filepath.Join(t.TempDir(), "journal.db"))
	before := j.Bytes()
	if _, err := archive(j); err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		var err error
		if more, err = j.Shrink(10, 0); err != nil {
			t.Fatal(err)
		}
	}
	j = reopen(t, j)
	if after := j.Bytes(); after > before*2/3 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
}
