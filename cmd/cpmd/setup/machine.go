package setup

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
)

// tillGroup is made by the package (systemd/cpmd.sysusers).
const tillGroup = "cpmd-till"

// A machine is what setup changes beside files.
type machine struct {
	root    bool   // it may
	tills   string // the group of those who may use the daemon's sockets
	systemd bool   // runs
	run     func(name string, args ...string) error
}

func thisMachine() machine {
	_, err := os.Stat("/run/systemd/system")
	return machine{tills: tillGroup, root: os.Geteuid() == 0, systemd: err == nil, run: func(name string, args ...string) error {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
		}
		return nil
	}}
}

// group is the number of the tills' group; -1 where there is none, or it may not be given.
func (m machine) group() int {
	g, err := user.LookupGroup(m.tills)
	if err != nil || !m.root {
		return -1
	}
	n, err := strconv.Atoi(g.Gid)
	if err != nil {
		return -1
	}
	return n
}

// letIn adds the till's users to the group of those who may connect, and returns what is left to do.
func (s *setup) letIn() (later []string) {
	for _, name := range s.users {
		u, err := user.Lookup(name)
		if err != nil {
			later = append(later, fmt.Sprintf("there is no user %q on this machine: name the user that runs the till's program with -till-user", name))
			continue
		}
		g, err := user.LookupGroup(s.machine.tills)
		if err != nil {
			later = append(later, fmt.Sprintf("there is no group %s on this machine: install the package, or: groupadd --system %s", s.machine.tills, s.machine.tills))
			continue
		}
		groups, _ := u.GroupIds()
		switch {
		case slices.Contains(groups, g.Gid):
			s.say("%s may use cpmd's sockets.", name)
		case !s.machine.root:
			later = append(later, fmt.Sprintf("%s may not use cpmd's sockets: sudo usermod -aG %s %s, then log in again as %s", name, s.machine.tills, name, name))
		default:
			if err := s.machine.run("usermod", "-aG", s.machine.tills, name); err != nil {
				later = append(later, err.Error())
				continue
			}
			s.say("%s may use cpmd's sockets now. Log out and in again as %s: a session that is open keeps its old groups.", name, name)
		}
	}
	return later
}

// startService enables the service and starts it with the new configuration; it returns what is left to do.
func (s *setup) startService() (later []string) {
	switch {
	case !s.start:
	case s.file != defaultConfig:
		s.say("The service reads %s. To run this one: cpmd run -config %s", defaultConfig, s.file)
	case !s.machine.systemd:
		s.say("systemd does not run here. To start cpmd: cpmd run -config %s", s.file)
	case !s.machine.root:
		later = append(later, "only root may start the service: sudo systemctl enable --now cpmd.socket cpmd.service")
	default:
		// The sockets can be handed over only while cpmd does not have them.
		for _, args := range [][]string{{"daemon-reload"}, {"enable", "cpmd.socket", "cpmd.service"}, {"stop", "cpmd.service"}, {"start", "cpmd.socket", "cpmd.service"}} {
			if err := s.machine.run("systemctl", args...); err != nil {
				return append(later, fmt.Sprintf("%v: journalctl -u cpmd -n 20 says why", err))
			}
		}
		s.say("The service is enabled and runs.")
	}
	return later
}
