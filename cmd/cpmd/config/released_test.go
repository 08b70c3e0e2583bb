package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"cpmd/cmd/cpmd/config"
)

// The example of every version, which shops have changed and kept, is still a configuration.
func TestReleasedConfigurations(t *testing.T) {
	files, err := filepath.Glob("testdata/released/*.toml")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	for _, f := range files {
		dir := t.TempDir()
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"cpmd.toml": string(text), "app_code": "A", "client_key": "K"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := config.Load(filepath.Join(dir, "cpmd.toml")); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}
