package scanner

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// deniedAdvice says how this user gets the right to open a file.
func deniedAdvice(path string) string {
	group := "root"
	if st, err := os.Stat(path); err == nil {
		if sys, ok := st.Sys().(*syscall.Stat_t); ok {
			gid := strconv.Itoa(int(sys.Gid))
			group = gid
			if g, err := user.LookupGroupId(gid); err == nil {
				group = g.Name
			}
		}
	}
	rule := "install systemd/70-cpmd-scanner.rules as /etc/udev/rules.d/70-cpmd-scanner.rules, then: udevadm control --reload && udevadm trigger"
	if group == "root" {
		return fmt.Sprintf("No right to open %s, which belongs to root alone: %s.", path, rule)
	}
	return fmt.Sprintf("No right to open %s: add the user to the group %s, or %s.", path, group, rule)
}
