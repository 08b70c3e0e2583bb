package main

import (
	"os/exec"
	"strings"
	"testing"
)

// cpmctl runs where neither a database nor a device is: it links none of that.
func TestLinksNoDriver(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(out))
	if len(all) < 50 {
		t.Fatalf("only %d packages", len(all))
	}
	for _, p := range all {
		for _, bad := range []string{"sqlite", "karalabe/hid", "bug.st/serial", "cpmd/scanner", "cpmd/queue/journal"} {
			if strings.Contains(p, bad) {
				t.Errorf("cpmctl links %s", p)
			}
		}
	}
}
