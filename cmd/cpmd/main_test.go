package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever calls cpmd wrongly is told what to write, and the file to check may be named either way.
func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"kiosk.toml", "app_code", "client_key"} {
		text, err := os.ReadFile(filepath.Join("../../configs", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "kiosk.toml")
	broken := filepath.Join(dir, "broken.toml")
	if err := os.WriteFile(broken, []byte("[gateway]\nretries = 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args     []string
		exit     int
		out, err string
	}{
		{[]string{"check", file}, 0, file + ": no faults found; 1 lane, ", ""},
		{[]string{"check", "-config", file}, 0, file + ": no faults found; 1 lane, ", ""},
		{[]string{"check", broken}, 1, "", broken + ":2: gateway.retries: is not a known key"},
		{[]string{"check", file, "more"}, 64, "", `cpmd check: unexpected argument "more"`},
		{[]string{"check", "-config", file, "more"}, 64, "", `cpmd check: unexpected argument "more"`},
		{[]string{"run", file}, 64, "", `cpmd run: unexpected argument "` + file + `"`},
		{[]string{"check", filepath.Join(dir, "none.toml")}, 1, "", "does not exist"},
		{[]string{"check", "-journal", filepath.Join(dir, "none.db")}, 1, "", "none.db"},
		{[]string{"sell"}, 64, "", `there is no command "sell"`},
		{[]string{"help"}, 0, "cpmd check [FILE]", ""},
		{[]string{"version"}, 0, "cpmd devel", ""},
	} {
		var out, errs bytes.Buffer
		if exit := run(test.args, &out, &errs); exit != test.exit || !strings.Contains(out.String(), test.out) || !strings.Contains(errs.String(), test.err) {
			t.Errorf("cpmd %v: exit %d, want %d\n%s%s", test.args, exit, test.exit, out.String(), errs.String())
		}
	}
}
