package setup

import (
	"bytes"
	"errors"
	"os/user"
	"strings"
	"testing"
)

// Users and the service are changed with the system's own programs, once; what cannot be done is said with the command
// for it.
func TestMachine(t *testing.T) {
	for _, name := range []string{"nobody", "root"} {
		if _, err := user.Lookup(name); err != nil {
			t.Skip("needs the users root and nobody")
		}
	}
	const group = "daemon"
	if _, err := user.LookupGroup(group); err != nil {
		t.Skip("needs the group daemon")
	}
	for _, c := range []struct {
		name    string
		machine machine
		users   []string
		file    string
		fails   bool
		ran     string // all commands
		later   string // a part of what is left to do
		said    string
	}{
		{"as root", machine{root: true, systemd: true, tills: group}, []string{"nobody"}, defaultConfig, false,
			"usermod -aG daemon nobody; systemctl daemon-reload; systemctl enable cpmd.socket cpmd.service; systemctl stop cpmd.service; systemctl start cpmd.socket cpmd.service",
			"", "Log out and in again"},
		{"in the group already", machine{root: true, tills: "root"}, []string{"root"}, defaultConfig, false, "", "", "root may use cpmd's sockets."},
		{"not as root", machine{systemd: true, tills: group}, []string{"nobody"}, defaultConfig, false, "", "sudo usermod -aG daemon nobody", ""},
		{"no such user", machine{root: true, tills: group}, []string{"no-such-till"}, defaultConfig, false, "", `there is no user "no-such-till"`, ""},
		{"no such group", machine{root: true, tills: "no-such-group"}, []string{"nobody"}, defaultConfig, false, "", "groupadd --system no-such-group", ""},
		{"no systemd", machine{root: true, tills: group}, nil, defaultConfig, false, "", "", "systemd does not run here"},
		{"another place", machine{root: true, systemd: true, tills: group}, nil, "/srv/cpmd.toml", false, "", "", "cpmd run -config /srv/cpmd.toml"},
		{"it does not start", machine{root: true, systemd: true, tills: group}, nil, defaultConfig, true, "systemctl daemon-reload", "journalctl -u cpmd", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			var ran []string
			s := &setup{talk: talk{out: &out}, file: c.file, users: c.users, start: true, machine: c.machine}
			s.machine.run = func(name string, args ...string) error {
				ran = append(ran, strings.Join(append([]string{name}, args...), " "))
				if c.fails {
					return errors.New("no")
				}
				return nil
			}
			later := strings.Join(append(s.letIn(), s.startService()...), "\n")
			if got := strings.Join(ran, "; "); got != c.ran {
				t.Errorf("ran %s\nwant %s", got, c.ran)
			}
			if (later == "") != (c.later == "") || !strings.Contains(later, c.later) {
				t.Errorf("left to do: %s\nwant %s", later, c.later)
			}
			if !strings.Contains(out.String(), c.said) {
				t.Errorf("said %s\nwant %s", out.String(), c.said)
			}
		})
	}
}
