package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

const (
	setupApp = "5D81A2E5B0B94D3A8E6C1F2A7B9C0D1E"
	setupKey = "9F8E7D6C5B4A39281706F5E4D3C2B1A0"
)

// simulator starts qfpaysim and returns its address.
func simulator(t *testing.T, bin string, flags ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "qfpaysim"), append([]string{"-listen", "127.0.0.1:0", "-app-code", setupApp, "-client-key", setupKey, "-quiet"}, flags...)...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	line := make([]byte, 200)
	n, _ := out.Read(line)
	_, url, ok := strings.Cut(string(line[:n]), "listening on ")
	if !ok {
		t.Fatalf("qfpaysim said %q", line[:n])
	}
	return strings.TrimSpace(url)
}

// A terminal is cpmd on a pty, and a person who answers.
type terminal struct {
	tty  *os.File
	cmd  *exec.Cmd
	seen bytes.Buffer
	from int // what was answered already
}

func onTerminal(t *testing.T, name string, args ...string) *terminal {
	t.Helper()
	cmd := exec.Command(name, args...)
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close(); _ = cmd.Process.Kill() })
	return &terminal{tty: tty, cmd: cmd}
}

// answer waits for a question and answers it.
func (p *terminal) answer(t *testing.T, question, answer string) {
	t.Helper()
	_ = p.tty.SetReadDeadline(time.Now().Add(30 * time.Second))
	for b := make([]byte, 1024); ; {
		if i := strings.Index(p.seen.String()[p.from:], question); i >= 0 {
			p.from += i + len(question)
			break
		}
		n, err := p.tty.Read(b)
		p.seen.Write(b[:n])
		if err != nil {
			t.Fatalf("no %q: %v\n%s", question, err, p.seen.String())
		}
	}
	if _, err := p.tty.WriteString(answer + "\n"); err != nil {
		t.Fatal(err)
	}
}

// end waits until cpmd has ended and returns its exit code.
func (p *terminal) end(t *testing.T) int {
	t.Helper()
	_ = p.tty.SetReadDeadline(time.Now().Add(60 * time.Second))
	for b := make([]byte, 1024); ; {
		n, err := p.tty.Read(b)
		p.seen.Write(b[:n])
		if err != nil {
			break
		}
	}
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// TestSetupOnATerminal: a technician who mistypes the key is told so and may try again; the key is never shown; and the
// counter that comes of it can sell.
func TestSetupOnATerminal(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	url := simulator(t, bin)
	dir, err := os.MkdirTemp("", "setup")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file, cpmd := filepath.Join(dir, "cpmd.toml"), filepath.Join(bin, "cpmd")
	// What the package puts there: an example without credentials.
	example, err := os.ReadFile("../../configs/cpmd.toml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(example))

	p := onTerminal(t, cpmd, "setup", "-config", file)
	p.answer(t, "Where is QFPay", url)
	p.answer(t, "App code", setupApp)
	p.answer(t, "Client key (not shown)", "0000000000000000000000000000dead")
	p.answer(t, "Where is QFPay", "")
	p.answer(t, "App code", "")
	p.answer(t, "Client key (not shown)", setupKey)
	p.answer(t, "Currencies", "")
	p.answer(t, "Scanner: ", "virtual")
	p.answer(t, "Which user", "")
	if exit := p.end(t); exit != 0 {
		t.Fatalf("exit %d\n%s", exit, p.seen.String())
	}
	said := p.seen.String()
	for _, want := range []string{"the client key is wrong for this app code", "takes the credentials", "The old configuration is kept", "Test sale: paid", "This counter can sell."} {
		if !strings.Contains(said, want) {
			t.Errorf("not said: %s\n%s", want, said)
		}
	}
	for _, secret := range []string{setupKey, "0000dead"} {
		if strings.Contains(said, secret) {
			t.Errorf("%s was shown:\n%s", secret, said)
		}
	}
	for name, mode := range map[string]fs.FileMode{"app_code": 0o600, "client_key": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o027 != 0 {
		t.Errorf("the configuration: %v %v", info, err)
	}
	if out, err := exec.Command(cpmd, "check", file).CombinedOutput(); err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}
	if kept, err := filepath.Glob(file + ".before-*"); err != nil || len(kept) != 1 {
		t.Errorf("kept %v %v", kept, err)
	} else if b, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(b, example) {
		t.Errorf("the copy differs (%v)", err)
	}
}

// TestSetupWithoutATerminal: with flags alone; again changes nothing; and what is there is neither lost nor replaced
// unasked.
func TestSetupWithoutATerminal(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	url := simulator(t, bin)
	dir, err := os.MkdirTemp("", "setup")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "etc", "cpmd.toml")
	write(t, filepath.Join(dir, "key"), setupKey+"\n")
	setup := func(exit int, want string, more ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, filepath.Join(bin, "cpmd"), append([]string{"setup", "-config", file}, more...)...)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != exit || !strings.Contains(string(out), want) {
			t.Fatalf("setup %v: %v, want exit %d and %q\n%s", more, err, exit, want, out)
		}
		if strings.Contains(string(out), setupKey) {
			t.Errorf("the key was shown:\n%s", out)
		}
	}
	state := func() (all string) {
		t.Helper()
		err := filepath.WalkDir(filepath.Dir(file), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			all += path + "\n" + string(b)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return all
	}
	flags := []string{"-gateway", url, "-app-code", setupApp, "-client-key-file", filepath.Join(dir, "key"), "-scanner", "virtual", "-no-test-sale"}

	setup(64, "add -gateway")
	setup(64, "add -client-key-file", flags[:4]...)
	setup(1, "another key", "-gateway", url, "-app-code", setupApp, "-client-key-file", "/etc/hostname", "-scanner", "virtual")
	setup(1, "refuses connections", append([]string{"-gateway", "http://127.0.0.1:9"}, flags[2:]...)...)
	setup(1, "is not a currency", append(flags, "-currency", "pounds")...)
	if s := state(); s != "" {
		t.Fatalf("something was written:\n%s", s)
	}
	setup(0, "This counter can sell.", flags...)
	before := state()
	setup(0, "stays as it is", flags...)
	setup(0, "stays as it is", "-no-test-sale") // all answers are there
	if after := state(); after != before {
		t.Errorf("again it changed something:\n%s\n%s", before, after)
	}
	setup(1, "let -force replace it", append(flags, "-currency", "USD")...)
	if after := state(); after != before {
		t.Errorf("refused, and changed:\n%s\n%s", before, after)
	}
	setup(0, "is kept as", append(flags, "-currency", "USD", "-force")...)
	if after := state(); !strings.Contains(after, "USD = 2") || !strings.Contains(after, "HKD = 2") {
		t.Errorf("no copy, or nothing new:\n%s", after)
	}

	// What a person has added stays.
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(b)+"\n[timing]\nscan = \"75s\"\n")
	setup(0, "stays as it is", "-no-test-sale")
	if !strings.Contains(state(), "75s") {
		t.Error("what a person added is lost")
	}
}
