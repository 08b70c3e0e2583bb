package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cpmd/cmd/cpmd/stage"
	"cpmd/queue"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// setUp makes a counter with one lane whose daemon runs.
func setUp(t *testing.T, plan stage.Plan) (*stage.Stage, context.Context) {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	plan.Dir, err = os.MkdirTemp("", "cpmd") // t.TempDir's name is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	plan.Cpmd, plan.Sim, plan.Lanes = filepath.Join(bin, "cpmd"), filepath.Join(bin, "qfpaysim"), max(plan.Lanes, 1)
	if plan.Timing == "" {
		plan.Timing = crashTiming
	}
	st, err := stage.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(func() {
		cancel()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		os.RemoveAll(plan.Dir)
	})
	if err := st.Start(); err != nil {
		t.Fatal(err)
	}
	if err := st.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return st, ctx
}

// pay opens a sale, shows a code and waits until the sale is in a state.
func pay(ctx context.Context, t *testing.T, st *stage.Stage, id, code string, want sale.State) sale.View {
	t.Helper()
	v, _, err := st.Till.PutSale(ctx, sale.Request{ID: id, Amount: 500, Currency: "HKD", Lane: "1", Ticket: id})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Scan(1, code); err != nil {
		t.Fatal(err)
	}
	for v.State != want {
		if v.Final {
			t.Fatalf("sale %s came to %s %s, want %s", id, v.State, v.Reason, want)
		}
		if v, err = st.Till.WaitSale(ctx, id, v.Seq, 5*time.Second); err != nil {
			t.Fatalf("%s: %v", v.State, err)
		}
	}
	return v
}

// Whatever is on the line, the next code pays.
func TestGarbageOnTheSerialLine(t *testing.T) {
	st, ctx := setUp(t, stage.Plan{})
	random := rand.New(rand.NewPCG(1, 2))
	garbage := make([]byte, 6000)
	for i := range garbage {
		garbage[i] = byte(random.Uint32())
	}
	if err := st.Write(1, append(garbage, '\r', '\n', '\r')); err != nil {
		t.Fatal(err)
	}
	pay(ctx, t, st, "a", "280000000000000000", sale.Paid)
}

// The first signal lets an answer come in; the second one ends the daemon at once. Nothing is lost either way.
func TestSignals(t *testing.T) {
	st, ctx := setUp(t, stage.Plan{Timing: strings.Replace(crashTiming, `answer = "1s"`, `answer = "2s"`, 1)})
	pay(ctx, t, st, "a", "280000000000000013", sale.Paying) // charged, and the answer hangs
	from := time.Now()
	ended, err := st.Signal(syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
		t.Errorf("ended after %v although an answer was awaited", time.Since(from))
	case <-time.After(300 * time.Millisecond):
	}
	if _, err := st.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(4 * time.Second): // an answer would be awaited for 5 s
		t.Error("the second signal did not end the daemon")
	}
	if err := st.Start(); err != nil {
		t.Fatal(err)
	}
	v, err := st.Till.Sale(ctx, "a")
	for err == nil && !v.Final {
		v, err = st.Till.WaitSale(ctx, "a", v.Seq, 5*time.Second)
	}
	if err != nil || v.State != sale.Paid {
		t.Fatalf("%+v %v", v, err)
	}
	if err := st.Stop(); err != nil {
		t.Error(err)
	}
	if err := st.Start(); err != nil {
		t.Fatal(err)
	}
}

// A journal that cannot be used is refused with a reason, and nothing of it is changed.
func TestBadJournals(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	sqlite := func(path, sql string) {
		t.Helper()
		exe(t, path, sql)
	}
	for name, tc := range map[string]struct {
		prepare func(path string)
		want    string
	}{
		"text":       {func(p string) { write(t, p, strings.Repeat("not a database\n", 1000)) }, "is not a cpmd journal"},
		"cut":        {func(p string) { write(t, p, "SQLite format 3\x00") }, "damaged"},
		"foreign":    {func(p string) { sqlite(p, `CREATE TABLE contacts (name TEXT)`) }, "something else"},
		"newer":      {func(p string) { fresh(t, p); sqlite(p, `PRAGMA user_version = 99`) }, "newer cpmd"},
		"only wal":   {func(p string) { write(t, p+"-wal", "x") }, "is missing but"},
		"a folder":   {func(p string) { os.Mkdir(p, 0o700) }, "journal"},
		"flipped":    {func(p string) { fresh(t, p); flip(t, p) }, "damaged"},
		"in use":     {nil, "in use"},
		"gone":       {func(p string) { used(t, p); os.Remove(p) }, "is missing, and"},
		"old copy":   {func(p string) { old(t, p) }, "its end is lost"},
		"wal cut":    {func(p string) { cutWAL(t, p) }, "its end is lost"},
		"no folder":  {func(p string) { os.Remove(filepath.Dir(p)) }, "folder"},
		"read-only":  {func(p string) { fresh(t, p); readOnly(t, p) }, "cannot be written"},
		"wrong kind": {func(p string) { os.Symlink("/dev/null", p) }, "journal"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "read-only" && os.Geteuid() == 0 {
				t.Skip("root writes everywhere")
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "data", "journal.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(filepath.Dir(path), 0o700) // so that it can be removed again
			if tc.prepare != nil {
				tc.prepare(path)
			} else {
				j, err := journal.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer j.Close()
			}
			before, _ := os.ReadFile(path)
			write(t, filepath.Join(dir, "key"), "k3y")
			write(t, filepath.Join(dir, "cpmd.toml"), fmt.Sprintf(`[gateway]
url = "http://127.0.0.1:9"
app_code_file = "key"
client_key_file = "key"
[journal]
path = %q
[[lane]]
name = "1"
scanner = { driver = "virtual" }
[[till]]
dialect = "http"
listen = "unix:till.sock"
`, path))
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			out, err := exec.CommandContext(ctx, filepath.Join(bin, "cpmd"), "-config", filepath.Join(dir, "cpmd.toml")).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), tc.want) {
				t.Errorf("%v\n%s\nwant exit 1 and %q", err, out, tc.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
			if name == "in use" || name == "no folder" {
				return
			}
			out, err = exec.CommandContext(ctx, filepath.Join(bin, "cpmd"), "check", "-journal", path).CombinedOutput()
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), tc.want) {
				t.Errorf("check: %v\n%s\nwant exit 1 and %q", err, out, tc.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed by check")
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fresh makes a sound journal.
func fresh(t *testing.T, path string) {
	t.Helper()
	j, err := journal.Open(path)
	if err == nil {
		err = j.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// used makes a journal with entries.
func used(t *testing.T, path string) {
	t.Helper()
	j, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	openAndCancel(t, j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// openAndCancel runs a queue on the journal for a few sales that are cancelled.
func openAndCancel(t *testing.T, j *journal.Journal) {
	t.Helper()
	q := queue.New(queue.Config{Rules: sale.DefaultRules(), Lanes: []queue.Lane{{Name: "1"}}, Location: time.UTC, Currencies: map[string]int{"HKD": 2}, Journal: j})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- q.Run(ctx) }()
	for _, id := range []string{"a", "b", "c"} {
		if _, _, err := q.PutSale(ctx, sale.Request{ID: id, Amount: 1, Currency: "HKD"}); err != nil {
			t.Fatal(err)
		}
		if _, err := q.CancelSale(ctx, id, "test"); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// old puts an older copy of a journal back.
func old(t *testing.T, path string) {
	t.Helper()
	fresh(t, path)
	copied, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used(t, path)
	write(t, path, string(copied))
}

// cutWAL leaves a journal as after a kill, with the end of its write-ahead log missing.
func cutWAL(t *testing.T, path string) {
	t.Helper()
	j, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	openAndCancel(t, j)
	files := map[string][]byte{}
	for _, suffix := range []string{"", "-wal", ".seq"} {
		if files[suffix], err = os.ReadFile(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	files["-wal"] = files["-wal"][:len(files["-wal"])*2/3]
	for suffix, b := range files {
		write(t, path+suffix, string(b))
	}
}

// flip damages a journal as a failing disk does.
func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(b); i += 512 {
		b[i] ^= 0xff
	}
	write(t, path, string(b))
}

func readOnly(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.Chmod(path, 0o400), os.Chmod(filepath.Dir(path), 0o500)); err != nil {
		t.Fatal(err)
	}
}

func exe(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.Exec(statement)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}
