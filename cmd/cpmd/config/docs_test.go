package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"

	"cpmd/cmd/cpmd/config"
	"cpmd/scanner"
)

// TestDocumented: docs/configuration.md lists the keys that there are, with the defaults that they have.
func TestDocumented(t *testing.T) {
	known := config.Known(write(t, credentials(t), "cpmd.toml", least))
	// These have no default because package scanner or the network decides whether they may be left out.
	known["lane.scanner.driver"] = "required"

	doc, err := os.ReadFile("../../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(doc), -1) {
		documented[m[1]] = strings.Trim(m[2], "`")
	}
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("keys and defaults (-code +docs):\n%s", diff)
	}
}

// TestScannerKeys: whatever package scanner can be configured with has a key.
func TestScannerKeys(t *testing.T) {
	known := config.Known(write(t, credentials(t), "cpmd.toml", least))
	for _, f := range reflect.VisibleFields(reflect.TypeFor[scanner.Config]()) {
		key := strings.ToLower(f.Name)
		if tag := f.Tag.Get("toml"); tag == "-" {
			continue
		} else if tag != "" {
			key = tag
		}
		if _, ok := known["lane.scanner."+key]; !ok {
			t.Errorf("scanner.Config.%s has no key lane.scanner.%s", f.Name, key)
		}
	}
}

// TestExamples: the files in configs/ pass the check together with the credentials that they name, once those
// are for their owner only.
func TestExamples(t *testing.T) {
	const configs = "../../../configs"
	examples, err := filepath.Glob(configs + "/*.toml")
	if err != nil || len(examples) < 3 {
		t.Fatalf("%v (%v), want three or more", examples, err)
	}
	for _, example := range examples {
		t.Run(filepath.Base(example), func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{filepath.Base(example), "app_code", "client_key"} {
				text, err := os.ReadFile(filepath.Join(configs, name))
				if err != nil {
					t.Fatal(err)
				}
				write(t, dir, name, string(text))
			}
			if _, err := config.Load(filepath.Join(dir, filepath.Base(example))); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDemoNeedsNothing: the demo leads to no warning either; its folder comes with it.
func TestDemoNeedsNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../../configs")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"app_code", "client_key"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, warnings, err := config.Check(filepath.Join(dir, "demo.toml")); err != nil || len(warnings) > 0 {
		t.Errorf("Check: %v, warnings: %v", err, warnings)
	}
}

// TestExampleIsWhole: configs/cpmd.toml speaks of every key.
func TestExampleIsWhole(t *testing.T) {
	text, err := os.ReadFile("../../../configs/cpmd.toml")
	if err != nil {
		t.Fatal(err)
	}
	for key := range config.Known(write(t, credentials(t), "cpmd.toml", least)) {
		last := toml.Key(strings.Split(key, "."))[strings.Count(key, "."):].String()
		if !regexp.MustCompile(`(?m)^[# ]*` + last + ` = `).Match(text) {
			t.Errorf("%s is not in configs/cpmd.toml", key)
		}
	}
}
