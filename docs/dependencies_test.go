package docs

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goList returns what the Go command says, a line each.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOOS=linux") // as the package is built
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

const module = `{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}`

// modulesOf returns the modules that packages are built from.
func modulesOf(t *testing.T, args ...string) []string {
	t.Helper()
	all := goList(t, append([]string{"-deps", "-f", module}, args...)...)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(m string) bool { return m == "" })
}

// TestDependencies: dependencies.md has a row with a reason for each module of go.mod, and says truly who uses it.
func TestDependencies(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct{ Path string }
		Tool    []struct{ Path string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	users := map[string][]string{}
	for _, r := range mod.Require {
		users[r.Path] = nil
	}
	add := func(user string, modules []string) {
		for _, m := range modules {
			users[m] = append(users[m], user)
		}
	}
	linked := map[string]bool{}
	for _, program := range []string{"cpmd", "cpmctl", "qfpaysim"} {
		of := modulesOf(t, "./cmd/"+program)
		add(program, of)
		for _, m := range of {
			linked[m] = true
		}
	}
	// Tests use what the programs use anyway; a row names them where nothing else does.
	add("tests", slices.DeleteFunc(modulesOf(t, "-test", "-tags", "hardware", "./..."), func(m string) bool { return linked[m] }))
	for _, tool := range mod.Tool {
		add("tools", slices.DeleteFunc(modulesOf(t, tool.Path), func(m string) bool { return linked[m] }))
	}
	want := map[string]string{}
	for path, by := range users {
		want[path] = strings.Join(slices.Compact(by), ", ")
		if len(by) == 0 {
			want[path] = "nothing"
		}
	}

	got := map[string]string{}
	text, _, _ := strings.Cut(read(t, "dependencies.md"), "## Run, not linked")
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z]\S*\.\S+) \| ([^|]+) \| (.*) \|$`).FindAllStringSubmatch(text, -1) {
		if got[row[1]] != "" {
			t.Errorf("%s has two rows", row[1])
		}
		if len(row[3]) < 4 {
			t.Errorf("%s has no reason", row[1])
		}
		got[row[1]] = row[2]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("who uses what (-built +dependencies.md):\n%s", diff)
	}
}

// TestToolsThatAreRun: dependencies.md names each tool that make and package.sh run, with its version.
func TestToolsThatAreRun(t *testing.T) {
	tools := map[string]bool{}
	for _, m := range regexp.MustCompile(`\b(github\.com/[A-Za-z0-9/._-]+)@(v[0-9.]+)`).FindAllStringSubmatch(read(t, "../Makefile")+read(t, "../systemd/package.sh"), -1) {
		path, _, _ := strings.Cut(m[1], "/cmd/")
		tools[path+"@"+m[2]] = true
	}
	_, text, _ := strings.Cut(read(t, "dependencies.md"), "## Run, not linked")
	var named []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\S+@\S+) \|`).FindAllStringSubmatch(text, -1) {
		named = append(named, row[1])
	}
	slices.Sort(named)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(tools)), named); diff != "" {
		t.Errorf("tools (-run +dependencies.md):\n%s", diff)
	}
}

// TestNotice: NOTICE credits exactly the modules that are linked into a program, on each machine that packages are made for, each with the
// licence in its source.
func TestNotice(t *testing.T) {
	linked := map[string]string{}
	for _, arch := range []string{"amd64", "arm64"} {
		t.Setenv("GOARCH", arch)
		for _, line := range goList(t, "-deps", "-f", `{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}`, "./cmd/cpmd", "./cmd/cpmctl", "./cmd/qfpaysim") {
			if path, dir, ok := strings.Cut(line, " "); ok {
				linked[path] = dir
			}
		}
	}
	credits := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]\S*\.\S+/\S+) {2,}(.+)$`).FindAllStringSubmatch(read(t, "../NOTICE"), -1) {
		credits[m[1]] = m[2]
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(linked)), slices.Sorted(maps.Keys(credits))); diff != "" {
		t.Errorf("modules (-linked +NOTICE):\n%s", diff)
	}
	for path, dir := range linked {
		if want := licence(t, dir); !strings.HasPrefix(credits[path], want) {
			t.Errorf("%s: NOTICE says %q, its source %q", path, credits[path], want)
		}
	}
}

// licence tells which one a module's source has, by words that no other has.
func licence(t *testing.T, dir string) string {
	t.Helper()
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING"} {
		b, err := os.ReadFile(dir + "/" + name)
		if err != nil {
			continue
		}
		text := strings.Join(strings.Fields(string(b)), " ")
		for _, l := range []struct{ name, words string }{
			{"LGPL-2.1-or-later", "licensed under GNU LGPL 2.1 or later"},
			{"Apache-2.0", "Apache License Version 2.0"},
			{"MIT", "Permission is hereby granted, free of charge"},
			{"BSD-3-Clause", "Neither the name"},
		} {
			if strings.Contains(text, l.words) {
				return l.name
			}
		}
	}
	t.Fatalf("%s: no licence that is known here", dir)
	return ""
}
