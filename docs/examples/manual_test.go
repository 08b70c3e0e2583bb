package examples

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cpmd/queue/sale"
)

// A step is a piece of the manual that the test acts out: a change at the counter, commands with the answer that
// follows them, or a session in the line dialect.
type step struct{ kind, text, answer string }

var stepForm = regexp.MustCompile("(?m)^<!-- desk: (\\S+ \\S+) -->$|(?s)```(sh|line)\n(.*?)```\n(?:```(?:json)?\n(.*?)```)?")

func manual(t *testing.T) []step {
	t.Helper()
	doc, err := os.ReadFile("../till-api.md")
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	for _, m := range stepForm.FindAllStringSubmatch(string(doc), -1) {
		if m[1] != "" {
			steps = append(steps, step{kind: "desk", text: m[1]})
		} else {
			steps = append(steps, step{m[2], m[3], m[4]})
		}
	}
	return steps
}

// TestManual acts docs/till-api.md out: what it shows is what comes back.
func TestManual(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs ", tool)
		}
	}
	c := newCounter(t)
	done := map[string]int{}
	for _, s := range manual(t) {
		done[s.kind]++
		switch s.kind {
		case "desk":
			id, state, _ := strings.Cut(s.text, " ")
			c.desk.Set(id, func(v *sale.View) { v.State, v.Wallet = sale.State(state), "alipay" })
		case "sh":
			c.curl(s)
		case "line":
			c.session(s.text)
		}
	}
	if done["desk"] < 2 || done["sh"] < 10 || done["line"] != 1 {
		t.Errorf("the manual was not understood: %v", done)
	}
}

func (c *counter) curl(s step) {
	c.t.Helper()
	text := strings.ReplaceAll(s.text, "/run/cpmd/till.sock", filepath.Join(c.dir, "http"))
	out, err := exec.Command("bash", "-c", text).Output()
	if strings.Contains(text, "--max-time") {
		if want, _, _ := strings.Cut(s.answer, `"sale"`); want == "" || !strings.Contains(string(out), want) {
			c.t.Errorf("%s\nshows %s, want %s", s.text, out, want)
		}
		return
	}
	if strings.Contains(text, "text/csv") {
		if head, rows, _ := strings.Cut(string(out), "\n"); err != nil || !strings.Contains(head, "kind,id,") || rows == "" {
			c.t.Errorf("%s\n%v: %s", s.text, err, out)
		}
		return
	}
	var got, want any
	if err != nil || json.Unmarshal(out, &got) != nil {
		c.t.Fatalf("%s\n%v: %s", s.text, err, out)
	}
	if s.answer == "" {
		return
	}
	if err := json.Unmarshal([]byte(s.answer), &want); err != nil {
		c.t.Fatalf("%v in the manual: %s", err, s.answer)
	}
	c.compare(s.text, want, got)
}

// own are members whose values are the moment's, the machine's or QFPay's own.
var own = []string{"message", "detail", "created_at", "updated_at", "decide_by", "since", "at", "day", "payments", "out_trade_no"}

// compare wants what the manual shows in what came.
func (c *counter) compare(where string, want, got any) {
	c.t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for name := range w {
			if _, there := g[name]; !there {
				c.t.Errorf("%s\n%q is not in the answer %v", where, name, got)
			} else if !slices.Contains(own, name) {
				c.compare(where, w[name], g[name])
			}
		}
	case []any:
		g, _ := got.([]any)
		if len(g) != len(w) {
			c.t.Errorf("%s\nwant %v, got %v", where, want, got)
			return
		}
		for i := range w {
			c.compare(where, w[i], g[i])
		}
	default:
		if !reflect.DeepEqual(want, got) {
			c.t.Errorf("%s\nwant %v, got %v", where, want, got)
		}
	}
}

// session writes the till's lines as they stand, and wants the answers in any order: that is up to the calls.
func (c *counter) session(text string) {
	c.t.Helper()
	conn, err := net.Dial("unix", filepath.Join(c.dir, "line"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewScanner(conn)
	var wanted []map[string]any
	settle := func() {
		for ; len(wanted) > 0 && in.Scan(); wanted = wanted[1:] {
			var got map[string]any
			if err := json.Unmarshal(in.Bytes(), &got); err != nil {
				c.t.Fatal(err)
			}
			i := max(0, slices.IndexFunc(wanted, func(w map[string]any) bool { return w["id"] == got["id"] }))
			wanted[0], wanted[i] = wanted[i], wanted[0]
			c.compare(in.Text(), wanted[0], got)
		}
		if len(wanted) > 0 {
			c.t.Fatalf("no more lines, want %v: %v", wanted, in.Err())
		}
	}
	answers := strings.NewReplacer(",...}", "}", `"..."`, `""`)
	last := ""
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		mark, rest, _ := strings.Cut(line, " ")
		if mark == "-->" {
			if last == "<--" {
				settle()
			}
			if _, err := conn.Write([]byte(rest + "\n")); err != nil {
				c.t.Fatal(err)
			}
		} else {
			var w map[string]any
			if err := json.Unmarshal([]byte(answers.Replace(rest)), &w); err != nil {
				c.t.Fatalf("%v in the manual: %s", err, rest)
			}
			wanted = append(wanted, w)
		}
		last = mark
	}
	settle()
}
