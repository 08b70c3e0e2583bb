package sim

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/qfpaysim.md")

// tables are what docs/qfpaysim.md shows between "<!-- table: NAME -->" and "<!-- end -->".
var tables = map[string]func() string{
	"behaviours": func() string {
		var rows [][]string
		for _, b := range behaviours {
			rows = append(rows, []string{"`" + b.Digits + "`", "`" + b.Name + "`", b.Means})
		}
		return table([]string{"last digits", "name", "what happens"}, rows)
	},
	"surprises": func() string {
		var rows [][]string
		for _, b := range surprises {
			rows = append(rows, []string{"`" + b.Digits + "`", "`" + b.Name + "`", b.Means})
		}
		return table([]string{"last digits", "name", "what happens"}, rows)
	},
	"list":   func() string { return fields(ListFields) },
	"habits": func() string { return fields(HabitFields) },
	"deeds":  func() string { return fields(DeedFields) },
	"signs":  func() string { return fields(AnswerSigns) },
	"wallets": func() string {
		var rows [][]string
		for _, w := range Wallets {
			var forms []string
			for _, f := range w.codes {
				forms = append(forms, f.String())
			}
			rows = append(rows, []string{w.Name, strings.Join(forms, "; "), "`" + w.PayType + "`", w.Cancels})
		}
		return table([]string{"wallet", "codes", "800008 resolves to", "cancelled by"}, rows)
	},
	"controls": func() string {
		var rows [][]string
		for _, c := range Controls {
			rows = append(rows, []string{"`" + c.Call + "`", c.Means})
		}
		return table([]string{"call", "what it does"}, rows)
	},
	"script": func() string {
		var rows [][]string
		for _, f := range ScriptFields {
			rows = append(rows, []string{"`" + f.Name + "`", f.Means})
		}
		return table([]string{"field", "meaning"}, rows)
	},
	"faults": func() string {
		var rows [][]string
		for _, f := range Faults {
			rows = append(rows, []string{"`" + f.Name + "`", f.Means})
		}
		return table([]string{"fault", "meaning"}, rows)
	},
	"effects": func() string {
		var rows [][]string
		for _, e := range Effects {
			name := "none given"
			if e.Name != "" {
				name = "`" + e.Name + "`"
			}
			rows = append(rows, []string{name, e.Means})
		}
		return table([]string{"effect", "meaning"}, rows)
	},
	"codes": func() string {
		var rows [][]string
		for _, c := range Codes {
			rows = append(rows, []string{"`" + c.Code + "`", c.Text, string(c.Cat), string(fateOf(c.Code))})
		}
		return table([]string{"respcd", "meaning", "kind", "a payment answered with it is"}, rows)
	},
}

func fields(all []struct{ Name, Means string }) string {
	var rows [][]string
	for _, f := range all {
		rows = append(rows, []string{"`" + f.Name + "`", f.Means})
	}
	return table([]string{"field", "meaning"}, rows)
}

func table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	line(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, r := range rows {
		for i := range r {
			r[i] = strings.ReplaceAll(r[i], "|", `\|`)
		}
		line(r)
	}
	return b.String()
}

// docs/qfpaysim.md tells what the code does. After a change: go test ./cmd/qfpaysim/sim -run TestDocs -update
func TestDocs(t *testing.T) {
	const path = "../../../docs/qfpaysim.md"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	made := regexp.MustCompile(`(?s)<!-- table: (\w+) -->\n.*?<!-- end -->`).ReplaceAllStringFunc(string(raw), func(old string) string {
		name := old[len("<!-- table: "):strings.Index(old, " -->")]
		make := tables[name]
		if make == nil {
			t.Fatalf("no table %s", name)
		}
		seen[name] = true
		return fmt.Sprintf("<!-- table: %s -->\n%s<!-- end -->", name, make())
	})
	for name := range tables {
		if !seen[name] {
			t.Errorf("docs/qfpaysim.md lacks the table %s", name)
		}
	}
	for _, m := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(made, -1) {
		if strings.HasPrefix(m[1], "POST ") {
			continue // TestDocumentedDeeds
		}
		scripts, err := readScripts(strings.NewReader(m[1]))
		if err == nil {
			err = New(Config{AppCode: testApp, ClientKey: testKey}).Script(scripts...)
		}
		if err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(raw), made); d != "" {
		t.Errorf("docs/qfpaysim.md is out of date (-doc +code); run this test with -update:\n%s", d)
	}
}

// Names and digits are unique: neither a table's row nor a response code hides another.
func TestDigitsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range everything {
		if seen[b.Digits] || seen[b.Name] || !strings.HasPrefix(b.Digits, "0") || len(b.Digits) != 4 {
			t.Errorf("%s %s", b.Digits, b.Name)
		}
		seen[b.Digits], seen[b.Name] = true, true
		if err := b.plan.check(); err != nil {
			t.Errorf("%s: %v", b.Name, err)
		}
		for _, w := range Wallets {
			code := AuthCode(w.Name, b.Name, 7)
			if got := byDigits(code).name; got != b.Name {
				t.Errorf("%s asks for %s, want %s", code, got, b.Name)
			}
			if walletOf(code) != w {
				t.Errorf("%s is not a code of %s", code, w.Name)
			}
		}
	}
	for _, c := range Codes {
		if c.Cat != catOK && seen[c.Code] {
			t.Errorf("%s is a response code and a behaviour", c.Code)
		}
		seen[c.Code] = true
	}
}
