package config_test

import (
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"cpmd/cmd/cpmd/config"
)

// FuzzLoad: no file makes Load panic, every fault says its line and fits on one, and whatever is accepted sends
// payment codes over https or not off this machine, and listens on it alone.
func FuzzLoad(f *testing.F) {
	f.Add(least)
	archives, _ := filepath.Glob("testdata/faults/*.txtar")
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name == "cpmd.toml" {
				f.Add(string(file.Data))
			}
		}
	}
	dir := f.TempDir()
	write(f, dir, "app_code", "CANARY-APP-CODE")
	write(f, dir, "client_key", "CANARY-CLIENT-KEY")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "cpmd.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path)
		if err != nil {
			checkFaults(t, err, strings.Count(text, "\n")+1)
			return
		}
		u, err := url.Parse(c.Gateway.URL)
		if err != nil || u.User != nil || u.Path != "" {
			t.Fatalf("gateway.url %q: %v", c.Gateway.URL, err)
		}
		if u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback()) {
			t.Errorf("gateway.url %q is neither https nor on this machine", c.Gateway.URL)
		}
		for _, l := range c.Tills {
			if host, _, err := net.SplitHostPort(l.Address); l.Network == "tcp" && (err != nil || !net.ParseIP(host).IsLoopback() || l.TokenFile == "") {
				t.Errorf("listens on %q with token file %q", l.Address, l.TokenFile)
			}
		}
		if g := c.Timing; g.Answer > g.Confirm || g.Confirm >= g.GiveUp || g.Poll >= g.Confirm || len(g.FollowUp) == 0 {
			t.Errorf("timing %+v", g)
		}
	})
}

func checkFaults(t *testing.T, err error, lines int) {
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) == 0 {
		t.Fatalf("Load: %#v, want Faults", err)
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != len(faults) {
		t.Errorf("%d faults on %d lines:\n%v", len(faults), n, err)
	}
	for _, f := range faults {
		if f.Line < 0 || f.Line > lines || f.Line == 0 && f.Key != "" || f.Text == "" {
			t.Errorf("%#v, in a file of %d lines", f, lines)
		}
	}
}
