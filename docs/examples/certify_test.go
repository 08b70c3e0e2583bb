package examples

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

var everyCase = flag.Bool("every-case", false, "certify the examples with every case, which takes minutes")

// someCases are those that most tills get wrong.
const someCases = "^(the opening answer is lost|cpmd restarts in the middle)$"

// Each example passes the certification that docs/till-api.md offers to every till: the real daemon, a simulated QFPay, lost
// answers, restarts and crashes. So does cpmctl, which cancels too.
func TestTillsAreCertified(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin, "cpmd/cmd/cpmd", "cpmd/cmd/cpmctl", "cpmd/cmd/qfpaysim").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	certify := func(t *testing.T, args ...string) {
		t.Helper()
		args = append([]string{"certify", "-j", "6", "-limit", "3m"}, args...)
		if !*everyCase {
			args = slices.Insert(args, 1, "-run", someCases)
		}
		cmd := exec.Command(filepath.Join(bin, "cpmd"), args...)
		if fi, err := os.Stat("/dev/shm"); err == nil && fi.IsDir() {
			cmd.Env = append(os.Environ(), "TMPDIR=/dev/shm") // the disk is not what is tried
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	// One after the other: each has six cases under way.
	for _, p := range programs {
		t.Run(p.file, func(t *testing.T) { certify(t, append([]string{"--"}, p.ready(t)...)...) })
	}
	t.Run("cpmctl", func(t *testing.T) {
		certify(t, "-cancel", "--", filepath.Join(bin, "cpmctl"), "-addr", "unix:{socket}", "sale", "-amount", "{decimal}",
			"-currency", "{currency}", "-id", "{id}", "-ticket", "{ticket}")
	})
}
