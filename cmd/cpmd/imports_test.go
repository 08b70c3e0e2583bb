package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImportsGoOneWay keeps the rooms apart: cmd → till → queue → payment, and queue → scanner, nothing else.
func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "cpmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	may := map[string]string{"payment": "", "scanner": "", "queue": "payment scanner", "till": "queue payment"}
	room := func(path string) string {
		path, ours := strings.CutPrefix(path, "cpmd/")
		if !ours {
			return ""
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
