// Package docs has the documents, and tests that keep them true. (Others stand with the code that a document is about.)
package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestWhereIsItDecided: each answer in architecture.md names a file that is there, and a name in it.
func TestWhereIsItDecided(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| ([A-Z][^|]*\\?) \\| `([^`]+\\.go)` \\| `([^`]+)` \\|$").FindAllStringSubmatch(read(t, "architecture.md"), -1)
	if len(rows) < 20 {
		t.Fatalf("only %d questions were found", len(rows))
	}
	for _, row := range rows {
		question, file, name := row[1], row[2], row[3]
		tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", file), nil, 0)
		if err != nil {
			t.Errorf("%s %v", question, err)
			continue
		}
		found := false
		ast.Inspect(tree, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			found = found || ok && id.Name == name
			return !found
		})
		if !found {
			t.Errorf("%s %s has no %s", question, file, name)
		}
	}
}

// TestRooms: every folder with Go code is in a room that architecture.md names, and every room is there.
func TestRooms(t *testing.T) {
	text := read(t, "architecture.md")
	_, rooms, _ := strings.Cut(text, "## Rooms")
	rooms, _, _ = strings.Cut(rooms, "\n## ")
	for _, parent := range []string{"", "cmd", "cmd/cpmd", "queue", "till"} {
		entries, err := os.ReadDir(filepath.Join("..", parent))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			room := filepath.Join(parent, e.Name())
			sources, _ := filepath.Glob(filepath.Join("..", room, "*.go"))
			var code []string
			for _, s := range sources {
				if !strings.HasSuffix(s, "_test.go") {
					code = append(code, s)
				}
			}
			if len(code) == 0 || strings.HasSuffix(room, "test") && room != "cmd/cpmd/simtest" { // what only tests use
				continue
			}
			short := "`" + e.Name() + "`" // within cmd/cpmd
			if !strings.Contains(rooms, "`"+room+"`") && !strings.Contains(rooms, "`"+room+"/`") && (parent != "cmd/cpmd" || !strings.Contains(rooms, short)) {
				t.Errorf("architecture.md does not say what %s is", room)
			}
		}
	}
}

// TestFilesThatDocumentsName: a document that names a file of this project names one that is there.
func TestFilesThatDocumentsName(t *testing.T) {
	documents, err := filepath.Glob("*.md")
	if err != nil || len(documents) < 5 {
		t.Fatal(documents, err)
	}
	named := regexp.MustCompile("`((?:cmd|configs|docs|payment|queue|scanner|systemd|till)/[A-Za-z0-9_./-]+)`|\\]\\(([A-Za-z0-9_./-]+)(?:#[^)]*)?\\)")
	for _, document := range append(documents, "../README.md") {
		for _, m := range named.FindAllStringSubmatch(read(t, document), -1) {
			path := filepath.Join("..", m[1])
			if m[1] == "" {
				path = filepath.Join(filepath.Dir(document), m[2])
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s names %s: %v", document, strings.TrimPrefix(path, "../"), err)
			}
		}
	}
}
