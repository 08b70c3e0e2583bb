// Package systemd_test checks the files that a package installs around the daemon.
package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cpmd/cmd/cpmd/config"
)

// settings returns the values of each setting of the unit, in order.
func settings(t *testing.T) map[string][]string {
	t.Helper()
	return settingsOf(t, "cpmd.service")
}

func settingsOf(t *testing.T, unit string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			all[key] = append(all[key], value)
		}
	}
	return all
}

func TestUnitIsValid(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	text, err := os.ReadFile("cpmd.service")
	if err != nil {
		t.Fatal(err)
	}
	// The command need not be installed where this is tested.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unit, socket := filepath.Join(dir, "cpmd.service"), filepath.Join(dir, "cpmd.socket")
	if err := os.WriteFile(unit, []byte(strings.Replace(string(text), "/usr/bin/cpmd", self, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile("cpmd.socket"); err == nil {
		err = os.WriteFile(socket, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit, socket).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestUnitFitsTheConfiguration: the example for a counter, with the credentials that the unit hands over, writes
// where the unit lets it write.
func TestUnitFitsTheConfiguration(t *testing.T) {
	unit := settings(t)
	handed := t.TempDir()
	for _, c := range unit["LoadCredential"] {
		name, _, _ := strings.Cut(c, ":")
		if err := os.WriteFile(filepath.Join(handed, name), []byte("X"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", handed)
	c, err := config.Load("../configs/cpmd.toml")
	if err != nil {
		t.Fatal(err)
	}
	places := []string{filepath.Join("/var/lib", unit["StateDirectory"][0]), filepath.Join("/run", unit["RuntimeDirectory"][0])}
	written := []string{c.Journal.Path}
	for _, l := range c.Tills {
		if l.Network == "unix" {
			written = append(written, l.Address)
		} else {
			written = append(written, l.TokenFile)
		}
	}
	for _, path := range written {
		if !slices.Contains(places, filepath.Dir(path)) {
			t.Errorf("%s is outside of %v", path, places)
		}
	}
}

// TestUnitLetsScannersIn: without these no scanner is found, and nothing says why.
func TestUnitLetsScannersIn(t *testing.T) {
	unit := settings(t)
	if !slices.Contains(strings.Fields(unit["RestrictAddressFamilies"][0]), "AF_NETLINK") {
		t.Error("no AF_NETLINK: libusb sees no device")
	}
	for _, device := range []string{"char-usb_device rw", "char-166 rw", "char-188 rw", "char-input rw"} {
		if !slices.Contains(unit["DeviceAllow"], device) {
			t.Errorf("no DeviceAllow=%s", device)
		}
	}
	if _, set := unit["PrivateDevices"]; set {
		t.Error("PrivateDevices= hides every scanner")
	}
}
