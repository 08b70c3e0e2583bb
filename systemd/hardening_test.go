package systemd_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpmd/cmd/cpmd/config"
)

// hardening is what the daemon is denied. A line that goes here goes on purpose.
var hardening = map[string][]string{
	"User": {"cpmd"}, "Group": {"cpmd-till"}, "SupplementaryGroups": {"cpmd dialout"}, "UMask": {"0077"},
	"LoadCredential":       {"app_code:/etc/cpmd/app_code", "client_key:/etc/cpmd/client_key"},
	"StateDirectoryMode":   {"0700"},
	"RuntimeDirectoryMode": {"0750"},
	"LimitCORE":            {"0"},
	"DevicePolicy":         {"closed"},
	"DeviceAllow": {"char-usb_device rw", "char-ttyACM rw", "char-166 rw", "char-ttyUSB rw", "char-188 rw",
		"char-input rw"},
	"RestrictAddressFamilies": {"AF_UNIX AF_INET AF_INET6 AF_NETLINK"},
	"NoNewPrivileges":         {"yes"},
	"CapabilityBoundingSet":   {""},
	"ProtectSystem":           {"strict"},
	"ProtectHome":             {"yes"},
	"PrivateTmp":              {"yes"},
	"PrivateMounts":           {"yes"},
	"ProtectProc":             {"invisible"},
	"ProcSubset":              {"pid"},
	"ProtectClock":            {"yes"},
	"ProtectHostname":         {"yes"},
	"ProtectControlGroups":    {"yes"},
	"ProtectKernelLogs":       {"yes"},
	"ProtectKernelModules":    {"yes"},
	"ProtectKernelTunables":   {"yes"},
	"RestrictNamespaces":      {"yes"},
	"RestrictRealtime":        {"yes"},
	"RestrictSUIDSGID":        {"yes"},
	"RemoveIPC":               {"yes"},
	"LockPersonality":         {"yes"},
	"MemoryDenyWriteExecute":  {"yes"},
	"SystemCallArchitectures": {"native"},
	"SystemCallFilter":        {"@system-service", "~@privileged @resources"},
	"SystemCallErrorNumber":   {"EPERM"},
}

// others are the settings of the service that deny nothing.
var others = []string{"Type", "ExecStart", "ExecReload", "ExecStopPost", "Restart", "RestartSec", "WatchdogSec", "TimeoutStopSec", "StateDirectory", "RuntimeDirectory",
	"RuntimeDirectoryPreserve", "Nice"}

// TestHardening: no line of it goes, comes or changes unnoticed.
func TestHardening(t *testing.T) {
	text, err := os.ReadFile("cpmd.service")
	if err != nil {
		t.Fatal(err)
	}
	_, service, _ := strings.Cut(string(text), "[Service]")
	service, _, _ = strings.Cut(service, "[Install]")
	got := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Za-z]+)=(.*)$`).FindAllStringSubmatch(service, -1) {
		if !slices.Contains(others, m[1]) {
			got[m[1]] = append(got[m[1]], m[2])
		}
	}
	if diff := cmp.Diff(hardening, got); diff != "" {
		t.Errorf("hardening (-wanted +in the unit):\n%s", diff)
	}
}

// TestExposure: what systemd makes of it, and that each part of it counts.
func TestExposure(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	out, err := exec.Command("systemd-analyze", "security", "--no-pager", "--offline=true", "cpmd.service").CombinedOutput()
	if err != nil {
		t.Skipf("this systemd-analyze cannot look at a file: %v\n%s", err, out)
	}
	m := regexp.MustCompile(`Overall exposure level for cpmd.service: ([0-9.]+)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("no figure:\n%s", out)
	}
	t.Logf("%s", m[0])
	const most = 1.5
	if level, err := strconv.ParseFloat(string(m[1]), 64); err != nil || level > most {
		t.Errorf("exposure %s, want %v at most\n%s", m[1], most, out)
	}
}

// TestSocketsFitTheConfiguration: systemd holds exactly the addresses that the example for a counter has, and so lets
// in whoever cpmd would.
func TestSocketsFitTheConfiguration(t *testing.T) {
	handed := t.TempDir()
	for _, name := range []string{"app_code", "client_key"} {
		if err := os.WriteFile(handed+"/"+name, []byte("X"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", handed)
	c, err := config.Load("../configs/cpmd.toml")
	if err != nil {
		t.Fatal(err)
	}
	var listens []string
	for _, l := range c.Tills {
		listens = append(listens, l.Address)
	}
	socket := settingsOf(t, "cpmd.socket")
	if diff := cmp.Diff(slices.Sorted(slices.Values(listens)), slices.Sorted(slices.Values(socket["ListenStream"]))); diff != "" {
		t.Errorf("addresses (-configs/cpmd.toml +cpmd.socket):\n%s", diff)
	}
	for key, want := range map[string]string{"SocketUser": "cpmd", "SocketGroup": "cpmd-till", "SocketMode": "0660"} {
		if got := socket[key]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s=%v, want %s", key, got, want)
		}
	}
	// The service gets the sockets, starts after them, and is enabled with them.
	service := settings(t)
	for key, want := range map[string]string{"Wants": "cpmd.socket", "After": "network.target time-sync.target cpmd.socket", "Also": "cpmd.socket"} {
		if got := service[key]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s=%v, want %s", key, got, want)
		}
	}
	package_, err := os.ReadFile("nfpm.yaml")
	if err != nil || !strings.Contains(string(package_), "src: systemd/cpmd.socket") {
		t.Errorf("cpmd.socket is not in the package (%v)", err)
	}
}
