package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVersionsGoUp: every commit and every tag is an upgrade of the one before, as Debian's tools see it.
func TestVersionsGoUp(t *testing.T) {
	for _, tool := range []string{"git", "dpkg"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs", tool)
		}
	}
	dir := t.TempDir()
	script, err := os.ReadFile("version.sh")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@localhost",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@localhost")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", cmd, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	changes := "# Changes\n\n## 0.2.0 (not released yet)\n"
	write("systemd/version.sh", string(script))
	write("CHANGELOG.md", changes)
	var versions []string
	commit := func(edit string) {
		write("CHANGELOG.md", changes+edit)
		run("git", "add", ".")
		run("git", "commit", "-q", "-m", "edit "+edit)
		versions = append(versions, run("systemd/version.sh"))
	}
	run("git", "init", "-q")
	for i := range 2 {
		commit(strings.Repeat("+", i))
	}
	run("git", "tag", "v0.2.0")
	versions = append(versions, run("systemd/version.sh"))
	if last := versions[len(versions)-1]; last != "0.2.0" {
		t.Errorf("the tag v0.2.0 makes version %q", last)
	}
	commit("after")
	changes = "# Changes\n\n## 0.3.0 (not released yet)\n"
	commit("next")
	run("git", "tag", "v0.3.0")
	versions = append(versions, run("systemd/version.sh"))
	for i := range versions[1:] {
		run("dpkg", "--compare-versions", versions[i], "lt", versions[i+1])
	}
	write("CHANGELOG.md", changes+"more")
	if v := run("systemd/version.sh"); v != "0.3.0.dirty" {
		t.Errorf("an edited source has version %q", v)
	}
	t.Log(versions)
}
