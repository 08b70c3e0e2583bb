package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"cpmd/cmd/cpmd/config"
)

var update = flag.Bool("update", false, "rewrite the faults of testdata/faults")

// TestEveryFaultAtOnce: each archive in testdata/faults is a broken configuration and all that is said about it.
func TestEveryFaultAtOnce(t *testing.T) {
	archives, err := filepath.Glob("testdata/faults/*.txtar")
	if err != nil || len(archives) < 30 {
		t.Fatalf("%d broken configurations (%v), want 30 or more", len(archives), err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := credentials(t)
			want := -1
			for i, f := range archive.Files {
				if f.Name == "faults" {
					want = i
					continue
				}
				write(t, dir, f.Name, string(f.Data))
			}
			_, err = config.Load(filepath.Join(dir, "cpmd.toml"))
			var faults config.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("Load: %v, want Faults", err)
			}
			got := strings.ReplaceAll(faults.Error(), dir+"/", "") + "\n"
			if strings.Contains(got, "CANARY") {
				t.Errorf("a secret is printed:\n%s", got)
			}
			if *update {
				archive.Files[want].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// credentials returns a new folder with both credential files in it.
func credentials(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "app_code", "CANARY-APP-CODE\n")
	write(t, dir, "client_key", "CANARY-CLIENT-KEY\n")
	return dir
}

// write makes a file that its owner alone may read.
func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
