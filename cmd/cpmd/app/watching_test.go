package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpmd/queue/sale"
	"cpmd/scanner"
)

const watching = "../../../docs/watching"

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Dashboard reads the expressions of the dashboard's panels.
func Dashboard(t *testing.T) (all []string) {
	t.Helper()
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(text(t, filepath.Join(watching, "dashboard.json"))), &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

var (
	selector = regexp.MustCompile(`\b(cpmd_[a-z_]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*[=!]~?\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`by \(([^)]*)\)`)
)

// TestRulesAndDashboardUseRealNames: the alert rules and the dashboard speak of metrics, labels and values that there are.
func TestRulesAndDashboardUseRealNames(t *testing.T) {
	known := described(busy(t))
	values := map[string][]string{"age": nil, "state": nil, "reason": {string(sale.Misconfigured)}}
	for _, a := range ages {
		values["age"] = append(values["age"], a.name)
	}
	for _, s := range sale.States {
		values["state"] = append(values["state"], string(s))
	}
	for _, s := range scanner.States {
		values["state"] = append(values["state"], string(s))
	}
	rules := regexp.MustCompile(`(?m)^        expr: (\|\n(?:          .*\n)+|.*\n)`).FindAllStringSubmatch(text(t, filepath.Join(watching, "alerts.yml")), -1)
	exprs := Dashboard(t)
	for _, r := range rules {
		exprs = append(exprs, r[1])
	}
	if len(rules) < 10 || len(exprs) < 30 {
		t.Fatalf("only %d rules of %d expressions were found", len(rules), len(exprs))
	}
	used := map[string]bool{}
	for _, expr := range exprs {
		may := []string{"le", "instance", "job"}
		for _, m := range selector.FindAllStringSubmatch(expr, -1) {
			name := m[1]
			if _, ok := known[name]; !ok {
				name = regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, "")
			}
			labels, ok := known[name]
			if !ok {
				t.Errorf("there is no metric %s: %s", m[1], expr)
				continue
			}
			used[name] = true
			may = append(may, labels...)
			for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(append(labels, "instance", "job"), l[1]) {
					t.Errorf("%s has no label %s: %s", name, l[1], expr)
				}
				for _, v := range strings.Split(l[2], "|") {
					if all := values[l[1]]; all != nil && !slices.Contains(all, v) {
						t.Errorf("%s is never %q: %s", l[1], v, expr)
					}
				}
			}
		}
		for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
			for _, l := range strings.Split(g[1], ", ") {
				if !slices.Contains(may, l) {
					t.Errorf("there is no label %s: %s", l, expr)
				}
			}
		}
	}
	for name := range known {
		if !used[name] && !strings.HasPrefix(name, "cpmd_till_") && name != "cpmd_sale_seconds" && name != "cpmd_unfinished_sales" {
			t.Errorf("nobody looks at %s", name)
		}
	}
}

// TestMetricsAreDocumented: docs/watching.md lists the metrics that there are, with their labels.
func TestMetricsAreDocumented(t *testing.T) {
	documented := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(cpmd_[a-z_]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(text(t, watching+".md"), -1) {
		documented[m[1]] = strings.FieldsFunc(m[2], func(r rune) bool { return strings.ContainsRune("`, ", r) })
	}
	known := described(busy(t))
	for name := range known {
		slices.Sort(known[name])
		slices.Sort(documented[name])
	}
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("metrics and labels (-code +docs):\n%s", diff)
	}
}
