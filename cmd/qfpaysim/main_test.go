package main

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite testdata/help.txt and the flags in docs/qfpaysim.md")

// TestMain lets the test binary be the command.
func TestMain(m *testing.M) {
	if os.Getenv("QFPAYSIM_MAIN") != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// client keeps no connection.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func TestHelp(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"-help"}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Errorf("exit %d, stderr %q", code, &errs)
	}
	golden(t, "testdata/help.txt", out.String())

	// The docs show the flags as -help does.
	const doc = "../../docs/qfpaysim.md"
	raw, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	_, flags, _ := strings.Cut(out.String(), "[flags]\n\n")
	flags, _, _ = strings.Cut(flags, "\nThe last four digits")
	block := "<!-- flags -->\n```\n" + flags + "```\n<!-- end -->"
	golden(t, doc, regexp.MustCompile(`(?s)<!-- flags -->.*?<!-- end -->`).ReplaceAllLiteralString(string(raw), block))
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s is out of date (-file +now); run with -update:\n%s", path, d)
	}
}

func TestUsageFaults(t *testing.T) {
	both := []string{"-app-code", "A", "-client-key", "K"}
	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "-app-code and -client-key"},
		{[]string{"-app-code", "A"}, "-client-key"},
		{append(both, "-listen", "0.0.0.0:0"), "not a loopback address"},
		{append(both, "-listen", ":9000"), "not a loopback address"},
		{append(both, "-listen", "192.0.2.1:9000"), "not a loopback address"},
		{append(both, "-listen", "localhost:0"), "127.0.0.1"},
		{append(both, "-listen", "9000"), "-listen"},
		{append(both, "-timezone", "Asia/Hong_Kong"), "-timezone"},
		{append(both, "-shape", "2030"), "2030"},
		{append(both, "-answer-sign", "RSA"), "RSA"},
		{append(both, "-page-size", "-1"), "page size"},
		{append(both, "-colour"), "-colour"},
		{append(both, "now"), "now"},
	} {
		var out, errs bytes.Buffer
		if code := run(c.args, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), c.says) || out.Len() > 0 {
			t.Errorf("%q: exit %d, %q does not name %s; stdout %q", c.args, code, &errs, c.says, &out)
		}
		if strings.Contains(errs.String(), `"K"`) {
			t.Errorf("%q shows the key: %s", c.args, &errs)
		}
	}
}

// start runs the command and returns its address.
func start(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"-listen", "127.0.0.1:0", "-app-code", "A", "-client-key", "K"}, args...)...)
	cmd.Env = append(os.Environ(), "QFPAYSIM_MAIN=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	m := regexp.MustCompile(`^qfpaysim listening on (http://127\.0\.0\.1:[1-9]\d*)\n$`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("first line %q, %v", line, err)
	}
	return cmd, m[1]
}

// A signal ends it with status 0, also while a client is kept waiting.
func TestSignals(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		cmd, url := start(t, "-quiet")
		resp, err := client.Post(url+"/sim/script", "", strings.NewReader(`{"on": "query", "next": true, "fault": "hang"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		broke := make(chan error, 1)
		go func() {
			req, _ := http.NewRequest("POST", url+"/trade/v1/query", strings.NewReader("out_trade_no=T1"))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("X-QF-APPCODE", "A")
			req.Header.Set("X-QF-SIGN", "746b0d90302a3ed56d0d49e7f984e41f") // md5 of out_trade_no=T1K
			_, err := client.Do(req)
			broke <- err
		}()
		deadline := time.Now().Add(10 * time.Second)
		for !strings.Contains(get(t, url+"/sim/ledger"), `"hang"`) {
			if time.Now().After(deadline) {
				t.Fatal("the query never came")
			}
		}
		began := time.Now()
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", sig, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%v: stopped after %v", sig, took)
		}
		if err := <-broke; err == nil {
			t.Errorf("%v: the waiting client got an answer", sig)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPortInUse(t *testing.T) {
	_, url := start(t)
	var out, errs bytes.Buffer
	code := run([]string{"-listen", strings.TrimPrefix(url, "http://"), "-app-code", "A", "-client-key", "K"}, &out, &errs)
	if code != exitFailed || !strings.Contains(errs.String(), "-listen 127.0.0.1:0") {
		t.Errorf("exit %d: %s", code, &errs)
	}
}

// The commands in docs/qfpaysim.md do what it says.
func TestDocCommands(t *testing.T) {
	for _, tool := range []string{"sh", "curl", "md5sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
	raw, err := os.ReadFile("../../docs/qfpaysim.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(raw), "```sh\n")
	script, _, _ = strings.Cut(script, "```")
	_, script, found := strings.Cut(script, " &\n")
	if !found {
		t.Fatal("the docs' commands do not begin with starting qfpaysim")
	}
	_, url := start(t, "-quiet")
	script = strings.ReplaceAll(script, "http://127.0.0.1:9000", url)
	path := filepath.Join(t.TempDir(), "try.sh")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.SplitN(string(out), "\n", 4)
	if len(lines) < 4 || !strings.Contains(lines[0], `"respcd": "0000"`) || lines[1] != "" ||
		!strings.Contains(lines[2], `"respcd": "0000"`) || !strings.Contains(lines[2], `"out_trade_no": "T2"`) ||
		!strings.Contains(lines[3], `"charges": 2`) {
		t.Errorf("got:\n%s", out)
	}
}

// The flags reach the gateway.
func TestFlags(t *testing.T) {
	_, url := start(t, "-mchid", "M1", "-timezone", "+00:00", "-clock-skew", "24h", "-latency", "1ms", "-quiet",
		"-shape", "2017", "-answer-sign", "none", "-seed", "7", "-pay-types", "800208", "-currencies", "HKD,JPY")
	want := time.Now().UTC().Add(24 * time.Hour).Format("2006-01-02T15")
	if clock := get(t, url+"/sim/clock"); !strings.Contains(clock, want) || !strings.Contains(clock, `Z"`) {
		t.Errorf("clock %s, want %s", clock, want)
	}
	fields := "auth_code=134676275354204254&mchid=M1&out_trade_no=T1&pay_type=800208&txamt=10&txcurrcd=JPY&txdtm=2026-01-01 12:00:00"
	req, err := http.NewRequest("POST", url+"/trade/v1/payment", strings.NewReader(fields))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-QF-APPCODE", "A")
	req.Header.Set("X-QF-SIGN", fmt.Sprintf("%x", md5.Sum([]byte(fields+"K"))))
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"respcd": "0000"`, `"code_url": ""`, `"sysdtm": "` + strings.Replace(want, "T", " ", 1)} {
		if !strings.Contains(string(body), part) {
			t.Errorf("no %s in %s", part, body)
		}
	}
	if sign := resp.Header.Get("X-QF-SIGN"); sign != "" {
		t.Errorf("signed %s with -answer-sign none", sign)
	}
}
