package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/tilltest"
)

// Canaries stand where a careless program or person could have put a secret: in the log, in the configuration, in what a
// till said of a sale.
const (
	canaryCode    = "280438849930815813"
	canaryToken   = "CANARY-TOKEN-0123456789"
	canaryWebhook = "https://chat.example/hooks/CANARY-HOOK"
)

// TestBundle: it holds what support needs, and no secret, wherever one stood.
func TestBundle(t *testing.T) {
	dir := tilltest.SocketDir(t)
	file := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file("journalctl", "#!/bin/sh\necho '"+`{"msg":"code `+canaryCode+`","sale":"T1","header":"Authorization: Bearer CANARY-BEARER","proxy":"http://me:CANARY-PASS@proxy"} `+canaryToken+"'\n", 0o700)
	file("systemctl", "#!/bin/sh\necho active\nexit 3\n", 0o700)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	defer func(old string) { configFile = old }(configFile)
	configFile = file("cpmd.toml", "[gateway]\nurl = \"https://openapi-hk.qfapi.com\"\nclient_key = \"CANARY-KEY\"\n[alarm]\nwebhook = \""+canaryWebhook+"\"\n", 0o600)
	token := file("token", canaryToken+"\n", 0o600)

	c := &counter{desk: tilltest.NewDesk(), endpoint: till.Endpoint{Dialect: till.DialectHTTP, Listen: "unix:" + filepath.Join(dir, "s")}}
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.desk.PutSale(t.Context(), sale.Request{ID: "T1", Amount: 100, Currency: "HKD", Lane: "1", Ticket: canaryCode}); err != nil {
		t.Fatal(err)
	}
	ctl := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		env := map[string]string{"CPMD_ADDR": c.endpoint.Listen, "CPMD_TOKEN_FILE": token}
		code := run(t.Context(), args, strings.NewReader(""), &out, &errs, func(k string) string { return env[k] }, nil)
		return code, out.String() + errs.String()
	}
	path := filepath.Join(dir, "support.zip")
	if code, text := ctl("diagnose", "-bundle", path); code != 0 {
		t.Fatal(code, text)
	}
	pages := unpack(t, path)
	for name, holds := range map[string]string{"diagnosis.json": `"T1"`, "explain/T1.json": `"T1"`, "sales.json": `"T1"`, "alarms.json": "", "totals.json": `"day"`,
		"log.txt": `"sale":"T1"`, "service.txt": "active", "cpmd.toml": "openapi-hk.qfapi.com", "machine.txt": "cpmctl", "README.txt": "metrics.txt"} {
		if text, ok := pages[name]; !ok || !strings.Contains(text, holds) {
			t.Errorf("%s: %v, %q does not hold %q", name, ok, text, holds)
		}
	}
	for name, text := range pages {
		for _, secret := range []string{canaryCode, canaryToken, "CANARY"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s:\n%s", name, secret, text)
			}
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, want mode 0600", info.Mode(), err)
	}
	if code, text := ctl("diagnose", "-bundle", path); code != exitOutput || !strings.Contains(text, "is there already") {
		t.Errorf("a second time: %d %s", code, text)
	}

	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "down.zip")
	if code, text := ctl("diagnose", "-bundle", path); code != 0 {
		t.Fatal(code, text)
	}
	if pages := unpack(t, path); !strings.Contains(pages["README.txt"], "diagnosis.json: ") || !strings.Contains(pages["log.txt"], "T1") {
		t.Errorf("while cpmd is down: %q", pages)
	}
}

func unpack(t *testing.T, path string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	pages := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		pages[f.Name] = string(text)
	}
	return pages
}
