package till_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpmd/queue/sale"
	"cpmd/till"
)

// TestManualIsComplete: docs/till-api.md has every route, method, field and code, and no others.
func TestManualIsComplete(t *testing.T) {
	doc, err := os.ReadFile("../docs/till-api.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := func(form string) [][]string {
		return regexp.MustCompile("(?m)^"+form).FindAllStringSubmatch(string(doc), -1)
	}
	routes, methods, fields, statuses := till.Offered()

	var heads []string
	for _, m := range rows("### ((?:GET|PUT|POST) /v1.*)$") {
		heads = append(heads, m[1])
	}
	if diff := cmp.Diff(setOf(routes), setOf(heads)); diff != "" {
		t.Errorf("routes (-code +manual):\n%s", diff)
	}

	documented := map[string][]string{}
	for _, m := range rows("\\| `([a-z.]+)` \\| ([^|]*) \\| `((?:GET|PUT|POST) [^`]+)` \\|$") {
		documented[m[1]] = nil
		for _, f := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(m[2], -1) {
			documented[m[1]] = append(documented[m[1]], f[1])
		}
	}
	for _, m := range methods {
		if _, ok := documented[m]; !ok {
			t.Errorf("method %s is not in the manual", m)
		}
		if diff := cmp.Diff(fields[m], documented[m]); diff != "" {
			t.Errorf("params of %s (-code +manual):\n%s", m, diff)
		}
	}

	shown := map[string]string{}
	for _, m := range rows("\\| `([a-z_]+)` \\| (\\d[0-9, ]*) \\| ") {
		shown[m[1]] = m[2]
	}
	for code, status := range statuses {
		if !strings.Contains(shown[code], fmt.Sprint(status)) {
			t.Errorf("code %s is %d in the code, %q in the manual", code, status, shown[code])
		}
		delete(shown, code)
	}
	if len(shown) > 0 {
		t.Errorf("codes in the manual only: %v", shown)
	}
	for _, s := range sale.States {
		if len(rows("\\| `"+string(s)+"` \\| (?:yes|no) \\|")) != 1 {
			t.Errorf("state %s is not in the table of the manual", s)
		}
	}
}

func setOf(list []string) map[string]bool {
	set := map[string]bool{}
	for _, s := range list {
		set[s] = true
	}
	return set
}
