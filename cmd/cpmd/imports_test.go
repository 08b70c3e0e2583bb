package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImportsGoOneWay keeps the rooms apart: cmd → till → queue → journal → sale → payment, and queue → scanner, nothing
// else.
func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "cpmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	may := map[string]string{"payment": "", "scanner": "", "queue/sale": "payment", "queue/journal": "queue/sale payment",
		"queue": "queue/sale queue/journal payment scanner", "till": "queue/sale payment"}
	room := func(path string) string {
		path, ours := strings.CutPrefix(path, "cpmd/")
		if !ours {
			return ""
		}
		if path == "queue/sale" || path == "queue/journal" { // rooms of their own, so that the compiler keeps the rule book pure
			return path
		}
		name, _, _ := strings.Cut(path, "/")
		return name
	}
	checked := 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		from := room(words[0])
		allowed, isRoom := may[from]
		if !isRoom || strings.Contains(words[0], "/simtest") { // the simulation plays all rooms together
			continue
		}
		checked++
		for _, to := range words[1:] {
			if r := room(to); r != "" && r != from && !strings.Contains(" "+allowed+" ", " "+r+" ") {
				t.Errorf("%s imports %s", words[0], to)
			}
		}
	}
	if checked < 6 {
		t.Errorf("only %d packages were checked", checked)
	}
}

// TestWhatIsLinked keeps the rule book pure, and out of each program what it has no use for.
func TestWhatIsLinked(t *testing.T) {
	for _, c := range []struct {
		pkg  string
		none []string
	}{
		{"cpmd/queue/sale", []string{"modernc.org/", "go.uber.org/", "golang.org/x/time", "cpmd/queue/journal", "cpmd/scanner", "database/sql", "os/exec"}},
		{"cpmd/cmd/cpmctl", []string{"modernc.org/", "github.com/karalabe/hid", "go.bug.st/serial", "cpmd/scanner", "cpmd/queue/journal"}},
		{"cpmd/cmd/cpmd", []string{"cpmd/cmd/qfpaysim"}},
	} {
		out, err := exec.Command("go", "list", "-deps", c.pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.Lines(string(out)) {
			dep = strings.TrimSpace(dep)
			for _, none := range c.none {
				if strings.HasPrefix(dep, none) {
					t.Errorf("%s links %s", c.pkg, dep)
				}
			}
			first, _, _ := strings.Cut(dep, "/")
			if c.pkg == "cpmd/queue/sale" && strings.Contains(first, ".") || c.pkg == "cpmd/queue/sale" && first == "cpmd" && dep != c.pkg && dep != "cpmd/payment" {
				t.Errorf("the rule book links %s", dep)
			}
		}
	}
}
