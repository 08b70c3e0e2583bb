package queue

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

var sales = flag.Int("sales", 2000, "the sales of TestYear; a year of 500 a day is 180000")

// TestYear measures a journal of many days: how much later it starts than an empty one (300 ms is wanted at most, for a
// year), and how long a day's totals take (100 ms). Its sales are copies of one that was played: opened, scanned, pending,
// asked for three times, paid.
func TestYear(t *testing.T) {
	dir := t.TempDir()
	empty, year := filepath.Join(dir, "empty.db"), filepath.Join(dir, "year.db")
	var played time.Time
	synctest.Test(t, func(t *testing.T) {
		played = time.Now().UTC()
		playOne(t, year)
	})
	rows := multiply(t, year, *sales)
	fromEmpty := startOf(t, empty, nil)
	var totals time.Duration
	fromYear := startOf(t, year, func(q *Queue) {
		for n := range 3 {
			day := played.AddDate(0, 0, -2-n).Format(time.DateOnly)
			from := time.Now()
			got, err := q.Totals(context.Background(), day)
			if took := time.Since(from); n == 0 || took < totals {
				totals = took
			}
			if err != nil || len(got.Rows) != 1 || got.Rows[0].Sales == 0 {
				t.Errorf("totals of %s: %+v %v", day, got, err)
			}
		}
		if _, err := q.Story(context.Background(), "T1-000001"); err != nil {
			t.Error(err)
		}
	})
	info, err := os.Stat(year)
	if err != nil {
		t.Fatal(err)
	}
	if later := fromYear - fromEmpty; *sales >= aYear && (later > 300*time.Millisecond || totals > 100*time.Millisecond) {
		t.Errorf("it starts %v later than an empty one, and totals take %v", later, totals)
	}
	t.Logf("%s", whatTakesSpace(t, year, *sales))
	t.Logf("%d sales, %d entries: %d MiB, %d bytes a sale; start %v (empty: %v); a day's totals %v",
		*sales, rows, info.Size()>>20, info.Size()/int64(*sales), fromYear.Round(time.Millisecond), fromEmpty.Round(time.Millisecond), totals.Round(time.Millisecond))
}

// aYear is 500 sales a day; fewer are not measured against the limits, because a busy machine is no fault of theirs.
const aYear = 180_000

// whatTakesSpace lists the bytes a sale of each table and index.
func whatTakesSpace(t *testing.T, path string, n int) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 14`)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var name string
		var bytes int
		if err := rows.Scan(&name, &bytes); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %d; ", name, bytes/n)
	}
	return "bytes a sale: " + out.String()
}

// startOf is the shortest of a few starts, from opening the journal until sales are taken.
func startOf(t *testing.T, path string, with func(*Queue)) (best time.Duration) {
	t.Helper()
	for n := range 3 {
		from := time.Now()
		j, err := journal.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		q := New(Config{Rules: sale.DefaultRules(), Gateway: &fakeGateway{}, Journal: j, Location: time.UTC, DayEnd: time.Hour,
			Lanes: []Lane{{Name: "1", PayType: "800008"}}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		<-q.Started()
		if took := time.Since(from); n == 0 || took < best {
			best = took
		}
		if with != nil && n == 0 {
			with(q)
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return best
}

// playOne leaves a journal with one sale, T, whose audit is over.
func playOne(t *testing.T, path string) {
	g := &fakeGateway{pay: always(payment.Pending), query: func(n int, _ payment.Query) payment.QueryResult {
		if n < 3 {
			return finding(payment.Pending)
		}
		return finding(payment.Paid)
	}}
	c := &counter{T: t, g: g, path: path, beeps: &beeper{}}
	c.start()
	c.open("T")
	c.scan(code)
	c.until("T", sale.Paid, time.Minute)
	time.Sleep(2 * time.Hour)
	c.close()
}

// multiply copies the sale T, 500 times a day, into the days before. It returns how many entries there are then.
func multiply(t *testing.T, path string, n int) (entries int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(OFF)&_pragma=foreign_keys(OFF)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	do := func(text string, args ...any) {
		t.Helper()
		if _, err := db.Exec(text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	do(`BEGIN`)
	do(`CREATE TEMP TABLE many AS WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM c WHERE n<?)
		SELECT n, printf('T1-%06d', n) AS id, printf('C%012dABCDEFGHIJKL', n) AS number, printf('%016d%048d', n, n) AS hash,
			printf('-%d seconds', (n/500+1)*86400 + (n%500)*60) AS ago FROM c`, n)
	last := 0
	if err := db.QueryRow(`SELECT max(seq) FROM event`).Scan(&last); err != nil {
		t.Fatal(err)
	}
	var number string
	if err := db.QueryRow(`SELECT out_trade_no FROM number`).Scan(&number); err != nil {
		t.Fatal(err)
	}
	moved := func(column string) string {
		return fmt.Sprintf(`iif(t.%[1]s='', '', strftime('%%Y-%%m-%%dT%%H:%%M:%%f', t.%[1]s, many.ago) || '000Z')`, column)
	}
	renamed := func(column string) string {
		return fmt.Sprintf(`replace(replace(t.%s, '"id":"T"', '"id":"'||many.id||'"'), '%s', many.number)`, column, number)
	}
	later := fmt.Sprintf("t.seq+%d*(%d-many.n)", last, n+1) // in the order of the times, as a journal grows
	for _, c := range []struct {
		table, where string
		set          map[string]string
	}{
		{"sale", "id='T'", map[string]string{"id": "many.id", "ticket": "'bill-'||many.n", "created_at": moved("created_at"), "updated_at": moved("updated_at"),
			"scan_by": moved("scan_by"), "ended_at": moved("ended_at"), "seq": later}},
		{"number", "1", map[string]string{"out_trade_no": "many.number"}},
		{"payment", "sale_id='T'", map[string]string{"sale_id": "many.id", "out_trade_no": "many.number", "code_hash": "many.hash", "sent_at": moved("sent_at"),
			"confirm_by": moved("confirm_by"), "give_up_by": moved("give_up_by"), "syssn": "t.syssn||many.n"}},
		{"event", "kind='sale'", map[string]string{"seq": later, "subject": "many.id", "at": moved("at"), "cause": renamed("cause"), "told": renamed("told")}},
	} {
		rows, err := db.Query(`SELECT name FROM pragma_table_info(?)`, c.table)
		if err != nil {
			t.Fatal(err)
		}
		var columns, values []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			columns = append(columns, name)
			if v, ok := c.set[name]; ok {
				values = append(values, v)
			} else {
				values = append(values, "t."+name)
			}
		}
		rows.Close()
		do(fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM many CROSS JOIN (SELECT * FROM %s WHERE %s) t ORDER BY many.n DESC`,
			c.table, strings.Join(columns, ","), strings.Join(values, ","), c.table, c.where))
	}
	do(`INSERT INTO reconciliation (day, at, clean, result) VALUES ('2026-11-21', '2026-11-22T03:30:00.000000Z', 1, '{"day":"2026-11-21"}')`)
	do(`COMMIT`)
	do(`PRAGMA wal_checkpoint(TRUNCATE)`)
	if err := db.QueryRow(`SELECT count(*) FROM event`).Scan(&entries); err != nil {
		t.Fatal(err)
	}
	return entries
}
