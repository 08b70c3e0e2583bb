package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The manual page has every command of the help, and the formatter finds no fault in it.
func TestManualPage(t *testing.T) {
	var page, errs bytes.Buffer
	if code := run([]string{"man"}, &page, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit %d, %s", code, &errs)
	}
	commands := regexp.MustCompile(`(?m)^  (cpmd( \S+)?)`).FindAllStringSubmatch(usage, -1)
	if len(commands) < 5 {
		t.Fatalf("the help has %d commands", len(commands))
	}
	for _, c := range commands {
		if !strings.Contains(page.String(), "\n.B "+roff(c[1])) {
			t.Errorf("no %q in the manual page", c[1])
		}
	}
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("needs groff")
	}
	cmd := exec.Command("groff", "-man", "-Tutf8", "-ww", "-z")
	cmd.Stdin = &page
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("groff: %v\n%s", err, out)
	}
}

// The description of the till API that a package holds can be read without a daemon.
func TestOpenAPIWithoutADaemon(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"openapi"}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit %d, %s", code, &errs)
	}
	var d struct {
		OpenAPI string
		Paths   map[string]any
	}
	if err := json.Unmarshal(out.Bytes(), &d); err != nil || d.OpenAPI != "3.1.0" || d.Paths["/v1/sales/{id}"] == nil {
		t.Errorf("%v: OpenAPI %q with %d paths", err, d.OpenAPI, len(d.Paths))
	}
}
