package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReadme runs README's curl session as it stands, but for the ports and the folder, and once more.
func TestReadme(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs ", tool)
		}
	}
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "readme")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(filepath.Join(dir, "configs"), os.DirFS("../../configs")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(bin, filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	ports := strings.NewReplacer("127.0.0.1:9000", freePort(t), "127.0.0.1:8460", freePort(t))
	edit(t, filepath.Join(dir, "configs/demo.toml"), ports.Replace)

	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(readme, -1) {
		script.WriteString(strings.Replace(ports.Replace(string(block[1])), "make build\n", "", 1))
	}
	first := walk(t, dir, script.String())
	second := walk(t, dir, script.String()) // on the journal of the first
	if first == second {
		t.Error("the second walk shows what the first one did")
	}
}

// walk runs README's commands and checks what they show.
func walk(t *testing.T, dir, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 45*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-e", "-m", "-c", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"+script)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // programs that a broken script leaves behind hold the pipes
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out := stdout.String()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, stderr.String())
	}
	rest := out
	for _, want := range []string{`"state":"waiting"`, `"accepted":true`, `"state":"paid"`, `"state":"paid"`, `id_reused`, `ticket_paid`,
		`"state":"waiting"`, `ticket_unresolved`, `lane_busy`, `"reason":"cancelled"`, "event: sale", `"state":"waiting"`, "event: sale", `"reason":"cancelled"`} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("README's commands do not show %s after what came before. Output:\n%s\n%s", want, out, stderr.String())
		}
		rest = after
	}
	if strings.Contains(rest, "event: ") {
		t.Errorf("the second stream repeats what came before Last-Event-ID:\n%s", rest)
	}
	for _, bad := range []string{"curl:", "error", "No such file"} {
		if strings.Contains(stderr.String(), bad) {
			t.Errorf("the commands look as if something had failed:\n%s", stderr.String())
		}
	}
	return out
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func edit(t *testing.T, path string, change func(string) string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(change(string(b))), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
