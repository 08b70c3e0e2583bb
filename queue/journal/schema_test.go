package journal

import (
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A breach is a statement that breaks one rule of the schema, and no other.
type breach struct{ rule, sql string }

// A rule is one thing that the schema forbids: a CHECK, a key, a reference, a unique index, a trigger or a term of one.
type rule struct {
	name    string // as breaches name it
	weaker  map[string]string
	orphans bool // without it nothing can refer to the table
}

// Every rule of the schema as it is in force is broken on purpose: the journal refuses, and a schema without just that rule
// does not, so a rule that is lost or weakened is noticed. A new rule needs a breach.
func TestEveryRuleOfTheSchema(t *testing.T) {
	objects := inForce(t)
	rules := rulesOf(objects)
	named := map[string]bool{}
	for n, b := range breaches {
		whole, _, _ := strings.Cut(b.rule, " on ")
		named[b.rule], named[whole] = true, true
		if n%breachesApart != 0 {
			continue
		}
		if err := attempt(t, objects, true, b.sql); !IsConstraint(err) {
			t.Errorf("%s is not in force: %v\n%s", b.rule, err, b.sql)
		}
		i := slices.IndexFunc(rules, func(r rule) bool { return r.name == b.rule })
		if i < 0 {
			t.Errorf("no rule is called %s", b.rule)
			continue
		}
		if err := attempt(t, rules[i].weaker, !rules[i].orphans, b.sql); err != nil {
			t.Errorf("%s: its breach is refused without it too: %v\n%s", b.rule, err, b.sql)
		}
	}
	for _, r := range rules {
		if !named[r.name] && !doubled[r.name] {
			t.Errorf("nothing breaks %s", r.name)
		}
	}
}

// A unique index that holds for some rows only must let the others be.
func TestWhatIndexesAllow(t *testing.T) {
	objects := inForce(t)
	condition := regexp.MustCompile(`(?s)\sWHERE .*`)
	seen := map[string]bool{}
	for _, a := range allowed {
		seen[a.rule] = true
		if err := attempt(t, objects, true, a.sql); err != nil {
			t.Errorf("%s: %v\n%s", a.rule, err, a.sql)
		}
		stricter := fmt.Sprintf("%s; DROP INDEX %s; %s", a.sql, a.rule, condition.ReplaceAllString(objects[a.rule], ""))
		if err := attempt(t, objects, true, stricter); !IsConstraint(err) {
			t.Errorf("%s for all rows allows the same: %v", a.rule, err)
		}
	}
	for name, text := range objects {
		if strings.HasPrefix(text, "CREATE UNIQUE INDEX") && condition.MatchString(text) && !seen[name] {
			t.Errorf("nothing shows what %s allows", name)
		}
	}
}

// Nothing may be left out but what tills are told of an event.
func TestNothingIsNull(t *testing.T) {
	db := build(t, inForce(t), true)
	rows, err := db.Query(`SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c
		WHERE m.type='table' AND m.name NOT LIKE 'sqlite_%' AND c."notnull"=0 AND c.pk=0`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := collect(rows, func(r row) (s string, err error) { return s, r.Scan(&s) })
	if err != nil || !slices.Equal(got, []string{"event.told"}) {
		t.Errorf("%q may be null: %v", got, err)
	}
}

// inForce is the schema of a fresh journal, by name.
func inForce(t *testing.T) map[string]string {
	t.Helper()
	j, err := Open(filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	all := map[string]string{}
	rows, err := j.db.Query(`SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		all[name] = strings.Join(strings.Fields(text), " ")
	}
	return all
}

// doubled are terms that other rules make up for: a sale that changes from one final state to another changes its reason,
// and one that ceases to be final would have an end all the same.
var doubled = map[string]bool{"a_final_sale_stays on NEW.state <> OLD.state": true}

var (
	keys  = regexp.MustCompile(`,? ?\bPRIMARY KEY\b( AUTOINCREMENT)?( \([^)]*\))?|,? ?\bUNIQUE\b( \([^)]*\))?|,? ?\bREFERENCES "?\w+"? \(\w+\)| STRICT$| STRICT,`)
	terms = regexp.MustCompile(`(NEW|OLD)\.\w+ <> (OLD\.\w+|'')`)
)

// rulesOf finds every rule and makes the schema without it.
func rulesOf(objects map[string]string) (all []rule) {
	for name, text := range objects {
		add := func(label, weakened string, orphans bool) {
			weaker := maps.Clone(objects)
			weaker[name] = weakened
			all = append(all, rule{strings.TrimSpace(name + " " + label), weaker, orphans})
		}
		switch {
		case strings.HasPrefix(text, "CREATE UNIQUE INDEX"):
			add("", "", false)
		case strings.HasPrefix(text, "CREATE TRIGGER"):
			add("", "", false)
			when, _, _ := strings.Cut(text, " BEGIN ")
			for _, at := range terms.FindAllStringIndex(when, -1) {
				if strings.HasSuffix(when[:at[0]], " OR ") || strings.HasPrefix(when[at[1]:], " OR ") {
					add("on "+text[at[0]:at[1]], text[:at[0]]+"0"+text[at[1]:], false)
				}
			}
		case strings.HasPrefix(text, "CREATE TABLE"):
			for _, at := range keys.FindAllStringIndex(text, -1) {
				what := strings.TrimLeft(text[at[0]:at[1]], ", ")
				column := ""
				if what[0] != 'S' && text[at[0]] != ',' {
					column = text[strings.LastIndexAny(text[:at[0]], ",(")+1 : at[0]]
					column, _, _ = strings.Cut(strings.TrimSpace(column), " ")
				}
				weakened := text[:at[0]] + text[at[1]:]
				if what[0] == 'P' {
					weakened = strings.Replace(weakened, ", WITHOUT ROWID", "", 1)
				}
				add(strings.TrimSpace(column+" "+what), weakened, what[0] == 'P')
			}
			for from := 0; ; {
				i := strings.Index(text[from:], "CHECK (")
				if i < 0 {
					break
				}
				i += from
				end := i + len("CHECK (")
				for depth := 1; depth > 0; end++ {
					depth += strings.Count(text[end:end+1], "(") - strings.Count(text[end:end+1], ")")
				}
				begin := len(strings.TrimRight(text[:i], " "))
				if text[begin-1] == ',' {
					begin--
				}
				add(text[i:end], text[:begin]+text[end:], false)
				from = end
			}
		}
	}
	slices.SortFunc(all, func(a, b rule) int { return strings.Compare(a.name, b.name) })
	return all
}

// attempt runs a statement on a journal that holds some of everything.
func attempt(t *testing.T, objects map[string]string, references bool, statement string) error {
	t.Helper()
	_, err := build(t, objects, references).Exec(statement)
	return err
}

func build(t *testing.T, objects map[string]string, references bool) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", fmt.Sprintf("file::memory:?_pragma=foreign_keys(%t)", references))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	for _, kind := range []string{"CREATE TABLE", "CREATE UNIQUE", "CREATE INDEX", "CREATE TRIGGER"} {
		for name, text := range objects {
			if strings.HasPrefix(text, kind) {
				if _, err := db.Exec(text); err != nil {
					t.Fatalf("%s: %v\n%s", name, err, text)
				}
			}
		}
	}
	if _, err := db.Exec(strings.Join(something, ";\n")); err != nil {
		t.Fatal(err)
	}
	return db
}
