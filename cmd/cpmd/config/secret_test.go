package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"cpmd/cmd/cpmd/config"
)

func TestSecretsThatOthersMayUseAreRefused(t *testing.T) {
	for _, name := range []string{"client_key"} {
		for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o777} {
			dir := credentials(t)
			path := filepath.Join(dir, name)
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			_, err := config.Load(write(t, dir, "cpmd.toml", least))
			if err == nil || !strings.Contains(err.Error(), "run: chmod 600 "+path) || !strings.Contains(err.Error(), "gateway."+name+"_file: ") {
				t.Errorf("%s of mode %o: Load: %v, want the command that mends it", name, mode, err)
			}
		}
		for _, mode := range []os.FileMode{0o600, 0o400} {
			dir := credentials(t)
			if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
				t.Fatal(err)
			}
			if _, err := config.Load(write(t, dir, "cpmd.toml", least)); err != nil {
				t.Errorf("%s of mode %o: Load: %v", name, mode, err)
			}
		}
	}
}

// The app code alone opens nothing; it may be readable as configuration files are.
func TestAppCodeMayBeReadable(t *testing.T) {
	dir := credentials(t)
	if err := os.Chmod(filepath.Join(dir, "app_code"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(write(t, dir, "cpmd.toml", least)); err != nil {
		t.Error(err)
	}
}

// systemd hands credentials to a service's user through an access control list, which shows as mode 0440:
// https://github.com/systemd/systemd/issues/29435
func TestAccessControlLists(t *testing.T) {
	entry := func(tag, perm byte, id uint32) string {
		return string([]byte{tag, 0, perm, 0, byte(id), byte(id >> 8), byte(id >> 16), byte(id >> 24)})
	}
	const none = ^uint32(0)
	me := uint32(os.Geteuid())
	list := func(group, user, named string) string {
		return "\x02\x00\x00\x00" + entry(0x01, 4, none) + user + group + named + entry(0x10, 4, none) + entry(0x20, 0, none)
	}
	noGroup := entry(0x04, 0, none)
	for _, test := range []struct {
		name, list string
		ok         bool
	}{
		{"the service's user", list(noGroup, entry(0x02, 4, me), ""), true},
		{"another user", list(noGroup, entry(0x02, 4, me+54321), ""), false},
		{"the file's group", list(entry(0x04, 4, none), entry(0x02, 4, me), ""), false},
		{"another group", list(noGroup, entry(0x02, 4, me), entry(0x08, 4, 54321)), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := credentials(t)
			path := filepath.Join(dir, "client_key")
			if err := unix.Setxattr(path, "system.posix_acl_access", []byte(test.list), 0); err != nil {
				t.Skipf("this file system has no access control lists: %v", err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o440 {
				t.Fatalf("mode %v (%v), want 0440 as systemd's files have", info.Mode(), err)
			}
			if _, err := config.Load(write(t, dir, "cpmd.toml", least)); (err == nil) != test.ok {
				t.Errorf("Load: %v, want ok = %v", err, test.ok)
			}
		})
	}
}

func TestCredentialsDirectory(t *testing.T) {
	handed, own := credentials(t), credentials(t)
	write(t, own, "client_key", "of-the-folder\n")
	path := write(t, own, "cpmd.toml", least)
	for _, test := range []struct{ dir, want string }{{handed, "CANARY-CLIENT-KEY"}, {"", "of-the-folder"}} {
		t.Setenv("CREDENTIALS_DIRECTORY", test.dir)
		c, err := config.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Gateway.ClientKey.Reveal(); got != test.want {
			t.Errorf("CREDENTIALS_DIRECTORY=%q: client key %q, want %q", test.dir, got, test.want)
		}
	}
}

// A named pipe in place of a credential must not stop cpmd.
func TestSecretThatIsNoFile(t *testing.T) {
	dir := credentials(t)
	path := filepath.Join(dir, "client_key")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(write(t, dir, "cpmd.toml", least))
	if err == nil || !strings.Contains(err.Error(), "is not a file; name the file that holds the secret") {
		t.Errorf("Load: %v", err)
	}
}
